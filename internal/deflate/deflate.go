// Package deflate writes zlib streams (RFC 1950 and 1951) of the rows of coloured
// pictures, each the difference from the one above, in about half the time that
// libraries take at their fastest. In such rows bytes hardly occur again elsewhere
// but by chance, so only what repeats the three bytes before it becomes a match, and
// all else gets codes by how often it occurs. They are counted and written two at a
// time.
//
// It must not know what the bytes are, nor the length of a row. Other bytes are
// written rightly too, only in more bytes than a library that looks for matches.
package deflate

import (
	"encoding/binary"
	"slices"

	"github.com/actormaker/trainset/internal/adler"
)

// blockSize is how many bytes have codes of their own: as many as one stored block
// may hold, for those that are best left as they are.
const blockSize = 1<<16 - 1

const (
	history = 8 // bytes before a block that are still at hand
	slack   = 8 // bytes after it that are read with it
)

// Writer writes one stream after another, each begun by Reset and ended by Close.
// What it writes depends on the bytes alone, not on how they come.
type Writer struct {
	out  []byte
	bits uint64 // those that are not written yet, the first is the lowest
	n    uint   // how many of them: fewer than 8 between steps
	sum  adler.Sum
	have int // bytes of the block

	window [history + blockSize + slack]byte
	steps  steps
	words  code // of literals and lengths
	spans  code // of distances
	runs   code // of the lengths of codes
	pairs  [allPairs]entry
	draft  [mostOut + 8]byte // what codes come to, before it is appended
}

// Reset begins a stream, which is appended to out.
func (w *Writer) Reset(out []byte) {
	w.out = append(out, 0x78, 0x01) // a window of 32 kB, no dictionary, written fast
	w.bits, w.n, w.have = 0, 0, 0
	w.sum = adler.Empty
	clear(w.window[:history])
	w.steps.first = true
}

// Write takes bytes of the stream. There is no error.
func (w *Writer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if w.have == blockSize {
			w.block(false)
		}
		n := copy(w.window[history+w.have:history+blockSize], rest)
		w.have += n
		rest = rest[n:]
	}
	return len(p), nil
}

// Close ends the stream and returns what it has been appended to.
func (w *Writer) Close() []byte {
	w.block(true)
	w.out = binary.BigEndian.AppendUint32(w.out, w.sum.Value())
	out := w.out
	w.out = nil // the writer outlives it
	return out
}

// block writes the bytes that there are as one block.
func (w *Writer) block(last bool) {
	data := w.window[history:][:w.have]
	w.sum.Add(data)
	clear(w.window[history+w.have:][:slack])
	w.take()
	w.words.build(w.steps.words[:], mostBits)
	w.spans.build(w.steps.spans[:], mostBits)
	head := w.header()
	size := 3 + head.bits + w.words.bits(w.steps.words[:]) + w.spans.bits(w.steps.spans[:]) + w.steps.extra
	if stored := 8 * (5 + len(data)); size >= stored { // with all the bits it takes to get to the next byte
		w.store(data, last)
	} else {
		w.out = slices.Grow(w.out, size/8+16)
		w.put(flag(last)|2<<1, 3)
		w.putHeader(head)
		w.putSteps()
	}
	if last {
		w.align()
	}
	copy(w.window[:history], w.window[w.have:])
	w.steps.first = false
	w.have = 0
}

func flag(last bool) uint64 {
	if last {
		return 1
	}
	return 0
}

// store writes bytes as they are.
func (w *Writer) store(data []byte, last bool) {
	w.out = slices.Grow(w.out, len(data)+16)
	w.put(flag(last), 3)
	w.align()
	w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(data)))  //nolint:gosec // of a block
	w.out = binary.LittleEndian.AppendUint16(w.out, ^uint16(len(data))) //nolint:gosec // of a block
	w.out = append(w.out, data...)
}

// align goes on to the next byte.
func (w *Writer) align() {
	if w.n > 0 {
		w.out = append(w.out, byte(w.bits&0xff))
		w.n, w.bits = 0, 0
	}
}

// put writes up to 48 bits.
func (w *Writer) put(v uint64, n uint) {
	w.bits |= v << w.n
	w.n += n
	for w.n >= 8 {
		w.out = append(w.out, byte(w.bits&0xff))
		w.bits >>= 8
		w.n -= 8
	}
}
