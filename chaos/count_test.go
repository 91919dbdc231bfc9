//go:build unix

package chaos

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// forcing are the faults after which an output has to be made again: the
// prediction came to nothing, or to nothing that may be used.
var forcing = []fake.Kind{
	fake.Fail, fake.Abort, fake.Stuck, fake.OutputNull, fake.OutputNotImage, fake.OutputBlank, fake.OutputSmall, fake.OutputColour,
	fake.DataRemoved, fake.GridNone, fake.GridTruncated, fake.JudgeNonsense, fake.JudgeEmpty,
}

func forced(e fake.Entry) bool {
	return slices.ContainsFunc(e.Faults, func(k fake.Kind) bool { return slices.Contains(forcing, k) })
}

// unanswered are the faults after which only the provider's list tells that a
// prediction was made.
var unanswered = []fake.Kind{fake.HoldReply, fake.ServerErrorAfter, fake.BadGatewayAfter, fake.EOFAfter}

// nameless reports whether nobody can know whose a prediction is: its create was
// not answered, and its input was removed with its output before it was looked
// for. It came to nothing, and has to be made again.
func nameless(e fake.Entry) bool {
	return slices.Contains(e.Faults, fake.DataRemoved) &&
		slices.ContainsFunc(e.Faults, func(k fake.Kind) bool { return slices.Contains(unanswered, k) })
}

// account is what a run came to.
type account struct {
	Made   int // predictions, by the provider's own log
	Wanted int // outputs that jobs came to have
	Forced int // tries that an injected fault, or a check, brought to nothing
	Twice  int // predictions in the words of an earlier one that no fault had struck

	Unknown     []string // predictions that no attempt of any job knows
	Unjustified []string // attempts that ended in nothing although no fault had struck them
	Rejected    int      // of Forced: those that a check refused without a fault
	Lost        []string // pictures that were made and are in no stored object
}

// needed is how many predictions a system makes that never pays twice.
func (a account) needed() int { return a.Wanted + a.Forced }

func (a account) amplification() float64 { return float64(a.Made) / float64(max(a.needed(), 1)) }

// count compares the provider's log with what jobs record of their attempts
// and with the predictions whose results are stored.
func count(log []fake.Entry, jobs []plan.Record, stored map[string]bool) account {
	a := account{Made: len(log)}
	byID := make(map[string]fake.Entry, len(log))
	words := map[string]bool{}
	for _, e := range log {
		byID[e.ID] = e
		if words[e.InputDigest] {
			a.Twice++
		}
		words[e.InputDigest] = !forced(e) // what has no seed is asked for again in the same words
	}
	known := map[string]bool{}
	for _, r := range jobs {
		for _, try := range r.Attempts {
			if try.Model == "" {
				continue // nothing was bought
			}
			known[try.PredictionID] = true
			a.try(r, try, byID[try.PredictionID])
		}
	}
	for _, e := range log {
		switch {
		case known[e.ID]:
		case nameless(e):
			a.Forced++
		default:
			a.Unknown = append(a.Unknown, fmt.Sprintf("%s (%s, seed %d, created %s, %s, faults %v)", e.ID, e.Model, e.Seed, e.Created.Format(time.TimeOnly), e.Status, e.Faults))
		}
		if e.Status == "succeeded" && !forced(e) && !stored[e.ID] {
			a.Lost = append(a.Lost, e.ID)
		}
	}
	return a
}

// try counts one attempt.
func (a *account) try(r plan.Record, try plan.Attempt, e fake.Entry) {
	switch {
	case try.Outcome == plan.OutcomeSucceeded:
		a.Wanted++
	case e.ID != "" && forced(e):
		a.Forced++
	case e.ID != "" && try.Outcome == plan.OutcomeRejected:
		a.Forced++
		a.Rejected++
	case try.PredictionID == "" && (try.Outcome == plan.OutcomeInvalid || try.Outcome == plan.OutcomeModerated || try.Outcome == plan.OutcomeCanceled):
		// refused before there was a prediction
	default:
		a.Unjustified = append(a.Unjustified, fmt.Sprintf("%s of job %s: %s %s, prediction %s (%s, faults %v): %s", try.ID, r.ID,
			try.State, try.Outcome, cmp.Or(try.PredictionID, "none"), e.Status, e.Faults, try.Reason))
	}
}

// results reads every receipt and returns the predictions whose results are
// stored, each compared with its digest.
func results(ctx context.Context, store storage.Store) (map[string]bool, error) {
	objects, err := store.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("listing what is stored: %w", err)
	}
	stored := map[string]bool{}
	for _, o := range objects {
		if !strings.HasSuffix(o.Key, ".json") || !strings.Contains(o.Key, "/items/") && !strings.Contains(o.Key, "/grids/") {
			continue
		}
		b, err := store.Get(ctx, o.Key)
		if err != nil {
			return nil, fmt.Errorf("reading a receipt: %w", err)
		}
		var a plan.Attempt
		if err := json.Unmarshal(b, &a); err != nil {
			return nil, fmt.Errorf("reading the receipt %s: %w", o.Key, err)
		}
		if a.Image == nil || a.PredictionID == "" {
			continue
		}
		if body, err := store.Get(ctx, a.Image.Key); err == nil && digestOf(body) == a.Image.SHA256 {
			stored[a.PredictionID] = true
		}
	}
	return stored, nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// The account itself must notice each way of paying in vain, or a run proves
// nothing.
func TestCount(t *testing.T) {
	entry := func(id, words, status string, faults ...fake.Kind) fake.Entry {
		return fake.Entry{ID: id, InputDigest: words, Status: status, Faults: faults}
	}
	job := func(tries ...plan.Attempt) []plan.Record {
		r := plan.Record{ID: "j", State: trainset.JobSucceeded, Attempts: map[string]plan.Attempt{}}
		for i, a := range tries {
			a.ID, a.Model, a.State = plan.AttemptID("image.1", i+1), "m", plan.AttemptEnded
			r.Attempts[a.ID] = a
		}
		return []plan.Record{r}
	}
	made := func(id string, o plan.Outcome) plan.Attempt { return plan.Attempt{PredictionID: id, Outcome: o} }
	for _, c := range []struct {
		name                                 string
		log                                  []fake.Entry
		jobs                                 []plan.Record
		stored                               string
		needed, twice, unknown, unjust, lost int
	}{
		{
			name: "one for one", log: []fake.Entry{entry("a", "1", "succeeded", fake.EOFAfter)},
			jobs: job(made("a", plan.OutcomeSucceeded)), stored: "a", needed: 1,
		},
		{
			name: "again after a fault", log: []fake.Entry{entry("a", "1", "failed", fake.Fail), entry("b", "2", "succeeded")},
			jobs: job(made("a", plan.OutcomeFailed), made("b", plan.OutcomeSucceeded)), stored: "b", needed: 2,
		},
		{
			name: "again in the same words", log: []fake.Entry{entry("a", "1", "failed", fake.Fail), entry("b", "1", "succeeded")},
			jobs: job(made("a", plan.OutcomeFailed), made("b", plan.OutcomeSucceeded)), stored: "b", needed: 2,
		},
		{
			name: "sent twice", log: []fake.Entry{entry("a", "1", "succeeded"), entry("b", "1", "succeeded")},
			jobs: job(made("b", plan.OutcomeSucceeded)), stored: "b", needed: 1, twice: 1, unknown: 1, lost: 1,
		},
		{
			name: "nobody can know whose it was", log: []fake.Entry{entry("a", "1", "succeeded", fake.HoldReply, fake.DataRemoved), entry("b", "1", "succeeded")},
			jobs: job(made("b", plan.OutcomeSucceeded)), stored: "b", needed: 2,
		},
		{
			name: "answered, and forgotten", log: []fake.Entry{entry("a", "1", "succeeded", fake.DataRemoved), entry("b", "1", "succeeded")},
			jobs: job(made("b", plan.OutcomeSucceeded)), stored: "b", needed: 1, unknown: 1,
		},
		{
			name: "given up without a fault", log: []fake.Entry{entry("a", "1", "succeeded"), entry("b", "2", "succeeded")},
			jobs: job(made("a", plan.OutcomeLost), made("b", plan.OutcomeSucceeded)), stored: "b", needed: 1, unjust: 1, lost: 1,
		},
		{
			name: "counted but not stored", log: []fake.Entry{entry("a", "1", "succeeded")},
			jobs: job(made("a", plan.OutcomeSucceeded)), needed: 1, lost: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := count(c.log, c.jobs, map[string]bool{c.stored: c.stored != ""})
			if a.Made != len(c.log) || a.needed() != c.needed || a.Twice != c.twice || len(a.Unknown) != c.unknown ||
				len(a.Unjustified) != c.unjust || len(a.Lost) != c.lost {
				t.Errorf("%+v", a)
			}
			if good := c.twice+c.unknown+c.unjust == 0; good != (a.amplification() == 1) {
				t.Errorf("amplification %v", a.amplification())
			}
		})
	}
}
