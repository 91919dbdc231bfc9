package paid

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"
)

// Room bounds the bytes of pictures that a process holds at once, between the
// provider or storage and storage: outputs become due together. It is safe for
// concurrent use; nobody takes room while holding some.
type Room struct {
	size int64
	free *semaphore.Weighted
}

// DefaultRoom is four enlarged grids, or the images of two sets.
const DefaultRoom = 96 << 20

// NewRoom makes room for so many bytes.
func NewRoom(bytes int64) *Room {
	return &Room{size: bytes, free: semaphore.NewWeighted(bytes)}
}

// Take waits until n bytes are free, or all, where n is more. Call what it
// returns once, when the bytes are no longer held.
func (r *Room) Take(ctx context.Context, n int64) (release func(), err error) {
	n = min(n, r.size)
	if err := r.free.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("waiting for memory: %w", context.Cause(ctx))
	}
	return func() { r.free.Release(n) }, nil
}
