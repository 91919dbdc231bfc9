package ledger_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// What becomes of the subtask must never keep the ledger from knowing what was
// made and paid; and an attempt that another worker has taken over concludes
// nothing.
func TestConcludeJournalsTheAttemptWhateverBecomesOfItsSubtask(t *testing.T) {
	for name, c := range map[string]struct {
		before                       func(t *testing.T, l *ledger.Ledger, r plan.Record, a plan.Attempt) error
		journalled, applied, settled bool
		want                         error
	}{
		"as it was read": {journalled: true, applied: true, settled: true},
		"the attempt was taken over": {before: func(t *testing.T, l *ledger.Ledger, _ plan.Record, a plan.Attempt) error {
			t.Helper()
			a.Owner = "other"
			_, err := l.Write(t.Context(), a, a.Cost)
			return err
		}, want: ledger.ErrStale},
		"the subtask was queued anew": {before: func(t *testing.T, l *ledger.Ledger, r plan.Record, _ plan.Attempt) error {
			t.Helper()
			_, err := l.Requeue(t.Context(), plan.Lot{Record: r, Steps: []plan.Step{{Verb: plan.VerbImage, Subtask: plan.ImageID(1), Index: 1, Revision: 1}}})
			return err
		}, journalled: true, want: ledger.ErrStale},
		"the job has ended": {before: func(t *testing.T, l *ledger.Ledger, r plan.Record, _ plan.Attempt) error {
			t.Helper()
			for _, s := range r.Subtasks {
				s.State = trainset.ItemFailed
				if _, err := l.Settle(t.Context(), r.ID, s); err != nil {
					return err
				}
			}
			now, err := l.Load(t.Context(), r.ID)
			if err != nil {
				return err
			}
			return l.Finish(t.Context(), r.ID, ledger.Ending{State: trainset.JobFailed, Revision: 1, Change: now.Change, Output: &trainset.Output{}})
		}, journalled: true, settled: true, want: ledger.ErrStopped},
		"it has succeeded before": {before: func(t *testing.T, l *ledger.Ledger, r plan.Record, _ plan.Attempt) error {
			t.Helper()
			s := r.Subtasks[plan.ImageID(1)]
			s.State = trainset.ItemSucceeded
			_, err := l.Settle(t.Context(), r.ID, s)
			return err
		}, journalled: true, settled: true},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
				l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
				p := begun(t, l, 2, 0)
				a, err := l.Open(ctx, attempt(p, 1, 1))
				if err != nil {
					t.Fatal(err)
				}
				w, err := l.Subtask(ctx, p.JobID, plan.ImageID(1))
				if err != nil || len(w.Attempts) != 1 || len(w.Subtask.Ask.Seeds) != 5 || w.Job.Plan.MaxAttempts != 5 {
					t.Fatalf("read %+v, %v", w, err)
				}
				r, err := l.Load(ctx, p.JobID)
				if err == nil && c.before != nil {
					err = c.before(t, l, r, a)
				}
				if err != nil {
					t.Fatal(err)
				}
				end, s := a, w.Subtask
				end.State, end.Outcome = plan.AttemptEnded, plan.OutcomeSucceeded
				s.State, s.Winner = trainset.ItemSucceeded, 1
				done, err := l.Conclude(ctx, end, a.Cost, s)
				if !errors.Is(err, c.want) || done.Journalled != c.journalled || done.Applied != c.applied {
					t.Errorf("%+v, %v", done, err)
				}
				r, err = l.Load(ctx, p.JobID)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.Attempts[a.ID].State == plan.AttemptEnded; got != c.journalled {
					t.Errorf("the attempt is %s", r.Attempts[a.ID].State)
				}
				if got := r.Subtasks[s.ID]; got.State.Settled() != c.settled || len(got.Ask.Seeds) != 5 {
					t.Errorf("the subtask is %+v", got)
				}
			})
		})
	}
}

// A job that was deleted and asked for again has another plan under the same ID.
func TestSubtaskForgetsThePlanOfADeletedJob(t *testing.T) {
	l, ctx := ledger.New(redistest.Mini(t), ledger.Options{}), t.Context()
	for _, model := range []string{"first", "second"} {
		p := begun(t, l, 0, 0)
		if err := l.Forget(ctx, p.JobID, "u", ""); err != nil { // begun froze one without a model
			t.Fatal(err)
		}
		if _, _, err := l.Create(ctx, request("k")); err != nil {
			t.Fatal(err)
		}
		p.Model, p.Request, p.Asks = model, json.RawMessage("{}"), []plan.Ask{{Index: 1}}
		if _, err := l.Begin(ctx, p, p.Subtasks(), nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if w, err := l.Subtask(ctx, p.JobID, plan.ImageID(1)); err != nil || w.Job.Plan.Model != model || w.Job.User != "u" || w.Job.State != trainset.JobRunning {
				t.Errorf("read %+v, %v", w.Job, err)
			}
		}
		if err := l.Forget(ctx, p.JobID, "u", ""); err != nil {
			t.Fatal(err)
		}
	}
}

// A job that was under way when its worker was replaced by a newer one goes on.
func TestAnAttemptKeptWholeStaysWhole(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		a := attempt(p, 1, 1)
		a.Prompt, a.Input, a.Version, a.State = "a portrait", map[string]any{"prompt": "a portrait", "seed": 7.0}, 1, plan.AttemptIntent
		whole, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		rdb.HSet(ctx, "trainset:{"+string(p.JobID)+"}:attempts", a.ID, whole)
		a.State, a.PredictionID = plan.AttemptAccepted, "p"
		for range 2 {
			if a, err = l.Write(ctx, a, a.Cost); err != nil {
				t.Fatal(err)
			}
			if got, err := l.Attempt(ctx, p.JobID, a.ID); err != nil || !cmp.Equal(got, a) {
				t.Errorf("read %+v, %v", got, err)
			}
		}
	})
}
