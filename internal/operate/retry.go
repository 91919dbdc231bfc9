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
// changed since it was read, ledger.ErrDeleting that it is being removed. A job that was reopened is due at once: a worker
// advances it.
type Reopener interface {
	Load(ctx context.Context, id trainset.JobID) (plan.Record, error)
	Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error
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
	// Grids is how many grids more a style is likely to need, as many as its limits
	// allow, and Following what they, the tiles that are there for the missing images,
	// and what follows from either cost at list prices.
	Grids     int            `json:"grids,omitempty"`
	Following trainset.Money `json:"following_usd,omitempty"`
	// MaxCost and MaxGrids are the limits that were raised, as they are now.
	MaxCost  trainset.Money `json:"max_cost_usd,omitempty"`
	MaxGrids int            `json:"max_grids,omitempty"`
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

// Raiser takes ended jobs up again, with higher limits where some are given: only
// those need Store and Grids.
type Raiser struct {
	Ledger Reopener
	// Store has the plans that a lost ledger is rebuilt from.
	Store storage.Store
	// Grids freezes what the grids of a plan are to show, up to its bound.
	Grids func(plan.Plan) plan.Plan
}

// Retry takes an ended job up again: what failed is tried anew, what succeeded
// stays and is not paid for. Limits are of all that it ever asks for. With dry
// nothing is changed. A job for which there is nothing to do, and limits that are
// not above those that it has, are a *trainset.FieldError.
func (o Raiser) Retry(ctx context.Context, id trainset.JobID, limits plan.Limits, dry bool) (Retried, error) {
	return reopen(ctx, o.Ledger, id, dry, func(r plan.Record) (again, error) {
		a := again{subs: plan.Retry(r), limits: limits}
		if err := refusal(r, a); err != nil {
			return a, err
		}
		a.grids, a.following = a.reopened(r).ToCome()
		if !dry && limits != (plan.Limits{}) {
			return a, o.keep(ctx, r.Raised(limits))
		}
		return a, nil
	})
}

// keep brings the limits of a job into the plan that storage has, with the grids
// that those allow: before the ledger knows them, so that one that is lost is
// rebuilt with them, and nothing is asked for that was not frozen. Should the job
// not be taken up after that, storage allows what an operator has allowed. The
// request in it stays: it is what requests under the same key are compared with.
func (o Raiser) keep(ctx context.Context, r plan.Record) error {
	key := layoutOf(r).Plan()
	for try := 1; ; try++ {
		p, version, err := o.kept(ctx, key)
		if err != nil {
			return err
		}
		b, err := json.Marshal(o.Grids(p.Raised(p.Limits().Most(r.Plan.Limits()))))
		if err != nil {
			return fmt.Errorf("encoding the plan: %w", err)
		}
		if try > raising {
			version = ""
		}
		err = o.Store.Put(ctx, key, b, storage.PutOptions{ContentType: "application/json", IfVersion: version})
		if errors.Is(err, storage.ErrChanged) {
			continue
		}
		if err != nil {
			return fmt.Errorf("storing the plan: %w", err)
		}
		return nil
	}
}

// raising is how often a plan is tried to be replaced as it was read: another may raise
// its limits at that moment, or a server not know again the version that it has named.
const raising = 3

// kept is the plan that storage has, and its version: of this one, or of one before.
func (o Raiser) kept(ctx context.Context, key string) (p plan.Plan, version string, err error) {
	there, err := o.Store.Stat(ctx, key)
	var b []byte
	if err == nil {
		b, err = o.Store.Get(ctx, key)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return p, "", notHere(key, o.Store, "")
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, "", fmt.Errorf("reading the plan %s: %w", key, err)
	}
	return p, there.Version, nil
}

// again is how a job is taken up again: with these subtasks, limits where some are
// raised, and what is likely to follow.
type again struct {
	subs      []plan.Subtask
	limits    plan.Limits
	grids     int
	following trainset.Money
}

// reopened is the record of the job as it is then.
func (a again) reopened(r plan.Record) plan.Record { return r.Reopened(a.subs).Raised(a.limits) }

// reopen takes a job up again with what is decided of its record.
func reopen(ctx context.Context, l Reopener, id trainset.JobID, dry bool, decide func(plan.Record) (again, error)) (Retried, error) {
	const tries = 3 // the record of an ended job hardly ever changes
	for n := 1; ; n++ {
		r, err := l.Load(ctx, id)
		if err != nil {
			return Retried{}, fmt.Errorf("taking the job up again: %w", err)
		}
		if !r.State.Ended() {
			return retried(r, again{}), trainset.Invalid("job", fmt.Sprintf("%s has not ended: it is %s", r.ID, r.State), "wait for its end, or cancel it first")
		}
		a, err := decide(r)
		if err != nil || dry {
			return retried(r, a), err
		}
		err = l.Reopen(ctx, r, a.subs, a.limits)
		if errors.Is(err, ledger.ErrStale) && n < tries {
			continue
		}
		if errors.Is(err, ledger.ErrDeleting) {
			return Retried{}, trainset.Invalid("job", fmt.Sprintf("%s is being deleted", r.ID), "wait for that or, if it was interrupted, repeat worker delete; then enqueue it anew")
		}
		if err != nil {
			return Retried{}, fmt.Errorf("taking the job up again: %w", err)
		}
		return retried(r, a), nil
	}
}

// refusal says why a job cannot be tried again, or is nil.
func refusal(r plan.Record, a again) error {
	if r.State == trainset.JobSucceeded {
		return trainset.Invalid("job", fmt.Sprintf("%s has all of its images", r.ID), "to make another set, enqueue it with --new")
	}
	if err := unraisable(r, a.limits); err != nil || r.Plan == nil { // without a plan it is accepted anew
		return err
	}
	after := a.reopened(r)
	if state, _ := after.Outcome(); state == trainset.JobSucceeded {
		return nil // all of it is made since: only the set is missing
	}
	switch {
	case len(a.subs) == 0 && plan.Grow(after).Empty():
		return stuck(after)
	case !affordable(after, a.subs):
		return trainset.Invalid("max-cost", fmt.Sprintf("%s may cost %s, of which %s is spent: nothing more can be paid for", r.ID, after.Plan.MaxCost, r.Spent),
			"give a higher --max-cost")
	}
	return nil
}

// stuck says why a job goes on with nothing though it lacks images.
func stuck(r plan.Record) error {
	switch r.Limit() {
	case plan.LimitCost:
		return trainset.Invalid("max-cost", fmt.Sprintf("%s may cost %s, of which %s is spent: another grid with what follows from it, %s, does not fit",
			r.ID, r.Plan.MaxCost, r.Spent, r.Plan.GridPrice(r.Plan.ExpectedTiles())), "give a higher --max-cost")
	case plan.LimitGrids:
		remedy := fmt.Sprintf("give a higher --max-grids, up to %d", trainset.MaxGrids)
		if r.Plan.Style.MaxGrids >= trainset.MaxGrids {
			remedy = "enqueue it with --new"
		}
		return trainset.Invalid("max-grids", fmt.Sprintf("%s has made %d of at most %d grids", r.ID, r.Grids(), r.Plan.Style.MaxGrids), remedy)
	}
	if r.Plan.Style != nil {
		return trainset.Invalid("job", fmt.Sprintf("%s has nothing left to try: see worker job for what its last grids came to", r.ID), "enqueue it with --new")
	}
	return trainset.Invalid("job", fmt.Sprintf("%s has nothing left to try: every attempt that its plan has a seed for was made", r.ID), "enqueue it with --new")
}

// unraisable says why limits cannot become these, or is nil.
func unraisable(r plan.Record, l plan.Limits) error {
	switch {
	case l == (plan.Limits{}):
		return nil
	case r.Plan == nil:
		return trainset.Invalid("job", fmt.Sprintf("%s was refused before it had a plan: its limits are those of its request", r.ID), "enqueue it with --new and others")
	}
	return errors.Join(unraisableCost(r, l.MaxCost), unraisableGrids(r, l.MaxGrids))
}

func unraisableCost(r plan.Record, limit trainset.Money) error {
	switch has := r.Plan.MaxCost; {
	case limit == 0:
	case has == 0:
		return trainset.Invalid("max-cost", fmt.Sprintf("%s has no cap that could be raised", r.ID), "leave it out")
	case limit <= has:
		return trainset.Invalid("max-cost", fmt.Sprintf("%s is not above the %s that %s may cost already, of which %s is spent", limit, has, r.ID, r.Spent), "give more, or leave it out")
	}
	return nil
}

func unraisableGrids(r plan.Record, limit int) error {
	switch {
	case limit == 0:
	case r.Plan.Style == nil:
		return trainset.Invalid("max-grids", fmt.Sprintf("%s is an actor's job, which has no grids", r.ID), "leave it out")
	case r.Plan.Style.MaxGrids >= trainset.MaxGrids:
		return trainset.Invalid("max-grids", fmt.Sprintf("%s may make %d grids already, the most that a job may", r.ID, r.Plan.Style.MaxGrids), "leave it out")
	case limit > trainset.MaxGrids:
		return trainset.Invalid("max-grids", fmt.Sprintf("%d is out of range", limit), fmt.Sprintf("give %d to %d", r.Plan.Style.MaxGrids+1, trainset.MaxGrids))
	case limit <= r.Plan.Style.MaxGrids:
		return trainset.Invalid("max-grids", fmt.Sprintf("%d is not above the %d that %s may make already", limit, r.Plan.Style.MaxGrids, r.ID),
			fmt.Sprintf("give %d to %d, or leave it out", r.Plan.Style.MaxGrids+1, trainset.MaxGrids))
	}
	return nil
}

// Replacer has other images made of a job's items.
type Replacer struct {
	Ledger Reopener
	Store  storage.Store // of a style's job: it keeps which tiles were replaced
	Now    func() time.Time
}

// Replace takes an ended job up again to make other images of some of its items,
// by their numbers. An actor's are asked for anew; a style's are taken from spare
// tiles. What there was stays stored, and in the set where no other could be made.
// With dry nothing is changed. What cannot be replaced is a *trainset.FieldError.
func (p Replacer) Replace(ctx context.Context, id trainset.JobID, items []int, dry bool) (Retried, error) {
	return reopen(ctx, noting{p.Ledger, p}, id, dry, func(r plan.Record) (again, error) {
		if err := irreplaceable(r, items); err != nil {
			return again{}, err
		}
		a := again{subs: plan.Replace(r, items)}
		if r.Plan.Style != nil {
			if spares := len(plan.Grow(a.reopened(r)).Subtasks); spares < len(items) {
				return a, trainset.Invalid("item", fmt.Sprintf("%s has %d spare tiles for %d items", r.ID, spares, len(items)), "name fewer, or make another set with --new")
			}
		}
		if total := retried(r, a).Each; r.Plan.MaxCost > 0 && r.Spent+total > r.Plan.MaxCost {
			return a, trainset.Invalid("item", fmt.Sprintf("%s may cost %s, of which %s is spent: %s more does not fit", r.ID, r.Plan.MaxCost, r.Spent, total), "name fewer, or make another set with --new and a higher --max-cost")
		}
		return a, nil
	})
}

// noting keeps in storage which tiles a person has had replaced, before it takes
// their job up again: should the ledger be lost, nothing else would know.
type noting struct {
	Reopener

	p Replacer
}

func (n noting) Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error {
	if err := n.note(ctx, r, plan.UnwantedOf(subs, n.p.Now().UTC())); err != nil {
		return fmt.Errorf("noting what is replaced: %w", err)
	}
	err := n.Reopener.Reopen(ctx, r, subs, limits)
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, trainset.ErrNotFound) || errors.Is(err, ledger.ErrDeleting) {
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

func retried(r plan.Record, a again) Retried {
	t := Retried{
		Job: r.ID, Was: r.State, Revision: r.Revision + 1, Subtasks: []Again{},
		Grids: a.grids, Following: a.following, MaxCost: a.limits.MaxCost, MaxGrids: a.limits.MaxGrids,
	}
	for _, s := range a.subs {
		was := r.Subtasks[s.ID]
		price := r.Plan.Buys(s.Verb).Price
		t.Each += price
		t.Subtasks = append(t.Subtasks, Again{s.ID, s.Index, was.State, was.Reason, len(r.Tries(s.ID)), price})
	}
	return t
}
