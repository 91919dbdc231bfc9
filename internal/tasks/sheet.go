package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/wait"
)

// sheets lends out decoded grids: an enlarged one has 48 MB, and its tiles are
// cut by tasks of their own. There are few of them, however many tasks ask: who
// wants another one waits until one of these is in nobody's hands, and its
// pixels are written over.
type sheets struct {
	mu    sync.Mutex
	lent  map[string]*sheet
	idle  []*sheet      // in nobody's hands, the longest first
	rooms [][]byte      // of sheets that are expected
	freed chan struct{} // closed when something has become idle; nil while nobody waits
}

// sheet is a grid. The picture is there, or the error, once ready is closed.
type sheet struct {
	sum   string
	users int
	ready chan struct{}
	img   *imaging.Packed
	err   error
	room  []byte // pixels that may be written over
	drop  *time.Timer
}

const (
	keptSheets = 3           // a job's usual number of grids
	keptFor    = time.Minute // that a sheet is kept for the next task
)

// sheet lends a picture by the digest of its bytes, which are read and decoded
// once for all who ask while it is kept. Call release when it is no longer
// looked at.
func (h *Handlers) sheet(ctx context.Context, sum string, read func() ([]byte, error)) (img *imaging.Packed, release func(), err error) {
	for {
		s, first, wait := h.sheets.take(sum)
		switch {
		case s == nil:
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, nil, context.Cause(ctx)
			}
		case first:
			h.decodeFirst(ctx, s, read)
		}
		release := func() { h.sheets.giveBack(s) }
		select {
		case <-s.ready:
		case <-ctx.Done():
			release()
			return nil, nil, context.Cause(ctx)
		}
		if s.err == nil {
			return s.img, release, nil
		}
		release()
		if first || ctx.Err() != nil {
			return nil, nil, s.err
		}
		// Who came first may have been interrupted: this one tries for itself.
	}
}

var errNotDecoded = errors.New("its decoder panicked")

// decodeFirst decodes a sheet for all who wait for it, who are told also where that
// panics.
func (h *Handlers) decodeFirst(ctx context.Context, s *sheet, read func() ([]byte, error)) {
	img, err := (*imaging.Packed)(nil), errNotDecoded
	defer func() { h.sheets.decoded(s, img, err) }()
	img, err = h.decodeSheet(ctx, s.room, read)
}

func (h *Handlers) decodeSheet(ctx context.Context, room []byte, read func() ([]byte, error)) (img *imaging.Packed, err error) {
	data, err := read()
	if err != nil {
		return img, err
	}
	err = h.withPixels(ctx, func() (err error) {
		img, err = imaging.DecodePacked(room, data, outputLimits)
		return err
	})
	if err != nil {
		return img, fmt.Errorf("decoding: %w", err)
	}
	return img, nil
}

// take returns the sheet of a digest, and whether it is the caller's to decode;
// where there is no place for it, what to wait for.
func (s *sheets) take(sum string) (taken *sheet, first bool, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.lent[sum]; k != nil {
		if k.users == 0 {
			s.wake(k)
		}
		k.users++
		return k, false, nil
	}
	if s.lent == nil {
		s.lent = map[string]*sheet{}
	}
	k := &sheet{sum: sum, users: 1, ready: make(chan struct{})}
	switch {
	case len(s.rooms) > 0:
		k.room = s.rooms[0]
		s.rooms = slices.Delete(s.rooms, 0, 1) // and forgets it
	case s.more():
	case len(s.idle) == 0:
		if s.freed == nil {
			s.freed = make(chan struct{})
		}
		return nil, false, s.freed
	default:
		oldest := s.idle[0]
		s.wake(oldest)
		delete(s.lent, oldest.sum)
		k.room = oldest.img.Pix
	}
	s.lent[sum] = k
	return k, true, nil
}

// expectAfter is about when an enlargement has been asked for that was about to be,
// where it need not wait for a permit, and other grids of its job have been looked at.
const expectAfter = 300 * time.Millisecond

// expectSheet has a room ready for a picture of so many pixels, which the provider
// is asked for: memory that is used for the first time takes a quarter as long as
// decoding to it.
func (h *Handlers) expectSheet(ctx context.Context, pixels int) {
	if pixels <= 0 || wait.For(ctx, expectAfter) != nil {
		return
	}
	_ = h.withPixels(ctx, func() error { // where it is not ready, it is made later
		if h.sheets.wanting() {
			h.sheets.expect(pages.Ready(3 * pixels))
		}
		return nil
	})
}

// wanting reports whether another sheet would have to have a room made for it.
func (s *sheets) wanting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.more()
}

// more reports whether another room may be made, while the lock is held.
func (s *sheets) more() bool { return len(s.lent)+len(s.rooms) < keptSheets }

// expect keeps a room for the next sheet, as long as a sheet is kept.
func (s *sheets) expect(room []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.more() {
		return
	}
	s.rooms = append(s.rooms, room)
	time.AfterFunc(keptFor, func() { s.unexpect(room) })
}

// unexpect forgets a room that nothing has come for.
func (s *sheets) unexpect(room []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms = slices.DeleteFunc(s.rooms, func(r []byte) bool { return &r[0] == &room[0] })
}

// wake takes a sheet off the idle ones.
func (s *sheets) wake(k *sheet) {
	k.drop.Stop()
	s.idle = slices.DeleteFunc(s.idle, func(other *sheet) bool { return other == k })
}

// decoded ends the wait for a sheet. What failed is not kept.
func (s *sheets) decoded(k *sheet, img *imaging.Packed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.img, k.err, k.room = img, err, nil
	close(k.ready)
	if err != nil {
		delete(s.lent, k.sum)
		s.ring()
	}
}

// giveBack ends a use. The last one leaves the sheet to who comes next.
func (s *sheets) giveBack(k *sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.users--
	if k.users > 0 || s.lent[k.sum] != k {
		return
	}
	s.idle = append(s.idle, k)
	k.drop = time.AfterFunc(keptFor, func() { s.expire(k) })
	s.ring()
}

// expire forgets a sheet that nobody has asked for.
func (s *sheets) expire(k *sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.users == 0 && s.lent[k.sum] == k {
		s.wake(k)
		delete(s.lent, k.sum)
	}
}

func (s *sheets) ring() {
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
