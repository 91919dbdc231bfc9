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
	// Stored reads a job that has ended back from storage, or trainset.ErrNotFound.
	Stored func(ctx context.Context, id trainset.JobID) (plan.Record, error)
}

// Load reads the record of a job, or trainset.ErrNotFound. It writes nothing.
func (c Recalling) Load(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	r, err := plan.Record{}, trainset.ErrNotFound
	if c.Ledger != nil {
		r, err = c.Ledger.Load(ctx, id)
	}
	if err != nil && !errors.Is(err, trainset.ErrNotFound) || err == nil && !r.State.Ended() {
		return r, err
	}
	stored, missing := c.Stored(ctx, id)
	switch {
	case errors.Is(missing, trainset.ErrNotFound):
		return r, err
	case missing != nil:
		return r, missing
	case err == nil && stored.Revision <= r.Revision:
		return r, nil
	}
	return stored, nil
}

// Reopen takes up a job again, as Load has read it.
func (c Recalling) Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error {
	known, err := c.Ledger.Load(ctx, r.ID)
	if errors.Is(err, trainset.ErrNotFound) || err == nil && known.State.Ended() && known.Revision < r.Revision {
		var did bool
		if did, err = c.Ledger.Recall(ctx, r); err == nil && !did {
			return fmt.Errorf("reading job %s back: %w", r.ID, ledger.ErrStale)
		}
	}
	if err != nil {
		return err
	}
	return c.Ledger.Reopen(ctx, r, subs, limits)
}
