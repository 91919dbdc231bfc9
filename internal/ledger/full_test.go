package ledger_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// Whoever finds out why nothing is written must be able to read.
func TestAFullRedisIsRead(t *testing.T) {
	for name, rdb := range map[string]redis.UniversalClient{"server": redistest.Server(t), "cluster": redistest.ClusterClient(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			p := begun(t, ledger.New(rdb, ledger.Options{}), 3, trainset.USD(1))
			fill(t, rdb)
			if err := rdb.Set(ctx, "more", "", 0).Err(); err == nil {
				t.Fatal("Redis is not full")
			}
			for _, known := range []string{"neither script nor job", "script", "both"} {
				r, err := ledger.New(rdb, ledger.Options{}).Load(ctx, p.JobID)
				if err != nil || len(r.Subtasks) != 3 || r.Plan == nil || len(r.Subtasks[plan.ImageID(1)].Ask.Seeds) == 0 {
					t.Errorf("with %s known: %d subtasks, %v", known, len(r.Subtasks), err)
				}
			}
			if _, err := ledger.New(rdb, ledger.Options{}).Progress(ctx, p.JobID); err != nil {
				t.Error(err)
			}
		})
	}
}

// fill leaves no room in any server.
func fill(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	full := func(one *redis.Client) error { return one.ConfigSet(t.Context(), "maxmemory", "1").Err() }
	var err error
	switch rdb := rdb.(type) {
	case *redis.Client:
		err = full(rdb)
	case *redis.ClusterClient:
		for _, addr := range rdb.Options().Addrs {
			one := redis.NewClient(&redis.Options{Addr: addr})
			defer one.Close() //nolint:errcheck // the test ends
			if err = full(one); err != nil {
				break
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
