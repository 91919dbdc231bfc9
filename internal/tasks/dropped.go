package tasks

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/actormaker/trainset"
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
	var problems []error
	for _, id := range h.let.take() {
		if err := h.dropOne(ctx, id); err != nil {
			h.let.add(id)
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (h *Handlers) dropOne(ctx context.Context, id string) error {
	job, _, _ := strings.Cut(id, ":")
	if parsed, err := trainset.ParseJobID(job); err == nil { // else a producer's own task: the sweeper finds the job it made
		h.o.Log.Warn().Str("job_id", job).Str("task", id).Msg("a task ended while Redis was away: queueing it anew")
		if err := h.requeue(ctx, parsed, []string{id}); err != nil {
			return err
		}
	}
	return h.ledger.Hold(ctx, h.o.Owner, nil, []string{id})
}
