package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// Reopener takes ended jobs up again. ledger.ErrStale says that the record
// changed since it was read. A job that was reopened is due at once: a worker
// advances it.
type Reopener interface {
	Load(ctx context.Context, id trainset.JobID) (plan.Record, error)
	Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask) error
}

// Retried is what trying a job again means.
type Retried struct {
	Job trainset.JobID `json:"job_id"`
	// Was is the state in which the job had ended.
	Was      trainset.JobState `json:"was"`
	Subtasks []Again           `json:"subtasks"`
	// Each is what one attempt at every subtask costs at list prices. What follows
	// from them, such as a grid's judgement, comes on top.
	Each trainset.Money `json:"each_usd"`
	// Revision is that of the set that will be assembled.
	Revision int `json:"revision"`
}

// Again is a subtask that is tried again.
type Again struct {
	Subtask  plan.SubtaskID     `json:"subtask"`
	Index    int                `json:"index"`
	Was      trainset.ItemState `json:"was"`
	Reason   string             `json:"reason,omitempty"`
	Attempts int                `json:"attempts"`
	Price    trainset.Money     `json:"price_usd"`
}

// Retry takes an ended job up again: what failed is tried anew, what succeeded
// stays and is not paid for. With dry nothing is changed. A job for which there
// is nothing to do is a *trainset.FieldError.
func Retry(ctx context.Context, l Reopener, id trainset.JobID, dry bool) (Retried, error) {
	return reopen(ctx, l, id, dry, func(r plan.Record) ([]plan.Subtask, error) {
		subs := plan.Retry(r)
		return subs, refusal(r, subs)
	})
}

// reopen takes a job up again with what is decided of its record.
func reopen(ctx context.Context, l Reopener, id trainset.JobID, dry bool, decide func(plan.Record) ([]plan.Subtask, error)) (Retried, error) {
	const tries = 3 // the record of an ended job hardly ever changes
	for n := 1; ; n++ {
		r, err := l.Load(ctx, id)
		if err != nil {
			return Retried{}, fmt.Errorf("taking the job up again: %w", err)
		}
		if !r.State.Ended() {
			return retried(r, nil), trainset.Invalid("job", fmt.Sprintf("%s has not ended: it is %s", r.ID, r.State), "wait for its end, or cancel it first")
		}
		subs, err := decide(r)
		if err != nil || dry {
			return retried(r, subs), err
		}
		err = l.Reopen(ctx, r, subs)
		if errors.Is(err, ledger.ErrStale) && n < tries {
			continue
		}
		if err != nil {
			return Retried{}, fmt.Errorf("taking the job up again: %w", err)
		}
		return retried(r, subs), nil
	}
}

// refusal says why a job cannot be tried again, or is nil.
func refusal(r plan.Record, subs []plan.Subtask) error {
	switch {
	case r.State == trainset.JobSucceeded:
		return trainset.Invalid("job", fmt.Sprintf("%s has all of its images", r.ID), "to make another set, enqueue it with --new")
	case r.Plan == nil:
		return nil // it is accepted anew
	case len(subs) == 0 && plan.Grow(r.Reopened(nil)).Empty():
		return trainset.Invalid("job", fmt.Sprintf("%s has nothing left to try: every attempt that its plan has a seed for was made", r.ID), "enqueue it with --new")
	case !affordable(r, subs):
		return trainset.Invalid("job", fmt.Sprintf("%s may cost %s, of which %s is spent: nothing more can be paid for", r.ID, r.Plan.MaxCost, r.Spent),
			"enqueue it with --new and a higher --max-cost")
	}
	return nil
}

// Replacer has other images made of a job's items.
type Replacer struct {
	Ledger Reopener
	Store  storage.Store
	Now    func() time.Time
}

// Replace takes an ended job up again to make other images of some of its items,
// by their numbers. An actor's are asked for anew; a style's are taken from spare
// tiles. What there was stays stored, and in the set where no other could be made.
// With dry nothing is changed. What cannot be replaced is a *trainset.FieldError.
func (p Replacer) Replace(ctx context.Context, id trainset.JobID, items []int, dry bool) (Retried, error) {
	return reopen(ctx, noting{p.Ledger, p}, id, dry, func(r plan.Record) ([]plan.Subtask, error) {
		if err := irreplaceable(r, items); err != nil {
			return nil, err
		}
		subs := plan.Replace(r, items)
		if r.Plan.Style != nil {
			if spares := len(plan.Grow(r.Reopened(subs)).Subtasks); spares < len(items) {
				return subs, trainset.Invalid("item", fmt.Sprintf("%s has %d spare tiles for %d items", r.ID, spares, len(items)), "name fewer, or make another set with --new")
			}
		}
		if total := retried(r, subs).Each; r.Plan.MaxCost > 0 && r.Spent+total > r.Plan.MaxCost {
			return subs, trainset.Invalid("item", fmt.Sprintf("%s may cost %s, of which %s is spent: %s more does not fit", r.ID, r.Plan.MaxCost, r.Spent, total), "name fewer, or make another set with --new and a higher --max-cost")
		}
		return subs, nil
	})
}

// noting keeps in storage which tiles a person has had replaced, before it takes
// their job up again: should the ledger be lost, nothing else would know.
type noting struct {
	Reopener

	p Replacer
}

func (n noting) Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask) error {
	if err := n.note(ctx, r, plan.UnwantedOf(subs, n.p.Now().UTC())); err != nil {
		return fmt.Errorf("noting what is replaced: %w", err)
	}
	err := n.Reopener.Reopen(ctx, r, subs)
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, trainset.ErrNotFound) {
		return errors.Join(err, n.withdraw(ctx, r, subs))
	}
	return err
}

// note stores that tiles are not wanted, where the job's plan is: one that reads it
// back finds them.
func (n noting) note(ctx context.Context, r plan.Record, tiles []plan.Unwanted) error {
	if len(tiles) == 0 {
		return nil
	}
	layout, store := layoutOf(r), n.p.Store
	_, err := store.Stat(ctx, layout.Plan())
	if errors.Is(err, storage.ErrNotFound) {
		return trainset.Invalid("job", fmt.Sprintf("%s has no plan in %s", r.ID, store.Describe()), "give the command the storage settings of the workers")
	}
	if err != nil {
		return err
	}
	for _, u := range tiles {
		b, err := json.Marshal(u)
		if err != nil {
			return err //nolint:wrapcheck // Reopen says what was being done
		}
		if err := store.Put(ctx, layout.Unwanted(u.Grid, u.Tile), b, storage.PutOptions{ContentType: "application/json"}); err != nil {
			return err
		}
	}
	return nil
}

// withdraw removes what was noted of tiles that were not replaced after all.
func (n noting) withdraw(ctx context.Context, r plan.Record, subs []plan.Subtask) error {
	now, err := n.Load(ctx, r.ID)
	if err != nil && !errors.Is(err, trainset.ErrNotFound) {
		return err
	}
	for _, u := range plan.UnwantedOf(subs, time.Time{}) {
		if now.Subtasks[u.Subtask()].State == trainset.ItemRejected { // another has replaced it meanwhile
			continue
		}
		if err := n.p.Store.Delete(ctx, layoutOf(r).Unwanted(u.Grid, u.Tile)); err != nil {
			return err
		}
	}
	return nil
}

// irreplaceable says which of the items has no image to replace, or is nil.
func irreplaceable(r plan.Record, items []int) error {
	if r.Plan == nil {
		return trainset.Invalid("job", fmt.Sprintf("%s was refused, it has no images", r.ID), "see worker job for the reason")
	}
	all := r.Items()
	for i, n := range items {
		switch {
		case n < 1 || n > len(all):
			return trainset.Invalid("item", fmt.Sprintf("%d is out of range", n), fmt.Sprintf("give 1 to %d", len(all)))
		case slices.Contains(items[:i], n):
			return trainset.Invalid("item", fmt.Sprintf("%d is named twice", n), "name each once")
		case all[n-1].State != trainset.ItemSucceeded:
			return trainset.Invalid("item", fmt.Sprintf("%d has no image: it is %s", n, all[n-1].State), "worker retry tries again what a job lacks")
		}
		if seeds := len(all[n-1].Ask.Seeds); seeds > 0 && len(r.Tries(all[n-1].ID)) >= seeds {
			return trainset.Invalid("item", fmt.Sprintf("%d was tried %d times, once with every seed of its plan", n, seeds), "make another set with --new")
		}
	}
	return nil
}

// affordable reports whether the job's cap leaves room for any of the subtasks.
func affordable(r plan.Record, subs []plan.Subtask) bool {
	for _, s := range subs {
		if r.Plan.MaxCost == 0 || r.Spent+r.Plan.Buys(s.Verb).Price <= r.Plan.MaxCost {
			return true
		}
	}
	return len(subs) == 0
}

func retried(r plan.Record, subs []plan.Subtask) Retried {
	t := Retried{Job: r.ID, Was: r.State, Revision: r.Revision + 1, Subtasks: []Again{}}
	for _, s := range subs {
		was := r.Subtasks[s.ID]
		price := r.Plan.Buys(s.Verb).Price
		t.Each += price
		t.Subtasks = append(t.Subtasks, Again{s.ID, s.Index, was.State, was.Reason, len(r.Tries(s.ID)), price})
	}
	return t
}
