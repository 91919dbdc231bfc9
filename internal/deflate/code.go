package deflate

import "math/bits"

const (
	// mostBits is how long a code of a word or a distance may be. The format allows
	// two bits more; four of these and what is left of a byte fit a register.
	mostBits       = 13
	mostLengthBits = 7   // of a code of a code's length
	mostSymbols    = 286 // of words
)

// code is how symbols are written.
type code struct {
	of      [mostSymbols]entry
	lengths [mostSymbols]uint8
}

// entry is the code of a symbol, its first bit the lowest, above six bits with its
// length.
type entry uint32

func (e entry) bits() uint64 { return uint64(e >> 6) }
func (e entry) size() uint   { return uint(e & 63) }

// build makes the shortest codes for symbols that occur as often as said, of up to
// a number of bits. There are at least two, for readers that want them.
func (c *code) build(counts []uint32, limit int) {
	var sorted [mostSymbols]uint32 // counts and symbols, the rarest first
	used := sort(sorted[:], counts)
	clear(c.lengths[:len(counts)])
	if len(used) < 2 {
		c.lengths[0], c.lengths[1] = 1, 1
		if len(used) == 1 && used[0]&0x1ff > 1 {
			c.lengths[1], c.lengths[used[0]&0x1ff] = 0, 1
		}
		c.assign(len(counts))
		return
	}
	var number [32]int // of codes by length
	depths(used, &number)
	restrict(&number, limit)
	at := 0
	for n := limit; n > 0; n-- {
		for range number[n] {
			c.lengths[used[at]&0x1ff] = uint8(n) //nolint:gosec // up to the limit
			at++
		}
	}
	c.assign(len(counts))
}

// sort puts the symbols that occur in order: how often, above nine bits that say
// which.
func sort(to, counts []uint32) []uint32 {
	var first, second [257]uint16
	var between [mostSymbols]uint32
	n := 0
	for symbol, count := range counts {
		if count > 0 {
			to[n] = count<<9 | uint32(symbol)
			n++
			first[count&0xff+1]++
			second[count>>8&0xff+1]++
		}
	}
	for i := range 256 {
		first[i+1] += first[i]
		second[i+1] += second[i]
	}
	for _, v := range to[:n] {
		d := v >> 9 & 0xff
		between[first[d]] = v
		first[d]++
	}
	for _, v := range between[:n] {
		d := v >> 17 & 0xff
		to[second[d]] = v
		second[d]++
	}
	return to[:n]
}

// depths counts the leaves at each depth of the tree that Huffman's method makes of
// counts in order (Moffat and Katajainen, 1995).
func depths(sorted []uint32, number *[32]int) {
	var tree [mostSymbols]uint32 // weights of what is joined, then what it is joined to, then depths
	n := len(sorted)
	leaf, root := 0, 0
	for next := range n - 1 {
		var weight uint32
		for range 2 {
			if leaf < n && (root >= next || sorted[leaf]>>9 <= tree[root]) {
				weight += sorted[leaf] >> 9
				leaf++
			} else {
				weight += tree[root]
				tree[root] = uint32(next)
				root++
			}
		}
		tree[next] = weight
	}
	tree[n-2] = 0 //nolint:gosec // there are two or more
	open, depth, at := 1, 0, n-2
	for i := n - 3; i >= 0; i-- {
		tree[i] = tree[tree[i]] + 1
	}
	for open > 0 {
		inner := 0 // nodes at this depth that are not leaves
		for at >= 0 && int(tree[at]) == depth {
			inner++
			at--
		}
		number[min(depth, len(number)-1)] += open - inner
		open = 2 * inner
		depth++
	}
}

// restrict shortens codes that are longer than the limit, and lengthens others until
// there is room for all.
func restrict(number *[32]int, limit int) {
	for n := limit + 1; n < len(number); n++ {
		number[limit] += number[n]
		number[n] = 0
	}
	taken := 0
	for n := 1; n <= limit; n++ {
		taken += number[n] << (limit - n)
	}
	for ; taken > 1<<limit; taken-- {
		number[limit]--
		for n := limit - 1; ; n-- {
			if number[n] > 0 {
				number[n]--
				number[n+1] += 2
				break
			}
		}
	}
}

// assign numbers the codes as the format does, by length and then by symbol.
func (c *code) assign(symbols int) {
	var number, next [17]uint16
	for _, n := range c.lengths[:symbols] {
		number[n&15]++
	}
	number[0] = 0
	for n := 1; n < 16; n++ {
		next[n] = (next[n-1] + number[n-1]) << 1
	}
	for i, n := range c.lengths[:symbols] {
		c.of[i] = 0
		if n > 0 {
			c.of[i] = entry(bits.Reverse16(next[n&15])>>(16-n))<<6 | entry(n)
			next[n&15]++
		}
	}
}

// bits is what symbols that occur as often as said come to.
func (c *code) bits(counts []uint32) int {
	var n uint32
	for i, count := range counts {
		n += count * uint32(c.lengths[i])
	}
	return int(n)
}
