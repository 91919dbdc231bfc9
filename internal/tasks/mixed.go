package tasks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// Simulated and real pictures must not mix, nor may one provider be asked about what
// the other one made: it knows nothing of it. A worker leaves a job alone that is not
// of its own provider.

// mixedError is that a job wants another kind of provider than this worker has.
type mixedError struct {
	simulated bool // the job is
	canceled  bool // the job is, and its predictions are not ended
	others    bool // a worker lives that has the provider, and gets the task soon
}

func (e *mixedError) Error() string {
	switch {
	case e.simulated:
		return "the job is simulated, and there are only workers with a real provider: start one with TRAINSET_SIMULATE=true, or cancel the job"
	case e.canceled:
		return "the job is canceled, and its predictions are at the real provider, while there are only workers with the simulated one: start one with REPLICATE_API_TOKEN and without TRAINSET_SIMULATE, which ends them"
	}
	return "the job is of real pictures, and there are only workers with the simulated provider: start one with REPLICATE_API_TOKEN and without TRAINSET_SIMULATE, or cancel the job"
}

// Blocked implements blocker: this worker can do nothing about it.
func (*mixedError) Blocked() bool { return true }

// ours refuses a job that is not of this worker's provider.
func (h *Handlers) ours(ctx context.Context, simulated, canceled bool) error {
	if simulated == h.o.Simulated {
		return nil
	}
	return &mixedError{simulated: simulated, canceled: canceled, others: h.colleagues.have(ctx, h.ledger, simulated)}
}

// oursToTry refuses a subtask of a job that is not of this worker's provider, unless
// its job was canceled and nothing need be asked any more. What a simulated job has
// asked for is ended without asking, for it cost nothing; what a real one has is for
// a worker that can ask.
func (h *Handlers) oursToTry(ctx context.Context, w ledger.Work) error {
	simulated := w.Job.Plan.Simulate
	if simulated == h.o.Simulated {
		return nil
	}
	a, asked := asking(w)
	switch {
	case w.Stopped() && !asked:
		return nil
	case w.Stopped() && simulated:
		return h.abandon(ctx, w, a)
	}
	return h.ours(ctx, simulated, w.Stopped())
}

// asking returns the attempt that the provider may have been asked to carry out, if
// one goes on.
func asking(w ledger.Work) (plan.Attempt, bool) {
	a := w.Last()
	return a, a.State != "" && a.State != plan.AttemptEnded && a.Model != "" && !openAIs(w)
}

// abandon ends an attempt of a canceled job that the simulated provider was asked
// for, and has the subtask read again.
func (h *Handlers) abandon(ctx context.Context, w ledger.Work, a plan.Attempt) error {
	now, was := h.o.Now().UTC(), a.Cost
	a.Owner, a.State, a.Outcome, a.Cost, a.EndedAt = h.o.Owner, plan.AttemptEnded, plan.OutcomeCanceled, 0, &now
	a.Reason = "its job was canceled; the simulated provider was not asked what became of it"
	a, err := h.ledger.Write(ctx, a, was)
	if err != nil {
		return fmt.Errorf("journalling %s: %w", a.ID, err)
	}
	h.o.Purse.Ended(ctx, a, was)
	h.count(a)
	if err := h.writeReceipt(ctx, *w.Job.Plan, w.Subtask, a); err != nil {
		return err
	}
	return ledger.ErrStale
}

// mayFreeze says whether this worker may accept a request. One that has only the
// simulated provider simulates whatever it is asked for, unless a worker with a real
// one lives.
func (h *Handlers) mayFreeze(ctx context.Context, simulate bool) error {
	mixed, is := h.ours(ctx, simulate, false).(*mixedError) //nolint:errorlint // made there, and wraps nothing
	switch {
	case !is:
		return nil
	case mixed.others:
		return mixed
	case simulate:
		return trainset.Invalid("simulate", "this system makes real images", "ask one that runs with the simulated provider")
	}
	return nil
}

// colleagues are which kinds of provider the fleet's workers have, looked up once a
// second however many ask.
type colleagues struct {
	mu     sync.Mutex
	looked time.Time
	kinds  map[bool]bool // by whether it is the simulated one
}

// have reports whether some worker has the kind of provider; none where that cannot
// be read.
func (c *colleagues) have(ctx context.Context, l *ledger.Ledger, simulated bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < time.Second {
		return c.kinds[simulated]
	}
	cards, err := l.Cards(ctx)
	if err != nil {
		return false
	}
	c.looked, c.kinds = time.Now(), map[bool]bool{}
	for _, card := range cards {
		c.kinds[card.Simulated] = true
	}
	return c.kinds[simulated]
}
