package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// A receipt is the record of an ended attempt, stored beside what it made and
// before it: a picture in storage always says what it is and what it cost, even
// if the ledger is lost.

func (h *Handlers) writeReceipt(ctx context.Context, layout dataset.Layout, s plan.Subtask, a plan.Attempt) error {
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding a receipt: %w", err)
	}
	if err := h.store.Put(ctx, layout.Receipt(s, a.Number), b, storage.PutOptions{ContentType: "application/json"}); err != nil {
		return fmt.Errorf("storing a receipt: %w", err)
	}
	return nil
}

// receipt finds the record of an attempt whose result was stored before the
// ledger could be told. Storage that does not answer counts as nothing found:
// going on is safe, for the prediction is adopted.
func (h *Handlers) receipt(ctx context.Context, layout dataset.Layout, s plan.Subtask, a plan.Attempt) (plan.Attempt, bool) {
	b, err := h.store.Get(ctx, layout.Receipt(s, a.Number))
	if err != nil {
		return a, false
	}
	end, ok := h.readReceipt(ctx, b)
	return end, ok && end.Image != nil
}

func (h *Handlers) readReceipt(ctx context.Context, b []byte) (plan.Attempt, bool) {
	var a plan.Attempt
	if err := json.Unmarshal(b, &a); err != nil || a.State != plan.AttemptEnded {
		return a, false
	}
	if a.Image != nil {
		if _, err := h.store.Stat(ctx, a.Image.Key); err != nil {
			return a, false
		}
	}
	return a, true
}

// restore rebuilds a job's subtasks and attempts from its receipts, so that
// only what was never stored is paid for again. What follows from restored
// results is restored, too, for it follows the same way again.
func (h *Handlers) restore(ctx context.Context, layout dataset.Layout, r plan.Record, p plan.Plan) ([]plan.Subtask, []plan.Attempt, error) {
	head := p.Head()
	r.Plan, r.State = &head, trainset.JobRunning
	r.Subtasks, r.Attempts = map[plan.SubtaskID]plan.Subtask{}, map[string]plan.Attempt{}
	var known []plan.Attempt
	for add := p.Subtasks(); len(add) > 0; {
		for _, s := range add {
			tries, err := h.receipts(ctx, layout, p, s)
			if err != nil {
				return nil, nil, err
			}
			for _, a := range tries {
				r.Attempts[a.ID] = a
				r.Spent += a.Cost
			}
			known = append(known, tries...)
			r.Subtasks[s.ID] = asTried(s, tries, p.MaxAttempts)
		}
		var err error
		if add, err = h.followed(ctx, layout, r, p); err != nil {
			return nil, nil, err
		}
	}
	subs := make([]plan.Subtask, 0, len(r.Subtasks))
	for _, s := range r.Subtasks {
		subs = append(subs, s)
	}
	return subs, known, nil
}

// asTried is a subtask as its attempts left it: what gave up must be known as
// well as what succeeded, for more of the job follows from either.
func asTried(s plan.Subtask, tries []plan.Attempt, maxAttempts int) plan.Subtask {
	if len(tries) == 0 {
		return s
	}
	if _, stop := plan.NextAttempt(s, tries, maxAttempts); stop != nil {
		s = s.Settled(tries, stop.State, stop.Reason, stop.Winner)
		s.SettledAt = tries[len(tries)-1].EndedAt
	}
	return s
}

// followed returns the subtasks that follow from what is known of a job, and
// the next grid where storage has one of it, whether it would be asked for
// today or not.
func (h *Handlers) followed(ctx context.Context, layout dataset.Layout, r plan.Record, p plan.Plan) ([]plan.Subtask, error) {
	g := plan.Grow(r)
	next := p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids)
	if p.Style == nil || !g.Empty() {
		return append(g.Subtasks, next...), nil
	}
	for _, s := range p.GridSubtasks(r.Grids()+1, r.Grids()+1) {
		tries, err := h.receipts(ctx, layout, p, s)
		if err != nil {
			return nil, err
		}
		if len(tries) > 0 {
			next = append(next, s)
		}
	}
	return next, nil
}

// receipts reads what is stored of a subtask's attempts. A gap, where a crash
// kept a receipt from being written, is filled with an attempt that says so.
func (h *Handlers) receipts(ctx context.Context, layout dataset.Layout, p plan.Plan, s plan.Subtask) ([]plan.Attempt, error) {
	var tries []plan.Attempt
	last := 0
	for n := 1; n <= max(last+p.MaxAttempts, p.MaxAttempts); n++ {
		a := plan.Attempt{
			ID: plan.AttemptID(s.ID, n), Job: p.JobID, Subtask: s.ID, Number: n, Version: 1, State: plan.AttemptEnded,
			Outcome: plan.OutcomeFailed, Reason: "its record was lost", User: p.User, Model: p.Buys(s.Verb).Name,
		}
		b, err := h.store.Get(ctx, layout.Receipt(s, n))
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("reading a receipt: %w", err)
		default:
			if read, ok := h.readReceipt(ctx, b); ok {
				a, last = read, n
				a.Version = 1
			}
		}
		tries = append(tries, a)
	}
	return tries[:last], nil
}
