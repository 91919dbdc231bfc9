package paid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// Budget caps what a user may spend. Reserve sets the price of an attempt aside,
// once however often it is called, or refuses; Settle replaces that, where it
// was set aside at the given time, by what was spent; Release gives it back where
// there will be no such attempt; Count adds to a day what was spent on it and
// forgotten, once.
type Budget interface {
	Reserve(ctx context.Context, user, attempt string, price trainset.Money) error
	Release(ctx context.Context, user, attempt string) error
	Count(ctx context.Context, user, attempt string, spent time.Time, cost trainset.Money) error
	Settle(ctx context.Context, user, attempt string, reserved time.Time, cost trainset.Money) error
}

// Purse is a budget as whoever carries out attempts uses it. Without a budget
// everything may be spent.
type Purse struct {
	Budget Budget // none when nil
	Log    zerolog.Logger
}

// SetAside sets the price of an attempt aside that is about to be opened, or fails
// with the budget's refusal.
func (p Purse) SetAside(ctx context.Context, a plan.Attempt) error {
	if p.Budget == nil {
		return nil
	}
	if err := p.Budget.Reserve(ctx, a.User, reservation(a), a.Price); err != nil {
		return fmt.Errorf("setting the price aside: %w", err)
	}
	return nil
}

// Renew sets the price of an intent that is about to be asked for anew aside on the
// day that it is now, if it was on another, or fails with that day's refusal. Call
// it before the intent is dated anew; it may be repeated.
func (p Purse) Renew(ctx context.Context, a plan.Attempt) error {
	if p.Budget == nil || dayOf(setAsideAt(a)) == dayOf(time.Now()) {
		return nil
	}
	if err := p.SetAside(ctx, a); err != nil {
		return err
	}
	p.told(a, p.Budget.Settle(ctx, a.User, reservation(a), setAsideAt(a), 0))
	return nil
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// setAsideAt is on the day whose budget has the price of an attempt: that on which
// it was asked for last.
func setAsideAt(a plan.Attempt) time.Time {
	if a.IntentAt.IsZero() { // of a version before
		return a.CreatedAt
	}
	return a.IntentAt
}

// Overspent reports whether an error is a budget's refusal.
func Overspent(err error) bool {
	var broke interface{ Overspent() bool }
	return errors.As(err, &broke) && broke.Overspent()
}

// Refused gives the price back of an attempt that could not be opened, where the
// error of Journal.Open says for certain that nobody has or will have one like it.
func (p Purse) Refused(ctx context.Context, a plan.Attempt, refusal error) {
	var over *ledger.OverCapError
	if p.Budget == nil || !errors.As(refusal, &over) && !errors.Is(refusal, ledger.ErrStopped) && !errors.Is(refusal, ledger.ErrSettled) {
		return
	}
	p.told(a, p.Budget.Release(ctx, a.User, reservation(a)))
}

// Ended tells the budget what an attempt cost that was to cost something else.
func (p Purse) Ended(ctx context.Context, a plan.Attempt, was trainset.Money) {
	if p.Budget == nil || a.Cost == was {
		return
	}
	p.told(a, p.Budget.Settle(ctx, a.User, reservation(a), setAsideAt(a), a.Cost))
}

// Regained counts an attempt that was paid for and that the budget may have
// forgotten with the journal.
func (p Purse) Regained(ctx context.Context, a plan.Attempt) {
	if p.Budget == nil || a.Cost == 0 {
		return
	}
	p.told(a, p.Budget.Count(ctx, a.User, reservation(a), setAsideAt(a), a.Cost))
}

func (p Purse) told(a plan.Attempt, err error) {
	if err != nil {
		p.Log.Warn().Err(err).Str("job_id", string(a.Job)).Str("attempt", a.ID).Msg("the budget could not be told: what it counts is not what was spent")
	}
}

// reservation names an attempt among all of a user's.
func reservation(a plan.Attempt) string { return string(a.Job) + "/" + a.ID }
