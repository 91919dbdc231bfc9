package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/storage"
)

// EmbeddedOptions say how a whole system runs inside one command.
type EmbeddedOptions struct {
	Options
	// State is the folder of the system's own files.
	State string
	// Volatile keeps the ledger in this process's memory. A simulated system
	// always does.
	Volatile bool
	// Job is whom the system runs for: other jobs are not run unasked.
	Job trainset.JobID
}

// Embedded is a whole system inside one process. Where several processes share
// a state folder, one of them serves all; when it ends, another takes over.
type Embedded struct {
	o     EmbeddedOptions
	store storage.Store
	rdb   *redis.Client
	redis *privateRedis // nil when volatile
	lock  *os.File

	cancel context.CancelFunc
	wait   sync.WaitGroup
	closes []func() // undone in reverse

	mu     sync.Mutex
	worker *Worker // nil while another process serves
}

// StartEmbedded starts the system, or joins the process that serves the state
// folder. Nothing is paid for before a job asks for it.
func StartEmbedded(ctx context.Context, store storage.Store, o EmbeddedOptions) (*Embedded, error) {
	boundMemory()
	e := &Embedded{o: o, store: store}
	e.o.AskedOnly = true
	e.o.MaxOpenJobs = 0 // jobs that were interrupted never end by themselves, and must not keep others waiting
	if err := e.start(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

func (e *Embedded) start(ctx context.Context) error {
	if e.o.Simulated {
		if err := e.startFake(ctx); err != nil {
			return err
		}
	}
	if e.o.Simulated || e.o.Volatile {
		return e.startVolatile(ctx)
	}
	return e.startShared(ctx)
}

// startFake serves the simulated provider to this process.
func (e *Embedded) startFake(ctx context.Context) error {
	base, stop, err := simulate(ctx, e.o.Log)
	if err != nil {
		return err
	}
	e.closes = append(e.closes, stop)
	e.o.Token, e.o.BaseURL = simulatedToken, base
	return nil
}

// startVolatile keeps the ledger in memory. Storage remembers what was made;
// a lock per job keeps two commands from making the same at once.
func (e *Embedded) startVolatile(ctx context.Context) error {
	if err := e.acquire(ctx, filepath.Join(e.o.State, "job-"+string(e.o.Job)+".lock")); err != nil {
		return err
	}
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return fmt.Errorf("app: starting the ledger in memory: %w", err)
	}
	e.closes = append(e.closes, m.Close)
	ticking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	e.wait.Go(func() { tick(ticking, m) })
	e.rdb = redis.NewClient(&redis.Options{Addr: m.Addr()})
	e.wait.Go(func() { e.keepAsking(ticking) })
	return e.serve()
}

// tick lets the expiry of keys follow the clock, which miniredis does not.
func tick(ctx context.Context, m *miniredis.Miniredis) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			m.FastForward(time.Second)
		}
	}
}

// acquire waits for a lock file, which the system frees when we end.
func (e *Embedded) acquire(ctx context.Context, path string) error {
	for {
		ok, err := e.tryLock(path)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("app: waiting for another command: %w", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// unusable says that the state cannot be kept in the output folder. The error
// of the system names the path.
func unusable(err error) error {
	return trainset.Invalid("out", err.Error(), "give a folder that this user can write to, with room in it, as --out or TRAINSET_OUT")
}

func (e *Embedded) tryLock(path string) (bool, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, unusable(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, unusable(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		e.lock = f
		return true, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return false, fmt.Errorf("app: locking the state folder: %w", err)
}

// startShared serves the state folder's private Redis, or joins whoever does
// and stands by to take over.
func (e *Embedded) startShared(ctx context.Context) error {
	dir, err := filepath.Abs(filepath.Join(e.o.State, "redis"))
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	socket, err := socketPath(dir)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	e.redis = &privateRedis{dir: dir, socket: socket}
	e.rdb = redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	lock := filepath.Join(e.o.State, "lock")
	mine, err := e.tryLock(lock)
	if err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	if mine {
		err = e.lead(ctx)
	} else {
		err = e.join(ctx, background, lock)
	}
	if err == nil {
		e.wait.Go(func() { e.keepAsking(background) })
	}
	return err
}

const providerKey = "trainset:embedded:provider" // string: the account that the serving process pays with

// join checks that the serving process pays with the same account, and stands by.
func (e *Embedded) join(ctx, background context.Context, lock string) error {
	probe := &privateRedis{socket: e.redis.socket, dir: e.redis.dir, done: make(chan struct{})}
	if err := probe.ready(ctx); err != nil {
		return fmt.Errorf("app: another command holds %s: %w", e.o.State, err)
	}
	theirs, err := e.rdb.Get(ctx, providerKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("app: joining the command that runs: %w", err)
	}
	if theirs != "" && theirs != Account(e.o.Token, e.o.BaseURL) {
		return trainset.Invalid("out", "a command that pays with another account works there now", "wait until it ends, or give another folder")
	}
	e.wait.Go(func() {
		if e.acquire(background, lock) == nil {
			if err := e.lead(background); err != nil {
				e.o.Log.Error().Err(err).Msg("taking over failed")
			}
		}
	})
	return nil
}

// lead starts the private Redis and serves. What the queue still holds is of a
// process that has ended: it is dropped, and the ledger says what is needed.
func (e *Embedded) lead(ctx context.Context) error {
	if err := e.redis.start(ctx); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if err := e.rdb.Set(ctx, providerKey, Account(e.o.Token, e.o.BaseURL), 0).Err(); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if err := emptyQueues(ctx, e.rdb); err != nil {
		return err
	}
	return e.serve()
}

// emptyQueues drops asynq's keys, every note of queued tasks and whoever had them
// in hand: the folder is ours, so they have ended.
func emptyQueues(ctx context.Context, rdb *redis.Client) error {
	it := rdb.Scan(ctx, 0, "asynq:*", 1000).Iterator()
	for it.Next(ctx) {
		if err := rdb.Unlink(ctx, it.Val()).Err(); err != nil {
			return fmt.Errorf("app: emptying the queues: %w", err)
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("app: emptying the queues: %w", err)
	}
	l := ledger.New(rdb, ledger.Options{})
	ended, err := l.Beats(ctx)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	for worker := range ended {
		if err := l.Bury(ctx, worker); err != nil {
			return fmt.Errorf("app: %w", err)
		}
	}
	open, err := l.OpenJobs(ctx)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	now := time.Now()
	for i, id := range open {
		due := now.Add(-time.Duration(i) * time.Millisecond) // not all at once: pages are read by when they are due
		if err := errors.Join(l.ForgetQueued(ctx, id), l.CheckAt(ctx, id, due)); err != nil {
			return fmt.Errorf("app: %w", err)
		}
	}
	return nil
}

func (e *Embedded) serve() error {
	w, err := NewWorker(e.rdb, e.store, e.o.Options)
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.worker = w
	return nil
}

// asking is how long a job stays asked for after the last word.
const asking = 5 * time.Second

func (e *Embedded) ask(ctx context.Context) error {
	return ledger.New(e.rdb, ledger.Options{}).Ask(ctx, e.o.Job, asking)
}

func (e *Embedded) keepAsking(ctx context.Context) {
	t := time.NewTicker(asking / 4)
	defer t.Stop()
	for {
		if err := e.ask(ctx); err != nil && ctx.Err() == nil {
			e.o.Log.Debug().Err(err).Msg("asking failed")
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Redis is the system's connection. It ends with the system.
func (e *Embedded) Redis() redis.UniversalClient { return e.rdb }

// Others lists the open jobs that this system was not started for.
func (e *Embedded) Others(ctx context.Context) ([]trainset.JobID, error) {
	open, err := ledger.New(e.rdb, ledger.Options{}).OpenJobs(ctx)
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	var others []trainset.JobID
	for _, id := range open {
		if id != e.o.Job {
			others = append(others, id)
		}
	}
	return others, nil
}

// Serves reports whether this process serves, and not another that it has joined.
func (e *Embedded) Serves() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.worker != nil
}

// Blocked says why nothing is being made, or nil.
func (e *Embedded) Blocked(ctx context.Context) error {
	e.mu.Lock()
	w := e.worker
	e.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.Blocked(ctx)
}

// Stop ends the system in order: worker, ledger, lock. It may be called again.
func (e *Embedded) Stop() {
	if e.cancel != nil {
		e.cancel()
	}
	e.wait.Wait()
	e.mu.Lock()
	w := e.worker
	e.worker = nil
	e.mu.Unlock()
	if w != nil {
		w.Stop()
	}
	if e.rdb != nil {
		_ = e.rdb.Close() // nothing is under way any more
		e.rdb = nil
	}
	if e.redis != nil {
		e.redis.stop()
		e.redis = nil
	}
	for i := len(e.closes) - 1; i >= 0; i-- {
		e.closes[i]()
	}
	e.closes = nil
	if e.lock != nil {
		_ = e.lock.Close()
		e.lock = nil
	}
}
