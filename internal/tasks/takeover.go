package tasks

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/wait"
)

// Warden beats for its own worker and watches the beats of all others. One
// whose count stands still, while Redis answers, has died or is frozen: what it
// held is queued anew. Should it wake, its writes are refused. One that has no
// connection to Redis besides has most likely died, and is given less time.
type Warden struct {
	Handlers *Handlers
	Every    time.Duration // between beats and looks; 500 ms when 0
	Dead     time.Duration // how long a count stands still; 7 s when 0
	Gone     time.Duration // the same without a connection; 3 s when 0
	Grace    time.Duration // in which a worker notes what it was given; 1 s when 0

	seen   map[string]sighting
	looked time.Time // when the counts were last seen
	blind  bool      // it was said that connections cannot be seen

	mu      sync.Mutex
	taking  map[string]bool // the dead that are being taken over
	letting bool            // what was dropped is being queued anew
	takers  sync.WaitGroup
}

// sighting is a worker's count and since when, on our own clock, it stands.
type sighting struct {
	count string
	since time.Time
}

// Run beats and watches until the context ends, and then says that its worker
// has ended. Taking over takes as long as it takes: meanwhile this worker must
// beat, or the others would think it dead, too.
func (w *Warden) Run(ctx context.Context) {
	if w.Every == 0 {
		w.Every = 500 * time.Millisecond
	}
	if w.Dead == 0 {
		w.Dead = 7 * time.Second // with the queueing, 15 s are kept
	}
	if w.Gone == 0 {
		w.Gone = 3 * time.Second // 15 s are kept by whoever inherits from an heir
	}
	if w.Grace == 0 {
		w.Grace = time.Second
	}
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for {
		if err := w.round(ctx); err != nil && ctx.Err() == nil {
			w.Handlers.o.Log.Warn().Err(err).Msg("the workers' beats could not be kept")
			w.seen = nil // nobody could beat: all counts start anew
		}
		select {
		case <-ctx.Done():
			w.takers.Wait()
			w.leave(ctx)
			return
		case <-tick.C:
		}
	}
}

// leave forgets a worker that ends in order: the queue delivers its tasks again.
func (w *Warden) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := w.Handlers.ledger.Bury(ctx, w.Handlers.o.Owner); err != nil {
		w.Handlers.o.Log.Warn().Err(err).Msg("the others could not be told that this worker ends")
	}
}

func (w *Warden) round(ctx context.Context) error {
	l := w.Handlers.ledger
	w.Handlers.hands.flush(ctx)
	if err := l.Beat(ctx, w.Handlers.o.Owner); err != nil {
		return err
	}
	beats, err := l.Beats(ctx)
	if err != nil {
		return err
	}
	dead, doubtful := w.still(beats, w.Handlers.o.Now())
	for _, worker := range append(dead, w.absent(ctx, doubtful)...) {
		w.begin(ctx, worker)
	}
	w.letGo(ctx)
	return w.keep(ctx)
}

// letGo queues anew what was dropped, unless that is being done: it may wait for
// storage, and the beats must not.
func (w *Warden) letGo(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.letting {
		return
	}
	w.letting = true
	w.takers.Go(func() {
		if err := w.Handlers.letGo(ctx); err != nil && ctx.Err() == nil {
			w.Handlers.o.Log.Warn().Err(err).Msg("what ended while Redis was away could not be queued anew: trying again")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letting = false
	})
}

// looking bounds the look at who is connected: meanwhile nobody beats.
const looking = time.Second

// absent returns those of the workers that have no connection to Redis; none
// where that cannot be seen.
func (w *Warden) absent(ctx context.Context, workers []string) []string {
	if len(workers) == 0 {
		return nil
	}
	bound, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	absent, err := w.Handlers.ledger.Absent(bound, w.Handlers.o.Owner, workers)
	if err != nil && !w.blind && ctx.Err() == nil {
		w.blind = true
		w.Handlers.o.Log.Warn().Err(err).Msg("who is connected cannot be seen: dead workers are known later")
	}
	return absent
}

// keep holds on to what is being taken over.
func (w *Warden) keep(ctx context.Context) error {
	w.mu.Lock()
	taking := slices.Collect(maps.Keys(w.taking))
	w.mu.Unlock()
	for _, dead := range taking {
		if _, err := w.Handlers.ledger.LockTakeover(ctx, dead, w.Handlers.o.Owner, takeoverLock); err != nil {
			return err
		}
	}
	return nil
}

// begin takes a dead worker's tasks over, unless that is being done. What fails
// is done again in the next round, and keeps no other worker's tasks waiting.
func (w *Warden) begin(ctx context.Context, dead string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taking[dead] {
		return
	}
	if w.taking == nil {
		w.taking = make(map[string]bool)
	}
	w.taking[dead] = true
	w.takers.Go(func() {
		if err := w.Handlers.takeOver(ctx, dead, w.Grace); err != nil && ctx.Err() == nil {
			w.Handlers.o.Log.Warn().Err(err).Str("dead", dead).Msg("a dead worker's tasks could not be taken over: trying again")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.taking, dead)
	})
}

// still returns the workers whose count has stood for so long that they are dead,
// and those of which it depends on their connection. Whoever has not looked for
// long has been frozen itself, as all others may have been: it starts anew.
func (w *Warden) still(beats map[string]string, now time.Time) (dead, doubtful []string) {
	if now.Sub(w.looked) > w.Gone {
		w.seen = nil
	}
	w.looked = now
	seen := make(map[string]sighting, len(beats))
	for worker, count := range beats {
		s, known := w.seen[worker]
		if !known || s.count != count {
			s = sighting{count, now}
		}
		seen[worker] = s
		switch stood := now.Sub(s.since); {
		case worker == w.Handlers.o.Owner:
		case stood >= w.Dead:
			dead = append(dead, worker)
		case stood >= w.Gone:
			doubtful = append(doubtful, worker)
		}
	}
	w.seen = seen
	slices.Sort(dead)
	slices.Sort(doubtful)
	return dead, doubtful
}

// How a dead worker's tasks are queued anew: by one of the others at a time, who
// is given up when it has not said for so long that it is at it, and so many jobs
// in one journey to Redis.
const (
	takeoverLock = 2 * time.Second
	jobsAtOnce   = 64
)

// takeOver queues anew what a dead worker had, unless another does.
func (h *Handlers) takeOver(ctx context.Context, dead string, grace time.Duration) error {
	mine, err := h.ledger.LockTakeover(ctx, dead, h.o.Owner, takeoverLock)
	if err != nil || !mine {
		return err
	}
	begun := time.Now()
	n, err := h.inherit(ctx, dead, grace)
	if err != nil {
		return errors.Join(err, h.ledger.UnlockTakeover(ctx, dead))
	}
	h.o.Log.Warn().Str("dead", dead).Int("tasks", n).Dur("took_ms", time.Since(begun)).Msg("a worker has died: its tasks are queued anew")
	return h.ledger.Bury(ctx, dead)
}

// inherit queues anew what a dead worker held and, at the same time, what it died
// with before it could note it. It returns how many tasks.
func (h *Handlers) inherit(ctx context.Context, dead string, grace time.Duration) (int, error) {
	var noted, unnoted int
	var g errgroup.Group // the one that fails ends none of the other's work
	g.Go(func() error {
		held, err := h.ledger.Held(ctx, dead)
		if err != nil {
			return err
		}
		noted, err = h.requeueAll(ctx, held)
		return err
	})
	g.Go(func() (err error) {
		unnoted, err = h.inheritUnnoted(ctx, grace)
		return err
	})
	err := g.Wait()
	return noted + unnoted, err //nolint:wrapcheck // says what failed
}

// inheritUnnoted queues anew the tasks that were given to somebody and that nobody
// has in hand, neither now nor when a worker has had the time to note what it took.
func (h *Handlers) inheritUnnoted(ctx context.Context, grace time.Duration) (int, error) {
	first, err := h.unnoted(ctx)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	if err := wait.For(ctx, grace); err != nil {
		return 0, err
	}
	now, err := h.unnoted(ctx)
	if err != nil {
		return 0, err
	}
	return h.requeueAll(ctx, plan.ByJob(slices.DeleteFunc(now, func(id string) bool { return !slices.Contains(first, id) })))
}

// unnoted returns the tasks that were given to some worker and that no worker
// has noted.
func (h *Handlers) unnoted(ctx context.Context) ([]string, error) {
	ids, err := h.queue.Delivered()
	if err != nil {
		return nil, err
	}
	return h.ledger.Unheld(ctx, ids)
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
	return n, errors.Join(unread, refused, h.resume(ctx, lots, again))
}
