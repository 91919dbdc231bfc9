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

// Those that somebody waits for are found wherever they lie between others, the
// longest due first, and no more than are wanted.
func TestDueJobsThatAreAskedFor(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := newAging(rdb)
		a.now = time.UnixMilli(1_800_000_000_000)
		ids := listed(t, rdb, "trainset:open", "job", 1200) // ten in a millisecond
		asked := []trainset.JobID{ids[3], ids[700], ids[1190], ids[1199]}
		for _, id := range asked {
			if err := a.Ask(t.Context(), id, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ after, n, want int }{{118, 10, 2}, {119, 10, 4}, {119, 4, 4}, {119, 3, 3}, {119, 1, 1}, {-1, 10, 0}} {
			a.now = time.UnixMilli(1_800_000_000_000 + int64(c.after))
			if due, err := a.DueAsked(t.Context(), c.n); err != nil || !slices.Equal(due, asked[:c.want]) {
				t.Errorf("after %d ms, of %d: %v, want %v; %v", c.after, c.n, due, asked[:c.want], err)
			}
		}
	})
}
