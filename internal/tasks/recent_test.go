package tasks

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// However images come and go, what is kept has the bytes that were added under its
// digest, is given once, and has no more bytes in all than it may.
func TestRecentKeepsTheLatestWithinItsBytes(t *testing.T) {
	big := make([]byte, keptRecent+11)
	rapid.Check(t, func(t *rapid.T) {
		r, kept := newRecent(), map[string][]byte{}
		for step := range 60 {
			at := rapid.IntRange(0, 9).Draw(t, "image")
			name := fmt.Sprint(at)
			if rapid.Bool().Draw(t, "take") {
				if got := r.take(name); got != nil && &got[0] != &kept[name][0] {
					t.Fatalf("%s has another's bytes", name)
				}
				if r.take(name) != nil {
					t.Fatalf("%s is given twice", name)
				}
				continue
			}
			if kept[name] == nil {
				n := rapid.SampledFrom([]int{1, keptRecent / 5, keptRecent / 2, keptRecent, keptRecent + 1}).Draw(t, "bytes")
				kept[name] = big[at:][:n:n]
			}
			r.add(name, kept[name])
			held := 0
			for _, data := range r.held.Values() {
				held += len(data)
			}
			if held != r.bytes || held > keptRecent {
				t.Fatalf("step %d: %d bytes are held, counted %d", step, held, r.bytes)
			}
			if n := len(kept[name]); n <= keptRecent && !r.held.Contains(name) {
				t.Fatalf("the latest, of %d bytes, is not kept", n)
			}
		}
	})
}
