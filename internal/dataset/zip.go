package dataset

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/actormaker/trainset/internal/pages"
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
// order they come, since nothing is compressed and nothing is dated.
func bundle(entries []entry) ([]byte, error) {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.index, b.index) })
	b := bytes.NewBuffer(pages.Make(room(entries))[:0])
	w := zip.NewWriter(b)
	for _, e := range entries {
		for _, f := range []struct {
			ext  string
			body []byte
		}{{"png", e.image}, {"txt", e.caption}} {
			if err := add(w, fmt.Sprintf("%03d.%s", e.index, f.ext), f.body); err != nil {
				return nil, fmt.Errorf("making the zip: %w", err)
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("making the zip: %w", err)
	}
	return b.Bytes(), nil
}

// room is a little more than the zip's length: a buffer that grows is held twice.
func room(entries []entry) int {
	n := 0
	for _, e := range entries {
		n += len(e.image) + len(e.caption) + 512
	}
	return n
}

func add(w *zip.Writer, name string, body []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: zipTime}
	h.SetMode(0o644)
	f, err := w.CreateHeader(h)
	if err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	if _, err := f.Write(body); err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	return nil
}
