package deflate

import (
	"testing"

	"pgregory.net/rapid"
)

// Codes fill exactly the room there is, none is longer than allowed, and the rarer
// of two symbols has no shorter one.
func TestCodesFillTheRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(9, mostBits).Draw(t, "limit")
		symbols := rapid.IntRange(2, mostSymbols).Draw(t, "symbols")
		counts := make([]uint32, symbols)
		steep := rapid.Float64Range(0, 2).Draw(t, "steep")
		left, weight := blockSize, 1.0
		for i := range counts {
			n := min(left, rapid.IntRange(0, int(weight)).Draw(t, "n"))
			counts[i] = uint32(n)
			left -= n
			weight = min(weight*steep+1, 1<<15)
		}
		checkCode(t, counts, limit)
	})
}

func TestRareSymbolsKeepToTheLimit(t *testing.T) {
	counts := make([]uint32, 256) // as uneven as a block can be
	for i := range counts {
		counts[i] = 1
	}
	for i, a, b := 0, uint32(1), uint32(1); i < 22; i, a, b = i+1, b, a+b {
		counts[i*11] = b
	}
	checkCode(t, counts, mostBits)
	checkCode(t, counts, 9)
	checkCode(t, counts[:11*mostLengthBits], mostLengthBits)
}

func checkCode(t rapid.TB, counts []uint32, limit int) {
	t.Helper()
	var c code
	c.build(counts, limit)
	used, room := 0, 0
	for i, n := range c.lengths[:len(counts)] {
		if counts[i] > 0 {
			used++
		}
		if int(n) > limit || (counts[i] > 0 && n == 0) {
			t.Fatalf("symbol %d, %d times, has %d bits of %d", i, counts[i], n, limit)
		}
		if n > 0 {
			room += 1 << (limit - int(n))
		}
		for j, m := range c.lengths[:len(counts)] {
			if counts[i] > counts[j] && counts[j] > 0 && n > m {
				t.Fatalf("%d times has %d bits, %d times %d", counts[i], n, counts[j], m)
			}
		}
	}
	if room != 1<<limit {
		t.Fatalf("%d symbols take %d of %d", used, room, 1<<limit)
	}
}
