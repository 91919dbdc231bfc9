package dataset

import (
	"archive/zip"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// entry is one image of the set and its caption.
type entry struct {
	index          int
	image, caption []byte
}

// zipTime is every file's time: the oldest that a zip can hold.
var zipTime = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// bundle makes the zip that nearly all trainers take: NNN.png and NNN.txt at
// its root and nothing else. The same images have the same bytes, in whatever
// order they come, since nothing is compressed and nothing is dated. The parts in
// which it is returned have the images themselves among them, not copies.
func bundle(entries []entry) ([][]byte, error) {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.index, b.index) })
	to := new(splice)
	w := zip.NewWriter(to)
	for _, e := range entries {
		for _, f := range []struct {
			ext  string
			body []byte
		}{{"png", e.image}, {"txt", e.caption}} {
			if err := add(w, to, fmt.Sprintf("%03d.%s", e.index, f.ext), f.body); err != nil {
				return nil, fmt.Errorf("making the zip: %w", err)
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("making the zip: %w", err)
	}
	return to.parts, nil
}

func add(w *zip.Writer, to *splice, name string, body []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: zipTime}
	h.SetMode(0o644)
	f, err := w.CreateHeader(h)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		to.insert(body)
		_, err = f.Write(body)
	}
	if err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	return nil
}

// splice keeps what is written to it, but for bodies that are at hand: these are
// parts of their own.
type splice struct {
	parts [][]byte
	open  bool // the last part is ours to append to
	known int  // bytes to come that are in parts already
}

// insert adds a body of which each byte is written next.
func (s *splice) insert(body []byte) {
	s.parts, s.open = append(s.parts, body), false
	s.known += len(body)
}

// Write implements io.Writer.
func (s *splice) Write(p []byte) (int, error) {
	known := min(s.known, len(p))
	s.known -= known
	if rest := p[known:]; len(rest) > 0 {
		if !s.open {
			s.parts, s.open = append(s.parts, nil), true
		}
		last := &s.parts[len(s.parts)-1]
		*last = append(*last, rest...)
	}
	return len(p), nil
}
