package ledger_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// A word reaches whoever listens, on whichever worker; what is no word of ours is
// passed over.
func TestSignalsReachEveryWorker(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		var listening sync.WaitGroup
		t.Cleanup(func() { stop(); listening.Wait() })
		var mu sync.Mutex
		heard := make([][]ledger.Signal, 2)
		for i := range heard {
			listening.Go(func() {
				ledger.New(rdb, ledger.Options{}).Signals(ctx, func(s ledger.Signal) {
					mu.Lock()
					defer mu.Unlock()
					if !slices.Contains(heard[i], s) {
						heard[i] = append(heard[i], s)
					}
				})
			})
		}
		l := ledger.New(rdb, ledger.Options{})
		want := []ledger.Signal{{Job: "job"}, {Job: "job", Attempt: "image.1.1"}}
		redistest.Await(t, "both have heard both words", func() bool {
			for _, text := range []string{"poll", "cancel a b", "nonsense"} {
				if err := rdb.Publish(ctx, "trainset:signals", text).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.SignalCancel(ctx, "job"); err != nil {
				t.Fatal(err)
			}
			if err := l.SignalPoll(ctx, "job", "image.1.1"); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			return len(heard[0]) >= len(want) && len(heard[1]) >= len(want)
		})
		mu.Lock()
		defer mu.Unlock()
		for _, got := range heard {
			if len(got) != len(want) || !slices.Contains(got, want[0]) || !slices.Contains(got, want[1]) {
				t.Errorf("heard %v, not %v", got, want)
			}
		}
	})
}
