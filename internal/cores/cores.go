// Package cores does heavy work on all cores at once. Should a part of it panic,
// it is its caller that does, as if it had done all of it by itself: the queue
// makes a failed task of that, where a goroutine's own panic ends the process of
// many jobs.
//
// It must not know what the work is.
package cores

import (
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Each does f for each of n parts, as many at once as there are cores, and returns
// the first error once all that was begun has ended.
func Each(n int, f func(i int) error) error {
	var c caught
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error { return c.safely(func() error { return f(i) }) })
	}
	err := g.Wait()
	c.again()
	return err //nolint:wrapcheck // the caller's own
}

// Both does two things at once where there are two cores, and returns the first
// error once both have ended.
func Both(one, other func() error) error {
	return Each(2, func(i int) error { return []func() error{one, other}[i]() })
}

// caught is the first panic of several goroutines.
type caught struct {
	once  sync.Once
	panic any
}

func (c *caught) safely(f func() error) error {
	defer func() {
		if p := recover(); p != nil {
			c.once.Do(func() { c.panic = p })
		}
	}()
	return f()
}

// again panics with what was caught, if anything was.
func (c *caught) again() {
	if c.panic != nil {
		panic(c.panic)
	}
}
