package ledger_test

import (
	"errors"
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

// Deleting makes room, so it needs none: neither for its mark nor for what is kept of the
// job. What goes on is refused as ever.
func TestAJobIsDeletedFromAFullRedis(t *testing.T) {
	for name, rdb := range map[string]redis.UniversalClient{"server": redistest.Server(t), "cluster": redistest.ClusterClient(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, l := t.Context(), ledger.New(rdb, ledger.Options{})
			var user string
			end := func(key string) trainset.JobID {
				var req trainset.ActorRequest
				req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", key, "https://example.com/zara.png"
				r, _, err := l.Create(ctx, req.WithDefaults())
				if err == nil {
					err = l.Finish(ctx, r.ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"})
				}
				if err != nil {
					t.Fatal(err)
				}
				user = r.User
				return r.ID
			}
			goes, gone, stays := begun(t, l, 1, trainset.USD(1)).JobID, end("gone"), end("stays")
			fill(t, rdb)
			if state, err := l.MarkDeleting(ctx, goes); err != nil || state.Ended() || state == "" {
				t.Errorf("one that goes on is %q, %v", state, err)
			}
			if _, err := l.MarkDeleting(ctx, gone); err != nil {
				t.Fatal(err)
			}
			if marked, err := l.Deleting(ctx, gone); err != nil || !marked {
				t.Errorf("marked: %v, %v", marked, err)
			}
			if err := l.Disown(ctx, gone, []string{"p1", "p2"}); err != nil {
				t.Error(err)
			}
			if err := l.Forget(ctx, gone, user, ""); err != nil {
				t.Error(err)
			}
			if _, err := l.Load(ctx, gone); !errors.Is(err, trainset.ErrNotFound) {
				t.Errorf("it is still there: %v", err)
			}
			if got, err := l.Disowned(ctx, func(string) bool { return true }); err != nil || len(got) != 2 || got["p1"] != gone {
				t.Errorf("of its predictions is kept %v, %v", got, err)
			}
			if _, err := l.Load(ctx, stays); err != nil {
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
