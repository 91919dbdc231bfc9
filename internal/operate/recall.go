package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// Rememberer is a ledger that ended jobs can be read back into.
type Rememberer interface {
	Reopener

	Recall(ctx context.Context, r plan.Record) (bool, error)
}

// Recalling takes up also what the ledger has forgotten, or has an older set of than
// storage: as storage has it.
type Recalling struct {
	// Ledger is nil where none answers: then jobs can be looked at, as storage has them.
	Ledger Rememberer
	// Stored reads a job that has ended back from storage, or trainset.ErrNotFound. It
	// is nil where nobody knows whether that is the storage of the ledger's workers.
	Stored func(ctx context.Context, id trainset.JobID) (plan.Record, error)
}

// Load reads the record of a job, or trainset.ErrNotFound. It writes nothing.
func (c Recalling) Load(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	r, err := plan.Record{}, trainset.ErrNotFound
	if c.Ledger != nil {
		r, err = c.Ledger.Load(ctx, id)
	}
	if err != nil && !errors.Is(err, trainset.ErrNotFound) || err == nil && !r.State.Ended() || c.Stored == nil {
		return r, err
	}
	stored, missing := c.Stored(ctx, id)
	switch {
	case errors.Is(missing, trainset.ErrNotFound):
		return r, err
	case missing != nil:
		return r, missing
	case err == nil && (stored.Revision <= r.Revision || !same(stored, r)):
		return r, nil
	}
	return stored, nil
}

// same reports whether two records are of one job, and not of two under the same
// key in two systems.
func same(a, b plan.Record) bool {
	return a.Fingerprint == b.Fingerprint && a.CreatedAt.Equal(b.CreatedAt)
}

// Reopen takes up a job again, as Load has read it.
func (c Recalling) Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error {
	known, err := c.Ledger.Load(ctx, r.ID)
	if c.Stored != nil && (errors.Is(err, trainset.ErrNotFound) || err == nil && known.State.Ended() && known.Revision < r.Revision) {
		err = c.recall(ctx, r)
	}
	if err != nil {
		return err
	}
	return c.Ledger.Reopen(ctx, r, subs, limits)
}

// recall reads a job back that is in storage still: it may have been deleted since
// it was looked at.
func (c Recalling) recall(ctx context.Context, r plan.Record) error {
	stored, err := c.Stored(ctx, r.ID)
	if err != nil {
		return err
	}
	did, err := c.Ledger.Recall(ctx, stored)
	if err == nil && !did || err == nil && stored.Revision != r.Revision {
		return fmt.Errorf("reading job %s back: %w", r.ID, ledger.ErrStale)
	}
	return err
}
