package app_test

import (
	"context"
	"errors"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/tasks"
)

// recalling takes up jobs that only storage knows.
func (s *system) recalling(layout dataset.Layout) operate.Raiser {
	stored := func(ctx context.Context, _ trainset.JobID) (plan.Record, error) {
		return tasks.Recall(ctx, s.store, layout)
	}
	return operate.Raiser{
		Ledger: operate.Recalling{Ledger: ledger.New(s.rdb, ledger.Options{}), Stored: stored}, Store: s.store, Grids: tasks.WithGrids,
	}
}

// A round that was carried out but for its set, and then forgotten by Redis, is
// not paid for again: what it made is put into the next set.
func TestWhatIsMadeAndInNoSetIsPutIntoOne(t *testing.T) {
	for kind, c := range map[string]struct {
		begin  func(*system) (trainset.JobID, dataset.Layout)
		images int
		cost   trainset.Money
	}{
		"actor": {func(s *system) (trainset.JobID, dataset.Layout) {
			req := s.request("k", 3)
			req.MaxCost = 100_000 // two at 0.04
			id := s.enqueue(req)
			s.ended(id)
			return id, dataset.Layout{User: req.User, Kind: req.Kind(), Subject: req.Actor, Job: id}
		}, 3, 120_000},
		"style": {func(s *system) (trainset.JobID, dataset.Layout) {
			req := s.styleRequest("k", func(r *trainset.StyleRequest) {
				r.Images, r.Grids, r.MaxCost, r.Enhance = 10, 2, 60_000, trainset.EnhanceNone // one grid
			})
			return s.style(req).ID, styleLayout(req)
		}, 10, 100_000},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t))
			first := s.start()
			id, layout := c.begin(s)
			before, err := s.store.Get(t.Context(), layout.Manifest())
			if err != nil {
				t.Fatal(err)
			}
			s.raise(id, plan.Limits{MaxCost: 1_000_000})
			if job := s.ended(id); job.State != trainset.JobSucceeded || job.Cost.Actual != c.cost {
				t.Fatalf("job %s for %s: %s", job.State, job.Cost.Actual, job.Reason)
			}
			first.Stop()
			made := s.provider.Stats().Predictions
			s.rdb.FlushAll(t.Context())
			if err := s.store.Put(t.Context(), layout.Manifest(), before, storage.PutOptions{}); err != nil { // as if it had not come to that
				t.Fatal(err)
			}
			s.start()
			if _, err := s.recalling(layout).Retry(t.Context(), id, plan.Limits{}, false); err != nil {
				t.Fatal(err)
			}
			if job := s.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != c.images || job.Cost.Actual != c.cost {
				t.Errorf("job %s with %d images for %s: %s", job.State, job.Succeeded(), job.Cost.Actual, job.Reason)
			}
			s.made(made)
		})
	}
}

// What storage has is the ledger's job only where both were begun as one, and is
// there still; where nobody knows whose storage it is, it is not looked at.
func TestOnlyItsOwnJobIsReadBack(t *testing.T) {
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 2)
	req.MaxCost = 50_000
	id := s.enqueue(req)
	s.ended(id)
	l := ledger.New(s.rdb, ledger.Options{})
	known, err := l.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	other := known
	other.Revision, other.CreatedAt = 2, known.CreatedAt.Add(1)
	stored, missing := other, error(nil)
	c := operate.Recalling{Ledger: l, Stored: func(context.Context, trainset.JobID) (plan.Record, error) { return stored, missing }}
	if got, err := c.Load(t.Context(), id); err != nil || got.Revision != 1 {
		t.Errorf("of another system: set %d, %v", got.Revision, err)
	}
	stored.CreatedAt = known.CreatedAt
	if got, err := c.Load(t.Context(), id); err != nil || got.Revision != 2 {
		t.Errorf("of a newer set: %d, %v", got.Revision, err)
	}
	s.rdb.FlushAll(t.Context())
	missing = trainset.ErrNotFound // it was deleted after it was looked at
	if err := c.Reopen(t.Context(), known, plan.Retry(known), plan.Limits{}); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("a deleted job came back: %v", err)
	}
	missing, c.Stored = nil, nil
	if _, err := c.Load(t.Context(), id); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("storage that nobody named was read: %v", err)
	}
}
