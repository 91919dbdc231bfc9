package tasks

import (
	"context"
	"sync"

	"github.com/actormaker/trainset/internal/plan"
)

// dropped are tasks that ended here while Redis did not answer. Nobody works on
// them, and the queue believes them in hand: what it means to try again by itself
// it gives up with its own context, and leases take a minute or two to run out.
type dropped struct {
	mu  sync.Mutex
	ids []string
}

func (d *dropped) add(ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids = append(d.ids, ids...)
}

func (d *dropped) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := d.ids
	d.ids = nil
	return ids
}

// letGo queues anew what was dropped, now that Redis answers again, and notes
// that it is not in hand. What cannot be yet is kept for the next time.
func (h *Handlers) letGo(ctx context.Context) error {
	ids := h.let.take()
	if len(ids) == 0 {
		return nil
	}
	_, err := h.requeueAll(ctx, plan.ByJob(ids))
	if err == nil {
		err = h.ledger.Hold(ctx, h.o.Owner, nil, ids)
	}
	if err != nil {
		h.let.add(ids...)
		return err
	}
	h.o.Log.Warn().Strs("tasks", ids).Msg("tasks ended while Redis was away: what is needed of them is queued anew")
	return nil
}
