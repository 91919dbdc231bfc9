package paid_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// crowded is an account whose list has many predictions, none of them ours and
// all without their inputs. It counts how often each is read.
type crowded struct {
	rows []replicate.Prediction

	mu      sync.Mutex
	read    map[string]int
	queries []replicate.ListQuery
}

func (c *crowded) List(_ context.Context, q replicate.ListQuery) (replicate.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries = append(c.queries, q)
	return replicate.Page{Predictions: c.rows}, nil
}

func (c *crowded) Get(_ context.Context, id string) (replicate.Prediction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[id]++
	return replicate.Prediction{ID: id, Model: "o/m", Input: map[string]any{"prompt": "another's " + id}}, nil
}

// nothingTaken is a journal of attempts that nobody goes on with.
type nothingTaken struct{}

func (nothingTaken) Attempt(_ context.Context, job trainset.JobID, id string) (plan.Attempt, error) {
	return plan.Attempt{ID: id, Job: job}, nil
}

func (nothingTaken) Predictions(context.Context, trainset.JobID) (map[string]bool, error) {
	return nil, nil
}

// A look that lasts a minute lists twenty times; what it has read of others'
// predictions it must not read again, or it would exceed the provider's limit.
func TestSearchReadsEachRowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowded{read: map[string]int{}}
		for n := range 50 {
			c.rows = append(c.rows, replicate.Prediction{ID: fmt.Sprint("p", n), Model: "o/m", CreatedAt: time.Now()})
		}
		search := paid.NewSearch(c, nothingTaken{}, paid.SearchOptions{})
		var looking sync.WaitGroup
		for n := range 5 {
			looking.Go(func() {
				a := plan.Attempt{ID: fmt.Sprint("image.1.", n), Model: "o/m", Input: map[string]any{"prompt": fmt.Sprint("mine ", n)}, IntentAt: time.Now()}
				if found, err := search.Find(t.Context(), a); err != nil || found.Verdict != paid.FoundAbsent {
					t.Errorf("%v, %v", found.Verdict, err)
				}
			})
		}
		looking.Wait()
		if len(c.read) != len(c.rows) {
			t.Errorf("%d of %d rows were read", len(c.read), len(c.rows))
		}
		for id, n := range c.read {
			if n != 1 {
				t.Errorf("%s was read %d times", id, n)
			}
		}
	})
}

// After a long outage only the time is listed in which the prediction may have
// been created, and nothing is read of what was created since.
func TestSearchListsOnlyWhenItMayHaveBeenCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowded{read: map[string]int{}}
		intent := time.Now()
		for n := range 30 { // one a minute
			c.rows = append(c.rows, replicate.Prediction{ID: fmt.Sprint("p", n), Model: "o/m", CreatedAt: intent.Add(time.Duration(n) * time.Minute)})
		}
		time.Sleep(30 * time.Minute) //nolint:forbidigo // the bubble's time
		search := paid.NewSearch(c, nothingTaken{}, paid.SearchOptions{})
		a := plan.Attempt{ID: "image.1.1", Model: "o/m", Input: map[string]any{"prompt": "mine"}, IntentAt: intent}
		if found, err := search.Find(t.Context(), a); err != nil || found.Verdict != paid.FoundAbsent {
			t.Errorf("%v, %v", found.Verdict, err)
		}
		for _, q := range c.queries {
			if !q.CreatedAfter.Equal(intent.Add(-10*time.Minute-time.Second)) || !q.CreatedBefore.Equal(intent.Add(10*time.Minute+41*time.Second)) {
				t.Errorf("listed from %s to %s", q.CreatedAfter.Sub(intent), q.CreatedBefore.Sub(intent))
			}
		}
		if len(c.read) != 11 {
			t.Errorf("%d rows were read, not those of the first eleven minutes", len(c.read))
		}
		c.queries, a.IntentAt = nil, time.Now()
		if _, err := search.Find(t.Context(), a); err != nil {
			t.Error(err)
		}
		if len(c.queries) == 0 || !c.queries[0].CreatedBefore.IsZero() {
			t.Errorf("a new intent: %+v", c.queries)
		}
	})
}

// orphan is an intent without an answer, journalled just now by another worker,
// whose clock was ahead.
func orphan(j *journal, ahead time.Duration) plan.Attempt {
	a := fresh("image.1.1")
	a.State, a.Owner, a.IntentAt, a.Cost, a.Version = plan.AttemptIntent, "another", time.Now().Add(ahead), a.Price, 1
	j.m[a.ID] = a
	return a
}

// However far the clock was ahead by which an intent was journalled, what the
// provider has made of it is adopted, as long as it is looked for soon or the
// journal shows that the clock was wrong.
func TestAClockAheadHidesNoOrphan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		upTo := func(d time.Duration, name string) time.Duration {
			return time.Duration(rapid.IntRange(0, int(d/time.Second)).Draw(r, name)) * time.Second
		}
		ahead, late := upTo(4*time.Minute, "ahead"), upTo(2*time.Minute, "late")
		if rapid.Bool().Draw(r, "hours ahead") {
			ahead = upTo(48*time.Hour, "further ahead")
		}
		if rapid.Bool().Draw(r, "looked for late") {
			late = upTo(45*time.Minute, "much later")
			ahead += late + 2*time.Minute + time.Second
		}
		synctest.Test(t, func(*testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
			a := orphan(j, ahead)
			if _, err := p.Create(context.Background(), replicate.CreateRequest{Model: a.Model, Input: a.Input}); err != nil {
				r.Fatal(err)
			}
			after(late)
			a, _, err := newPayer(j, p, &freely{}).Once(context.Background(), a)
			if err != nil || a.PredictionID != "p1" || len(p.accepted) != 1 {
				r.Errorf("%s, %s: prediction %q of %d, %v", a.State, a.Outcome, a.PredictionID, len(p.accepted), err)
			}
		})
	})
}

// skewed is a provider whose clock is ahead of ours.
type skewed struct {
	*provider

	ahead time.Duration
}

func (s skewed) List(ctx context.Context, q replicate.ListQuery) (replicate.Page, error) {
	q.CreatedAfter = q.CreatedAfter.Add(-s.ahead)
	page, err := s.provider.List(ctx, q)
	for i := range page.Predictions {
		page.Predictions[i].CreatedAt = page.Predictions[i].CreatedAt.Add(s.ahead)
	}
	return page, err
}

// Whatever the clock of the worker that journalled an intent, and ours: what the
// provider has made of it is adopted, also what is still on its way while it is
// looked for. A create is sent at most 5 s after its intent and travels at most 15.
func TestNoClockHidesAnOrphan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seconds := func(from, to time.Duration, name string) time.Duration {
			return time.Duration(rapid.IntRange(int(from/time.Second), int(to/time.Second)).Draw(r, name)) * time.Second
		}
		const apart = 10 * time.Minute
		theirs, ours := seconds(-apart, apart, "their clock"), seconds(-apart, apart, "our clock")
		late, travels := seconds(0, 25*time.Minute, "looked for after"), seconds(0, 20*time.Second, "arrives after")
		if rapid.Bool().Draw(r, "looked for at once") {
			late = 0
		}
		synctest.Test(t, func(*testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
			a := orphan(j, theirs-ours)
			go func() {
				after(travels)
				_, _ = p.Create(context.Background(), replicate.CreateRequest{Model: a.Model, Input: a.Input})
			}()
			after(late)
			search := paid.NewSearch(skewed{p, -ours}, j, paid.SearchOptions{})
			a, _, err := paid.New(j, p, &freely{}, search, &paid.Pace{}, paid.Options{Owner: "heir"}).Once(context.Background(), a)
			if err != nil || a.PredictionID != "p1" || len(p.accepted) != 1 || a.TakenOver {
				r.Errorf("%s, %s: prediction %q of %d, %v", a.State, a.Outcome, a.PredictionID, len(p.accepted), err)
			}
		})
	})
}

// A worker that was frozen before it could journal its intent finds that of the one
// that took its task over, which may be on its way to the provider. Neither's clock
// makes it ask, too.
func TestWhoIsLateWaitsForWhatIsOnItsWay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seconds := func(from, to time.Duration, name string) time.Duration {
			return time.Duration(rapid.IntRange(int(from/time.Second), int(to/time.Second)).Draw(r, name)) * time.Second
		}
		ahead, travels := seconds(-10*time.Minute, 10*time.Minute, "their clock is ahead"), seconds(0, 20*time.Second, "arrives after")
		synctest.Test(t, func(*testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
			theirs := orphan(j, ahead)
			var way sync.WaitGroup
			way.Go(func() {
				after(travels)
				_, _ = p.Create(context.Background(), replicate.CreateRequest{Model: theirs.Model, Input: theirs.Input})
			})
			search := paid.NewSearch(p, j, paid.SearchOptions{})
			a, _, err := paid.New(j, p, &freely{}, search, &paid.Pace{}, paid.Options{Owner: "late"}).Once(context.Background(), fresh(theirs.ID))
			way.Wait()
			if err != nil || a.PredictionID != "p1" || len(p.accepted) != 1 {
				r.Errorf("%s, %s: prediction %q of %d, %v", a.State, a.Outcome, a.PredictionID, len(p.accepted), err)
			}
		})
	})
}

// Nobody waits the grace once more for an intent so old that no clock explains it,
// or that this worker has journalled itself.
func TestTheGraceIsNotWaitedForTwice(t *testing.T) {
	for _, c := range []struct {
		owner     string
		old, most time.Duration
	}{{"another", 21 * time.Minute, 10 * time.Second}, {"another", 5 * time.Minute, 50 * time.Second}, {"", 30 * time.Second, 20 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
			a := orphan(j, -c.old)
			a.Owner = c.owner
			j.m[a.ID] = a
			begun := time.Now()
			_, _, err := newPayer(j, p, &freely{}).Once(t.Context(), a)
			if err != nil || len(p.accepted) != 1 {
				t.Fatalf("%d predictions, %v", len(p.accepted), err)
			}
			if took := p.accepted[0].CreatedAt.Sub(begun); took > c.most {
				t.Errorf("owner %q, %s old: asked again after %s", c.owner, c.old, took)
			}
		})
	}
}

// What was asked for under another account is not in our list, whatever became of
// it: nobody asks again. Under another token of the same account it is found.
func TestAnotherAccountsListProvesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		asked    string // the account
		made     bool
		canceled bool
		late     time.Duration
		blocked  bool
		outcome  plan.Outcome
		bought   int
	}{
		"another's":             {asked: "first", blocked: true},
		"another token":         {asked: "first", made: true, bought: 1},
		"another's, canceled":   {asked: "first", canceled: true, outcome: plan.OutcomeCanceled},
		"another's, long ago":   {asked: "first", late: 51 * time.Minute, outcome: plan.OutcomeLost},
		"ours":                  {asked: "second", bought: 1},
		"of a version before":   {bought: 1},
		"canceled, of a before": {canceled: true, outcome: plan.OutcomeCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, p := &journal{m: map[string]plan.Attempt{}, canceled: c.canceled}, &provider{}
				a := orphan(j, 0)
				a.Account = c.asked
				j.m[a.ID] = a
				if c.made {
					if _, err := p.Create(t.Context(), replicate.CreateRequest{Model: a.Model, Input: a.Input}); err != nil {
						t.Fatal(err)
					}
				}
				after(lag + c.late)
				begun, search := time.Now(), paid.NewSearch(p, j, paid.SearchOptions{Account: "second"})
				payer := paid.New(j, p, &freely{}, search, &paid.Pace{}, paid.Options{Owner: "heir", Account: "second"})
				a, _, err := payer.Once(t.Context(), a)
				e, blocked := errors.AsType[*paid.AccountError](err)
				if blocked != c.blocked || !blocked && err != nil || a.Outcome != c.outcome || len(p.accepted) != c.bought {
					t.Errorf("%s %s of %d predictions, %v", a.State, a.Outcome, len(p.accepted), err)
				}
				if blocked && (!e.Blocked() || time.Since(begun) > time.Second || j.m[a.ID].Account != c.asked) {
					t.Errorf("said after %s, of account %q: %v", time.Since(begun), j.m[a.ID].Account, err)
				}
				if paid := c.asked != "" && c.outcome != ""; paid && a.Cost != a.Price {
					t.Errorf("it may have been accepted, and counts as %s", a.Cost)
				}
			})
		})
	}
}

// An intent says under which account it was journalled, and again when it is
// journalled anew.
func TestAnIntentNamesItsAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{script: []create{acceptsCrashed}}
		once := func(account string) {
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			p.crash = kill
			a := j.m["image.1.1"]
			if a.ID == "" {
				a = fresh("image.1.1")
			}
			_, _, err := paid.New(j, p, &freely{}, nil, &paid.Pace{}, paid.Options{Account: account}).Once(ctx, a)
			if got := j.m["image.1.1"]; !errors.Is(err, context.Canceled) || got.State != plan.AttemptIntent || got.Account != account {
				t.Errorf("%s of account %q, not %q: %v", got.State, got.Account, account, err)
			}
		}
		once("first")
		a := j.m["image.1.1"]
		a.Unsent = true
		j.m[a.ID], p.script = a, []create{acceptsCrashed}
		once("second")
	})
}

// What was created when the span begins, to the instant, is listed, although the
// provider gives only what came after a bound.
func TestASpanHasItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
		a := orphan(j, 10*time.Minute)
		if _, err := p.Create(t.Context(), replicate.CreateRequest{Model: a.Model, Input: a.Input}); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Minute)
		if a, _, err := newPayer(j, p, &freely{}).Once(t.Context(), a); err != nil || a.PredictionID != "p1" || len(p.accepted) != 1 {
			t.Errorf("%s, %s: prediction %q of %d, %v", a.State, a.Outcome, a.PredictionID, len(p.accepted), err)
		}
	})
}

// Absence counts when it would with clocks that agree: no sooner, so that what is
// on its way to the provider arrives, and no later.
func TestAClockAheadDelaysNoCreate(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, time.Hour, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			j, p, begun := &journal{m: map[string]plan.Attempt{}}, &provider{}, time.Now()
			a, _, err := newPayer(j, p, &freely{}).Once(t.Context(), orphan(j, ahead))
			if err != nil || a.State != plan.AttemptPredicted || len(p.accepted) != 1 {
				t.Fatalf("%s ahead: %s %s, %d predictions, %v", ahead, a.State, a.Outcome, len(p.accepted), err)
			}
			if asked := p.accepted[0].CreatedAt.Sub(begun); asked < 40*time.Second || asked > 50*time.Second {
				t.Errorf("%s ahead: asked again after %s", ahead, asked)
			}
		})
	}
}

// silent is a provider that lists nothing.
type silent struct{ crowded }

func (*silent) List(context.Context, replicate.ListQuery) (replicate.Page, error) {
	return replicate.Page{}, errors.New("no answer")
}

func TestAClockAheadMakesNoSearchLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		a := plan.Attempt{ID: "image.1.1", Model: "o/m", Input: map[string]any{"prompt": "mine"}, IntentAt: begun.Add(48 * time.Hour), TakenOver: true}
		found, err := paid.NewSearch(&silent{}, nothingTaken{}, paid.SearchOptions{}).Find(t.Context(), a)
		if took := time.Since(begun); err != nil || found.Verdict != paid.FoundTooLate || took > 51*time.Minute {
			t.Errorf("%v after %s, %v", found.Verdict, took, err)
		}
	})
}

// recovering is a provider that lists nothing before a time.
type recovering struct {
	*provider

	from time.Time
}

func (r recovering) List(context.Context, replicate.ListQuery) (replicate.Page, error) {
	if time.Now().Before(r.from) {
		return replicate.Page{}, errors.New("no answer")
	}
	return replicate.Page{Predictions: r.accepted}, nil // by its own clock
}

// It may be our own clock that is behind: what was created at the intent, in the
// future of ours, is found however late the provider answers.
func TestAClockBehindHidesNoOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const behind = 10 * time.Minute
		j, p := &journal{m: map[string]plan.Attempt{}}, &provider{}
		a := orphan(j, behind)
		if _, err := p.Create(t.Context(), replicate.CreateRequest{Model: a.Model, Input: a.Input}); err != nil {
			t.Fatal(err)
		}
		p.accepted[0].CreatedAt = a.IntentAt.Add(time.Second)
		late := recovering{p, time.Now().Add(4 * time.Minute)}
		found, err := paid.NewSearch(late, j, paid.SearchOptions{}).Find(t.Context(), a)
		if err != nil || found.Verdict != paid.FoundPrediction {
			t.Errorf("%v, %v", found.Verdict, err)
		}
	})
}
