package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/wait"
)

// Watcher sees which workers live.
type Watcher struct {
	Ledger interface {
		Beats(ctx context.Context) (map[string]string, error)
		Cards(ctx context.Context) (map[string]ledger.Card, error)
		Held(ctx context.Context, worker string) (map[trainset.JobID][]string, error)
	}
}

// Worker is one that serves the queues, or did and has not been missed yet.
type Worker struct {
	ID   string `json:"worker"`
	Live bool   `json:"live"` // its count was seen to move
	// What follows, as far as Beats, is what it said of itself; empty where nobody
	// knows.
	Host      string     `json:"host,omitempty"`
	PID       int        `json:"pid,omitempty"`
	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	Account   string     `json:"account,omitempty"` // of the provider, without its token
	Simulated bool       `json:"simulated"`         // its provider is
	Storage   string     `json:"storage,omitempty"`
	StorageID string     `json:"storage_id,omitempty"` // the same for all that share one, however each addresses it
	Beats     int        `json:"beats"`                // two a second
	InHand    int        `json:"tasks_in_hand"`
	Jobs      int        `json:"jobs_in_hand"`
}

// A worker beats twice a second: one that has not within watchFor is silent, or
// its connection is. All are looked at every lookEvery until each was seen to.
const (
	watchFor  = 2 * time.Second
	lookEvery = 100 * time.Millisecond
)

// Watch looks at the workers until each has beaten, for two seconds at most, and
// returns them, those that live first. Workers have no clock that others could
// read, so that is how to know.
func (w Watcher) Watch(ctx context.Context) ([]Worker, error) {
	first, err := w.Ledger.Beats(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for workers: %w", err)
	}
	last, live := first, map[string]bool{}
	for passed := time.Duration(0); len(live) < len(last) && passed < watchFor; passed += lookEvery {
		if err := wait.For(ctx, lookEvery); err != nil {
			return nil, fmt.Errorf("looking for workers: %w", err)
		}
		if last, err = w.Ledger.Beats(ctx); err != nil {
			return nil, fmt.Errorf("looking for workers: %w", err)
		}
		clear(live) // one that was there may have been buried
		for id, count := range last {
			if count != first[id] {
				live[id] = true
			}
		}
	}
	return w.describe(ctx, last, live)
}

func (w Watcher) describe(ctx context.Context, beats map[string]string, live map[string]bool) ([]Worker, error) {
	cards, err := w.Ledger.Cards(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for workers: %w", err)
	}
	workers := make([]Worker, 0, len(beats))
	for id, count := range beats {
		held, err := w.Ledger.Held(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("looking for workers: %w", err)
		}
		worker := Worker{ID: id, Live: live[id], Jobs: len(held)}
		worker.Beats, _ = strconv.Atoi(count) // only scripts count
		for _, tasks := range held {
			worker.InHand += len(tasks)
		}
		if c, introduced := cards[id]; introduced {
			worker.Host, worker.PID, worker.Version, worker.StartedAt = c.Host, c.PID, c.Version, &c.StartedAt
			worker.Account, worker.Simulated, worker.Storage, worker.StorageID = c.Account, c.Simulated, c.Storage, c.StorageID
		}
		workers = append(workers, worker)
	}
	slices.SortFunc(workers, func(a, b Worker) int {
		if a.Live != b.Live && a.Live {
			return -1
		} else if a.Live != b.Live {
			return 1
		}
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.PID, b.PID), cmp.Compare(a.ID, b.ID))
	})
	return workers, nil
}
