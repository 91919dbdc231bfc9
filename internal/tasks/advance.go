package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// Advance adds and enqueues whatever a job needs next. It may be called at any
// time, by anyone, as often as they like.
func (h *Handlers) Advance(ctx context.Context, id trainset.JobID) error {
	for {
		r, err := h.ledger.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("advancing: %w", err)
		}
		grow := plan.Grow(r)
		if grow.Empty() {
			return h.enqueue(ctx, r, plan.Next(r))
		}
		err = h.grow(ctx, r, grow)
		if err != nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrStopped) {
			return fmt.Errorf("advancing: %w", err)
		}
	}
}

// grow adds the subtasks that follow from what has settled. Those of further
// grids are in the frozen plan.
func (h *Handlers) grow(ctx context.Context, r plan.Record, g plan.Growth) error {
	subs := g.Subtasks
	if g.Grids > 0 {
		b, err := h.store.Get(ctx, layoutOfPlan(*r.Plan).Plan())
		if err != nil {
			return fmt.Errorf("reading the plan: %w", err)
		}
		var p plan.Plan
		if err := json.Unmarshal(b, &p); err != nil {
			return fmt.Errorf("reading the plan: %w", err)
		}
		subs = append(subs, p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids)...)
	}
	return h.ledger.Grow(ctx, r, subs)
}

// enqueue hands steps to the queue and then notes that it did: in between, a
// crash only has them handed over twice, under the same ID.
func (h *Handlers) enqueue(ctx context.Context, r plan.Record, steps []plan.Step) error {
	if len(steps) == 0 {
		return nil
	}
	ids := make([]string, len(steps))
	for i, s := range steps {
		if err := h.queue.Enqueue(ctx, r, s); err != nil {
			return err
		}
		ids[i] = s.TaskID(r.ID)
	}
	return h.ledger.MarkQueued(ctx, r.ID, ids...)
}

// repair looks after one open job: what the queue has lost is queued anew
// under the next revision, what was never queued is.
func (h *Handlers) repair(ctx context.Context, id trainset.JobID) error {
	r, err := h.ledger.Load(ctx, id)
	if errors.Is(err, trainset.ErrNotFound) {
		return h.ledger.Close(ctx, id)
	}
	if err == nil && r.State.Ended() {
		return h.depart(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("repairing: %w", err)
	}
	for _, s := range plan.Needed(r) {
		if !r.Queued[s.TaskID(id)] {
			continue
		}
		lost, err := h.queue.Lost(r, s)
		if err != nil {
			return err
		}
		if !lost {
			continue
		}
		h.o.Log.Warn().Str("job_id", string(id)).Str("task", s.TaskID(id)).Msg("the queue lost a task: queueing it anew")
		if err := h.ledger.Requeue(ctx, r, s); err != nil && !errors.Is(err, ledger.ErrStale) {
			return fmt.Errorf("repairing: %w", err)
		}
	}
	return h.Advance(ctx, id)
}
