package ledger_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// Many jobs are read, requeued and marked at once, whether Redis knows the script
// or not, and wherever in a cluster they lie.
func TestManyJobsAtOnce(t *testing.T) {
	redistest.Everywhere(t, manyJobs)
}

func manyJobs(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
	ids := []trainset.JobID{trainset.NewJobID("u", trainset.KindActor, "nobody's")}
	for _, key := range []string{"a", "b", "c", "d"} {
		req := request(key)
		if _, _, err := l.Create(ctx, req); err != nil {
			t.Fatal(err)
		}
		p := plan.Plan{JobID: req.JobID(), User: "u", Kind: trainset.KindActor, Images: 3, MaxAttempts: 5, Request: json.RawMessage("{}"), Asks: []plan.Ask{{Index: 1}, {Index: 2}, {Index: 3}}}
		if _, err := l.Begin(ctx, p, p.Subtasks(), nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, req.JobID())
	}
	for round := range 3 {
		records, err := l.ProgressAll(ctx, ids...)
		if err != nil || len(records) != len(ids)-1 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		var lots []plan.Lot
		for i, r := range records {
			lots = append(lots, plan.Lot{Record: r, Steps: plan.Needed(r)[:i]}) // none, one, two, three
		}
		rdb.ScriptFlush(ctx)
		again, err := l.Requeue(ctx, lots...)
		if err != nil {
			t.Fatal(err)
		}
		for i, lot := range again {
			if lot.Record.ID != records[i].ID || len(lot.Steps) != i || slices.ContainsFunc(lot.Steps, func(s plan.Step) bool { return s.Revision != round+2 }) {
				t.Errorf("round %d: requeued of job %d: %+v", round, i, lot.Steps)
			}
		}
		if err := l.MarkQueued(ctx, again[1:]...); err != nil {
			t.Fatal(err)
		}
		whole, err := l.LoadAll(ctx, ids...)
		if err != nil || len(whole) != len(records) {
			t.Fatalf("%d records, %v", len(whole), err)
		}
		for i, r := range whole {
			if marked := len(r.Queued); marked != i*(round+1) {
				t.Errorf("round %d: %d tasks of job %d are marked", round, marked, i)
			}
		}
	}
}
