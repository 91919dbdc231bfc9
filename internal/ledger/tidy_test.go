package ledger_test

import (
	"context"
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

// aging is a ledger whose time a test moves on.
type aging struct {
	*ledger.Ledger

	rdb redis.UniversalClient
	now time.Time
}

const keptFor = time.Hour

func newAging(rdb redis.UniversalClient) *aging {
	a := &aging{rdb: rdb, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	a.Ledger = ledger.New(rdb, ledger.Options{Keep: keptFor, Now: func() time.Time { return a.now }})
	return a
}

func (a *aging) create(t *testing.T, user, key string) trainset.JobID {
	t.Helper()
	req := request(key)
	req.User = user
	if _, _, err := a.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return req.JobID()
}

// expire is what Redis does to the record of a job that ended long ago.
func (a *aging) expire(t *testing.T, id trainset.JobID) {
	t.Helper()
	if err := a.rdb.Del(t.Context(), "trainset:{"+string(id)+"}:job").Err(); err != nil {
		t.Fatal(err)
	}
}

// tidy returns the jobs that were said to have expired.
func (a *aging) tidy(t *testing.T) (told []trainset.JobID) {
	t.Helper()
	err := a.Tidy(t.Context(), func(_ context.Context, ids []trainset.JobID) error {
		told = append(told, ids...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func (a *aging) wantListed(t *testing.T, user string, want ...trainset.JobID) {
	t.Helper()
	if got, err := a.Recent(t.Context(), user, 10_000); err != nil || !slices.Equal(got, want) {
		t.Errorf("of user %q are listed %v, not %v: %v", user, got, want, err)
	}
}

func TestTidyTakesExpiredJobsOutOfTheLists(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := newAging(rdb)
		open, gone := a.create(t, "ada", "open"), a.create(t, "ada", "gone")
		others := a.create(t, "bob", "others")
		a.now = a.now.Add(keptFor - time.Minute)
		if told := a.tidy(t); told != nil {
			t.Errorf("before their time: %v", told)
		}
		a.now = a.now.Add(time.Hour)
		young := a.create(t, "ada", "young")
		a.expire(t, gone)
		a.expire(t, others)
		if told := a.tidy(t); len(told) != 2 || !slices.Contains(told, gone) || !slices.Contains(told, others) {
			t.Errorf("%v have expired", told)
		}
		a.wantListed(t, "", young, open)
		a.wantListed(t, "ada", young, open)
		if n := rdb.Exists(t.Context(), "trainset:user:bob").Val(); n != 0 {
			t.Error("there is a list of a user without jobs")
		}
		if users := rdb.ZRange(t.Context(), "trainset:users", 0, -1).Val(); !slices.Equal(users, []string{"ada"}) {
			t.Errorf("users with jobs: %v", users)
		}
		if told := a.tidy(t); told != nil {
			t.Errorf("again: %v", told)
		}
	})
}

// However many there are, between others that stay.
func TestTidyGoesThroughLongLists(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		a := newAging(rdb)
		var open []trainset.JobID
		long := func(n int) {
			entries := make([]redis.Z, n)
			for i := range entries {
				entries[i] = redis.Z{Score: float64(a.now.UnixMilli()), Member: fmt.Sprintf("%s/%d", a.now, i)}
			}
			if err := errors.Join(rdb.ZAdd(t.Context(), "trainset:recent", entries...).Err(), rdb.ZAdd(t.Context(), "trainset:user:ada", entries...).Err()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			a.now = a.now.Add(time.Second)
			open = slices.Insert(open, 0, a.create(t, "ada", fmt.Sprint(i)))
			a.now = a.now.Add(time.Second)
			long(600)
		}
		a.now = a.now.Add(2 * keptFor)
		if told := a.tidy(t); len(told) != 1800 {
			t.Errorf("%d have expired", len(told))
		}
		a.wantListed(t, "", open...)
		a.wantListed(t, "ada", open...)
	})
}

// What could not be done about expired jobs is asked for again.
func TestTidyKeepsWhatItCouldNotTell(t *testing.T) {
	a := newAging(redistest.Mini(t))
	gone := a.create(t, "ada", "gone")
	a.expire(t, gone)
	a.now = a.now.Add(2 * keptFor)
	away := errors.New("storage is away")
	if err := a.Tidy(t.Context(), func(context.Context, []trainset.JobID) error { return away }); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	if told := a.tidy(t); !slices.Equal(told, []trainset.JobID{gone}) {
		t.Errorf("%v have expired", told)
	}
}

// A job that is asked for again at this very moment stays listed.
func TestTidySparesJobsThatAreAskedForAgain(t *testing.T) {
	a := newAging(redistest.Mini(t))
	id := a.create(t, "ada", "again")
	a.expire(t, id)
	a.now = a.now.Add(2 * keptFor)
	err := a.Tidy(t.Context(), func(context.Context, []trainset.JobID) error {
		a.create(t, "ada", "again") //nolint:contextcheck // takes the test's
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.wantListed(t, "", id)
	a.wantListed(t, "ada", id)
}

func TestForgettingAUsersOnlyJobForgetsTheUser(t *testing.T) {
	rdb := redistest.Mini(t)
	a := newAging(rdb)
	if err := a.Forget(t.Context(), a.create(t, "ada", "k"), "ada", ""); err != nil {
		t.Fatal(err)
	}
	if keys := rdb.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("%v are left", keys)
	}
}
