package paid_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// journal keeps attempts as the ledger does, in memory.
type journal struct {
	mu sync.Mutex
	m  map[string]plan.Attempt
}

func (j *journal) Open(_ context.Context, a plan.Attempt) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.m[a.ID]; ok {
		return a, ledger.ErrExists
	}
	a.Version, a.State, a.Cost, a.IntentAt = 1, plan.AttemptIntent, a.Price, time.Now()
	j.m[a.ID] = a
	return a, nil
}

func (j *journal) Write(_ context.Context, a plan.Attempt, _ trainset.Money) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.m[a.ID].Version != a.Version {
		return a, ledger.ErrStale
	}
	a.Version++
	j.m[a.ID] = a
	return a, nil
}

func (j *journal) Attempt(_ context.Context, _ trainset.JobID, id string) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.m[id], nil
}

func (j *journal) Predictions(context.Context, trainset.JobID) (map[string]bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := map[string]bool{}
	for a := range maps.Values(j.m) {
		taken[a.PredictionID] = a.PredictionID != ""
	}
	return taken, nil
}

// create is how the provider treats one create.
type create int

const (
	accepts        create = iota
	acceptsSilent         // accepts, but the answer is lost
	refusesBusy           // 429
	refusesDown           // nothing was sent
	dropsSilent           // does not accept, and the answer is lost
	acceptsCrashed        // accepts, and the worker dies before it knows
)

// provider makes predictions that take two seconds. It counts what it accepts.
type provider struct {
	mu       sync.Mutex
	script   []create
	accepted []replicate.Prediction
	crash    context.CancelFunc // kills the worker that is calling
	failure  string             // of every prediction, if any
	fetch    []error            // of the first downloads
}

const lag = 3 * time.Second // until a prediction is listed

func (p *provider) Create(ctx context.Context, r replicate.CreateRequest) (replicate.Prediction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how := accepts
	if len(p.script) > 0 {
		how, p.script = p.script[0], p.script[1:]
	}
	switch how {
	case refusesBusy:
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassThrottled, After: time.Second}
	case refusesDown:
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassTransient}
	case dropsSilent:
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassAmbiguous}
	case accepts, acceptsSilent, acceptsCrashed:
	}
	pred := replicate.Prediction{
		ID: fmt.Sprintf("p%d", len(p.accepted)+1), Model: r.Model, Input: r.Input, Status: replicate.StatusStarting, CreatedAt: time.Now(),
	}
	p.accepted = append(p.accepted, pred)
	switch how {
	case acceptsSilent:
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassAmbiguous}
	case acceptsCrashed:
		p.crash()
		return replicate.Prediction{}, ctx.Err()
	case accepts, refusesBusy, refusesDown, dropsSilent:
	}
	return pred, nil
}

func (p *provider) Get(_ context.Context, id string) (replicate.Prediction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pred := range p.accepted {
		if pred.ID != id {
			continue
		}
		if time.Since(pred.CreatedAt) >= 2*time.Second {
			pred.Status, pred.Output, pred.CompletedAt = replicate.StatusSucceeded, []string{"https://out/" + id}, pred.CreatedAt.Add(2*time.Second)
			if p.failure != "" {
				pred.Status, pred.Output, pred.Error = replicate.StatusFailed, nil, p.failure
			}
		}
		return pred, nil
	}
	return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassNotFound}
}

func (p *provider) List(_ context.Context, q replicate.ListQuery) (replicate.Page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var page replicate.Page
	for i := len(p.accepted) - 1; i >= 0; i-- {
		if pred := p.accepted[i]; time.Since(pred.CreatedAt) >= lag && pred.CreatedAt.After(q.CreatedAfter) {
			page.Predictions = append(page.Predictions, pred)
		}
	}
	return page, nil
}

func (p *provider) Fetch(context.Context, string, int64) ([]byte, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fetch) > 0 {
		err := p.fetch[0]
		p.fetch = p.fetch[1:]
		return nil, "", err
	}
	return []byte("image"), "image/png", nil
}

// freely gives permits at once and notes what is reported.
type freely struct{ reported []replicate.Class }

func (f *freely) Permit(ctx context.Context, _ string) error { return ctx.Err() }
func (f *freely) Accepted(context.Context)                   {}
func (f *freely) Report(_ context.Context, e *replicate.Error) {
	f.reported = append(f.reported, e.Class)
}

func newPayer(j *journal, p *provider, l *freely) *paid.Payer {
	return paid.New(j, p, l, paid.NewSearch(p, j, paid.SearchOptions{}), &paid.Pace{}, paid.Options{})
}

func fresh(id string) plan.Attempt {
	return plan.Attempt{ID: id, Job: "job", Model: "o/m", Price: trainset.USD(0.04), Input: map[string]any{"prompt": "x", "seed": int64(len(id))}}
}

// once repeats Once as a worker that may crash does, until the attempt is done.
func once(t interface{ Fatal(...any) }, j *journal, p *provider, id string) (plan.Attempt, paid.Output) {
	for range 50 {
		ctx, kill := context.WithCancel(context.Background())
		p.crash = kill
		a := fresh(id)
		if known, _ := j.Attempt(ctx, "job", id); known.ID != "" {
			a = known
		}
		a, out, err := newPayer(j, p, &freely{}).Once(ctx, "u", a)
		kill()
		if err == nil {
			return a, out
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal("once:", err)
		}
	}
	t.Fatal("the attempt never ends")
	return plan.Attempt{}, paid.Output{}
}

// Whatever goes wrong around creates, in any order, with workers that die in
// between: an attempt buys exactly one prediction.
func TestOnceBuysOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		script := rapid.SliceOfN(rapid.SampledFrom([]create{accepts, acceptsSilent, refusesBusy, refusesDown, dropsSilent, acceptsCrashed}), 0, 6).Draw(r, "script")
		synctest.Test(t, func(*testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{script: script}
			a, out := once(r, j, p, "image.1.1")
			if len(p.accepted) != 1 {
				r.Fatalf("the provider accepted %d predictions", len(p.accepted))
			}
			if a.State != plan.AttemptPredicted || string(out.Data) != "image" {
				r.Fatalf("state %s, output %q", a.State, out.Data)
			}
		})
	})
}

func TestAdoptionTakesTheOwnPrediction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{script: []create{accepts, acceptsSilent}}
		first, _ := once(t, j, p, "image.1.1")
		second, _ := once(t, j, p, "image.12.1")
		if first.PredictionID != "p1" || second.PredictionID != "p2" || len(p.accepted) != 2 {
			t.Errorf("first %s, second %s, accepted %d", first.PredictionID, second.PredictionID, len(p.accepted))
		}
	})
}

func TestUncertainIntentIsAskedAgainOnlyWhenAbsenceIsCertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{script: []create{dropsSilent}}
		start := time.Now()
		once(t, j, p, "image.1.1")
		if asked := p.accepted[0].CreatedAt.Sub(start); asked < 40*time.Second || asked > 50*time.Second {
			t.Errorf("asked again after %s", asked)
		}
	})
}

func TestIntentTooOldIsLostAndPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
		a, _ := j.Open(t.Context(), fresh("image.1.1"))
		time.Sleep(51 * time.Minute) //nolint:forbidigo // fake time
		a, _, err := newPayer(j, p, &freely{}).Once(t.Context(), "u", a)
		if err != nil || a.Outcome != plan.OutcomeLost || a.Cost != a.Price || len(p.accepted) != 0 {
			t.Errorf("outcome %s, cost %s, accepted %d, %v", a.Outcome, a.Cost, len(p.accepted), err)
		}
	})
}

func TestFailuresEndTheAttemptForNothing(t *testing.T) {
	for text, want := range map[string]plan.Outcome{
		"The input or output was flagged as sensitive. (E005)": plan.OutcomeModerated,
		"Service is temporarily unavailable (E004)":            plan.OutcomeFailed,
		"CUDA out of memory (E1001)":                           plan.OutcomeInvalid,
		"something nobody has seen":                            plan.OutcomeFailed,
	} {
		synctest.Test(t, func(t *testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{failure: text}
			a, _ := once(t, j, p, "image.1.1")
			if a.State != plan.AttemptEnded || a.Outcome != want || a.Cost != 0 || a.Reason == "" {
				t.Errorf("%s: %s, cost %s, reason %q", text, a.Outcome, a.Cost, a.Reason)
			}
		})
	}
}

func TestFetchIsRepeatedWhileTheOutputLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &replicate.Error{Class: replicate.ClassTransient}
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{fetch: []error{cut, cut, cut}}
		if _, out := once(t, j, p, "image.1.1"); string(out.Data) != "image" || len(p.accepted) != 1 {
			t.Errorf("output %q of %d predictions", out.Data, len(p.accepted))
		}
		p.fetch = []error{&replicate.Error{Class: replicate.ClassLost}}
		a, _ := once(t, j, p, "image.12.1")
		if a.Outcome != plan.OutcomeLost || a.Cost != a.Price {
			t.Errorf("outcome %s, cost %s", a.Outcome, a.Cost)
		}
	})
}

func TestCreditProblemsAreReportedAndNothingIsBought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, l := &journal{m: map[string]plan.Attempt{}}, &refusing{}
		p := &broke{}
		a, _, err := paid.New(j, p, l, nil, &paid.Pace{}, paid.Options{}).Once(t.Context(), "u", fresh("image.1.1"))
		if !errors.Is(err, errCircuit) || a.State != plan.AttemptIntent || l.reported[0] != replicate.ClassCredit || p.creates != 1 {
			t.Errorf("state %s, reported %v, creates %d, %v", a.State, l.reported, p.creates, err)
		}
	})
}

var errCircuit = errors.New("the circuit is open")

// refusing opens its circuit at the first report.
type refusing struct{ freely }

func (r *refusing) Permit(context.Context, string) error {
	if len(r.reported) > 0 {
		return errCircuit
	}
	return nil
}

// broke is a provider whose account has no credit.
type broke struct {
	provider

	creates int
}

func (b *broke) Create(context.Context, replicate.CreateRequest) (replicate.Prediction, error) {
	b.creates++
	return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassCredit, Status: 402}
}

func TestPaceSharesTheBudgetAndLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &paid.Pace{PerSecond: 40}
		for range 400 {
			p.Enter()
		}
		if got := p.Every(); got != 10*time.Second {
			t.Errorf("400 waiting: every %s", got)
		}
		if got := p.First("m", time.Now()); got != 0 {
			t.Errorf("an unknown model: first after %s", got)
		}
		now := time.Now()
		for i := range 10 {
			p.Observe("m", replicate.Prediction{Status: replicate.StatusSucceeded, CreatedAt: now, CompletedAt: now.Add(time.Duration(i+10) * time.Second)})
		}
		if got := p.First("m", now); got != 12*time.Second {
			t.Errorf("a learnt model: first after %s", got)
		}
	})
}
