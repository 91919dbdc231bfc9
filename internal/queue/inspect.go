package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/plan"
)

// Info is how a queue stands.
type Info struct {
	Queue   string        `json:"queue"`
	Paused  bool          `json:"paused"`
	Latency time.Duration `json:"-"` // how long the task has waited that is next
	// Pending tasks wait for a worker, scheduled and retried ones for their time;
	// archived ones were given up by the queue. Completed ones are kept for a day.
	Pending   int `json:"pending"`
	Active    int `json:"active"`
	Scheduled int `json:"scheduled"`
	Retry     int `json:"retry"`
	Archived  int `json:"archived"`
	Completed int `json:"completed"`
	// Processed and Failed count today's tasks (UTC).
	Processed int     `json:"processed_today"`
	Failed    int     `json:"failed_today"`
	Seconds   float64 `json:"latency_seconds"`
	Bytes     int64   `json:"bytes"` // in Redis, by sample
}

// Inspect describes every queue. One that no task has come to yet is empty.
func (q *Queue) Inspect() ([]Info, error) {
	there, err := q.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("queue: listing the queues: %w", err)
	}
	infos := make([]Info, 0, len(there))
	for _, name := range Names() {
		info := Info{Queue: name}
		if slices.Contains(there, name) {
			if info, err = q.inspect(name); err != nil {
				return nil, err
			}
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (q *Queue) inspect(name string) (Info, error) {
	i, err := q.inspector.GetQueueInfo(name)
	if err != nil {
		return Info{}, fmt.Errorf("queue: reading %s: %w", name, err)
	}
	return Info{
		Queue: name, Paused: i.Paused, Latency: i.Latency, Seconds: i.Latency.Seconds(), Bytes: i.MemoryUsage,
		Pending: i.Pending, Active: i.Active, Scheduled: i.Scheduled, Retry: i.Retry,
		Archived: i.Archived, Completed: i.Completed, Processed: i.Processed, Failed: i.Failed,
	}, nil
}

// Delivered returns the IDs of all tasks that were given to some worker, as far
// as the queue knows: the worker may have died since, or never have had them. It
// reads asynq's lists themselves, at once: its inspector reads page after page, the
// tasks' bodies with them, and between two pages a task can slip from one to the other.
func (q *Queue) Delivered(ctx context.Context) (ids []string, err error) {
	var lists []*redis.StringSliceCmd
	_, err = q.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range Names() {
			lists = append(lists, p.LRange(ctx, keyOf(name, "active"), 0, -1))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("queue: listing what was delivered: %w", err)
	}
	for _, list := range lists {
		ids = append(ids, list.Val()...)
	}
	return ids, nil
}

// withdrawScript forgets what a queue had delivered. Who was given it can no longer
// say that it is done, which it need not.
//
// KEYS: the queue's leases, its list of what was delivered. ARGV: how the keys of its
// tasks begin, then task IDs. Returns how many there were.
var withdrawScript = redis.NewScript(`
local n = 0
for i = 2, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('LREM', KEYS[2], 1, ARGV[i])
    redis.call('DEL', ARGV[1] .. ARGV[i])
    n = n + 1
  end
end
return n`)

// Withdraw forgets that tasks were given to some worker, whose place others have
// taken: else the queue lists them until their leases end, and each of its servers
// then tries to give them out again. Those that nobody was given stay. asynq has no
// way to it: it reads and writes what asynq 0.26 keeps of a task that is delivered.
func (q *Queue) Withdraw(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, name := range Names() {
		args := []any{keyOf(name, "t:")}
		for _, id := range ids {
			args = append(args, id)
		}
		if err := withdrawScript.Run(ctx, q.rdb, []string{keyOf(name, "lease"), keyOf(name, "active")}, args...).Err(); err != nil {
			return fmt.Errorf("queue: withdrawing tasks from %s: %w", name, err)
		}
	}
	return nil
}

// keyOf is where asynq 0.26 keeps a part of a queue.
func keyOf(name, part string) string { return "asynq:{" + name + "}:" + part }

// Pause keeps workers from taking further tasks from a queue; those in hand go
// on. It reports whether that changed anything.
func (q *Queue) Pause(ctx context.Context, name string) (bool, error) {
	return q.switchTo(ctx, name, true)
}

// Resume undoes Pause.
func (q *Queue) Resume(ctx context.Context, name string) (bool, error) {
	return q.switchTo(ctx, name, false)
}

func (q *Queue) switchTo(ctx context.Context, name string, paused bool) (bool, error) {
	if err := q.register(ctx, name); err != nil {
		return false, err
	}
	was, err := q.inspect(name)
	if err != nil || was.Paused == paused {
		return false, err
	}
	change, what := q.inspector.UnpauseQueue, "resuming"
	if paused {
		change, what = q.inspector.PauseQueue, "pausing"
	}
	if err := change(name); err != nil {
		if now, lookErr := q.inspect(name); lookErr == nil && now.Paused == paused {
			return false, nil // somebody else was faster
		}
		return false, fmt.Errorf("queue: %s %s: %w", what, name, err)
	}
	return true, nil
}

// Paused tells of which queues nothing is taken; of none where that cannot be read.
type Paused func() map[string]bool

// Paused asks about all queues at once, and only when a job needs one: most that are
// read have ended, or wait for something else.
func (q *Queue) Paused(ctx context.Context) Paused {
	return sync.OnceValue(func() map[string]bool {
		marks := map[string]*redis.IntCmd{}
		_, _ = q.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each has its own answer
			for _, name := range Names() {
				marks[name] = p.Exists(ctx, keyOf(name, "paused"))
			}
			return nil
		})
		paused := map[string]bool{}
		for name, mark := range marks {
			paused[name] = mark.Val() > 0
		}
		return paused
	})
}

// HeldUp says what keeps a job from going on: what its record says or else which
// paused queue does; nothing where none does.
func (p Paused) HeldUp(r plan.Record) string {
	if r.HeldUp != "" {
		return r.HeldUp
	}
	for _, s := range plan.Needed(r) {
		if name := nameOf(s); p()[name] {
			return fmt.Sprintf("the queue %s is paused: nothing is taken from it before worker resume %s", name, name)
		}
	}
	return ""
}

// register makes a queue known to asynq, as its first task would: asynq's
// inspector refuses to look at others, and a queue may be paused before any task
// has come to it.
func (q *Queue) register(ctx context.Context, name string) error {
	if err := q.rdb.SAdd(ctx, "asynq:queues", name).Err(); err != nil {
		return fmt.Errorf("queue: registering %s: %w", name, err)
	}
	return nil
}

// Forget removes tasks by their IDs from whichever queue has them, and returns
// how many there were. It is for jobs that have ended: a task that a worker still
// has in hand is about to end, and is waited for. One that does not stays.
func (q *Queue) Forget(ctx context.Context, ids []string) (int, error) {
	removed := 0
	for _, id := range ids {
		for _, name := range Names() {
			was, err := q.forget(ctx, name, id)
			if err != nil {
				return removed, err
			}
			if was {
				removed++
				break
			}
		}
	}
	return removed, nil
}

// inHand is how long a task of an ended job may stay in hand.
const inHand = 5 * time.Second

// forget removes a task from a queue, and reports whether it was there.
func (q *Queue) forget(ctx context.Context, name, id string) (bool, error) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for begun := q.now(); ; {
		info, err := q.inspector.GetTaskInfo(name, id)
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
			return false, nil
		case err == nil && info.State == asynq.TaskStateActive && q.now().Sub(begun) >= inHand:
			return false, nil
		case err == nil && info.State != asynq.TaskStateActive:
			err = q.inspector.DeleteTask(name, id)
			if err == nil || errors.Is(err, asynq.ErrTaskNotFound) {
				return true, nil
			}
		}
		if err != nil {
			return false, fmt.Errorf("queue: forgetting %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-look.C:
		}
	}
}
