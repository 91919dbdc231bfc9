package ledger_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// stopped is a job of two images that its cap has stopped after one.
func stopped(t *testing.T, l *ledger.Ledger) plan.Record {
	t.Helper()
	ctx := t.Context()
	p := begun(t, l, 2, trainset.USD(0.04))
	a, err := l.Open(ctx, attempt(p, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	a.State, a.Outcome, a.Input = plan.AttemptEnded, plan.OutcomeSucceeded, map[string]any{"prompt": "x", "seed": json.Number("1")}
	if a, err = l.Write(ctx, a, a.Cost); err != nil {
		t.Fatal(err)
	}
	subs := p.Subtasks()
	made, failed := subs[0].Settled([]plan.Attempt{a}, trainset.ItemSucceeded, "", 1), subs[1]
	failed.State, failed.Reason = trainset.ItemFailed, "the cap"
	for _, s := range []plan.Subtask{made, failed} {
		if _, err := l.Settle(ctx, p.JobID, s); err != nil {
			t.Fatal(err)
		}
	}
	r, err := l.Load(ctx, p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	end := ledger.Ending{State: trainset.JobPartial, Reason: "one is missing", Revision: 1, Change: r.Change, Output: &trainset.Output{Manifest: "m"}}
	if err := errors.Join(l.Finish(ctx, p.JobID, end), l.Close(ctx, p.JobID)); err != nil {
		t.Fatal(err)
	}
	if r, err = l.Load(ctx, p.JobID); err != nil {
		t.Fatal(err)
	}
	return r
}

// A job that Redis has lost is read back as it ended: nobody works on it before it
// is taken up again, and then only on what it lacks.
func TestAnEndedJobIsReadBack(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		want := stopped(t, l)
		if did, err := l.Recall(ctx, want); did || err != nil {
			t.Errorf("what is known was read back: %v, %v", did, err)
		}
		rdb.FlushAll(ctx)
		l = ledger.New(rdb, ledger.Options{})
		if did, err := l.Recall(ctx, want); !did || err != nil {
			t.Fatalf("read back: %v, %v", did, err)
		}
		got, err := l.Load(ctx, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(plan.Record{}, "Change", "AcceptRevision", "Queued"), cmpopts.IgnoreFields(plan.Attempt{}, "Version")); d != "" {
			t.Errorf("it is another:\n%s", d)
		}
		if due, err := l.Due(ctx, 10); err != nil || len(due) != 0 {
			t.Errorf("somebody would work on %v, %v", due, err)
		}
		if err := l.Reopen(ctx, got, plan.Retry(got), plan.Limits{MaxCost: trainset.USD(0.08)}); err != nil {
			t.Fatal(err)
		}
		if did, err := l.Recall(ctx, want); did || err != nil {
			t.Errorf("a job that runs was written over: %v, %v", did, err)
		}
		if got, err = l.Load(ctx, want.ID); err != nil {
			t.Fatal(err)
		}
		if steps := plan.Next(got); len(steps) != 1 || steps[0].Subtask != plan.ImageID(2) {
			t.Errorf("next: %+v", steps)
		}
		second := attempt(plan.Plan{JobID: want.ID, Price: trainset.USD(0.04)}, 2, 1)
		if _, err := l.Open(ctx, second); err != nil {
			t.Errorf("within the raised cap: %v", err)
		}
	})
}

// What Redis has of an older set of a job is no longer true; of a newer one it is.
func TestOnlyAnOlderSetIsWrittenOver(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		r := stopped(t, l)
		for revision, want := range []bool{false, false, true} {
			other := r
			other.Revision = revision
			if did, err := l.Recall(ctx, other); did != want || err != nil {
				t.Errorf("set %d over 1: %v, %v", revision, did, err)
			}
		}
	})
}
