package pages_test

import (
	"bytes"
	"runtime"
	"sync"
	"testing"

	"github.com/actormaker/trainset/internal/pages"
)

func TestBuffersAreZeroAndOrdinaryMemory(t *testing.T) {
	for round := range 4 { // the collector hands the same memory out again
		for _, n := range []int{0, 1, pages.Large - 1, pages.Large, pages.Large + 12345} {
			b := pages.Make(n)
			if round%2 == 1 {
				b = pages.Ready(n)
			}
			if len(b) != n || !bytes.Equal(b, make([]byte, n)) {
				t.Fatalf("round %d: %d bytes, not %d zeros", round, len(b), n)
			}
			for i := range b {
				b[i] = 0xa5
			}
		}
		runtime.GC()
	}
}

func TestBorrowedBuffersAreNobodyElses(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				b, giveBack := pages.Borrow(1000 * (1 + (i+worker)%5))
				for at := range b {
					b[at] = byte(worker)
				}
				runtime.Gosched()
				if n := bytes.Count(b, []byte{byte(worker)}); n != len(b) {
					t.Errorf("of %d bytes %d are what was written", len(b), n)
				}
				giveBack()
			}
		})
	}
	all.Wait()
}

// BenchmarkFirstTouch is what a buffer costs whose every page is written to
// once, beside one of usual pages.
func BenchmarkFirstTouch(b *testing.B) {
	const size = 64 << 20
	for name, make := range map[string]func(int) []byte{"usual": func(n int) []byte { return make([]byte, n) }, "large": pages.Make} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				buffer := make(size)
				for at := 0; at < size; at += 4096 {
					buffer[at] = 1
				}
			}
		})
	}
}
