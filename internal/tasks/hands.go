package tasks

import (
	"context"
	"slices"
	"sync"
	"time"
)

// hands notes in the ledger which tasks this worker has in hand, so that another
// can take them over if it dies. Taking a task waits until that is noted; those
// who take within a moment are noted at once. That a task is done is noted with
// the next one that is taken, or with the next beat: one that is noted for too
// long is no longer needed, and only what is needed is taken over.
type hands struct {
	note func(ctx context.Context, taken, released []string) error

	mu   sync.Mutex
	next *handful
	busy bool // a handful is being noted
}

// handful is what is noted at once.
type handful struct {
	taken, released []string
	noted           chan struct{} // closed when it is, or could not be: err
	err             error
}

func newHands(note func(ctx context.Context, taken, released []string) error) *hands {
	return &hands{note: note, next: newHandful()}
}

func newHandful() *handful { return &handful{noted: make(chan struct{})} }

// take returns when it is noted that a task is in hand.
func (h *hands) take(ctx context.Context, task string) error {
	h.mu.Lock()
	mine := h.next
	mine.taken = append(mine.taken, task)
	if !h.busy {
		h.busy = true
		go h.write(context.WithoutCancel(ctx))
	}
	h.mu.Unlock()
	select {
	case <-mine.noted:
		return mine.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// release has it noted some time that a task is no longer in hand.
func (h *hands) release(task string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next.taken = slices.DeleteFunc(h.next.taken, func(t string) bool { return t == task })
	h.next.released = append(h.next.released, task)
}

// flush notes what was released since.
func (h *hands) flush(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.busy && len(h.next.released) > 0 {
		h.busy = true
		go h.write(context.WithoutCancel(ctx))
	}
}

// moment is for how long those who take are gathered after a write; the first
// after a quiet moment is noted at once.
const moment = 2 * time.Millisecond

// noting bounds the write of a handful, which no caller's context ends: others
// wait for it, too.
const noting = 5 * time.Second

// write notes a handful, and after a moment the next if somebody waits for it.
// Those that are released come first: a task that was released and taken again is
// in hand.
func (h *hands) write(ctx context.Context) {
	h.mu.Lock()
	full := h.next
	h.next = newHandful()
	h.mu.Unlock()
	bound, cancel := context.WithTimeout(ctx, noting)
	full.err = h.note(bound, full.taken, full.released)
	cancel()
	close(full.noted)
	time.AfterFunc(moment, func() {
		if h.more() {
			h.write(ctx)
		}
	})
}

// more reports whether somebody waits for the next handful; if not, whoever takes
// next has it noted.
func (h *hands) more() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = len(h.next.taken) > 0
	return h.busy
}
