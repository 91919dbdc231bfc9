// Package wait lets time pass, for as long as a context allows. It is the one
// place where the module waits on a timer; in a testing/synctest bubble that
// time is the bubble's. It must not know what is waited for.
package wait

import (
	"context"
	"time"
)

// For returns nil once d has passed, or the context's cause if that ends first.
// Nothing is waited for where d is not positive, but an ended context is told.
func For(ctx context.Context, d time.Duration) error {
	_, err := Ring(ctx, d, nil)
	return err
}

// Every calls f at once and then every d, until the context ends.
func Every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ring is For that also ends, with true, when the bell rings.
func Ring(ctx context.Context, d time.Duration, bell <-chan struct{}) (rung bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-bell:
		return true, nil
	case <-t.C:
		return false, nil
	}
}

// Grace is how long after its context's end a call may mostly still say why it
// failed.
const Grace = 500 * time.Millisecond

// Bounded returns what f does, or false when ctx has ended and the grace after it
// has passed. A call that hangs in the system, as on a shared folder whose server
// is away, ends for no context: it is left behind.
func Bounded[T any](ctx context.Context, grace time.Duration, f func() T) (T, bool) {
	done := make(chan T, 1)
	go func() { done <- f() }()
	select {
	case v := <-done:
		return v, true
	case <-ctx.Done():
	}
	select {
	case v := <-done:
		return v, true
	case <-time.After(grace):
		var none T
		return none, false
	}
}
