package tasks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/wait"
)

// Storage that hangs fails a call after minutes, for a slow one may be well. Those who
// watch a job that waits for it are told sooner.

// slowAfter is how long one call may take until that is noted, and how often again.
const slowAfter = 30 * time.Second

// storing does something in storage for a job, and has it noted where that takes long.
func (h *Handlers) storing(ctx context.Context, id trainset.JobID, do func() error) error {
	stop := every(ctx, h.slowAfter, func(first bool) {
		why := fmt.Sprintf("storage (%s) has not taken something for %v; see whether its server answers, and the line to it", h.store.Describe(), h.slowAfter)
		if first {
			h.o.Log.Warn().Str("job_id", string(id)).Msg(why)
		}
		warnUnnoted(ctx, h.o.Log, id, h.ledger.Outage(ctx, id, why, h.slowAfter))
	})
	defer stop()
	return do()
}

// every calls a function again and again, until it is stopped. No call outlasts that.
func every(ctx context.Context, d time.Duration, call func(first bool)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var calls sync.WaitGroup
	calls.Go(func() {
		for first := true; wait.For(ctx, d) == nil; first = false {
			call(first)
		}
	})
	return func() { cancel(); calls.Wait() }
}
