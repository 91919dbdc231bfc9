package ledger_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// What was superseded is known for as long as the queue may list it, and is
// forgotten then.
func TestSupersededTasksAreNotCurrent(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Helper()
		start := time.Unix(1_800_000_000, 0) // when one set of minutes begins
		now := start
		l := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }})
		for _, c := range []struct {
			after     time.Duration
			supersede []string
			current   []string
		}{
			{0, nil, []string{"a", "b", "c"}},
			{0, []string{"a"}, []string{"b", "c"}},
			{4 * time.Minute, []string{"b"}, []string{"c"}},
			{5 * time.Minute, []string{"c"}, nil},
			{10*time.Minute - time.Second, nil, nil},
			{10 * time.Minute, nil, []string{"a", "b"}},
			{15 * time.Minute, nil, []string{"a", "b", "c"}},
		} {
			now = start.Add(c.after)
			if err := l.Supersede(t.Context(), c.supersede); err != nil {
				t.Fatal(err)
			}
			if got, err := l.Current(t.Context(), []string{"a", "b", "c"}); err != nil || !slices.Equal(got, c.current) {
				t.Errorf("after %s there are %v, not %v; %v", c.after, got, c.current, err)
			}
		}
		if left, err := l.Current(t.Context(), nil); err != nil || len(left) > 0 {
			t.Errorf("of no tasks there are %v, %v", left, err)
		}
	})
}

// Nothing is known of a worker any more that was buried.
func TestWorkersAreKnownUntilTheyAreBuried(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		cards := map[string]ledger.Card{
			"one": {Host: "left", PID: 7, Version: "v1", StartedAt: time.Unix(1_800_000_000, 0).UTC(), Account: "ours"},
			"two": {Host: "right", PID: 8, Version: "v2", StartedAt: time.Unix(1_800_000_100, 0).UTC()},
		}
		for worker, c := range cards {
			if err := errors.Join(l.Beat(ctx, worker), l.Introduce(ctx, worker, c), l.Hold(ctx, worker, []string{"task"}, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := l.Cards(ctx); err != nil || !maps.Equal(got, cards) {
			t.Errorf("%+v, %v", got, err)
		}
		for worker := range cards {
			if err := l.Bury(ctx, worker); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"trainset:workers", "trainset:cards", "trainset:held:one", "trainset:held:two"} {
			if n := rdb.Exists(ctx, key).Val(); n != 0 {
				t.Errorf("%s is left", key)
			}
		}
	})
}
