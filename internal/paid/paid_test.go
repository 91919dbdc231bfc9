package paid_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	mu       sync.Mutex
	m        map[string]plan.Attempt
	canceled bool
	refuse   error // of Open
}

func (j *journal) Stopped(context.Context, trainset.JobID) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.canceled, nil
}

func (j *journal) cancel() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.canceled = true
}

func (j *journal) Open(_ context.Context, a plan.Attempt) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.m[a.ID]; ok {
		return a, ledger.ErrExists
	}
	if j.refuse != nil {
		return a, j.refuse
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
	refusesModel          // 404
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
	removed  bool               // the data of predictions, with the first download that fails
	gone     bool
	latency  time.Duration // of a prediction; 2 s when 0
	stuck    bool          // predictions do not start
	ended    map[string]replicate.Status
	refuse   replicate.Class // what Cancel is refused with, if it is
	cancels  int
	requests []replicate.CreateRequest
	polls    int
}

const lag = 3 * time.Second // until a prediction is listed

func (p *provider) Create(ctx context.Context, r replicate.CreateRequest) (replicate.Prediction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
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
	case refusesModel:
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassNotFound}
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
	case accepts, refusesBusy, refusesDown, dropsSilent, refusesModel:
	}
	return pred, nil
}

func (p *provider) Get(_ context.Context, id string) (replicate.Prediction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polls++
	return p.get(id)
}

func (p *provider) polled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polls
}

func (p *provider) get(id string) (replicate.Prediction, error) {
	latency := cmp.Or(p.latency, 2*time.Second)
	for _, pred := range p.accepted {
		if pred.ID != id {
			continue
		}
		switch status, ended := p.ended[id]; {
		case ended:
			pred.Status = status
			if status == replicate.StatusCanceled {
				pred.StartedAt = pred.CreatedAt
			}
		case p.stuck:
		case time.Since(pred.CreatedAt) < latency:
			pred.Status, pred.StartedAt = replicate.StatusProcessing, pred.CreatedAt
		case p.failure != "":
			pred.Status, pred.Error = replicate.StatusFailed, p.failure
		default:
			pred.Status, pred.Output, pred.CompletedAt = replicate.StatusSucceeded, []string{"https://out/" + id}, pred.CreatedAt.Add(latency)
			if p.gone {
				pred.Output, pred.DataRemoved = nil, true
			}
		}
		return pred, nil
	}
	return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassNotFound}
}

func (p *provider) Cancel(_ context.Context, id string) (replicate.Prediction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancels++
	if p.refuse != "" {
		return replicate.Prediction{}, &replicate.Error{Class: p.refuse, Op: "cancel a prediction"}
	}
	pred, err := p.get(id)
	if err != nil || pred.Terminal() {
		return pred, err
	}
	status := replicate.StatusCanceled
	if pred.Status == replicate.StatusStarting {
		status = replicate.StatusAborted
	}
	p.note(id, status)
	return p.get(id)
}

// end is the provider's own doing.
func (p *provider) end(id string, status replicate.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(id, status)
}

func (p *provider) refuseCancel(with replicate.Class) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = with
}

// start lets predictions start that did not.
func (p *provider) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = false
}

func (p *provider) note(id string, status replicate.Status) {
	if p.ended == nil {
		p.ended = map[string]replicate.Status{}
	}
	p.ended[id] = status
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

func (p *provider) Fetch(context.Context, string, int64, func(context.Context, int64) error) ([]byte, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fetch) > 0 {
		err := p.fetch[0]
		p.fetch, p.gone = p.fetch[1:], p.removed
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
		a, out, err := newPayer(j, p, &freely{}).Once(ctx, a)
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
		a, _, err := newPayer(j, p, &freely{}).Once(t.Context(), a)
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
		p.fetch = []error{&replicate.Error{Class: replicate.ClassLost}} // its address is none
		a, _ := once(t, j, p, "image.12.1")
		if a.Outcome != plan.OutcomeLost || a.Cost != a.Price {
			t.Errorf("outcome %s, cost %s", a.Outcome, a.Cost)
		}
	})
}

// bare is a provider that names the output of a prediction some looks after it says
// that it has succeeded.
type bare struct {
	*provider

	looks int
}

func (p *bare) Get(ctx context.Context, id string) (replicate.Prediction, error) {
	pred, err := p.provider.Get(ctx, id)
	if pred.Status == replicate.StatusSucceeded && p.looks > 0 {
		p.looks--
		pred.Output = nil
	}
	return pred, err
}

// A success without an output is looked at again before the image is made once more:
// it was paid for. One whose data is removed has none any more.
func TestASuccessMayNameItsOutputLate(t *testing.T) {
	for looks, want := range map[int]plan.Outcome{1: "", 2: "", 1000: plan.OutcomeLost} {
		synctest.Test(t, func(t *testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &bare{&provider{}, looks}
			begun := time.Now()
			a := <-run(paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{}), fresh("image.1.1"))
			if a.Outcome != want || want == "" && len(a.Output) != 1 || time.Since(begun) > 10*time.Second {
				t.Errorf("after %d looks: %s %s, %v, in %s", looks, a.State, a.Outcome, a.Output, time.Since(begun))
			}
		})
	}
}

// An output that a download does not find may be there: its prediction says so.
func TestAnOutputIsGoneWhenItsPredictionSaysSo(t *testing.T) {
	gone := &replicate.Error{Class: replicate.ClassLost, Status: 404}
	for name, c := range map[string]struct {
		downloads int // that find nothing
		removed   bool
		want      plan.Outcome
		within    time.Duration
	}{
		"it is there":         {4, false, plan.OutcomeSucceeded, 10 * time.Second},
		"it is never found":   {5, false, plan.OutcomeLost, 10 * time.Second},
		"its data is removed": {1, true, plan.OutcomeLost, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: time.Millisecond}
				for range c.downloads {
					p.fetch = append(p.fetch, gone)
				}
				p.removed = c.removed
				began := time.Now()
				a, out := once(t, j, p, "image.1.1")
				if found := string(out.Data) == "image"; found != (c.want == plan.OutcomeSucceeded) || !found && a.Outcome != c.want {
					t.Errorf("%s: %s, %q", a.State, a.Outcome, out.Data)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestCreditProblemsAreReportedAndNothingIsBought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, l := &journal{m: map[string]plan.Attempt{}}, &refusing{}
		p := &broke{}
		a, _, err := paid.New(j, p, l, nil, &paid.Pace{}, paid.Options{}).Once(t.Context(), fresh("image.1.1"))
		if !errors.Is(err, errCircuit) || a.State != plan.AttemptIntent || l.reported[0] != replicate.ClassCredit || p.creates != 1 {
			t.Errorf("state %s, reported %v, creates %d, %v", a.State, l.reported, p.creates, err)
		}
		// Whoever goes on, once the circuit is closed, asks at once: there is nothing
		// to look for, and nobody who would.
		begun, rich := time.Now(), &provider{}
		a, _, err = paid.New(j, rich, &freely{}, nil, &paid.Pace{}, paid.Options{Owner: "another"}).Once(t.Context(), j.m["image.1.1"])
		if err != nil || a.State != plan.AttemptPredicted || a.Unsent || time.Since(begun) > 10*time.Second {
			t.Errorf("state %s, unsent %t after %s, %v", a.State, a.Unsent, time.Since(begun), err)
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

// run carries an attempt out beside the test, which may act meanwhile.
func run(p *paid.Payer, a plan.Attempt) <-chan plan.Attempt {
	done := make(chan plan.Attempt, 1)
	go func() {
		a, _, err := p.Once(context.Background(), a)
		if err != nil {
			a.Reason = "error: " + err.Error()
		}
		done <- a
	}()
	return done
}

func after(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

func TestCancelingEndsARunningPrediction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bell := new(paid.Bell)
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: time.Hour}
		done := run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 0.001}, paid.Options{Bell: bell}), fresh("image.1.1"))
		after(10 * time.Second)
		begun := time.Now()
		j.cancel()
		bell.Ring("job", "")
		a := <-done
		if a.Outcome != plan.OutcomeCanceled || a.Cost != a.Price || time.Since(begun) > time.Second {
			t.Errorf("%s after %s, cost %s: %s", a.Outcome, time.Since(begun), a.Cost, a.Reason)
		}
	})
}

// What had succeeded when the job was canceled was paid for: it is used.
func TestCancelingUsesWhatHadSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bell := new(paid.Bell)
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: 5 * time.Second}
		done := run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 0.001}, paid.Options{Bell: bell}), fresh("image.1.1"))
		after(10 * time.Second)
		j.cancel()
		bell.Ring("job", "")
		if a := <-done; a.State != plan.AttemptPredicted {
			t.Errorf("%s %s: %s", a.State, a.Outcome, a.Reason)
		}
	})
}

// A provider that does not end a prediction, because it has ended or for reasons
// of its own, does not keep the job from its end: what became of it counts.
func TestWhatCannotBeCanceledComesToItsOwnEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		refuse  replicate.Class
		cancel  time.Duration
		ended   replicate.Status // by the provider
		failure string
		state   plan.AttemptState
		outcome plan.Outcome
		cost    trainset.Money
	}{
		{name: "succeeded", refuse: replicate.ClassInvalid, cancel: 10 * time.Second, state: plan.AttemptPredicted, cost: fresh("").Price},
		{name: "still runs, then succeeds", refuse: replicate.ClassInvalid, cancel: time.Second, state: plan.AttemptPredicted, cost: fresh("").Price},
		{name: "succeeded, refused in the filter's words", refuse: replicate.ClassModerated, cancel: 10 * time.Second, state: plan.AttemptPredicted, cost: fresh("").Price},
		{name: "failed", refuse: replicate.ClassInvalid, cancel: 10 * time.Second, failure: "busy (E004)", state: plan.AttemptEnded, outcome: plan.OutcomeFailed},
		{name: "canceled", refuse: replicate.ClassInvalid, cancel: time.Second, ended: replicate.StatusCanceled, state: plan.AttemptEnded, outcome: plan.OutcomeCanceled, cost: fresh("").Price},
		{name: "aborted", refuse: replicate.ClassInvalid, cancel: time.Second, ended: replicate.StatusAborted, state: plan.AttemptEnded, outcome: plan.OutcomeCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bell := new(paid.Bell)
				j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: 5 * time.Second, refuse: c.refuse, failure: c.failure}
				done := run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 0.05}, paid.Options{Bell: bell}), fresh("image.1.1"))
				after(c.cancel)
				j.cancel()
				if c.ended != "" {
					p.end("p1", c.ended)
				}
				bell.Ring("job", "")
				if a := <-done; a.State != c.state || a.Outcome != c.outcome || a.Cost != c.cost {
					t.Errorf("%s %s for %s: %s", a.State, a.Outcome, a.Cost, a.Reason)
				}
				if len(p.accepted) != 1 || p.cancels == 0 {
					t.Errorf("%d predictions, %d tries to end them", len(p.accepted), p.cancels)
				}
			})
		})
	}
}

// A provider that goes on refusing is asked ever less often.
func TestWhatCannotBeCanceledIsNotAskedForAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}, canceled: true}, &provider{latency: 5 * time.Minute, refuse: replicate.ClassInvalid}
		if a := <-run(newPayer(j, p, &freely{}), fresh("image.1.1")); a.State != plan.AttemptPredicted || p.cancels > 20 {
			t.Errorf("%s %s after %d tries to end it: %s", a.State, a.Outcome, p.cancels, a.Reason)
		}
	})
}

func TestAPredictionThatDoesNotStartIsEndedForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{stuck: true}
		begun := time.Now()
		a := <-run(newPayer(j, p, &freely{}), fresh("image.1.1"))
		if a.Outcome != plan.OutcomeFailed || a.Cost != 0 || time.Since(begun) < 5*time.Minute || time.Since(begun) > 6*time.Minute {
			t.Errorf("%s after %s, cost %s: %s", a.Outcome, time.Since(begun), a.Cost, a.Reason)
		}
		if r := p.requests[0]; r.CancelAfter != 15*time.Minute {
			t.Errorf("the provider was told to end it after %s", r.CancelAfter)
		}
	})
}

// A provider that does not end what it was told to end after a time is told once
// more. Until it has, the attempt goes on, so that no other begins.
func TestAPredictionThatDoesNotEndIsEnded(t *testing.T) {
	for _, c := range []struct {
		name        string
		text        bool
		refuses     time.Duration // to end it, for so long
		least, most time.Duration
	}{
		{name: "an image", least: 17 * time.Minute, most: 18 * time.Minute},
		{name: "a text", text: true, least: 210 * time.Second, most: 220 * time.Second},
		{name: "refused at first", refuses: 30 * time.Minute, least: 30 * time.Minute, most: 31 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: 24 * time.Hour}
				if c.refuses > 0 {
					p.refuse = replicate.ClassInvalid
					time.AfterFunc(c.refuses, func() { p.refuseCancel("") })
				}
				begun, asked := time.Now(), fresh("image.1.1")
				asked.Text = c.text
				a := <-run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 1}, paid.Options{}), asked)
				took := time.Since(begun)
				if a.Outcome != plan.OutcomeFailed || a.Cost != a.Price || took < c.least || took > c.most {
					t.Errorf("%s for %s after %s: %s", a.Outcome, a.Cost, took, a.Reason)
				}
				if pred, err := p.Get(t.Context(), "p1"); err != nil || !pred.Terminal() || len(p.accepted) != 1 {
					t.Errorf("the attempt has ended, its prediction is %s; %d predictions, %v", pred.Status, len(p.accepted), err)
				}
			})
		})
	}
}

// What ends by itself before we look, however late, is used.
func TestAPredictionThatEndedLateIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: 16 * time.Minute}
		ctx, crash := context.WithTimeout(t.Context(), time.Second)
		defer crash()
		if _, _, err := newPayer(j, p, &freely{}).Once(ctx, fresh("image.1.1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		after(20 * time.Minute)
		if a, _ := once(t, j, p, "image.1.1"); a.State != plan.AttemptPredicted || p.cancels != 0 {
			t.Errorf("%s %s: %s", a.State, a.Outcome, a.Reason)
		}
	})
}

// inherited is an attempt whose prediction was accepted just now, by a worker
// whose clock was ahead.
func inherited(j *journal, p *provider, ahead time.Duration) plan.Attempt {
	a := fresh("image.1.1")
	a.State, a.PredictionID, a.IntentAt, a.Cost, a.Version = plan.AttemptAccepted, "p1", time.Now().Add(ahead), a.Price, 1
	j.m[a.ID] = a
	p.accepted = []replicate.Prediction{{ID: "p1", Model: a.Model, Input: a.Input, Status: replicate.StatusStarting, CreatedAt: time.Now()}}
	return a
}

// Nobody waits the longer for a prediction, the further ahead the clock was by
// which it was asked for.
func TestAClockAheadMakesNoWaitLonger(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ahead := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(r, "ahead"))
		for name, p := range map[string]*provider{
			"it succeeds": {}, "it does not start": {stuck: true}, "it does not end": {latency: 1000 * time.Hour},
		} {
			took := func(ahead time.Duration) (took time.Duration, a plan.Attempt) {
				synctest.Test(t, func(*testing.T) {
					j, p := &journal{m: map[string]plan.Attempt{}}, &provider{stuck: p.stuck, latency: p.latency}
					pace, now := &paid.Pace{PerSecond: 0.1}, time.Now()
					for range 10 {
						pace.Observe("o/m", replicate.Prediction{Status: replicate.StatusSucceeded, CreatedAt: now, CompletedAt: now.Add(20 * time.Second)})
					}
					a = <-run(paid.New(j, p, &freely{}, nil, pace, paid.Options{}), inherited(j, p, ahead))
					took = time.Since(now)
				})
				return took, a
			}
			agreed, as := took(0)
			skewed, a := took(ahead)
			if skewed > agreed || a.State != as.State || a.Outcome != as.Outcome {
				r.Errorf("%s: %s %s after %s, not %s %s after %s", name, a.State, a.Outcome, skewed, as.State, as.Outcome, agreed)
			}
		}
	})
}

// Whatever the clocks of the worker that asked for a prediction, and ours: it is
// given the time to start and to end that every one has.
func TestNoClockEndsAPredictionEarly(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ahead := time.Duration(rapid.IntRange(-20*60, 20*60).Draw(r, "their clock is ahead of ours by seconds")) * time.Second
		text := rapid.Bool().Draw(r, "text")
		p := &provider{latency: time.Minute}
		if rapid.Bool().Draw(r, "starts late") {
			p.stuck = true
		}
		synctest.Test(t, func(*testing.T) {
			j := &journal{m: map[string]plan.Attempt{}}
			a := inherited(j, p, ahead)
			a.Text = text
			time.AfterFunc(time.Minute, p.start)
			end := <-run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 1}, paid.Options{}), a)
			if end.State != plan.AttemptPredicted || p.cancels != 0 {
				r.Errorf("%s %s after %d cancels: %s", end.State, end.Outcome, p.cancels, end.Reason)
			}
		})
	})
}

// A text that others wait for is not waited for as long as a picture.
func TestATextMustStartSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{stuck: true}
		begun := time.Now()
		text := fresh("judge.1.1")
		text.Text = true
		a := <-run(newPayer(j, p, &freely{}), text)
		if a.Outcome != plan.OutcomeFailed || time.Since(begun) < 90*time.Second || time.Since(begun) > 2*time.Minute {
			t.Errorf("%s after %s: %s", a.Outcome, time.Since(begun), a.Reason)
		}
		if r := p.requests[0]; r.CancelAfter != 90*time.Second {
			t.Errorf("the provider was told to end it after %s", r.CancelAfter)
		}
	})
}

// A model that is gone is the trouble of who asks for it: nobody else is stopped.
func TestAModelThatIsGoneEndsTheAttemptForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, l := &journal{m: map[string]plan.Attempt{}}, &provider{script: []create{refusesModel}}, &freely{}
		a := <-run(newPayer(j, p, l), fresh("image.1.1"))
		if a.Outcome != plan.OutcomeInvalid || a.Cost != 0 || len(l.reported) != 0 {
			t.Errorf("%s for %s, reported %v", a.Outcome, a.Cost, l.reported)
		}
	})
}

// A prediction that the provider does not know waits for the token that it was
// made with, as long as its output could still be there.
func TestAnUnknownPredictionIsLostAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, l := &journal{m: map[string]plan.Attempt{}}, &provider{}, &freely{}
		a := fresh("image.1.1")
		a.State, a.PredictionID, a.IntentAt, a.Cost, a.Version = plan.AttemptAccepted, "of another account", time.Now(), a.Price, 1
		j.m[a.ID] = a
		if _, _, err := newPayer(j, p, l).Once(t.Context(), a); err == nil || len(l.reported) != 1 {
			t.Fatalf("error %v, reported %v", err, l.reported)
		}
		after(51 * time.Minute)
		a, _, err := newPayer(j, p, l).Once(t.Context(), j.m[a.ID])
		if err != nil || a.Outcome != plan.OutcomeLost || a.Cost != a.Price || len(l.reported) != 1 {
			t.Errorf("%s for %s, reported %v, error %v", a.Outcome, a.Cost, l.reported, err)
		}
	})
}

func TestCancelingEndsAnUnknownPrediction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, l := &journal{m: map[string]plan.Attempt{}, canceled: true}, &provider{}, &freely{}
		a := fresh("image.1.1")
		a.State, a.PredictionID, a.IntentAt, a.Cost, a.Version = plan.AttemptAccepted, "of another account", time.Now(), a.Price, 1
		j.m[a.ID] = a
		a, _, err := newPayer(j, p, l).Once(t.Context(), a)
		if err != nil || a.Outcome != plan.OutcomeCanceled || a.Cost != a.Price || len(l.reported) != 0 {
			t.Errorf("%s for %s, reported %v, error %v", a.Outcome, a.Cost, l.reported, err)
		}
	})
}

// A ring for the attempt has it looked at; one for another does not.
func TestARingIsALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bell := new(paid.Bell)
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: 3 * time.Second}
		done := run(paid.New(j, p, &freely{}, nil, &paid.Pace{PerSecond: 0.001}, paid.Options{
			Bell: bell, Webhook: func(_ trainset.JobID, attempt string) string { return "https://hook/" + attempt },
		}), fresh("image.1.1"))
		after(4 * time.Second)
		polls := p.polled()
		bell.Ring("job", "image.2.1")
		bell.Ring("other", "image.1.1")
		synctest.Wait()
		if p.polled() != polls {
			t.Error("it was looked at for another's ring")
		}
		bell.Ring("job", "image.1.1")
		synctest.Wait()
		select {
		case a := <-done:
			if a.State != plan.AttemptPredicted || p.requests[0].Webhook != "https://hook/image.1.1" {
				t.Errorf("%s: %s; webhook %q", a.State, a.Reason, p.requests[0].Webhook)
			}
		default:
			t.Error("nobody heard the ring")
			after(time.Hour)
		}
	})
}

// slowJournal holds its answers up, as a frozen process does.
type slowJournal struct {
	journal

	hold time.Duration
}

func (j *slowJournal) Open(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	a, err := j.journal.Open(ctx, a)
	time.Sleep(j.hold) //nolint:forbidigo // fake time
	return a, err
}

// A worker that was frozen after it journalled an intent does not send it: the
// other that took it over has.
func TestAHeldUpIntentIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{journal: journal{m: map[string]plan.Attempt{}}, hold: time.Minute}
		p := &provider{}
		frozen := run(paid.New(j, p, &freely{}, paid.NewSearch(p, j, paid.SearchOptions{}), &paid.Pace{}, paid.Options{Owner: "frozen"}), fresh("image.1.1"))
		after(12 * time.Second)
		known, err := j.Attempt(t.Context(), "job", "image.1.1")
		if err != nil {
			t.Fatal(err)
		}
		other := <-run(paid.New(j, p, &freely{}, paid.NewSearch(p, j, paid.SearchOptions{}), &paid.Pace{}, paid.Options{Owner: "other"}), known)
		a := <-frozen
		if len(p.accepted) != 1 || other.State != plan.AttemptPredicted || a.PredictionID != other.PredictionID {
			t.Errorf("the provider accepted %d predictions; %s and %s", len(p.accepted), a.Reason, other.Reason)
		}
	})
}

// slowProvider answers a create late, and lists nothing: it is out of order.
type slowProvider struct {
	*provider

	answers time.Duration
}

func (p slowProvider) Create(ctx context.Context, r replicate.CreateRequest) (replicate.Prediction, error) {
	pred, err := p.provider.Create(ctx, r)
	after(p.answers)
	return pred, err
}

func (slowProvider) List(context.Context, replicate.ListQuery) (replicate.Page, error) {
	return replicate.Page{}, errors.New("no answer")
}

// A worker that learns the ID of its prediction after another has taken the intent
// over has it journalled all the same: the other need not find it, which it may not
// before inputs vanish, and it would be made again.
func TestALateAnswerIsJournalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, slowProvider{&provider{}, 9 * time.Second}
		payer := func(owner string) *paid.Payer {
			return paid.New(j, p, &freely{}, paid.NewSearch(p, j, paid.SearchOptions{}), &paid.Pace{}, paid.Options{Owner: owner})
		}
		begun, first := time.Now(), run(payer("first"), fresh("image.1.1"))
		after(8 * time.Second)
		known, _ := j.Attempt(t.Context(), "job", "image.1.1")
		second := run(payer("second"), known)
		a, b := <-first, <-second
		if a.State != plan.AttemptPredicted || b.State != plan.AttemptPredicted || b.PredictionID != "p1" || len(p.accepted) != 1 {
			t.Errorf("%s %s and %s %s: prediction %q of %d", a.State, a.Outcome, b.State, b.Outcome, b.PredictionID, len(p.accepted))
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("known after %s", took)
		}
	})
}

// It is not written into an attempt that has the name of one which was deleted.
func TestALateAnswerIsOfItsOwnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, slowProvider{&provider{}, 9 * time.Second}
		ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
		defer end()
		frozen := paid.New(j, p, &freely{}, paid.NewSearch(p, j, paid.SearchOptions{}), &paid.Pace{}, paid.Options{Owner: "frozen"})
		time.AfterFunc(8*time.Second, func() {
			a := fresh("image.1.1")
			a.State, a.Owner, a.CreatedAt, a.IntentAt, a.Version = plan.AttemptIntent, "another", time.Now(), time.Now(), 1000
			j.mu.Lock()
			defer j.mu.Unlock()
			j.m[a.ID] = a
		})
		if _, _, err := frozen.Once(ctx, fresh("image.1.1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if a, _ := j.Attempt(t.Context(), "job", "image.1.1"); a.Version != 1000 || a.PredictionID != "" {
			t.Errorf("version %d: prediction %q", a.Version, a.PredictionID)
		}
	})
}

// What a worker still writes after another has taken its attempt over is refused.
func TestTheFormerOwnersWritesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{latency: time.Minute}
		first := run(paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Owner: "first"}), fresh("image.1.1"))
		after(time.Second)
		before, _ := j.Attempt(t.Context(), "job", "image.1.1")
		second := run(paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Owner: "second"}), before)
		synctest.Wait()
		if _, err := j.Write(t.Context(), before, 0); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("the former owner's write: %v", err)
		}
		if a, b := <-first, <-second; a.State != plan.AttemptPredicted || b.State != plan.AttemptPredicted || len(p.accepted) != 1 {
			t.Errorf("%s and %s of %d predictions", a.Reason, b.Reason, len(p.accepted))
		}
	})
}

func TestATextIsItsOwnOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
		a := fresh("judge.1.1")
		a.Text = true
		_, out, err := newPayer(j, p, &freely{}).Once(t.Context(), a)
		if err != nil || string(out.Data) != "https://out/p1" {
			t.Errorf("output %q, %v", out.Data, err)
		}
	})
}

// purse is a budget that notes what it is told.
type purse struct {
	refuse   error
	reserved trainset.Money
	settled  trainset.Money
	released []string
}

func (b *purse) Release(_ context.Context, _, attempt string) error {
	b.released = append(b.released, attempt)
	return nil
}

func (b *purse) Count(context.Context, string, string, time.Time, trainset.Money) error { return nil }

func (b *purse) Reserve(_ context.Context, _, _ string, price trainset.Money) error {
	b.reserved += price
	return b.refuse
}

func (b *purse) Settle(_ context.Context, _, _ string, _ time.Time, cost trainset.Money) error {
	b.settled += cost
	return nil
}

func TestTheBudgetIsAskedBeforeAnythingIsJournalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broke := errors.New("no money left today")
		j, p, b := &journal{m: map[string]plan.Attempt{}}, &provider{}, &purse{refuse: broke}
		_, _, err := paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Budget: b}).Once(t.Context(), fresh("image.1.1"))
		if !errors.Is(err, broke) || len(j.m) != 0 || len(p.accepted) != 0 {
			t.Errorf("%v; %d attempts, %d predictions", err, len(j.m), len(p.accepted))
		}
	})
}

func TestABudgetLearnsWhatWasNotSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, b := &journal{m: map[string]plan.Attempt{}}, &provider{failure: "busy (E004)"}, &purse{settled: 1}
		a := <-run(paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Budget: b}), fresh("image.1.1"))
		if b.reserved != a.Price || b.settled != 1 {
			t.Errorf("reserved %s, settled %s", b.reserved, b.settled)
		}
	})
}

// What the journal refuses is not counted as spent; where it is not known whether
// it did, the money stays aside.
func TestWhatIsRefusedIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			refusal error
			back    bool
		}{
			{&ledger.OverCapError{}, true},
			{ledger.ErrStopped, true},
			{ledger.ErrSettled, true},
			{errors.New("the connection broke"), false},
		} {
			j, p, b := &journal{m: map[string]plan.Attempt{}, refuse: c.refusal}, &provider{}, &purse{}
			_, _, err := paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Budget: b}).Once(t.Context(), fresh("image.1.1"))
			if !errors.Is(err, c.refusal) || slices.Equal(b.released, []string{"job/image.1.1"}) != c.back {
				t.Errorf("%v: given back %v; %v", c.refusal, b.released, err)
			}
		}
	})
}

// days is a budget of which nothing is left on some days.
type days struct {
	purse

	full  string                               // a day
	aside map[string]map[string]trainset.Money // by day and attempt
}

func (b *days) Reserve(_ context.Context, _, attempt string, price trainset.Money) error {
	today := time.Now().UTC().Format(time.DateOnly)
	if today == b.full {
		return overspent{}
	}
	b.put(today, attempt, price)
	return nil
}

func (b *days) Settle(_ context.Context, _, attempt string, at time.Time, cost trainset.Money) error {
	b.put(at.UTC().Format(time.DateOnly), attempt, cost)
	return nil
}

func (b *days) put(day, attempt string, m trainset.Money) {
	if b.aside[day] == nil {
		b.aside[day] = map[string]trainset.Money{}
	}
	b.aside[day][attempt] = m
}

type overspent struct{}

func (overspent) Error() string   { return "nothing is left today" }
func (overspent) Overspent() bool { return true }

// An intent that waited for credit until the next day is that day's, whose budget may
// refuse it.
func TestTheDayThatPaysIsTheOneThatIsAsked(t *testing.T) {
	for _, full := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			today, tomorrow := "2000-01-01", "2000-01-02" // as synctest has it
			b := &days{aside: map[string]map[string]trainset.Money{}}
			if full {
				b.full = tomorrow
			}
			j, o := &journal{m: map[string]plan.Attempt{}}, paid.Options{Budget: b}
			_, _, err := paid.New(j, &broke{}, &refusing{}, nil, &paid.Pace{}, o).Once(t.Context(), fresh("image.1.1"))
			if !errors.Is(err, errCircuit) || b.aside[today]["job/image.1.1"] != trainset.USD(0.04) {
				t.Fatalf("today has %v, %v", b.aside, err)
			}
			<-time.After(24 * time.Hour)
			p := &provider{}
			a, _, err := paid.New(j, p, &freely{}, nil, &paid.Pace{}, o).Once(t.Context(), j.m["image.1.1"])
			if err != nil || b.aside[today]["job/image.1.1"] != 0 {
				t.Errorf("today has %v, %v", b.aside, err)
			}
			switch {
			case full && (a.Outcome != plan.OutcomeFailed || a.Cost != 0 || !strings.Contains(a.Reason, "nothing is left today") || len(p.accepted) > 0):
				t.Errorf("%s %s for %s, %d predictions: %s", a.State, a.Outcome, a.Cost, len(p.accepted), a.Reason)
			case !full && (a.State != plan.AttemptPredicted || b.aside[tomorrow]["job/image.1.1"] != a.Price):
				t.Errorf("%s, tomorrow has %v", a.State, b.aside)
			}
		})
	}
}

// closed gives no permit, as while there is no credit.
type closed struct{ freely }

var errClosed = errors.New("no credit")

func (*closed) Permit(context.Context, string) error { return errClosed }

// What was certainly not accepted waits for credit, unless nobody wants it any more.
func TestCancelingEndsWhatWaitsForCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := fresh("image.1.1")
		a.State, a.Unsent, a.Version, a.Cost = plan.AttemptIntent, true, 1, a.Price
		j, p := &journal{m: map[string]plan.Attempt{a.ID: a}}, &provider{}
		payer := paid.New(j, p, &closed{}, nil, &paid.Pace{}, paid.Options{})
		if _, _, err := payer.Once(t.Context(), a); !errors.Is(err, errClosed) {
			t.Errorf("without credit: %v", err)
		}
		j.cancel()
		got, _, err := payer.Once(t.Context(), a)
		if err != nil || got.Outcome != plan.OutcomeCanceled || got.Cost != 0 || len(p.requests) > 0 {
			t.Errorf("canceled: %s at %s after %d requests, %v", got.Outcome, got.Cost, len(p.requests), err)
		}
	})
}

func TestPaceSharesTheBudgetAndLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &paid.Pace{PerSecond: 40}
		for range 400 {
			p.Enter()
		}
		if got := p.Next(0); got != 10*time.Second/3 {
			t.Errorf("400 waiting, and nothing asked yet: every %s", got)
		}
		const long = time.Hour // that it has been asked about
		if got := p.Next(long); got != 10*time.Second {
			t.Errorf("400 waiting: every %s", got)
		}
		p.Share(3)
		if got := p.Next(long); got != 30*time.Second {
			t.Errorf("400 waiting at each of three workers: every %s", got)
		}
		for range 200 { // more than is saved
			p.Next(0)
		}
		if got := p.Next(0); got <= 30*time.Second {
			t.Errorf("400 waiting, and too much asked: every %s", got)
		}
		if got := p.First("m", 0); got != 0 {
			t.Errorf("an unknown model: first after %s", got)
		}
		now := time.Now()
		for i := range 10 {
			p.Observe("m", replicate.Prediction{Status: replicate.StatusSucceeded, CreatedAt: now, CompletedAt: now.Add(time.Duration(i+10) * time.Second)})
		}
		if got := p.First("m", 0); got != 12*time.Second {
			t.Errorf("a learnt model: first after %s", got)
		}
		if got := p.First("m", 5*time.Second); got != 7*time.Second {
			t.Errorf("a learnt model, 5 s on: first after %s", got)
		}
	})
}

// Few predictions are asked about often, as long as the budget lasts, and however
// many there are, come and end: never more than the provider answers in a minute.
func TestPaceAsksOftenWithinTheMinute(t *testing.T) {
	for _, c := range []struct {
		waiting int           // at the start, each for a while
		lasting time.Duration // as long as each takes
		rate    int           // others that begin every second
	}{{1, time.Hour, 0}, {3, time.Hour, 0}, {12, 2 * time.Second, 0}, {40, time.Hour, 0}, {300, time.Hour, 0}, {0, 30 * time.Second, 10}, {300, 30 * time.Second, 10}, {0, time.Second, 10}} {
		synctest.Test(t, func(t *testing.T) {
			p, begun := new(paid.Pace), time.Now()
			var mu sync.Mutex
			var all sync.WaitGroup
			var asked []time.Duration
			poll := func() {
				defer p.Enter()()
				for polled := time.Now(); ; {
					mu.Lock()
					asked = append(asked, time.Since(begun))
					mu.Unlock()
					next := p.Next(time.Since(polled))
					if time.Since(polled) >= c.lasting || time.Since(begun) > 5*time.Minute {
						return
					}
					after(next)
				}
			}
			for range c.waiting {
				all.Go(poll)
			}
			for range 240 * c.rate {
				after(time.Second / time.Duration(c.rate))
				all.Go(poll)
			}
			all.Wait()
			slices.Sort(asked)
			most, first := 0, 0
			for i, at := range asked {
				for asked[first] <= at-time.Minute {
					first++
				}
				most = max(most, i-first+1)
			}
			if most > 3000 {
				t.Errorf("%+v: %d questions in a minute", c, most)
			}
			soon := len(asked) - len(slices.DeleteFunc(slices.Clone(asked), func(at time.Duration) bool { return at < 2*time.Second }))
			if c.rate == 0 && c.waiting <= 12 && soon < 2*min(40*c.waiting, 110) {
				t.Errorf("%+v: %d questions in the first two seconds", c, soon)
			}
			if last := len(asked); c.waiting == 1 && last > 30*40+270*14+10 {
				t.Errorf("one that does not end is asked about %d times", last)
			}
		})
	}
}
