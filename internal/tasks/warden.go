package tasks

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

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
	Gone     time.Duration // the same without a connection; 1.5 s when 0
	Grace    time.Duration // in which a worker notes what it was given; 1 s when 0

	seen   map[string]sighting
	looked time.Time // when the counts were last seen
	left   []string  // who had no connection then
	blind  bool      // it was said that connections cannot be seen

	mu      sync.Mutex
	taking  map[string]*taking // by worker
	failed  map[string]failure // by worker
	letting bool               // what was dropped is being queued anew
	takers  sync.WaitGroup
}

// taking is a takeover: prepared when a worker seems to have died, carried out
// when it is known to have, and ended when it is there again before that.
type taking struct {
	dead  bool
	known chan struct{} // closed when it is dead
	end   context.CancelFunc
}

// failure is until when a takeover that could not be carried out is left alone, and
// how long that is.
type failure struct {
	until time.Time
	pause time.Duration
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
		w.Gone = 1500 * time.Millisecond // 15 s are kept by whoever inherits from an heir
	}
	if w.Grace == 0 {
		w.Grace = time.Second
	}
	log := Quietly(w.Handlers.o.Log)
	wait.Every(ctx, w.Every, func() {
		if err := w.round(ctx); err != nil && ctx.Err() == nil {
			log.Warn().Err(err).Msg("the workers' beats could not be kept")
			w.seen, w.left = nil, nil // nobody could beat: all counts start anew
		}
	})
	w.takers.Wait()
	w.leave(ctx)
}

// leave forgets a worker that ends in order: the queue delivers its tasks again.
func (w *Warden) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := w.Handlers.o.Urgent.Bury(ctx, w.Handlers.o.Owner); err != nil {
		w.Handlers.o.Log.Warn().Err(err).Msg("the others could not be told that this worker ends")
	}
}

func (w *Warden) round(ctx context.Context) error {
	l := w.Handlers.o.Urgent
	w.Handlers.hands.flush(ctx)
	if err := l.Beat(ctx, w.Handlers.o.Owner); err != nil {
		return err
	}
	beats, err := l.Beats(ctx)
	if err != nil {
		return err
	}
	if w.Handlers.o.Workers != nil {
		w.Handlers.o.Workers(len(beats))
	}
	stood := w.stood(beats, w.Handlers.o.Now())
	dead, left := w.judge(stood, w.absent(ctx, w.late(stood)))
	w.decide(ctx, dead, left)
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
	absent, err := w.Handlers.o.Urgent.Absent(bound, w.Handlers.o.Owner, workers)
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
		if _, err := w.Handlers.o.Urgent.LockTakeover(ctx, dead, w.Handlers.o.Owner, takeoverLock); err != nil {
			return err
		}
	}
	return nil
}

// decide has those taken over that are dead. It is prepared for those who have
// left, until they are dead or there again.
func (w *Warden) decide(ctx context.Context, dead, left []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Handlers.o.Now()
	for _, worker := range slices.Concat(dead, left) {
		if w.taking[worker] == nil && !now.Before(w.failed[worker].until) {
			w.begin(ctx, worker)
		}
	}
	maps.DeleteFunc(w.failed, func(worker string, _ failure) bool {
		return !slices.Contains(dead, worker) && !slices.Contains(left, worker)
	})
	for worker, t := range w.taking {
		switch {
		case t.dead:
		case slices.Contains(dead, worker):
			t.dead = true
			close(t.known)
		case !slices.Contains(left, worker):
			t.end()
		}
	}
}

// begin begins a takeover, which keeps no other worker's tasks waiting.
func (w *Warden) begin(ctx context.Context, worker string) {
	if w.taking == nil {
		w.taking, w.failed = make(map[string]*taking), make(map[string]failure)
	}
	bound, end := context.WithCancel(ctx)
	t := &taking{known: make(chan struct{}), end: end}
	w.taking[worker] = t
	w.takers.Go(func() {
		defer end()
		err := w.Handlers.takeOver(bound, worker, t.known, w.Grace)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.taking, worker)
		if err == nil || bound.Err() != nil {
			return
		}
		w.Handlers.o.Log.Warn().Err(err).Str("dead", worker).Msg("a dead worker's tasks could not be taken over: trying again")
		w.failed[worker] = w.failed[worker].again(w.Handlers.o.Now(), w.Every)
	})
}

// mostPause is how often at least what fails is tried again: it may be the record
// of one job that cannot be read, for as long as nobody deletes it.
const mostPause = 10 * time.Second

// again is the failure of one more try.
func (f failure) again(now time.Time, first time.Duration) failure {
	f.pause = min(max(2*f.pause, first), mostPause)
	f.until = now.Add(f.pause)
	return f
}

// stood returns for how long each other worker's count has stood. Whoever has not
// looked for long has been frozen itself, as all others may have been: it starts
// anew.
func (w *Warden) stood(beats map[string]string, now time.Time) map[string]time.Duration {
	if now.Sub(w.looked) > w.Dead/2 {
		w.seen, w.left = nil, nil
	}
	w.looked = now
	seen := make(map[string]sighting, len(beats))
	stood := make(map[string]time.Duration, len(beats))
	for worker, count := range beats {
		s, known := w.seen[worker]
		if !known || s.count != count {
			s = sighting{count, now}
		}
		seen[worker] = s
		if worker != w.Handlers.o.Owner {
			stood[worker] = now.Sub(s.since)
		}
	}
	w.seen = seen
	return stood
}

// late returns the workers of whom a beat was due: they may have left.
func (w *Warden) late(stood map[string]time.Duration) []string {
	var late []string
	for worker, d := range stood {
		if d >= 2*w.Every {
			late = append(late, worker)
		}
	}
	return late
}

// judge says which workers are dead, and which others have left and will be
// unless they come again. One look is not enough to tell that somebody has left:
// after a trouble with Redis all connect anew, some later than others.
func (w *Warden) judge(stood map[string]time.Duration, absent []string) (dead, left []string) {
	for worker, d := range stood {
		has := slices.Contains(absent, worker)
		switch {
		case d >= w.Dead, has && d >= w.Gone && slices.Contains(w.left, worker):
			dead = append(dead, worker)
		case has:
			left = append(left, worker)
		}
	}
	w.left = absent
	return dead, left
}
