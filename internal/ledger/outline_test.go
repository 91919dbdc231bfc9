package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestOutlinesAreThoseOfTheRecords(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		l := ledger.New(rdb, ledger.Options{})
		var want []ledger.Outline
		ids := []trainset.JobID{"00000000-0000-8000-8000-000000000001"} // nobody's
		for _, key := range []string{"a", "b", "c"} {
			r, _, err := l.Create(t.Context(), request(key))
			if err != nil {
				t.Fatal(err)
			}
			if key == "b" {
				if err := l.Finish(t.Context(), r.ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"}); err != nil {
					t.Fatal(err)
				}
				r.State = trainset.JobFailed
			}
			ids = append(ids, r.ID)
			want = append(want, ledger.Outline{ID: r.ID, Kind: trainset.KindActor, User: "u", State: r.State, CreatedAt: r.CreatedAt})
		}
		got, err := l.Outlines(t.Context(), ids...)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
