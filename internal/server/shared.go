package server

import (
	"context"
	"sync"
	"time"
)

// shared is a question that many ask and that is put once: whoever comes while
// it is being answered waits for the same answer, which then holds for a while. A
// question that is never answered costs one goroutine, however many ask it.
type shared[T any] struct {
	ask     func(ctx context.Context) (answer T, holds time.Duration)
	timeout time.Duration // of the context that ask is given
	now     func() time.Time

	mu      sync.Mutex
	last    T
	until   time.Time     // the last answer holds
	running chan struct{} // closed when there is an answer; nil while nobody asks
}

// get returns an answer that holds, or false when there is none before the
// context ends.
func (s *shared[T]) get(ctx context.Context) (T, bool) {
	s.mu.Lock()
	if s.now().Before(s.until) {
		defer s.mu.Unlock()
		return s.last, true
	}
	if s.running == nil {
		s.running = make(chan struct{})
		go s.run(context.WithoutCancel(ctx), s.running)
	}
	running := s.running
	s.mu.Unlock()
	select {
	case <-running:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.last, true
	case <-ctx.Done():
		var none T
		return none, false
	}
}

func (s *shared[T]) run(ctx context.Context, running chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, holds := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.until, s.running = answer, s.now().Add(holds), nil
	close(running)
}
