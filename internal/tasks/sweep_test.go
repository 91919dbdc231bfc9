package tasks

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// However many jobs have been due for longer that nobody waits for, the one that
// somebody does wait for is looked after, and the others are not.
func TestTheSweeperFindsTheJobThatIsAskedForAmongMany(t *testing.T) {
	rdb := redistest.Any(t)
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }
	l := ledger.New(rdb, ledger.Options{Now: clock})
	unasked := make([]redis.Z, 1200)
	for i := range unasked {
		unasked[i] = redis.Z{Score: float64(now.UnixMilli()), Member: fmt.Sprint("unasked ", i)}
	}
	if err := rdb.ZAdd(t.Context(), "trainset:open", unasked...).Err(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	create := func(key string) trainset.JobID {
		req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: key}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
		if _, _, err := l.Create(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		return req.JobID()
	}
	asked, other := create("asked"), create("other")
	now = now.Add(time.Hour)
	if err := l.Ask(t.Context(), asked, time.Minute); err != nil {
		t.Fatal(err)
	}
	h := New(l, nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop(), Now: clock})
	if err := (&Sweeper{Handlers: h, Owner: "me", AskedOnly: true}).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, tasks := range map[trainset.JobID]int{asked: 1, other: 0} {
		if r, err := l.Load(t.Context(), id); err != nil || len(r.Queued) != tasks {
			t.Errorf("of job %s are queued %v, want %d: %v", r.Key, r.Queued, tasks, err)
		}
	}
	if n, err := l.CountOpen(t.Context()); err != nil || n != len(unasked)+2 {
		t.Errorf("%d jobs are open: %v", n, err) // one without a record that is looked after is not any more
	}
}
