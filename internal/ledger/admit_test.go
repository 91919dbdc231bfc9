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

// admit asks for a place for each of ada's jobs.
func (a *aging) admit(t *testing.T, most int, want bool, ids ...trainset.JobID) {
	t.Helper()
	for _, id := range ids {
		a.now = a.now.Add(time.Millisecond)
		if in, err := a.Admit(t.Context(), "ada", id, most); in != want || err != nil {
			t.Errorf("job %s is let in: %t, %v", id, in, err)
		}
	}
}

func (a *aging) wantPlaces(t *testing.T, admitted, waiting []trainset.JobID) {
	t.Helper()
	for key, want := range map[string][]trainset.JobID{"trainset:admitted:ada": admitted, "trainset:waiting:ada": waiting} {
		var got []trainset.JobID
		for _, id := range a.rdb.ZRange(t.Context(), key, 0, -1).Val() {
			got = append(got, trainset.JobID(id))
		}
		if !slices.Equal(got, want) {
			t.Errorf("in %s are %v, not %v", key, got, want)
		}
	}
}

func (a *aging) end(t *testing.T, id trainset.JobID) {
	t.Helper()
	_, err := a.Depart(t.Context(), "ada", id)
	if err := errors.Join(a.Finish(t.Context(), id, ledger.Ending{State: trainset.JobFailed}), err, a.Close(t.Context(), id)); err != nil {
		t.Fatal(err)
	}
}

// A slow worker lets jobs in that have ended or are gone since it read them. They
// keep nobody waiting, and those that run keep their places.
func TestPlacesOfJobsThatAreOverAreGivenUp(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		const most = 3
		a := newAging(rdb)
		running, ended, gone := a.create(t, "ada", "running"), a.create(t, "ada", "ended"), a.create(t, "ada", "gone")
		first, second, third := a.create(t, "ada", "first"), a.create(t, "ada", "second"), a.create(t, "ada", "third")
		a.end(t, ended)
		if err := a.Forget(t.Context(), gone, "ada", ""); err != nil {
			t.Fatal(err)
		}
		a.admit(t, most, true, running)
		since := a.now.UnixMilli()
		a.admit(t, most, true, ended, gone, first, second)
		a.admit(t, most, false, third)
		a.wantPlaces(t, []trainset.JobID{running, first, second}, []trainset.JobID{third})
		if at := rdb.ZScore(t.Context(), "trainset:admitted:ada", string(running)).Val(); int64(at) != since {
			t.Errorf("a job that runs lost its place for a while")
		}
		a.end(t, first)
		a.admit(t, most, true, third, second)
		a.wantPlaces(t, []trainset.JobID{running, second, third}, nil)
	})
}

// Of many places a refused job looks at few; what keeps one without need comes to be
// among them as those before it end.
func TestPlacesAmongManyAreGivenUpInTheEnd(t *testing.T) {
	const most = 20
	a := newAging(redistest.Any(t))
	var jobs []trainset.JobID
	for i := range most {
		jobs = append(jobs, a.create(t, "ada", fmt.Sprint(i)))
	}
	a.admit(t, most, true, jobs...)
	if err := a.Finish(t.Context(), jobs[most-1], ledger.Ending{State: trainset.JobFailed}); err != nil {
		t.Fatal(err)
	}
	next := a.create(t, "ada", "next")
	a.admit(t, most, false, next)
	for i := range most - 8 {
		a.end(t, jobs[i])
		a.admit(t, most, true, a.create(t, "ada", fmt.Sprint("later", i)))
	}
	a.admit(t, most, true, next)
}

// A job that is asked for again while its place is given up keeps it.
func TestJobsThatAreAskedForAgainKeepTheirPlaces(t *testing.T) {
	rdb := redistest.Any(t)
	a := newAging(rdb)
	gone, other := a.create(t, "ada", "gone"), a.create(t, "ada", "other")
	a.expire(t, gone)
	a.admit(t, 1, true, gone)
	l := hooked(t, rdb, func(_ context.Context, cmd redis.Cmder, run func() error) error {
		if cmd.Name() == "zrem" {
			a.create(t, "ada", "gone") //nolint:contextcheck // takes the test's
			a.admit(t, 1, true, gone)  //nolint:contextcheck // as above
		}
		return run()
	})
	if in, err := l.Admit(t.Context(), "ada", other, 1); in || err != nil {
		t.Errorf("the other is let in: %t, %v", in, err)
	}
	a.wantPlaces(t, []trainset.JobID{gone}, []trainset.JobID{other})
}
