package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// bought is an attempt whose output is known.
func bought(id, prediction string) plan.Attempt {
	return plan.Attempt{ID: id, Job: inboxJob, PredictionID: prediction}
}

func TestWhatWasSalvagedComesBack(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		for _, size := range []int{1, 512 << 10, 3<<20 + 1} {
			output := bytes.Repeat([]byte{byte(size), 1, 0}, size/3+1)[:size]
			for range 2 {
				if err := l.Salvage(ctx, bought("image.1.1", "p1"), output); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := l.Salvaged(ctx, bought("image.1.1", "p1")); err != nil || !bytes.Equal(got, output) {
				t.Errorf("%d bytes came back of %d: %v", len(got), size, err)
			}
			for _, other := range []plan.Attempt{bought("image.1.2", "p1"), bought("image.1.1", "p2")} {
				if _, err := l.Salvaged(ctx, other); !errors.Is(err, trainset.ErrNotFound) {
					t.Errorf("another attempt: %v", err)
				}
			}
			for _, key := range rdb.Keys(ctx, "*").Val() {
				if rdb.TTL(ctx, key).Val() <= 0 {
					t.Errorf("%s never expires", key)
				}
			}
			for range 2 {
				if err := l.DropSalvaged(ctx, bought("image.1.1", "p1")); err != nil {
					t.Fatal(err)
				}
			}
			if left := rdb.Keys(ctx, "*").Val(); len(left) > 0 {
				t.Errorf("dropped, there are %v", left)
			}
		}
	})
}

// A worker that died halfway has salvaged nothing.
func TestWhatIsNotWholeIsNotSalvaged(t *testing.T) {
	rdb := redistest.Mini(t)
	l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
	if err := l.Salvage(ctx, bought("image.1.1", "p1"), []byte("a whole picture")); err != nil {
		t.Fatal(err)
	}
	for _, key := range rdb.Keys(ctx, "*").Val() {
		if strings.HasSuffix(key, ":image.1.1:p1") {
			rdb.Set(ctx, key, "a whole", 0)
		}
	}
	if _, err := l.Salvaged(ctx, bought("image.1.1", "p1")); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// The journal comes first: pictures leave half of the memory to it.
func TestPicturesLeaveRoomForTheJournal(t *testing.T) {
	const memory, picture = 64 << 20, 4 << 20
	limited := func(one *redis.Client, most string) error {
		return one.ConfigSet(t.Context(), "maxmemory", most).Err()
	}
	for name, rdb := range map[string]redis.UniversalClient{"server": redistest.Server(t), "cluster": redistest.ClusterClient(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, l := t.Context(), ledger.New(rdb, ledger.Options{})
			limit := func(most string) {
				err := errors.New("another kind of client")
				switch rdb := rdb.(type) {
				case *redis.Client:
					err = limited(rdb, most)
				case *redis.ClusterClient:
					err = rdb.ForEachMaster(ctx, func(_ context.Context, one *redis.Client) error { return limited(one, most) })
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			limit("64mb")
			output, kept := make([]byte, picture), 0
			for n := range memory / picture {
				err := l.Salvage(ctx, bought(fmt.Sprintf("image.%d.1", n), "p"), output)
				if err == nil {
					kept++
				} else if !errors.Is(err, ledger.ErrNoRoom) {
					t.Fatal(err)
				}
			}
			if kept < 2 || kept > memory/picture/2 {
				t.Errorf("%d pictures of %d MB in %d MB", kept, picture>>20, memory>>20)
			}
			limit("0") // as much as the machine has
			if err := l.Salvage(ctx, bought("image.99.1", "p"), output); err != nil {
				t.Error(err)
			}
		})
	}
}
