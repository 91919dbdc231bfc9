package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
)

// Advance adds and enqueues whatever a job needs next. It may be called at any
// time, by anyone, as often as they like.
func (h *Handlers) Advance(ctx context.Context, id trainset.JobID) error {
	for {
		r, err := h.progress(ctx, id)
		if err != nil {
			return fmt.Errorf("advancing: %w", err)
		}
		grow := plan.Grow(r)
		if grow.Empty() {
			return h.enqueue(ctx, plan.Lot{Record: r, Steps: plan.Next(r)})
		}
		err = h.grow(ctx, r, grow)
		if err != nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrStopped) {
			return fmt.Errorf("advancing: %w", err)
		}
	}
}

// progressAll is progress of jobs that exist. With an error come those that could
// be read.
func (h *Handlers) progressAll(ctx context.Context, ids []trainset.JobID) ([]plan.Record, error) {
	all, problem := h.ledger.ProgressAll(ctx, ids...)
	var styles []trainset.JobID
	actors := slices.DeleteFunc(all, func(r plan.Record) bool {
		more := madeDecides(r)
		if more {
			styles = append(styles, r.ID)
		}
		return more
	})
	whole, err := h.ledger.LoadAll(ctx, styles...)
	return append(actors, whole...), errors.Join(problem, err)
}

// madeDecides reports whether what was made decides on what is next.
func madeDecides(r plan.Record) bool { return r.Plan != nil && r.Plan.Style != nil }

// progress reads of a job what decides on what is next: of an actor's that is
// what has settled, of a style's also what was made.
func (h *Handlers) progress(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	r, err := h.ledger.Progress(ctx, id)
	if err == nil && madeDecides(r) {
		return h.ledger.Load(ctx, id)
	}
	return r, err
}

// grow adds the subtasks that follow from what has settled. Those of further
// grids are in the frozen plan.
func (h *Handlers) grow(ctx context.Context, r plan.Record, g plan.Growth) error {
	subs := g.Subtasks
	if g.Grids > 0 {
		p, err := readPlan(ctx, h.store, layoutOfPlan(*r.Plan))
		if err != nil {
			return err
		}
		p = WithGrids(p.Raised(r.Plan.Limits())) // one of two raised bounds may have written over the other
		subs = append(subs, p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids)...)
	}
	return h.ledger.Grow(ctx, r, subs)
}

// enqueue hands steps to the queue, all at once, and then notes that it did: in
// between, a crash only has them handed over twice, under the same ID.
func (h *Handlers) enqueue(ctx context.Context, lots ...plan.Lot) error {
	lots = slices.DeleteFunc(lots, func(lot plan.Lot) bool { return len(lot.Steps) == 0 })
	if len(lots) == 0 {
		return nil
	}
	if err := h.queue.EnqueueAll(ctx, lots...); err != nil {
		return err
	}
	return h.ledger.MarkQueued(ctx, lots...)
}

// repair looks after one open job: what the queue has lost is queued anew
// under the next revision, what was never queued is.
func (h *Handlers) repair(ctx context.Context, id trainset.JobID) error {
	r, err := h.progress(ctx, id)
	if errors.Is(err, trainset.ErrNotFound) {
		return h.ledger.Close(ctx, id)
	}
	if err == nil && r.State.Ended() {
		return h.depart(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("repairing: %w", err)
	}
	if r.Plan == nil {
		if r, err = h.letIn(ctx, r); err != nil || r.ID == "" {
			return err
		}
	}
	lost, delivered, err := h.astray(ctx, r)
	if err != nil {
		return err
	}
	adrift, err := h.adrift(ctx, r, delivered)
	if err != nil {
		return err
	}
	astray, again := plan.Lot{Record: r, Steps: slices.Concat(lost, adrift)}, plan.Lot{Record: r}
	for why, steps := range map[string][]plan.Step{"the queue lost it": lost, "nobody has it in hand": adrift} {
		requeued, err := h.ledger.Requeue(ctx, plan.Lot{Record: r, Steps: steps})
		if err != nil {
			return fmt.Errorf("repairing: %w", err)
		}
		for _, s := range requeued[0].Steps {
			h.o.Log.Warn().Str("job_id", string(id)).Str("task", s.TaskID(id)).Str("reason", why).Msg("a task is queued anew")
		}
		again.Steps = append(again.Steps, requeued[0].Steps...)
	}
	return h.resume(ctx, []plan.Lot{astray}, []plan.Lot{again})
}

// letIn lets a job begin whose task has ended while it waited for its turn, and
// reads it again: one that has ended meanwhile departs. There is no record where it
// is not to go on.
func (h *Handlers) letIn(ctx context.Context, r plan.Record) (plan.Record, error) {
	in, err := h.admit(ctx, r)
	if err != nil || !in {
		return plan.Record{}, err
	}
	now, err := h.progress(ctx, r.ID)
	if err != nil {
		return plan.Record{}, fmt.Errorf("repairing: %w", err)
	}
	if now.State.Ended() {
		return plan.Record{}, h.depart(ctx, now)
	}
	return now, nil
}

// resume enqueues what was requeued of jobs and whatever else they need that never
// was: from the records as they were read, unless more is to be added to one, or
// one has changed since, and less was requeued of it than was asked. A job that
// cannot go on keeps no other one.
func (h *Handlers) resume(ctx context.Context, asked, requeued []plan.Lot) error {
	var ready []plan.Lot
	var others []trainset.JobID
	for i, lot := range requeued {
		if len(lot.Steps) < len(asked[i].Steps) || !plan.Grow(lot.Record).Empty() {
			others = append(others, lot.Record.ID)
			continue
		}
		rest := slices.DeleteFunc(plan.Next(lot.Record), func(s plan.Step) bool { return slices.Contains(lot.Steps, s.Again()) })
		ready = append(ready, plan.Lot{Record: lot.Record, Steps: append(rest, lot.Steps...)})
	}
	problems := []error{h.enqueue(ctx, ready...)}
	for _, id := range others {
		problems = append(problems, h.Advance(ctx, id))
	}
	return errors.Join(problems...)
}

// astray returns the steps that the queue was given and has lost, and those
// that it has delivered to somebody who has not noted them. What a worker has in
// hand is neither: of most tasks the queue need not be asked.
func (h *Handlers) astray(ctx context.Context, r plan.Record) (lost, delivered []plan.Step, err error) {
	queued := slices.DeleteFunc(plan.Needed(r), func(s plan.Step) bool { return !r.Queued[s.TaskID(r.ID)] })
	free, err := h.unheld(ctx, r.ID, queued)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range free {
		standing, err := h.queue.Standing(r, s)
		if err != nil {
			return nil, nil, err
		}
		switch standing {
		case queue.Lost:
			lost = append(lost, s)
		case queue.Delivered:
			delivered = append(delivered, s)
		case queue.Waiting:
		}
	}
	return lost, delivered, nil
}

// unheld returns those of the steps that no worker has in hand.
func (h *Handlers) unheld(ctx context.Context, id trainset.JobID, steps []plan.Step) ([]plan.Step, error) {
	free, err := h.ledger.Unheld(ctx, plan.TaskIDs(id, steps))
	return plan.Among(free, id, steps), err
}

// adriftFor is how long a task must be seen in nobody's hands before it is
// queued anew: a little less than two looks of the sweeper are apart. A worker
// notes what it takes within milliseconds; should it be slower, the task runs
// twice, which pays for nothing twice: whoever comes second adopts the attempt.
const adriftFor = 9 * time.Second

// adrift returns those of the delivered steps that nobody has had in hand for
// long enough: the queue's answer was lost, or the worker died before it noted
// what it had. The queue itself notices after one to two minutes.
func (h *Handlers) adrift(ctx context.Context, r plan.Record, delivered []plan.Step) ([]plan.Step, error) {
	free, err := h.unheld(ctx, r.ID, delivered) // after the queue was asked: what is noted by then is held
	if err != nil {
		return nil, err
	}
	long, err := h.ledger.Adrift(ctx, r.ID, adriftFor, plan.TaskIDs(r.ID, free)) // also of none: those seen before start anew
	if err != nil {
		return nil, err
	}
	adrift := plan.Among(long, r.ID, free)
	if h.o.Meter != nil && len(adrift) > 0 {
		h.o.Meter.TookOver(len(adrift))
	}
	return adrift, nil
}
