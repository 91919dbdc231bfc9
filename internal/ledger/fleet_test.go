package ledger_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

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
