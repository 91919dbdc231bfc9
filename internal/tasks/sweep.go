package tasks

import (
	"context"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/wait"
)

// Sweeper finds the jobs that nothing moves any more: a task the queue lost, a
// crash between two writes. One worker sweeps at a time.
type Sweeper struct {
	Handlers *Handlers
	Owner    string        // names this worker
	Every    time.Duration // between sweeps; 1 s when 0
	Recheck  time.Duration // until a job is due again; 10 s when 0
	// AskedOnly leaves jobs alone that nobody waits for: where the worker is
	// somebody's own command, other jobs are not run unasked.
	AskedOnly bool
}

// Run sweeps until the context ends.
func (s *Sweeper) Run(ctx context.Context) {
	every := s.Every
	if every == 0 {
		every = time.Second
	}
	wait.Every(ctx, every, func() {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Handlers.o.Log.Error().Err(err).Msg("the sweep failed")
		}
	})
}

// Sweep looks once after every due job, if no other worker does.
func (s *Sweeper) Sweep(ctx context.Context) error {
	mine, err := s.Handlers.ledger.LockSweep(ctx, s.Owner, time.Second)
	if err != nil || !mine {
		return err
	}
	due, err := s.Handlers.ledger.Due(ctx, 200)
	if err != nil {
		return err
	}
	for _, id := range due {
		s.one(ctx, id)
	}
	return nil
}

// one looks after a job; a job that fails does not stop the others.
func (s *Sweeper) one(ctx context.Context, id trainset.JobID) {
	h, recheck := s.Handlers, s.Recheck
	if recheck == 0 {
		recheck = 10 * time.Second
	}
	if s.AskedOnly {
		if asked, err := h.ledger.Asked(ctx, id); err != nil || !asked {
			return
		}
	}
	if err := h.ledger.CheckAt(ctx, id, h.o.Now().Add(recheck)); err != nil {
		h.o.Log.Error().Err(err).Str("job_id", string(id)).Msg("a job could not be scheduled")
	}
	if err := h.repair(ctx, id); err != nil && ctx.Err() == nil {
		h.o.Log.Error().Err(err).Str("job_id", string(id)).Msg("a job could not be repaired")
	}
}
