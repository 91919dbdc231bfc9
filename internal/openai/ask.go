package openai

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/wait"
)

// maxWait is the longest that a server may ask us to wait. An attempt that is
// told to come back later than that has failed: local measures are at hand.
const maxWait = 2 * time.Minute

// ask calls until there is an answer, a call that no other would better, or as
// many calls as are allowed. Resumed tells that a call before these may have
// been charged.
func (p *Payer) ask(ctx context.Context, a plan.Attempt, q question, resumed bool) (plan.Attempt, error) {
	wanted, stop := p.whileWanted(ctx, a)
	defer stop()
	owed := billOf(a, resumed)
	for calls := 1; ; calls++ {
		text, f := p.call(wanted, q, owed)
		if f == nil {
			return p.answered(ctx, a, text, owed.total())
		}
		if wanted.Err() == nil && (!f.again || calls == p.o.Calls || f.after > maxWait) {
			return p.end(ctx, a, f.outcome, owed.total(), f.reason(calls))
		}
		if wanted.Err() == nil {
			p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Str("why", f.says).Msg("a judgement could not be had: trying again")
		}
		if err := wait.For(wanted, max(f.after, backoff(calls))); errors.Is(err, ledger.ErrStopped) {
			return p.end(ctx, a, plan.OutcomeCanceled, owed.total(), "its job was canceled")
		} else if err != nil {
			return a, fmt.Errorf("asking for a judgement: %w", err)
		}
	}
}

// whileWanted returns a context that ends with ledger.ErrStopped when the job
// is canceled.
func (p *Payer) whileWanted(ctx context.Context, a plan.Attempt) (wanted context.Context, stop func()) {
	rung, deafen := p.o.Bell.Listen(a.Job, a.ID)
	wanted, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-wanted.Done():
				return
			case <-rung:
				if stopped, err := p.journal.Stopped(wanted, a.Job); err == nil && stopped {
					cancel(ledger.ErrStopped)
				}
			}
		}
	}()
	return wanted, func() { deafen(); cancel(nil) }
}

// backoff doubles from a second to 16.
func backoff(calls int) time.Duration { return time.Second << min(calls-1, 4) }
