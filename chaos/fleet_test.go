//go:build unix

package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// worker is one process of the fleet.
type worker struct {
	owner string
	ended chan struct{}

	cmd     *exec.Cmd
	up      time.Time // when it said that it serves; zero before
	down    time.Time // when it was killed or ended; zero before
	frozen  bool
	touched time.Time // when it was last frozen or woken
}

// fleet keeps so many workers running: whichever ends is started again, under
// another name.
type fleet struct {
	env  func(slot int) []string
	log  io.Writer
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	workers []*worker // all that ever were, the latest last
	starts  int
}

// startFleet starts the workers; they end with the test, or by close.
func startFleet(t *testing.T, n int, seed uint64, log io.Writer, env func(slot int) []string) *fleet {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	f := &fleet{env: env, log: log, stop: stop}
	for slot := range n {
		random := rand.New(rand.NewPCG(seed, uint64(slot)))
		f.done.Go(func() { f.keep(ctx, slot, random) })
	}
	t.Cleanup(f.close)
	return f
}

// keep runs one slot's worker again and again.
func (f *fleet) keep(ctx context.Context, slot int, random *rand.Rand) {
	for n := 1; ctx.Err() == nil; n++ {
		w := &worker{owner: fmt.Sprintf("w%d.%d", slot, n), ended: make(chan struct{})}
		if err := f.run(ctx, w, slot); err != nil {
			_, _ = fmt.Fprintf(f.log, "chaos: %s: %v\n", w.owner, err)
		}
		pause(ctx, time.Duration(200+random.IntN(1500))*time.Millisecond)
	}
}

// run starts a worker and returns when it has ended.
func (f *fleet) run(ctx context.Context, w *worker, slot int) error {
	cmd, err := child("worker", append(f.env(slot), ownerVariable+"="+w.owner)...)
	if err != nil {
		return err
	}
	cmd.Stderr = f.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	f.mu.Lock()
	if err := cmd.Start(); err != nil {
		f.mu.Unlock()
		return fmt.Errorf("starting a worker: %w", err)
	}
	w.cmd = cmd
	f.workers = append(f.workers, w)
	f.starts++
	f.mu.Unlock()
	unregister := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer unregister()
	if awaitLine(bufio.NewScanner(out), serving) {
		f.mu.Lock()
		w.up = time.Now()
		f.mu.Unlock()
	}
	err = cmd.Wait()
	f.mu.Lock()
	if w.down.IsZero() {
		w.down = time.Now()
	}
	f.mu.Unlock()
	close(w.ended)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("it ended: %w", err)
	}
	return nil
}

func (f *fleet) close() {
	f.stop()
	f.done.Wait()
}

// living returns the workers that serve and are not frozen.
func (f *fleet) living() []*worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*worker
	for _, w := range f.workers {
		if !w.up.IsZero() && w.down.IsZero() && !w.frozen {
			all = append(all, w)
		}
	}
	return all
}

// named returns the worker of that name if it serves.
func (f *fleet) named(owner string) (*worker, bool) {
	all := f.living()
	i := slices.IndexFunc(all, func(w *worker) bool { return w.owner == owner })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// kill ends a worker as a crash would and returns when: after that moment it
// does nothing more.
func (f *fleet) kill(w *worker) (time.Time, bool) {
	f.mu.Lock()
	if !w.down.IsZero() {
		f.mu.Unlock()
		return time.Time{}, false
	}
	w.down = time.Now()
	at := w.down
	_ = w.cmd.Process.Kill()
	f.mu.Unlock()
	<-w.ended
	return at, true
}

// freeze stops a worker for a while, as a machine does that swaps, and lets it
// go on as if nothing had been.
func (f *fleet) freeze(ctx context.Context, w *worker, d time.Duration) error {
	if err := f.signal(w, syscall.SIGSTOP, true); err != nil {
		return err
	}
	pause(ctx, d)
	return f.signal(w, syscall.SIGCONT, false)
}

func (f *fleet) signal(w *worker, s os.Signal, frozen bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.frozen, w.touched = frozen, time.Now()
	if err := w.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) { // it may have been killed meanwhile
		return fmt.Errorf("signalling %s: %w", w.owner, err)
	}
	return nil
}

// steady reports whether some worker served all the time between two moments:
// only then was there anybody to take anything over.
func (f *fleet) steady(from, to time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.workers, func(w *worker) bool {
		return !w.up.IsZero() && w.up.Before(from) && (w.down.IsZero() || w.down.After(to)) && !w.frozen && w.touched.Before(from)
	})
}
