package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset/internal/wait"
)

func TestWaitingEndsWithWhateverComesFirst(t *testing.T) {
	errStopped := errors.New("stopped")
	for _, c := range []struct {
		name         string
		wait         time.Duration
		ring, cancel time.Duration // after which; never when 0
		took         time.Duration
		rung         bool
		err          error
	}{
		{name: "the time", wait: time.Minute, took: time.Minute},
		{name: "the bell", wait: time.Minute, ring: time.Second, cancel: 2 * time.Second, took: time.Second, rung: true},
		{name: "the context", wait: time.Minute, ring: 2 * time.Second, cancel: time.Second, took: time.Second, err: errStopped},
		{name: "nothing to wait for", wait: -time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				bell := make(chan struct{}, 1)
				if c.ring > 0 {
					defer time.AfterFunc(c.ring, func() { bell <- struct{}{} }).Stop()
				}
				if c.cancel > 0 {
					defer time.AfterFunc(c.cancel, func() { cancel(errStopped) }).Stop()
				}
				began := time.Now()
				rung, err := wait.Ring(ctx, c.wait, bell)
				if took := time.Since(began); rung != c.rung || !errors.Is(err, c.err) || took != c.took {
					t.Errorf("rung %t, %v after %s", rung, err, took)
				}
			})
		})
	}
}

// An ended context wins over a time that has passed: who is told to stop begins
// nothing more.
func TestAnEndedContextIsToldAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	errStopped := errors.New("stopped")
	cancel(errStopped)
	for range 100 {
		if err := wait.For(ctx, 0); !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
	}
}

func TestBoundedLeavesBehindWhatHangs(t *testing.T) {
	for _, grace := range []time.Duration{0, wait.Grace} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			back := make(chan struct{})
			defer close(back)
			began := time.Now()
			if v, ok := wait.Bounded(ctx, grace, func() int { <-back; return 1 }); ok || v != 0 {
				t.Errorf("of what hangs: %d, %t", v, ok)
			}
			if took := time.Since(began); took != time.Second+grace {
				t.Errorf("with a grace of %s it took %s", grace, took)
			}
		})
	}
}

// What ends for its context may say why until the grace has passed.
func TestBoundedHearsWhyACallEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for late, heard := range map[time.Duration]bool{wait.Grace / 2: true, 2 * wait.Grace: false} {
			if v, ok := wait.Bounded(ctx, wait.Grace, func() int { _ = wait.For(t.Context(), late); return 2 }); ok != heard || ok && v != 2 {
				t.Errorf("%s after the end: %d, %t", late, v, ok)
			}
		}
	})
}
