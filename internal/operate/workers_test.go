package operate_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
)

// crew is a ledger of workers, each of which beats as often as it says, and of one
// that comes and one that goes.
type crew struct {
	began time.Time
	every map[string]time.Duration
}

func (c crew) Beats(context.Context) (map[string]string, error) {
	beats, passed := map[string]string{}, time.Since(c.began)
	for id, every := range c.every {
		n := 100
		if every > 0 {
			n += int(passed / every)
		}
		beats[id] = strconv.Itoa(n)
	}
	if passed > 150*time.Millisecond {
		beats["new"] = "1"
	} else {
		beats["buried"] = "9"
	}
	return beats, nil
}

func (c crew) Cards(context.Context) (map[string]ledger.Card, error) {
	return map[string]ledger.Card{"live": {Host: "left", PID: 7, Version: "v1", StartedAt: c.began, Account: "ours"}}, nil
}

func (c crew) Held(_ context.Context, worker string) (map[trainset.JobID][]string, error) {
	if worker != "live" {
		return nil, nil
	}
	return map[trainset.JobID][]string{"one": {"a", "b"}, "two": {"c"}}, nil
}

func TestWorkersLiveWhoseCountMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := crew{began, map[string]time.Duration{"live": 500 * time.Millisecond, "gone": 0}}
		got, err := operate.Watcher{Ledger: c}.Watch(t.Context())
		want := []operate.Worker{
			{ID: "new", Live: true, Beats: 1},
			{ID: "live", Live: true, Beats: 104, Host: "left", PID: 7, Version: "v1", StartedAt: &began, Account: "ours", InHand: 3, Jobs: 2},
			{ID: "gone", Beats: 100},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		if passed := time.Since(began); passed != 2*time.Second {
			t.Errorf("it took %s", passed)
		}
	})
}

// Where all live it does not take longer than a beat.
func TestWatchingWorkersEndsWhenAllHaveBeaten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := crew{began, map[string]time.Duration{"one": 500 * time.Millisecond, "two": 400 * time.Millisecond}}
		if workers, err := (operate.Watcher{Ledger: c}).Watch(t.Context()); err != nil || len(workers) != 3 || time.Since(began) != 500*time.Millisecond {
			t.Errorf("after %s: %+v, %v", time.Since(began), workers, err)
		}
	})
}
