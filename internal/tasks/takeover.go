package tasks

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/wait"
)

// How a dead worker's tasks are queued anew: by one of the others at a time, who
// is given up when it has not said for so long that it is at it, and so many jobs
// in one journey to Redis.
const (
	takeoverLock = 2 * time.Second
	jobsAtOnce   = 64
)

// takeOver queues anew what a dead worker had, unless another does. It may begin
// before the worker is known to be dead, with what can be prepared. One that has
// beaten again meanwhile is not buried.
func (h *Handlers) takeOver(ctx context.Context, worker string, dead <-chan struct{}, grace time.Duration) (err error) {
	mine, err := h.ledger.LockTakeover(ctx, worker, h.o.Owner, takeoverLock)
	if err != nil || !mine {
		return err
	}
	buried := false
	defer func() {
		if !buried {
			err = errors.Join(err, h.giveUp(ctx, worker))
		}
	}()
	before, err := h.ledger.Beats(ctx)
	if err != nil || before[worker] == "" { // another has just done it
		return err
	}
	n, began, err := h.inherit(ctx, worker, dead, grace)
	if err != nil {
		return err
	}
	h.o.Log.Warn().Str("dead", worker).Int("tasks", n).Dur("took_ms", time.Since(began)).Msg("a worker has died: its tasks are queued anew")
	after, err := h.ledger.Beats(ctx)
	if err != nil || after[worker] != before[worker] {
		return err
	}
	buried = true
	return h.ledger.Bury(ctx, worker)
}

// giveUp lets another try, also where this worker ends.
func (h *Handlers) giveUp(ctx context.Context, worker string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return h.ledger.UnlockTakeover(ctx, worker, h.o.Owner)
}

// inherit queues anew what a dead worker held, as soon as it is known to be dead,
// and what it died with before it could note it. It returns how many tasks, and
// since when the worker was known to be dead.
func (h *Handlers) inherit(ctx context.Context, worker string, dead <-chan struct{}, grace time.Duration) (n int, began time.Time, err error) {
	var noted, unnoted int
	var g errgroup.Group // the one that fails ends none of the other's work
	g.Go(func() error {
		if err := await(ctx, dead); err != nil {
			return err
		}
		began = time.Now()
		held, err := h.ledger.Held(ctx, worker)
		if err != nil {
			return err
		}
		noted, err = h.requeueAll(ctx, held)
		return err
	})
	g.Go(func() (err error) {
		unnoted, err = h.inheritUnnoted(ctx, dead, grace)
		return err
	})
	err = g.Wait()
	return noted + unnoted, began, err //nolint:wrapcheck // says what failed
}

func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// look is which tasks had been given to some worker while none had noted them.
// A worker that lives notes what it was given within a moment.
type look struct {
	unnoted []string
	at      time.Time
}

func (h *Handlers) look(ctx context.Context) (look, error) {
	ids, err := h.queue.Delivered(ctx)
	if err == nil {
		ids, err = h.ledger.Unheld(ctx, ids)
	}
	return look{unnoted: ids, at: time.Now()}, err
}

// inheritUnnoted queues anew what a worker died with before it could note it. It
// looks for it already while it is not known whether the worker is dead.
func (h *Handlers) inheritUnnoted(ctx context.Context, dead <-chan struct{}, grace time.Duration) (n int, err error) {
	var before look
	if !closed(dead) {
		if before, err = h.look(ctx); err != nil {
			before = look{} // two looks will be made then
		}
	}
	if err := await(ctx, dead); err != nil {
		return 0, err
	}
	return h.inheritSince(ctx, before, grace)
}

// inheritSince queues anew the tasks that were given to somebody and that nobody
// has in hand, neither at two looks nor in the time that a worker needs to note
// what it took. What an earlier look does not show is looked for once more.
func (h *Handlers) inheritSince(ctx context.Context, before look, grace time.Duration) (n int, err error) {
	for range 2 {
		if len(before.unnoted) > 0 {
			if err := wait.For(ctx, time.Until(before.at.Add(grace))); err != nil {
				return n, err
			}
		}
		now, err := h.look(ctx)
		if err != nil {
			return n, err
		}
		lost, others := split(now.unnoted, before.unnoted)
		again, err := h.requeueAll(ctx, plan.ByJob(lost))
		n += again
		if err != nil {
			return n, err
		}
		if len(others) == 0 {
			return n, nil
		}
		before = look{unnoted: others, at: now.at}
	}
	return n, nil
}

// split returns which of the IDs are among those and which are not.
func split(ids, those []string) (among, others []string) {
	in := make(map[string]bool, len(those))
	for _, id := range those {
		in[id] = true
	}
	for _, id := range ids {
		if in[id] {
			among = append(among, id)
		} else {
			others = append(others, id)
		}
	}
	return among, others
}

// requeueAll queues those of many jobs' tasks anew that are still needed, and
// returns how many. A producer's own task names no job: the sweeper finds the one
// that it made. A job that cannot be keeps no other one.
func (h *Handlers) requeueAll(ctx context.Context, tasks map[trainset.JobID][]string) (n int, err error) {
	jobs := slices.Sorted(maps.Keys(tasks))
	jobs = slices.DeleteFunc(jobs, func(id trainset.JobID) bool {
		_, err := trainset.ParseJobID(string(id))
		return err != nil
	})
	var problems []error
	for some := range slices.Chunk(jobs, jobsAtOnce) {
		again, err := h.requeue(ctx, some, tasks)
		n += again
		problems = append(problems, err)
	}
	return n, errors.Join(problems...)
}

// requeue is requeueAll of a few jobs.
func (h *Handlers) requeue(ctx context.Context, jobs []trainset.JobID, tasks map[trainset.JobID][]string) (n int, err error) {
	records, unread := h.progressAll(ctx, jobs)
	lots := make([]plan.Lot, len(records))
	for i, r := range records {
		lots[i] = plan.Lot{Record: r, Steps: plan.Among(tasks[r.ID], r.ID, plan.Needed(r))}
	}
	again, refused := h.ledger.Requeue(ctx, lots...)
	for _, lot := range again {
		n += len(lot.Steps)
	}
	if n > 0 && h.o.Meter != nil {
		h.o.Meter.TookOver(n)
	}
	if err := errors.Join(refused, h.resume(ctx, lots, again)); err != nil {
		return n, errors.Join(unread, err)
	}
	var done []string
	for _, r := range records {
		done = append(done, tasks[r.ID]...)
	}
	return n, errors.Join(unread, h.queue.Withdraw(ctx, done))
}
