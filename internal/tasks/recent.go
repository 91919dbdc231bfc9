package tasks

import (
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recent keeps the bytes of images that were stored lately, for the set that they
// are to be in: it is made as soon as the last one is stored, and need not read the
// others back. What is forgotten is read from storage.
type recent struct {
	mu    sync.Mutex
	held  *simplelru.LRU[string, []byte] // by digest
	bytes int
}

const (
	keptRecent    = 48 << 20 // bytes: about what the images of a style's set have
	keptRecentFor = 10 * time.Minute
)

func newRecent() *recent {
	r := new(recent)
	r.held, _ = simplelru.NewLRU(math.MaxInt, func(_ string, data []byte) { r.bytes -= len(data) }) // fails for sizes below 1
	return r
}

// add keeps an image, which nobody changes any more, and forgets the oldest for it.
func (r *recent) add(sum string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.Contains(sum) {
		return
	}
	r.held.Add(sum, data)
	for r.bytes += len(data); r.bytes > keptRecent; {
		r.held.RemoveOldest()
	}
	time.AfterFunc(keptRecentFor, func() { r.take(sum) }) // its set may be made elsewhere
}

// take returns an image and forgets it: it is in one set. It is nil where it is not kept.
func (r *recent) take(sum string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	data, _ := r.held.Peek(sum)
	r.held.Remove(sum)
	return data
}
