package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

func request(key string) trainset.ActorRequest {
	return trainset.ActorRequest{
		Options: trainset.Options{Version: 1, User: "u", Key: key}, Actor: "a",
		Portrait: trainset.Reference{URL: "https://example.org/p.png"},
	}.WithDefaults()
}

// begun creates a job of n items that is running.
func begun(t *testing.T, l *ledger.Ledger, n int, limit trainset.Money) plan.Plan {
	t.Helper()
	req := request("k")
	if _, _, err := l.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{JobID: req.JobID(), User: "u", Kind: trainset.KindActor, Images: n, MaxAttempts: 5, MaxCost: limit, Price: trainset.USD(0.04), Request: json.RawMessage("{}")}
	for i := 1; i <= n; i++ {
		p.Asks = append(p.Asks, plan.Ask{Index: i, Seeds: []int64{1, 2, 3, 4, 5}})
	}
	if _, err := l.Begin(t.Context(), p, p.Subtasks(), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func attempt(p plan.Plan, index, n int) plan.Attempt {
	sub := plan.ImageID(index)
	return plan.Attempt{ID: plan.AttemptID(sub, n), Job: p.JobID, Subtask: sub, Number: n, Price: p.Price}
}

func TestCreateIsOncePerKey(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l := ledger.New(rdb, ledger.Options{})
		req := request("k")
		for i, want := range []bool{true, false} {
			if _, created, err := l.Create(t.Context(), req); err != nil || created != want {
				t.Errorf("call %d: created %v, error %v", i, created, err)
			}
		}
		other := req
		other.Images = 3
		var conflict *trainset.ConflictError
		if _, _, err := l.Create(t.Context(), other); !errors.As(err, &conflict) || conflict.Existing == conflict.Given {
			t.Errorf("a different request under the key: %v", err)
		}
		r, err := l.Load(t.Context(), req.JobID())
		if err != nil || r.State != trainset.JobQueued || r.User != "u" || r.CreatedAt.IsZero() {
			t.Errorf("loaded %+v, error %v", r, err)
		}
	})
}

func TestLoadOfUnknownJob(t *testing.T) {
	l := ledger.New(redistest.Mini(t), ledger.Options{})
	if _, err := l.Load(t.Context(), trainset.NewJobID("u", "actor", "x")); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestOpenReservesAndRefuses(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 3, trainset.USD(0.08))
		first, err := l.Open(ctx, attempt(p, 1, 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(ctx, attempt(p, 1, 1)); !errors.Is(err, ledger.ErrExists) {
			t.Errorf("the same attempt again: %v", err)
		}
		if _, err := l.Open(ctx, attempt(p, 1, 2)); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("a second attempt while the first is open: %v", err)
		}
		if _, err := l.Open(ctx, attempt(p, 2, 1)); err != nil {
			t.Errorf("a second item: %v", err)
		}
		var over *ledger.OverCapError
		if _, err := l.Open(ctx, attempt(p, 3, 1)); !errors.As(err, &over) || over.Spent != trainset.USD(0.08) {
			t.Errorf("past the cap: %v", err)
		}
		// A failed attempt costs nothing: its reservation is given back.
		first.State, first.Outcome, first.Cost = plan.AttemptEnded, plan.OutcomeFailed, 0
		if _, err := l.Write(ctx, first, first.Price); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(ctx, attempt(p, 3, 1)); err != nil {
			t.Errorf("under the cap again: %v", err)
		}
	})
}

func TestWriteIsByVersion(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		a, err := l.Open(ctx, attempt(p, 1, 1))
		if err != nil {
			t.Fatal(err)
		}
		a.State, a.PredictionID = plan.AttemptAccepted, "x"
		b, err := l.Write(ctx, a, a.Cost)
		if err != nil || b.Version != a.Version+1 {
			t.Fatalf("version %d, error %v", b.Version, err)
		}
		if _, err := l.Write(ctx, a, a.Cost); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("a stale writer: %v", err)
		}
		if taken, err := l.Predictions(ctx, p.JobID); err != nil || !taken["x"] {
			t.Errorf("taken %v, error %v", taken, err)
		}
	})
}

// A worker that was frozen while the record of its attempt was deleted or lost, and
// made anew or read back, writes into none that came after: its prediction would take
// the place of the one that is under way, which is then paid for in vain.
func TestNoWriteReachesALaterRecord(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		for name, again := range map[string]func(l *ledger.Ledger, p plan.Plan, known []plan.Attempt) error{
			"deleted and made anew": func(l *ledger.Ledger, p plan.Plan, _ []plan.Attempt) error {
				err := l.Forget(t.Context(), p.JobID, p.User, "")
				begun(t, l, 1, 0)
				a := attempt(p, 1, 1)
				for range 3 { // it comes as far as the frozen one's had
					if a.State == "" {
						a, err = l.Open(t.Context(), a)
					} else {
						a, err = l.Write(t.Context(), a, a.Cost)
					}
					if err != nil {
						return err
					}
				}
				return err
			},
			"lost and rebuilt": func(l *ledger.Ledger, p plan.Plan, known []plan.Attempt) error {
				err := rdb.FlushAll(t.Context()).Err()
				if _, _, err := l.Create(t.Context(), request("k")); err != nil {
					return err
				}
				if _, problem := l.Begin(t.Context(), p, p.Subtasks(), known); problem != nil {
					return problem
				}
				return err
			},
			"lost and read back": func(l *ledger.Ledger, p plan.Plan, known []plan.Attempt) error {
				r, err := l.Load(t.Context(), p.JobID)
				if err != nil {
					return err
				}
				rdb.FlushAll(t.Context())
				r.State, r.Attempts = trainset.JobFailed, map[string]plan.Attempt{known[0].ID: known[0]}
				_, err = l.Recall(t.Context(), r)
				return err
			},
		} {
			rdb.FlushAll(t.Context())
			now := time.Now()
			l := ledger.New(rdb, ledger.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
			p := begun(t, l, 1, 0)
			a, err := l.Open(t.Context(), attempt(p, 1, 1))
			if err != nil {
				t.Fatal(err)
			}
			held := []plan.Attempt{a}
			for range 3 {
				if a, err = l.Write(t.Context(), a, a.Cost); err != nil {
					t.Fatal(err)
				}
				held = append(held, a)
			}
			known := a
			known.State, known.Outcome, known.Version = plan.AttemptEnded, plan.OutcomeSucceeded, 1
			if err := again(l, p, []plan.Attempt{known}); err != nil {
				t.Fatal(name, err)
			}
			for _, a := range held {
				a.State, a.PredictionID = plan.AttemptAccepted, "of before"
				if _, err := l.Write(t.Context(), a, a.Cost); !errors.Is(err, ledger.ErrStale) {
					t.Errorf("%s: the writer of version %d: %v", name, a.Version, err)
				}
			}
		}
	})
}

func TestSettleIgnoresSecondOutcome(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 2, 0)
		subs := p.Subtasks()
		settle := func(i int, state trainset.ItemState) ledger.Settlement {
			t.Helper()
			s := subs[i]
			s.State = state
			got, err := l.Settle(ctx, p.JobID, s)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		steps := []struct {
			item    int
			state   trainset.ItemState
			applied bool
			left    int
		}{
			{0, trainset.ItemFailed, true, 1},
			{0, trainset.ItemFailed, false, 1},
			{0, trainset.ItemSucceeded, true, 1}, // a success supersedes a failure
			{0, trainset.ItemFailed, false, 1},
			{0, trainset.ItemSucceeded, false, 1},
			{1, trainset.ItemSucceeded, true, 0},
		}
		for i, s := range steps {
			if got := settle(s.item, s.state); got.Applied != s.applied || got.Left != s.left {
				t.Errorf("step %d: %+v", i, got)
			}
		}
	})
}

func TestSettleOfOldRevisionIsStale(t *testing.T) {
	l, ctx := ledger.New(redistest.Mini(t), ledger.Options{}), t.Context()
	p := begun(t, l, 1, 0)
	r, err := l.Load(ctx, p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	steps := append(plan.Needed(r), plan.Step{Verb: plan.VerbAssemble, Revision: r.AssembleRevision})
	next := make([]plan.Step, len(steps))
	for i, s := range steps {
		next[i] = s.Again()
	}
	lot := plan.Lot{Record: r, Steps: steps}
	if done, err := l.Requeue(ctx, lot); err != nil || !slices.Equal(done[0].Steps, next) {
		t.Errorf("requeueing %v: %v, %v", steps, done, err)
	}
	if done, err := l.Requeue(ctx, lot); err != nil || len(done[0].Steps) > 0 {
		t.Errorf("requeueing twice: %v, %v", done, err)
	}
	again, err := l.Load(ctx, p.JobID)
	if err != nil || again.Subtasks[plan.ImageID(1)].Revision != 2 || again.AssembleRevision != r.AssembleRevision+1 {
		t.Errorf("afterwards %+v, %v", again, err)
	}
	s := p.Subtasks()[0]
	s.State = trainset.ItemSucceeded
	if _, err := l.Settle(ctx, p.JobID, s); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("settling the old revision: %v", err)
	}
}

func TestCancelStopsNewAttempts(t *testing.T) {
	l, ctx := ledger.New(redistest.Mini(t), ledger.Options{}), t.Context()
	p := begun(t, l, 1, 0)
	for range 2 {
		if err := l.Cancel(ctx, p.JobID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Open(ctx, attempt(p, 1, 1)); !errors.Is(err, ledger.ErrStopped) {
		t.Errorf("got %v", err)
	}
}

func TestANewJobHasTheRecordThatIsReadOfIt(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		req := request("k")
		made, created, err := l.Create(ctx, req, "its:task")
		if err != nil || !created {
			t.Fatal(created, err)
		}
		read, err := l.Progress(ctx, req.JobID())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(read, made); diff != "" {
			t.Error(diff)
		}
		if taken, err := l.Take(ctx, req); err != nil || !cmp.Equal(taken, read) {
			t.Errorf("taken: %+v, %v", taken, err)
		}
		other := req
		other.Images++
		var conflict *trainset.ConflictError
		if _, err := l.Take(ctx, other); !errors.As(err, &conflict) || conflict.Existing != read.Fingerprint {
			t.Errorf("another request under the key: %v", err)
		}
		unknown := request("unknown")
		if r, err := l.Take(ctx, unknown); err != nil || r.ID != unknown.JobID() || len(r.Queued) != 0 {
			t.Errorf("taken without a producer's record: %+v, %v", r, err)
		}
	})
}

func TestFinishIsOnceAndLeavesTheJobToBeClosed(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		early := ledger.Ending{State: trainset.JobSucceeded, Revision: 1}
		if err := l.Finish(ctx, p.JobID, early); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("finishing before all has settled: %v", err)
		}
		s := p.Subtasks()[0]
		s.State = trainset.ItemSucceeded
		if _, err := l.Settle(ctx, p.JobID, s); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(ctx, p.JobID, early); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("finishing what changed since it was read: %v", err)
		}
		for _, state := range []trainset.JobState{trainset.JobSucceeded, trainset.JobFailed} {
			if err := l.Finish(ctx, p.JobID, ledger.Ending{State: state, Revision: 1, Change: 1, Output: &trainset.Output{Zip: "z"}}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := l.Load(ctx, p.JobID)
		if err != nil || r.State != trainset.JobSucceeded || r.Revision != 1 || r.Output.Zip != "z" || r.FinishedAt == nil {
			t.Errorf("loaded %+v, error %v", r, err)
		}
		if open, err := l.OpenJobs(ctx); err != nil || len(open) != 1 {
			t.Errorf("a sweeper that finds what the end left undone sees %v, %v", open, err)
		}
		if err := l.Close(ctx, p.JobID); err != nil {
			t.Fatal(err)
		}
		if open, err := l.OpenJobs(ctx); err != nil || len(open) != 0 {
			t.Errorf("open: %v, %v", open, err)
		}
		if ttl := rdb.TTL(ctx, "trainset:{"+string(p.JobID)+"}:job").Val(); ttl < 29*24*time.Hour {
			t.Errorf("the record expires in %s", ttl)
		}
	})
}

// Whatever workers race to settle, each item counts once and exactly one of
// them sees the last.
func TestRacingSettlementsCountOnce(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 12, 0)
		var mu sync.Mutex
		applied, last := 0, 0
		var wg sync.WaitGroup
		for range 4 {
			for _, s := range p.Subtasks() {
				wg.Go(func() {
					s.State = trainset.ItemSucceeded
					got, err := l.Settle(ctx, p.JobID, s)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					if got.Applied {
						applied++
						if got.Left == 0 {
							last++
						}
					}
				})
			}
		}
		wg.Wait()
		if applied != 12 || last != 1 {
			t.Errorf("%d settlements applied, %d saw the last", applied, last)
		}
	})
}

// However many workers open attempts at once, no more are opened than the cap pays
// for, and none of them twice; what was opened before a cancellation is known.
func TestOpeningAtOnceKeepsTheCap(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		const images, paidFor, workers = 12, 5, 4
		p := begun(t, ledger.New(rdb, ledger.Options{}), images, paidFor*trainset.USD(0.04))
		var all sync.WaitGroup
		var opened atomic.Int64
		for range workers {
			l := ledger.New(rdb, ledger.Options{})
			for i := 1; i <= images; i++ {
				all.Go(func() {
					_, err := l.Open(t.Context(), attempt(p, i, 1))
					var over *ledger.OverCapError
					switch {
					case err == nil:
						opened.Add(1)
					case !errors.As(err, &over) && !errors.Is(err, ledger.ErrExists):
						t.Errorf("refused with %v", err)
					}
				})
			}
		}
		all.Wait()
		l := ledger.New(rdb, ledger.Options{})
		r, err := l.Load(t.Context(), p.JobID)
		if err != nil || opened.Load() != paidFor || r.Spent != paidFor*trainset.USD(0.04) {
			t.Fatalf("%d were opened for %s, %v", opened.Load(), r.Spent, err)
		}
		if err := l.Cancel(t.Context(), p.JobID); err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= images; i++ {
			_, known := r.Attempts[plan.AttemptID(plan.ImageID(i), 1)]
			if _, err := l.Open(t.Context(), attempt(p, i, 1)); errors.Is(err, ledger.ErrExists) != known || errors.Is(err, ledger.ErrStopped) == known {
				t.Errorf("item %d of a canceled job, opened before: %t, is refused with %v", i, known, err)
			}
		}
	})
}

// The money that a job's record shows is what its attempts say, and never more
// than its cap, in any order of opening and ending.
func TestSpendingNeverExceedsTheCap(t *testing.T) {
	rdb := redistest.Mini(t)
	rapid.Check(t, func(r *rapid.T) {
		ctx := context.Background()
		if err := rdb.FlushAll(ctx).Err(); err != nil {
			r.Fatal(err)
		}
		l := ledger.New(rdb, ledger.Options{})
		limit := trainset.USD(0.04) * trainset.Money(rapid.IntRange(1, 6).Draw(r, "cap"))
		p := begun(t, l, 4, limit)
		open := map[int]plan.Attempt{}
		next := map[int]int{}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			i := rapid.IntRange(1, 4).Draw(r, "item")
			if a, busy := open[i]; busy {
				was := a.Cost
				a.State, a.Outcome = plan.AttemptEnded, plan.OutcomeFailed
				a.Cost = rapid.SampledFrom([]trainset.Money{0, a.Price}).Draw(r, "cost")
				if _, err := l.Write(ctx, a, was); err != nil {
					r.Fatal(err)
				}
				delete(open, i)
			} else {
				a, err := l.Open(ctx, attempt(p, i, next[i]+1))
				var over *ledger.OverCapError
				if err != nil && !errors.As(err, &over) {
					r.Fatal(err)
				}
				if err == nil {
					next[i]++
					open[i] = a
				}
			}
			rec, err := l.Load(ctx, p.JobID)
			if err != nil {
				r.Fatal(err)
			}
			sum := trainset.Money(0)
			for _, a := range rec.Attempts {
				sum += a.Cost
			}
			if sum != rec.Spent || sum > limit {
				r.Fatalf("attempts say %s, the record %s, the cap is %s", sum, rec.Spent, limit)
			}
		}
	})
}

func TestDueListsWhatIsDue(t *testing.T) {
	now := time.Now()
	l := ledger.New(redistest.Mini(t), ledger.Options{Now: func() time.Time { return now }})
	p := begun(t, l, 1, 0)
	if due, err := l.Due(t.Context(), 10); err != nil || len(due) != 0 { // whoever made it enqueues it
		t.Fatalf("due at once %v, %v", due, err)
	}
	now = now.Add(5 * time.Second)
	if due, err := l.Due(t.Context(), 10); err != nil || len(due) != 1 {
		t.Fatalf("due %v, %v", due, err)
	}
	if err := l.CheckAt(t.Context(), p.JobID, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if due, _ := l.Due(t.Context(), 10); len(due) != 0 {
		t.Errorf("due %v before its time", due)
	}
}

// What holds a job up is told once, however many of its tasks say so, and
// forgotten when none does any more.
func TestWhatHoldsAJobUpIsTold(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		for range 3 {
			if err := l.HeldUp(ctx, p.JobID, "no credit"); err != nil {
				t.Fatal(err)
			}
		}
		r, err := l.Load(ctx, p.JobID)
		if err != nil || r.HeldUp != "no credit" || r.Job().HeldUp != "no credit" {
			t.Errorf("held up by %q, in public by %q, %v", r.HeldUp, r.Job().HeldUp, err)
		}
		events, err := l.Events(ctx, p.JobID)
		if err != nil || len(events) != 3 || events[2].Type != "held up" || events[2].Detail != "no credit" {
			t.Errorf("events %+v, %v", events, err)
		}
		key := "trainset:{" + string(p.JobID) + "}:heldup"
		if d := rdb.TTL(ctx, key).Val(); d <= 5*time.Second || d > 12*time.Second {
			t.Errorf("it is believed for %s: tasks come back every 5 s", d)
		}
		if err := rdb.Del(ctx, key).Err(); err != nil { // as its expiry does
			t.Fatal(err)
		}
		if r, err := l.Load(ctx, p.JobID); err != nil || r.HeldUp != "" {
			t.Errorf("later held up by %q, %v", r.HeldUp, err)
		}
	})
}

// An outage is told until its task comes back, or something of the job settles.
func TestAnOutageIsToldUntilTheJobGoesOn(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 2, 0)
		if err := l.Outage(ctx, p.JobID, "the disk is full", time.Minute); err != nil {
			t.Fatal(err)
		}
		r, err := l.Load(ctx, p.JobID)
		if err != nil || r.HeldUp != "the disk is full" {
			t.Errorf("held up by %q, %v", r.HeldUp, err)
		}
		if d := rdb.TTL(ctx, "trainset:{"+string(p.JobID)+"}:heldup").Val(); d <= 90*time.Second || d > 2*time.Minute {
			t.Errorf("it is believed for %s: the task comes back in a minute, and may then wait half a minute for an answer", d)
		}
		s := r.Subtasks[plan.ImageID(1)].Settled(nil, trainset.ItemFailed, "no luck", 0)
		at := time.Now().Add(time.Second)
		s.SettledAt = &at
		if _, err := l.Settle(ctx, p.JobID, s); err != nil {
			t.Fatal(err)
		}
		if r, err := l.Load(ctx, p.JobID); err != nil || r.HeldUp != "" {
			t.Errorf("it goes on, held up by %q, %v", r.HeldUp, err)
		}
	})
}

func TestEventsTellTheStory(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		cursor, err := l.Changes(ctx, p.JobID, "", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(ctx, attempt(p, 1, 1)); err != nil {
			t.Fatal(err)
		}
		next, err := l.Changes(ctx, p.JobID, cursor, 10*time.Second)
		if err != nil || next == cursor {
			t.Errorf("cursor %q after %q, %v", next, cursor, err)
		}
		events, err := l.Events(ctx, p.JobID)
		if err != nil || len(events) != 3 || events[2].Type != "predicting" || events[2].Subtask != "image.1" || events[2].At.IsZero() {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}

// What never changes is asked of Redis once; a job that was deleted and asked for
// again is another, whoever remembers the first.
func TestWhatIsFrozenIsReadOnceAJob(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		ctx, now := t.Context(), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		clock := func() time.Time { now = now.Add(time.Second); return now }
		l, other := ledger.New(rdb, ledger.Options{Now: clock}), ledger.New(rdb, ledger.Options{Now: clock})
		seeds := func(l *ledger.Ledger, want ...int64) {
			t.Helper()
			w, err := l.Subtask(ctx, request("k").JobID(), "image.1")
			if err != nil || !slices.Equal(w.Subtask.Ask.Seeds, want) || w.Job.Plan == nil || w.Job.ID != request("k").JobID() {
				t.Errorf("read %+v, %v", w, err)
			}
			r, err := l.Load(ctx, request("k").JobID())
			if err != nil || !slices.Equal(r.Subtasks["image.1"].Ask.Seeds, want) {
				t.Errorf("loaded %+v, %v", r, err)
			}
		}
		p := begun(t, l, 1, 0)
		key := "trainset:{" + string(p.JobID) + "}:asks"
		seeds(other, 1, 2, 3, 4, 5)
		before := rdb.HGet(ctx, key, "image.1").Val()
		rdb.HSet(ctx, key, "image.1", "unreadable")
		seeds(l, 1, 2, 3, 4, 5)
		seeds(other, 1, 2, 3, 4, 5)
		rdb.HSet(ctx, key, "image.1", before)

		if err := l.Forget(ctx, p.JobID, "u", ""); err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Create(ctx, request("k")); err != nil {
			t.Fatal(err)
		}
		p.Asks = []plan.Ask{{Index: 1, Seeds: []int64{6}}}
		for _, want := range []bool{true, false} {
			if began, err := other.Begin(ctx, p, p.Subtasks(), nil); err != nil || began != want {
				t.Errorf("began %v, %v", began, err)
			}
		}
		if r, err := l.Load(ctx, p.JobID); err != nil || r.Subtasks["image.1"].Ask.Seeds[0] != 6 {
			t.Errorf("loaded %+v, %v", r, err)
		}
		seeds(l, 6)
		seeds(other, 6)
	})
}

// Scripts compare states without decoding: what people and models wrote must not
// be taken for one.
func TestNoTextIsTakenForAState(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		s := p.Subtasks()[0]
		const text = `"state":"succeeded","revision":7,"version":7,"job_id":`
		a, err := l.Open(ctx, attempt(p, 1, 1))
		if err != nil {
			t.Fatal(err)
		}
		a.State, a.Outcome, a.Reason, a.Owner = plan.AttemptEnded, plan.OutcomeFailed, text, text
		for range 2 {
			if a, err = l.Write(ctx, a, a.Cost); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Open(ctx, attempt(p, 1, 2)); err != nil {
			t.Errorf("the attempt after one that has ended: %v", err)
		}
		s.State, s.Reason = trainset.ItemFailed, text
		if done, err := l.Settle(ctx, p.JobID, s); err != nil || !done.Applied || done.Left != 0 {
			t.Errorf("settled %+v, %v", done, err)
		}
		s.State, s.Reason = trainset.ItemSucceeded, text
		if done, err := l.Settle(ctx, p.JobID, s); err != nil || !done.Applied || done.Left != 0 {
			t.Errorf("a success after a failure: %+v, %v", done, err)
		}
		if r, err := l.Load(ctx, p.JobID); err != nil || r.Change != 2 || r.Subtasks[s.ID].Reason != text {
			t.Errorf("loaded %+v, %v", r, err)
		}
	})
}

// What was paid for before is journalled whatever the cap says.
func TestRegainIgnoresTheCap(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 3, trainset.USD(0.04))
		if _, err := l.Open(ctx, attempt(p, 1, 1)); err != nil {
			t.Fatal(err)
		}
		var over *ledger.OverCapError
		if _, err := l.Open(ctx, attempt(p, 2, 1)); !errors.As(err, &over) {
			t.Errorf("a second one is opened: %v", err)
		}
		if _, err := l.Regain(ctx, attempt(p, 2, 1)); err != nil {
			t.Error(err)
		}
		if _, err := l.Regain(ctx, attempt(p, 2, 1)); !errors.Is(err, ledger.ErrExists) {
			t.Errorf("twice: %v", err)
		}
		if r, err := l.Load(ctx, p.JobID); err != nil || r.Spent != trainset.USD(0.08) {
			t.Errorf("spent %s, %v", r.Spent, err)
		}
	})
}
