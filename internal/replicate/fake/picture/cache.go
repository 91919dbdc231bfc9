package picture

import (
	"crypto/sha256"
	"image"
	"slices"
	"sync"
)

// source is a reference that is ready to draw from.
type source struct {
	ref *image.RGBA
	cut func() *cutout
}

// kept is how many sources are remembered: one job sends the same reference with
// every picture, and decoding it costs as much as drawing does.
const kept = 4

type remembered struct {
	sum  [sha256.Size]byte
	load func() (source, error)
}

var (
	recentMu sync.Mutex
	recent   []remembered // the latest first
)

// sourceOf decodes a reference, or finds it decoded. Callers only read it.
func sourceOf(data []byte) (source, error) {
	return remember(sha256.Sum256(data), data)()
}

func remember(sum [sha256.Size]byte, data []byte) func() (source, error) {
	recentMu.Lock()
	defer recentMu.Unlock()
	i := slices.IndexFunc(recent, func(r remembered) bool { return r.sum == sum })
	found := remembered{sum, nil}
	if i >= 0 {
		found = recent[i]
		recent = slices.Delete(recent, i, i+1)
	} else {
		found.load = sync.OnceValues(func() (source, error) { return loadSource(data) })
	}
	recent = slices.Insert(recent, 0, found)
	recent = recent[:min(kept, len(recent))]
	return found.load
}

func loadSource(data []byte) (source, error) {
	img, err := decode(data)
	if err != nil {
		return source{}, err
	}
	ref := shrink(img, working)
	return source{ref, sync.OnceValue(func() *cutout { return cut(ref) })}, nil
}
