package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// A receipt is the record of an ended attempt, stored beside what it made and
// before it, or right after it where that is kept as it came: a picture in storage
// says what it is and what it cost, even if the ledger is lost.
type receipt struct {
	plan.Attempt

	// Reference is the digest of what the job was given: after a job was deleted, its
	// key may name one that was given another picture. Versions before left it out.
	Reference string `json:"reference_sha256,omitempty"`
}

func (h *Handlers) writeReceipt(ctx context.Context, p plan.Plan, s plan.Subtask, a plan.Attempt) error {
	b, err := json.Marshal(receipt{a, p.Reference.SHA256})
	if err != nil {
		return fmt.Errorf("encoding a receipt: %w", err)
	}
	err = h.storing(ctx, p.JobID, func() error {
		return h.store.Put(ctx, layoutOfPlan(p).Receipt(s, a.Number), b, storage.PutOptions{ContentType: "application/json"})
	})
	if err != nil {
		return fmt.Errorf("storing a receipt: %w", err)
	}
	return nil
}

// receiptOfLast stores the receipt of the attempt that ended last, where it made
// nothing to store: its end is journalled first, and storage may have refused then.
func (h *Handlers) receiptOfLast(ctx context.Context, w ledger.Work) error {
	last := w.Last()
	if last.State != plan.AttemptEnded || last.Outcome == plan.OutcomeSucceeded || last.Outcome == plan.OutcomeRejected {
		return nil
	}
	return h.writeReceipt(ctx, *w.Job.Plan, w.Subtask, last)
}

// receipt finds the record of an attempt that has ended, where what it made is
// stored, too.
func (h *Handlers) receipt(ctx context.Context, p plan.Plan, s plan.Subtask, number int) (plan.Attempt, bool, error) {
	b, err := h.store.Get(ctx, layoutOfPlan(p).Receipt(s, number))
	if errors.Is(err, storage.ErrNotFound) {
		return plan.Attempt{}, false, nil
	}
	if err != nil {
		return plan.Attempt{}, false, fmt.Errorf("reading a receipt: %w", err)
	}
	var read receipt
	if err := json.Unmarshal(b, &read); err != nil || read.State != plan.AttemptEnded || !read.of(p) {
		return plan.Attempt{}, false, nil //nolint:nilerr // what cannot be read says nothing
	}
	a := read.Attempt
	if a.Image == nil {
		return a, true, nil
	}
	_, err = h.store.Stat(ctx, a.Image.Key)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return a, false, fmt.Errorf("looking for what a receipt names: %w", err)
	}
	return a, err == nil, nil
}

// of reports whether a receipt is of a job as it is planned.
func (r receipt) of(p plan.Plan) bool {
	return r.Reference == "" || r.Reference == p.Reference.SHA256
}

// restore rebuilds a job's subtasks and attempts from its receipts, so that
// only what was never stored is paid for again. What follows from restored
// results is restored, too, for it follows the same way again, and what a person
// had replaced is, once all is there that it was replaced beside. What each subtask
// came to, as its attempts left it, is for settled to say last.
func (h *Handlers) restore(ctx context.Context, r plan.Record, p plan.Plan, settled func(plan.Subtask) plan.Subtask) ([]plan.Subtask, []plan.Attempt, error) {
	head := p.Head()
	r.Plan, r.State = &head, trainset.JobRunning
	r.Subtasks, r.Attempts = map[plan.SubtaskID]plan.Subtask{}, map[string]plan.Attempt{}
	unwanted, err := h.unwanted(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	rounds := plan.Rounds(unwanted)
	for add := p.Subtasks(); len(add) > 0; {
		for _, s := range add {
			tries, err := h.receipts(ctx, p, s)
			if err != nil {
				return nil, nil, err
			}
			for _, a := range tries {
				if _, there := r.Attempts[a.ID]; !there {
					r.Spent += a.Cost
				}
				r.Attempts[a.ID] = a
			}
			r.Subtasks[s.ID] = settled(asTried(s, tries, p.MaxAttempts))
		}
		if add, err = h.followed(ctx, r, p, unwanted); err != nil {
			return nil, nil, err
		}
		for ; len(add) == 0 && len(rounds) > 0; rounds = rounds[1:] {
			add = replaced(r, rounds[0])
		}
	}
	return slices.Collect(maps.Values(r.Subtasks)), slices.Collect(maps.Values(r.Attempts)), nil
}

// asItIs is for jobs that go on: what has not settled will.
func asItIs(s plan.Subtask) plan.Subtask { return s }

// asTried is a subtask as its attempts left it: what gave up must be known as
// well as what succeeded, for more of the job follows from either.
func asTried(s plan.Subtask, tries []plan.Attempt, maxAttempts int) plan.Subtask {
	if len(tries) == 0 {
		return s
	}
	if !s.State.Settled() { // else a person has decided
		_, stop := plan.NextAttempt(s, tries, maxAttempts)
		if stop == nil {
			return s
		}
		s = s.Settled(tries, stop.State, stop.Reason, stop.Winner)
	}
	s.SettledAt = tries[len(tries)-1].EndedAt
	return s
}

// unwanted reads which tiles' images a person has had replaced.
func (h *Handlers) unwanted(ctx context.Context, p plan.Plan) ([]plan.Unwanted, error) {
	if p.Style == nil {
		return nil, nil
	}
	objects, err := h.store.List(ctx, layoutOfPlan(p).AllUnwanted())
	if err != nil {
		return nil, fmt.Errorf("reading what was replaced: %w", err)
	}
	var all []plan.Unwanted
	for _, o := range objects {
		b, err := h.store.Get(ctx, o.Key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("reading what was replaced: %w", err)
		}
		var u plan.Unwanted
		if json.Unmarshal(b, &u) == nil { // what cannot be read says nothing
			all = append(all, u)
		}
	}
	return all, nil
}

// replaced returns the subtasks of tiles that were replaced at once, of the grids
// that there are.
func replaced(r plan.Record, tiles []plan.Unwanted) []plan.Subtask {
	var subs []plan.Subtask
	for _, u := range tiles {
		if _, made := r.Winner(plan.GridID(u.Grid)); made {
			subs = append(subs, u.Of(r))
		}
	}
	return subs
}

// followed returns the subtasks that follow from what is known of a job, and
// the next grid where storage has one of it, whether it would be asked for
// today or not.
func (h *Handlers) followed(ctx context.Context, r plan.Record, p plan.Plan, unwanted []plan.Unwanted) ([]plan.Subtask, error) {
	g := plan.Grow(r)
	if slices.ContainsFunc(g.Subtasks, isTile) && p.Style.Enhance == trainset.EnhanceTile && !anyTile(r) {
		if paid, err := h.paidTiles(ctx, r, p, unwanted); err != nil || len(paid) > 0 {
			return paid, err
		}
	}
	next := p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids)
	if p.Style == nil || !g.Empty() {
		return append(g.Subtasks, next...), nil
	}
	for _, s := range p.GridSubtasks(r.Grids()+1, r.Grids()+1) {
		tries, err := h.receipts(ctx, p, s)
		if err != nil {
			return nil, err
		}
		if len(tries) > 0 {
			next = append(next, s)
		}
	}
	return next, nil
}

func isTile(s plan.Subtask) bool { return s.Verb == plan.VerbTile }

func anyTile(r plan.Record) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(r.Subtasks)), isTile)
}

// paidTiles returns the tiles that were enlarged by themselves, which is paid for.
// They are images before any others are chosen, whatever is said of them by now,
// but for those that a person had replaced.
func (h *Handlers) paidTiles(ctx context.Context, r plan.Record, p plan.Plan, unwanted []plan.Unwanted) ([]plan.Subtask, error) {
	var paid []plan.Subtask
	for n := 1; n <= r.Grids(); n++ {
		made, ok := r.Winner(plan.GridID(n))
		if !ok || made.Grid == nil {
			continue
		}
		for t := range made.Grid.Tiles {
			s := r.Cut(len(paid)+1, n, t+1)
			if slices.ContainsFunc(unwanted, func(u plan.Unwanted) bool { return u.Subtask() == s.ID }) {
				continue
			}
			tries, err := h.receipts(ctx, p, s)
			if err != nil {
				return nil, err
			}
			if asTried(s, tries, p.MaxAttempts).State == trainset.ItemSucceeded && len(paid) < p.Images {
				paid = append(paid, s)
			}
		}
	}
	return paid, nil
}

// receipts reads what is stored of a subtask's attempts. A gap, where a crash
// kept a receipt from being written, is filled with an attempt that says so.
func (h *Handlers) receipts(ctx context.Context, p plan.Plan, s plan.Subtask) ([]plan.Attempt, error) {
	var tries []plan.Attempt
	last := 0
	for n := 1; n <= max(last+p.MaxAttempts, p.MaxAttempts); n++ {
		a := plan.Attempt{
			ID: plan.AttemptID(s.ID, n), Job: p.JobID, Subtask: s.ID, Number: n, State: plan.AttemptEnded,
			Outcome: plan.OutcomeFailed, Reason: "its record was lost", User: p.User, Model: p.Buys(s.Verb).Name,
		}
		read, ok, err := h.receipt(ctx, p, s, n)
		if err != nil {
			return nil, err
		}
		if ok {
			a, last = read, n
		}
		tries = append(tries, a)
	}
	return tries[:last], nil
}
