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
	log := Quietly(s.Handlers.o.Log)
	wait.Every(ctx, every, func() {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.Error().Err(err).Msg("the sweep failed")
		}
	})
}

// sweptAtOnce bounds what one sweep looks after: the rest stays due.
const sweptAtOnce = 200

// Sweep looks once after the jobs that are due, if no other worker does.
func (s *Sweeper) Sweep(ctx context.Context) error {
	mine, err := s.Handlers.ledger.LockSweep(ctx, s.Owner, time.Second)
	if err != nil || !mine {
		return err
	}
	due, err := s.due(ctx)
	if err != nil {
		return err
	}
	for _, id := range due {
		s.one(ctx, id)
	}
	return nil
}

// due returns the jobs to look after. Those that nobody asks for stay due, in front of
// the others: they must not be counted.
func (s *Sweeper) due(ctx context.Context) ([]trainset.JobID, error) {
	if s.AskedOnly {
		return s.Handlers.ledger.DueAsked(ctx, sweptAtOnce)
	}
	return s.Handlers.ledger.Due(ctx, sweptAtOnce)
}

// one looks after a job; a job that fails does not stop the others.
func (s *Sweeper) one(ctx context.Context, id trainset.JobID) {
	h, recheck := s.Handlers, s.Recheck
	if recheck == 0 {
		recheck = 10 * time.Second
	}
	if err := h.ledger.CheckAt(ctx, id, h.o.Now().Add(recheck)); err != nil {
		h.o.Log.Error().Err(err).Str("job_id", string(id)).Msg("a job could not be scheduled")
	}
	if err := h.repair(ctx, id); err != nil && ctx.Err() == nil {
		h.o.Log.Error().Err(err).Str("job_id", string(id)).Msg("a job could not be repaired")
	}
}
