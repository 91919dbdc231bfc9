package deflate

import (
	"encoding/binary"
	"math/bits"

	"github.com/actormaker/trainset/internal/race"
)

const (
	distances   = 30 // symbols
	shortest    = 3  // match
	longest     = 258
	endOf       = 256 // the word that ends a block
	firstLength = 257 // the word of the shortest match
	period      = 3   // how far back repeats are looked for
	leastRun    = 8   // bytes of one
)

// step is some literals and the match after them.
type step struct {
	literals uint16
	length   uint16 // of the match; 0 at the end of a block
}

// steps is a block, ready to be written.
type steps struct {
	first bool // block of the stream, with nothing before it
	all   [blockSize/leastRun + 2]step
	n     int
	words [mostSymbols]uint32 // how often each occurs
	spans [distances]uint32
	extra int // bits that follow words and spans
	pairs [2][allPairs]uint16
	told  [mostSymbols + distances]uint16
}

// Symbols of the lengths and distances of matches.
var (
	lengthSymbols = func() (s [longest + 1]uint8) { // above 257
		for n := 3; n < longest; n++ {
			b := max(0, bits.Len(uint(n-3))-3)
			s[n] = uint8(4*b + (n-3)>>b)
		}
		s[longest] = 28
		return s
	}()
	lengthExtra = func() (s [29]uint8) {
		for i := 8; i < 28; i++ {
			s[i] = uint8(i/4 - 1)
		}
		return s
	}()
)

func word(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// take divides the block into steps and counts what they come to.
func (w *Writer) take() {
	s := &w.steps
	s.n, s.extra = 0, 0
	clear(s.words[:])
	clear(s.spans[:])
	clear(s.pairs[0][:])
	clear(s.pairs[1][:])
	rest := w.repeats()
	s.all[s.n] = step{literals: uint16(history + w.have - rest)} //nolint:gosec // of a block
	s.n++
	s.unpair()
	s.words[endOf] = 1
}

// repeats makes steps of what repeats the bytes three before, eight of them or more,
// and counts the others. It returns where the last of these begin.
func (w *Writer) repeats() int {
	b, s := &w.window, &w.steps
	from, end := history, history+w.have
	at := from
	if s.first {
		at = min(end, at+period)
		s.count(b[from:at])
	}
	for at <= end-8 {
		at = w.passOver(at, end)
		if at > end-8 {
			break
		}
		begin := at
		if at >= history+8 { // some of those before may belong to it
			v := word(b[:], at-8) ^ word(b[:], at-8-period)
			begin -= min(bits.LeadingZeros64(v)/8, at-from)
			for _, v := range b[begin:at] {
				s.words[v]--
			}
		}
		from = s.match(begin-from, begin, same(b[:], at+8, period, end))
		at = from
	}
	s.count(b[at:end])
	return from
}

// same is where bytes from a place on are no longer those some distance before.
//
//go:norace
func same(b []byte, at, distance, end int) int {
	for at < end {
		v := word(b, at) ^ word(b, at-distance)
		if v != 0 {
			return min(end, at+bits.TrailingZeros64(v)/8)
		}
		at += 8
	}
	return end
}

// match adds steps for some literals and what comes after them up to a stop, which
// repeats what is three bytes before. It returns where that ends, but for a rest that
// is too short.
func (s *steps) match(literals, begin, stop int) int {
	for stop-begin >= shortest {
		n := min(longest, stop-begin)
		symbol := lengthSymbols[n]
		s.words[firstLength+int(symbol)]++
		s.extra += int(lengthExtra[symbol])
		s.all[s.n] = step{uint16(literals), uint16(n)} //nolint:gosec // of a block
		s.n++
		s.spans[period-1]++
		begin += n
		literals = 0
	}
	return begin
}

// Most bytes are small, or small numbers below zero: eight of them are counted, and
// written, as four pairs. A pair is two bytes of six bits.
const (
	smallBits = 6
	allPairs  = 1 << (2 * smallBits)
)

// plain is the byte that six bits of a pair stand for.
func plain(i int) byte { return byte(i - 1<<(smallBits-1)) } //nolint:gosec // it goes round on purpose

// pairsOf says which four pairs eight bytes are, in 16 bits each, and whether they
// are all small.
func pairsOf(v uint64) (uint64, bool) {
	const (
		tops = 0x8080808080808080
		half = 0x2020202020202020
	)
	v = (v&^tops + half) ^ v&tops // to each byte, by itself
	return v&0x003f003f003f003f | v>>2&0x0fc00fc00fc00fc0, v&0xc0c0c0c0c0c0c0c0 == 0
}

// passOver counts bytes, eight at a time, up to eight that repeat those three before,
// or to the last few of the block. Counters take turns, so that the same one is not
// waited for.
//
//go:norace
func (w *Writer) passOver(at, end int) int {
	p0, p1 := &w.steps.pairs[0], &w.steps.pairs[1]
	b, before := w.window[at:end], w.window[at-period:end-period]
	before = before[:len(b)]
	i := 0
	for ; i <= len(b)-8; i += 8 {
		v := binary.LittleEndian.Uint64(b[i : i+8])
		if v == binary.LittleEndian.Uint64(before[i:i+8]) {
			break
		}
		t, small := pairsOf(v)
		if !small {
			w.steps.countEight(v)
			continue
		}
		p0[t&0xfff]++
		p1[t>>16&0xfff]++
		p0[t>>32&0xfff]++
		p1[t>>48&0xfff]++
	}
	race.Reads(b[:i])
	return at + i
}

//go:norace
func (s *steps) countEight(v uint64) {
	for range 8 {
		s.words[v&0xff]++
		v >>= 8
	}
}

//go:norace
func (s *steps) count(p []byte) {
	race.Reads(p)
	for _, v := range p {
		s.words[v]++
	}
}

// unpair counts pairs as the two bytes that each is.
//
//go:norace
func (s *steps) unpair() {
	race.Writes(s.words[:])
	var firsts [1 << smallBits]uint32
	for second := range 1 << smallBits {
		var sum uint32
		q0 := (*[1 << smallBits]uint16)(s.pairs[0][second<<smallBits:])
		q1 := (*[1 << smallBits]uint16)(s.pairs[1][second<<smallBits:])
		for first := range firsts {
			n := uint32(q0[first]) + uint32(q1[first])
			sum += n
			firsts[first] += n
		}
		s.words[plain(second)] += sum
	}
	for first, n := range firsts {
		s.words[plain(first)] += n
	}
}

// mostOut is how many bytes a block takes that is not stored.
const mostOut = 1 << 17

// putSteps writes the block.
func (w *Writer) putSteps() {
	w.pair()
	to := 0
	acc, n := w.bits, w.n
	at := history
	span := w.spans.of[period-1]
	for _, s := range w.steps.all[:w.steps.n] {
		acc, n, to = w.putLiterals(w.window[at:at+int(s.literals)], acc, n, to)
		at += int(s.literals) + int(s.length)
		if s.length == 0 {
			break
		}
		symbol := lengthSymbols[s.length]
		e := w.words.of[firstLength+int(symbol)]
		acc |= (e.bits() | uint64(s.length-shortest)&(1<<(lengthExtra[symbol]&7)-1)<<(e&63)) << (n & 63)
		n += e.size() + uint(lengthExtra[symbol])
		acc |= span.bits() << (n & 63)
		n += span.size()
		acc, n, to = w.flush(acc, n, to)
	}
	w.out = append(w.out, w.draft[:to]...)
	w.bits, w.n = acc, n
	e := w.words.of[endOf]
	w.put(e.bits(), e.size())
}

// putLiterals writes literals to the draft.
//
//go:norace
func (w *Writer) putLiterals(p []byte, acc uint64, n uint, to int) (uint64, uint, int) {
	race.Reads(p)
	i := 0
	for ; i <= len(p)-8; i += 8 {
		v := binary.LittleEndian.Uint64(p[i : i+8])
		t, small := pairsOf(v)
		if !small {
			acc, n, to = w.putFour(uint32(v&0xffffffff), acc, n, to)
			acc, n, to = w.putFour(uint32(v>>32), acc, n, to)
			continue
		}
		e0, e1 := w.pairs[t&0xfff], w.pairs[t>>16&0xfff]
		e2, e3 := w.pairs[t>>32&0xfff], w.pairs[t>>48&0xfff]
		acc |= (e0.bits() | e1.bits()<<(e0&63)) << (n & 63)
		n += uint(e0+e1) & 63
		if next := uint(e2+e3) & 63; n+next < 64 {
			acc |= (e2.bits() | e3.bits()<<(e2&63)) << (n & 63)
			n += next
		} else {
			acc, n, to = w.flush(acc, n, to)
			acc |= (e2.bits() | e3.bits()<<(e2&63)) << (n & 63)
			n += next
		}
		acc, n, to = w.flush(acc, n, to)
	}
	for ; i < len(p); i++ {
		e := w.words.of[p[i]]
		acc |= e.bits() << (n & 63)
		n += e.size()
		acc, n, to = w.flush(acc, n, to)
	}
	return acc, n, to
}

// putFour writes four bytes of any size.
//
//go:norace
func (w *Writer) putFour(v uint32, acc uint64, n uint, to int) (uint64, uint, int) {
	e0, e1 := w.words.of[v&0xff], w.words.of[v>>8&0xff]
	e2, e3 := w.words.of[v>>16&0xff], w.words.of[v>>24]
	n01, n23 := e0+e1, e2+e3
	lo := e0.bits() | e1.bits()<<(e0&63)
	hi := e2.bits() | e3.bits()<<(e2&63)
	acc |= (lo | hi<<(n01&63)) << (n & 63)
	n += uint(n01+n23) & 63
	return w.flush(acc, n, to)
}

// flush writes the whole bytes of some bits to the draft, and returns what is left.
func (w *Writer) flush(acc uint64, n uint, to int) (uint64, uint, int) {
	binary.LittleEndian.PutUint64(w.draft[to&(mostOut-1):to&(mostOut-1)+8], acc)
	return acc >> (n & 56), n & 7, to + int(n>>3)
}

// pair makes the codes of pairs.
//
//go:norace
func (w *Writer) pair() {
	race.Writes(w.pairs[:])
	var small [1 << smallBits]entry
	for i := range small {
		small[i] = w.words.of[plain(i)]
	}
	for second, e1 := range small {
		to := w.pairs[second<<smallBits:][:1<<smallBits]
		bits, size := e1&^63, e1&63
		for first, e0 := range small {
			to[first] = e0&^63 | bits<<(e0&31) + e0&63 + size
		}
	}
}
