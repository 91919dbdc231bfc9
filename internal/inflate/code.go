package inflate

import (
	"math/bits"

	"github.com/actormaker/trainset/internal/race"
)

// entry is what some bits of the stream stand for. From the lowest:
//
//	4 bits   how many bits those are
//	4 bits   how many follow whose number is added to the value
//	2 bits   how many literals it is, none, one or two
//	1 bit    whether it is the length or the distance of a match
//	1 bit    whether it ends the block
//	16 bits  from the sixteenth, the value: the literals, or the least length or distance
//
// The entry 0 stands for a code that is longer than the table is for, or for none.
type entry uint32

const (
	literals entry = 3 << 8
	match    entry = 1 << 10
	ending   entry = 1 << 11
)

func (e entry) size() entry   { return e & 15 }
func (e entry) extra() entry  { return e >> 4 & 15 }
func (e entry) literals() int { return int(e >> 8 & 3) }
func (e entry) value() uint16 { return uint16(e >> 16) }

// tableBits is how many bits are looked up at once. More of them find two
// literals more often, and fewer leave the cache to the bytes.
const (
	tableBits = 11
	tableSize = 1 << tableBits
)

const (
	mostBits    = 15  // of a symbol's code
	lengthBits  = 7   // of the code of a length
	mostSymbols = 288 // that a block may use
)

// code finds what bits stand for.
type code struct {
	table  [tableSize]entry
	count  [mostBits + 1]int // of the codes of each length
	sorted [mostSymbols]entry
}

// init makes the code in which each symbol has a length in bits, 0 where it does
// not occur, and says whether there is one: no two may begin alike and none may
// be left over, but for a single one of one bit. It fills the table for as many
// bits as are looked up at once.
func (c *code) init(lengths []byte, symbols []entry, lookup int) bool {
	table := c.table[:1<<lookup]
	clear(table)
	clear(c.count[:])
	for _, n := range lengths {
		c.count[n]++
	}
	c.count[0] = 0
	var first, place [mostBits + 2]int // code of a length, and its place among the sorted
	used, free := 0, 1
	for n := 1; n <= mostBits; n++ {
		first[n] = 2 * (first[n-1] + c.count[n-1])
		place[n] = used
		used += c.count[n]
		free = 2*free - c.count[n]
		if free < 0 {
			return false
		}
	}
	if free > 0 && used > 0 && (used > 1 || c.count[1] != 1) {
		return false
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		e := symbols[symbol] | entry(n)
		c.sorted[place[n]] = e
		place[n]++
		if int(n) <= lookup {
			for i := int(bits.Reverse16(uint16(first[n])) >> (16 - n)); i < len(table); i += 1 << n { //nolint:gosec // 15 bits
				table[i] = e
			}
		}
		first[n]++
	}
	return true
}

// pair puts two literals where the bits that are looked up are enough for both.
//
//go:norace
func (c *code) pair() {
	race.Writes(c.table[:])
	for i := tableSize - 1; i >= 0; i-- { // so that what follows is still single
		one := c.table[i]
		if one.literals() != 1 {
			continue
		}
		two := c.table[i>>one.size()]
		if two.literals() != 1 || one.size()+two.size() > tableBits {
			continue
		}
		c.table[i] = (one.size() + two.size()) | 2<<8 | one>>16&0xff<<16 | two>>16&0xff<<24
	}
}

// long finds what the lowest bits stand for where the table does not say: bit by
// bit, for this is rare. It is 0 when they stand for nothing.
func (c *code) long(b uint64) entry {
	code, first, place := 0, 0, 0
	for n := 1; n <= mostBits; n++ {
		code |= int(b & 1)
		if b >>= 1; code-first < c.count[n] {
			return c.sorted[place+code-first]
		}
		place += c.count[n]
		first = 2 * (first + c.count[n])
		code *= 2
	}
	return 0
}

// The symbols of literals and lengths, of distances, and of the lengths of codes.
var (
	wordSymbols = func() (s [mostSymbols]entry) {
		for i := range 256 {
			s[i] = entry(1<<8 | i<<16)
		}
		s[256] = ending
		length := shortest
		for i := 257; i < 285; i++ {
			extra := max(0, (i-261)/4)
			s[i] = match | entry(extra<<4|length<<16)
			length += 1 << extra
		}
		s[285] = match | longest<<16
		return s
	}()
	spanSymbols = func() (s [32]entry) {
		distance := 1
		for i := range 30 {
			extra := max(0, i/2-1)
			s[i] = match | entry(extra<<4|distance<<16)
			distance += 1 << extra
		}
		return s
	}()
	lengthSymbols = func() (s [19]entry) {
		for i := range s {
			s[i] = match | entry(i<<16)
		}
		return s
	}()
)
