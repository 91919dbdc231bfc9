package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// aPage is what a page has at most: 500, and beside them those of one score that
// were given before, or what shares a place in Redis's table.
const aPage = 520

// listed enters jobs in an index, ten in a millisecond, the oldest first.
func listed(t *testing.T, rdb redis.UniversalClient, index, name string, n int) []trainset.JobID {
	t.Helper()
	ids, entries := make([]trainset.JobID, n), make([]redis.Z, n)
	for i := range n {
		ids[i] = trainset.JobID(fmt.Sprintf("%s-%05d", name, i))
		entries[i] = redis.Z{Score: float64(1_800_000_000_000 + i/10), Member: string(ids[i])}
	}
	if err := rdb.ZAdd(t.Context(), index, entries...).Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func unlisted(t *testing.T, rdb redis.UniversalClient, index string, ids []trainset.JobID) {
	t.Helper()
	for _, id := range ids {
		if err := rdb.ZRem(t.Context(), index, string(id)).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// While some come and others go, at the newest end, around where the reading is and
// at the oldest, each job that stays is given once and in its place.
func TestRecentJobsAreGivenInPages(t *testing.T) {
	const index, jobs = "trainset:user:ada", 3000
	rdb := redistest.Server(t)
	replies := &redistest.Replies{}
	rdb.AddHook(replies)
	l := ledger.New(rdb, ledger.Options{})
	stays, goes := listed(t, rdb, index, "stays", jobs), listed(t, rdb, index, "goes", jobs)
	var got []trainset.JobID
	page := 0
	for ids, err := range l.RecentPages(t.Context(), "ada") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids...)
		at := max(20, jobs-len(got)/2) // where it is
		for _, from := range []int{20 * page, at - 20, at, jobs - 20*(page+1)} {
			unlisted(t, rdb, index, goes[from:min(from+20, jobs)])
		}
		if err := rdb.ZAdd(t.Context(), index, redis.Z{Score: 1_900_000_000_000, Member: fmt.Sprintf("comes-%d", page)}).Err(); err != nil {
			t.Fatal(err)
		}
		page++
	}
	stayed := slices.DeleteFunc(slices.Clone(got), func(id trainset.JobID) bool { return id[0] != 's' })
	slices.Reverse(stays)
	if !slices.Equal(stayed, stays) {
		t.Errorf("%d of %d were given, or not in their order", len(stayed), len(stays))
	}
	if once := slices.Compact(slices.Sorted(slices.Values(got))); len(once) != len(got) {
		t.Errorf("%d of %d were given once", len(once), len(got))
	}
	if most := replies.Most(); page < 5 || most > aPage {
		t.Errorf("%d pages of up to %d", page, most)
	}
}

// However many are asked for, there are the newest of them, wherever pages end.
func TestRecentJobsAreTheNewest(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		l := ledger.New(rdb, ledger.Options{})
		want := listed(t, rdb, "trainset:recent", "job", 1200)
		slices.Reverse(want)
		for _, n := range []int{-1, 0, 1, 7, 499, 500, 501, 1200, 5000} {
			if got, err := l.Recent(t.Context(), "", n); err != nil || !slices.Equal(got, want[:max(0, min(n, len(want)))]) {
				t.Errorf("of %d there are %d; %v", n, len(got), err)
			}
		}
	})
}

// A millisecond may have more jobs than a page.
func TestJobsOfOneMomentAreGivenOnce(t *testing.T) {
	rdb := redistest.Server(t)
	want, entries := make([]trainset.JobID, 1300), make([]redis.Z, 1300)
	for i := range want {
		want[i] = trainset.JobID(fmt.Sprintf("%04d", len(want)-i))
		entries[i] = redis.Z{Score: 7, Member: string(want[i])}
	}
	if err := rdb.ZAdd(t.Context(), "trainset:recent", entries...).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := ledger.New(rdb, ledger.Options{}).Recent(t.Context(), "", 5000); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d; %v", len(got), len(want), err)
	}
}

// Whatever becomes of others, and whenever it is to be looked at next, a job that
// stays open is given.
func TestOpenJobsAreGivenInPages(t *testing.T) {
	const index, jobs = "trainset:open", 3000
	rdb := redistest.Server(t)
	replies := &redistest.Replies{}
	rdb.AddHook(replies)
	l := ledger.New(rdb, ledger.Options{})
	stays, goes := listed(t, rdb, index, "stays", jobs), listed(t, rdb, index, "goes", 5*jobs)
	if n, err := l.CountOpen(t.Context()); err != nil || n != 6*jobs {
		t.Errorf("%d, %v", n, err)
	}
	if all, err := l.OpenJobs(t.Context()); err != nil || len(all) != 6*jobs {
		t.Errorf("%d, %v", len(all), err)
	}
	given, page := map[trainset.JobID]bool{}, 0
	for ids, err := range l.OpenPages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			given[id] = true
		}
		unlisted(t, rdb, index, goes[min(1500*page, len(goes)):min(1500*(page+1), len(goes))]) // until Redis makes its table smaller
		for i, id := range stays[250*(page%12):][:250] {
			at := time.UnixMilli(1_800_000_000_000).Add(time.Duration(i%2*2-1) * time.Hour) // sooner, or later
			if err := l.CheckAt(t.Context(), id, at); err != nil {
				t.Fatal(err)
			}
		}
		page++
	}
	for _, id := range stays {
		if !given[id] {
			t.Errorf("%s was not given", id)
		}
	}
	if most := replies.Most(); page < 5 || most > aPage {
		t.Errorf("%d pages of up to %d", page, most)
	}
}
