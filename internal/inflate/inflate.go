// Package inflate reads zlib streams that lie in memory (RFC 1950 and 1951) about
// twice as fast as the libraries, which read from any source: the last thing that
// a style's job waits for is pictures of 4096 pixels a side, and half of that is
// this.
//
// It must not know what the streams hold, nor limit how much they hold: readers
// take as much as they want.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/actormaker/trainset/internal/adler"
)

// ErrDamaged says that a stream does not follow the formats.
var ErrDamaged = errors.New("its compressed data are damaged")

const (
	history = 1 << 15 // as far back as a match may reach
	work    = 3 << 16 // how much is decoded at a time
	// slack is how far one step may write past the end of work: five pairs of
	// literals or the longest match, which is written eight bytes at a time.
	slack = longest + 16
)

// Lengths of a match.
const (
	shortest = 3
	longest  = 258
)

// Reader reads one stream after another, each begun by Reset.
type Reader struct {
	in     []byte   // what is read of
	at     int      // how far
	next   [][]byte // what follows it
	bits   uint64   // the next ones, the first is the lowest
	n      int      // how many of them are there; below zero when too few were
	err    error    // how it ended
	window [history + work + slack]byte
	read   int // how much of the window has been given
	have   int // how much of it is there

	state  state
	last   bool // the block is the last one
	stored int  // bytes that are left of a stored block
	sum    adler.Sum
	words  *code // literals and lengths
	spans  *code // distances
	own    struct{ words, spans code }
}

// state is what comes next in a stream.
type state int

const (
	atHead   state = iota // of the stream
	atBlock               // of a block
	inStored              // bytes as they are
	inCodes               // literals and matches
	atSum                 // of all bytes
)

// Reset begins a stream that lies in several parts, one after the other. They
// must not change until it is read or another one is begun.
func (z *Reader) Reset(parts [][]byte) {
	z.sum = adler.Empty
	z.in, z.at, z.next, z.bits, z.n, z.err = nil, 0, parts, 0, 0, nil
	z.read, z.have, z.state, z.last, z.stored = 0, 0, atHead, false, 0
}

// Read gives the bytes of the stream. At its end, when its sum is right, it is
// io.EOF. Errors match ErrDamaged or io.ErrUnexpectedEOF; not all that came before
// them is given.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for z.read == z.have {
		if z.err != nil {
			return 0, z.err
		}
		z.err = z.fill()
	}
	n := copy(p, z.window[z.read:z.have])
	z.read += n
	return n, nil
}

// fill decodes into the window what fits there, or up to the end.
func (z *Reader) fill() error {
	if z.have >= history+work {
		copy(z.window[:history], z.window[z.have-history:z.have])
		z.have, z.read = history, history
	}
	from := z.have
	for z.have < history+work {
		if z.state == atSum {
			z.add(from)
			return z.end()
		}
		if err := z.step(); err != nil {
			return err
		}
	}
	z.add(from)
	return nil
}

// add adds what is in the window after a place to the sum.
func (z *Reader) add(from int) { z.sum.Add(z.window[from:z.have]) }

// step decodes as much of what comes next as the window takes.
func (z *Reader) step() error {
	switch z.state {
	case atHead:
		return z.head()
	case atBlock:
		return z.block()
	case inStored:
		return z.copyStored()
	default:
		return z.decode()
	}
}

// head reads the two bytes before the first block.
func (z *Reader) head() error {
	h, err := z.take(16)
	if err != nil {
		return err
	}
	method, flags := h&0xff, h>>8
	if method&0xf != 8 || method>>4 > 7 || (method<<8|flags)%31 != 0 || flags&0x20 != 0 {
		return fmt.Errorf("%w: its zlib header is %04x", ErrDamaged, method<<8|flags)
	}
	z.state = atBlock
	return nil
}

// end compares the sum, which follows the last block on a whole byte.
func (z *Reader) end() error {
	z.drop(z.n & 7)
	var sum uint32
	for range 4 {
		b, err := z.take(8)
		if err != nil {
			return err
		}
		sum = sum<<8 | uint32(b&0xff)
	}
	if sum != z.sum.Value() {
		return fmt.Errorf("%w: its sum is another", ErrDamaged)
	}
	return io.EOF
}

// block reads the head of a block.
func (z *Reader) block() error {
	if z.last {
		z.state = atSum
		return nil
	}
	h, err := z.take(3)
	if err != nil {
		return err
	}
	z.last = h&1 != 0
	switch h >> 1 {
	case 0:
		return z.storedHead()
	case 1:
		z.state = inCodes
		z.words, z.spans = fixed()
		return nil
	case 2:
		z.state = inCodes
		return z.dynamic()
	}
	return fmt.Errorf("%w: a block is of no known kind", ErrDamaged)
}

// storedHead reads how long a stored block is, and that again with all bits turned.
func (z *Reader) storedHead() error {
	z.drop(z.n & 7)
	size, err := z.take(32)
	if err != nil {
		return err
	}
	if size&0xffff != ^size>>16&0xffff {
		return fmt.Errorf("%w: the length of a block and its complement disagree", ErrDamaged)
	}
	z.state, z.stored = inStored, int(size&0xffff)
	return nil
}

func (z *Reader) copyStored() error {
	for ; z.stored > 0 && z.n >= 8; z.stored-- { // taken already, and the window has room for eight
		z.window[z.have] = byte(z.bits & 0xff)
		z.have++
		z.drop(8)
	}
	for z.stored > 0 && z.have < history+work {
		if !z.more() {
			return io.ErrUnexpectedEOF
		}
		z.bits = 0 // what was looked at ahead
		n := copy(z.window[z.have:min(history+work, z.have+z.stored)], z.in[z.at:])
		z.at, z.have, z.stored = z.at+n, z.have+n, z.stored-n
	}
	if z.stored == 0 {
		z.state = atBlock
	}
	return nil
}

// more says whether there is another byte to read.
func (z *Reader) more() bool {
	for z.at == len(z.in) {
		if len(z.next) == 0 {
			return false
		}
		z.in, z.at, z.next = z.next[0], 0, z.next[1:]
	}
	return true
}

// refill takes bytes until there are at least 56 bits, or no more of them.
func (z *Reader) refill() {
	if z.n < 0 {
		return
	}
	if z.at+8 <= len(z.in) {
		z.bits |= binary.LittleEndian.Uint64(z.in[z.at:]) << (z.n & 63)
		z.at += (63 - z.n) >> 3
		z.n |= 56
		return
	}
	for z.n < 56 && z.more() {
		z.bits |= uint64(z.in[z.at]) << (z.n & 63)
		z.at++
		z.n += 8
	}
}

func (z *Reader) drop(n int) {
	z.bits >>= n & 63
	z.n -= n
}

// take reads up to 32 bits.
func (z *Reader) take(n int) (uint64, error) {
	z.refill()
	v := z.bits & (1<<n - 1)
	if z.drop(n); z.n < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return v, nil
}
