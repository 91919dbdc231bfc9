package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// However many there are, what goes on is looked after again, and what ended, or has
// no record any more, is not. A check that was put off stays where it is.
func TestLostJobsReenterTheOpenIndex(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := newAging(rdb)
		listed(t, rdb, "trainset:recent", "expired", 1200)
		var lost []trainset.JobID
		for i := range 3 {
			a.now = a.now.Add(time.Minute)
			lost = append(lost, a.create(t, "ada", fmt.Sprint(i)))
		}
		unlisted(t, rdb, "trainset:open", lost)
		ended, known := a.create(t, "ada", "ended"), a.create(t, "ada", "known")
		if err := errors.Join(
			a.Finish(t.Context(), ended, ledger.Ending{State: trainset.JobFailed}), a.Close(t.Context(), ended),
			a.CheckAt(t.Context(), known, a.now.Add(time.Hour)),
		); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{len(lost), 0} {
			if n, err := a.ReenterLost(t.Context()); n != want || err != nil {
				t.Errorf("%d jobs were lost, not %d: %v", n, want, err)
			}
		}
		due, err := a.Due(t.Context(), 10)
		slices.Sort(due)
		if !slices.Equal(due, slices.Sorted(slices.Values(lost))) || err != nil {
			t.Errorf("due are %v, not %v: %v", due, lost, err)
		}
		if n, err := a.CountOpen(t.Context()); n != len(lost)+1 || err != nil {
			t.Errorf("%d jobs are open: %v", n, err)
		}
	})
}
