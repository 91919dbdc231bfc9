package fake

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// spool keeps files on disk, in a private folder of its own, so that memory
// stays small however many pictures there are. The zero value is ready.
type spool struct {
	mu     sync.Mutex
	dir    string
	closed bool
}

var errSpoolClosed = errors.New("the spool is closed")

// create makes an empty file, which the caller closes.
func (s *spool) create() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errSpoolClosed
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "fake-replicate-")
		if err != nil {
			return nil, fmt.Errorf("making the spool's folder: %w", err)
		}
		s.dir = dir
	}
	f, err := os.CreateTemp(s.dir, "")
	if err != nil {
		return nil, fmt.Errorf("making a spooled file: %w", err)
	}
	return f, nil
}

// put stores bytes and returns where.
func (s *spool) put(data []byte) (string, error) {
	f, err := s.create()
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		s.remove(f.Name())
		return "", fmt.Errorf("spooling a file: %w", err)
	}
	return f.Name(), nil
}

// remove forgets a file. One that cannot be removed goes with the folder.
func (s *spool) remove(path string) { _ = os.Remove(path) }

// close removes everything. It may be called more than once.
func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.dir == "" {
		return nil
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing the spool: %w", err)
	}
	return nil
}
