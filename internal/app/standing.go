package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actormaker/trainset/internal/storage"
)

// noting is a store that notes when something could not be stored.
type noting struct {
	storage.Store
	failed atomic.Bool
}

// Put is the store's.
func (n *noting) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	return n.note(n.Store.Put(ctx, key, body, o))
}

// PutParts is the store's.
func (n *noting) PutParts(ctx context.Context, key string, parts [][]byte, o storage.PutOptions) error {
	return n.note(n.Store.PutParts(ctx, key, parts, o))
}

func (n *noting) note(err error) error {
	if err != nil && !errors.Is(err, storage.ErrExists) && !errors.Is(err, context.Canceled) {
		n.failed.Store(true)
	}
	return err
}

// standing is what is known of storage from when it was last tried out. A good
// result holds for a while, or until something could not be stored: to try out a
// bucket costs money.
type standing struct {
	try    func(ctx context.Context) error
	failed *atomic.Bool // of a noting store
	holds  time.Duration

	mu    sync.Mutex
	until time.Time
}

// Check implements server.Checker.
func (s *standing) Check(ctx context.Context) error {
	s.mu.Lock()
	good := time.Now().Before(s.until)
	s.mu.Unlock()
	if failed := s.failed.Swap(false); good && !failed {
		return nil
	}
	err := s.try(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until = time.Now().Add(s.holds); err != nil {
		s.until = time.Time{}
	}
	return err
}
