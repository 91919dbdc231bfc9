package imaging

import (
	"encoding/binary"
	"image"
	"math"
	"math/bits"

	"github.com/actormaker/trainset/internal/race"
)

// shrink makes a smaller picture, each pixel the exact mean of the area it
// covers. It needs two rows of sums beside the result, works in whole numbers
// and so gives the same bytes on every machine.
func (r rows) shrink(w, h int) *image.NRGBA {
	if w == r.width && h == r.height {
		return r.full()
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	converted, by := make([]byte, 4*r.width), inverse(r.width*r.height)
	ends := cells(r.width, w)
	fold(r.step, r.width, r.height, h, func(y int) []byte { return r.line(y, converted) }, func(y int, sums []uint32) {
		narrow(dst.Pix[y*dst.Stride:][:dst.Stride], sums, r.step, ends, by)
	})
	return dst
}

// shrinkLuma is shrink of the luma alone, a byte a pixel, into room.
func (r rows) shrinkLuma(room []byte, w, h int) gray {
	g := gray{w: w, h: h, pix: room[:w*h]}
	converted := make([]byte, 4*r.width)
	if w == r.width && h == r.height {
		for y := range h {
			lumaOf(g.pix[y*w:][:w], r.line(y, converted), r.step)
		}
		return g
	}
	luma, by := make([]byte, r.width), inverse(r.width*r.height)
	ends := cells(r.width, w)
	fold(1, r.width, r.height, h, func(y int) []byte {
		lumaOf(luma, r.line(y, converted), r.step)
		return luma
	}, func(y int, sums []uint32) {
		narrowLuma(g.pix[y*w:][:w], sums, ends, by)
	})
	return g
}

// fold adds sh rows of pixels of step bytes up to h rows, from the top: next gives a
// row, and done takes the sums of one of the result, to which a row adds h where it
// lies wholly within. They are summed up row by row, eight bytes at once, before
// anything is done about columns: most of the work is on as few rows as that. The
// sums are of all pixels before one, by channel: those of the first are zeros, and
// two pixels follow the last.
func fold(step, width, sh, h int, next func(y int) []byte, done func(y int, sums []uint32)) {
	all := make(columns, (step*width+7)/8)
	sums := make([]uint32, 8*len(all)+2*step)
	out := 0
	for y := range sh {
		row := next(y)
		for top, end := y*h, (y+1)*h; top < end; { // in units of which a row of the result has sh
			bottom := min(end, (out+1)*sh)
			all.add(row, uint64(bottom-top)) //nolint:gosec // it is positive
			if top = bottom; bottom == (out+1)*sh {
				all.sums(sums, step)
				done(out, sums)
				clear(all)
				out++
			}
		}
	}
}

// columns are the sums of eight columns each, in four words of two: those of the
// bytes n and n+4. They have room for 2^24 rows.
type columns [][4]uint64

const evens = 0x000000ff000000ff

//go:norace
func (c columns) add(row []byte, weight uint64) {
	race.Reads(row)
	race.Writes(c)
	for i := 0; len(row) >= 8; i++ {
		v, sums := binary.LittleEndian.Uint64(row), &c[i]
		sums[0] += v & evens * weight
		sums[1] += v >> 8 & evens * weight
		sums[2] += v >> 16 & evens * weight
		sums[3] += v >> 24 & evens * weight
		row = row[8:]
	}
	for i, v := range row {
		c[len(c)-1][i%4] += uint64(v) * weight << (i / 4 * 32)
	}
}

// sums writes what all columns before each add up to, of those that are a multiple
// of step apart. The sums go on from 2^32 at 0: what lies between two of them is
// right.
//
//go:norace
func (c columns) sums(to []uint32, step int) {
	race.Reads(c)
	race.Writes(to)
	for i, w := range c {
		before, t := (*[8]uint32)(to[8*i:]), (*[8]uint32)(to[8*i+step:])
		t[0] = before[0] + uint32(w[0]) //nolint:gosec // the lower half, as below
		t[1] = before[1] + uint32(w[1]) //nolint:gosec // likewise
		t[2] = before[2] + uint32(w[2]) //nolint:gosec // likewise
		t[3] = before[3] + uint32(w[3]) //nolint:gosec // likewise
		t[4] = before[4] + uint32(w[0]>>32)
		t[5] = before[5] + uint32(w[1]>>32)
		t[6] = before[6] + uint32(w[2]>>32)
		t[7] = before[7] + uint32(w[3]>>32)
	}
}

// cell is where the sum of a pixel of the result ends: after so many whole pixels
// of the source, and a part of the next one.
type cell struct {
	whole int
	part  uint64
}

// cells divides sw pixels, each of dw parts, into dw cells.
func cells(sw, dw int) []cell {
	ends := make([]cell, dw)
	for i := range ends {
		ends[i] = cell{(i + 1) * sw / dw, uint64((i + 1) * sw % dw)} //nolint:gosec // it is positive
	}
	return ends
}

// narrow writes the means of a row of pixels, opaque ones, of the sums of its columns:
// a cell's sum is what has been added up to its end less what had been up to the
// cell before. There is no branch in it, which would be guessed wrong. There
// is room for 2^24 pixels in the columns of a cell, from the top of the picture to
// its end: only pictures that are lines have more.
//
//go:norace
func narrow(dst []byte, sums []uint32, step int, ends []cell, by divisor) {
	race.Reads(sums)
	race.Reads(ends)
	race.Writes(dst)
	parts := uint64(len(ends))
	var was [3]uint32
	var left [3]uint64
	for i, end := range ends {
		here, next := (*[3]uint32)(sums[end.whole*step:]), (*[3]uint32)(sums[(end.whole+1)*step:])
		to := (*[4]byte)(dst[4*i:])
		r, g, b := uint64(next[0]-here[0])*end.part, uint64(next[1]-here[1])*end.part, uint64(next[2]-here[2])*end.part
		to[0] = by.divide(uint64(here[0]-was[0])*parts + r - left[0])
		to[1] = by.divide(uint64(here[1]-was[1])*parts + g - left[1])
		to[2] = by.divide(uint64(here[2]-was[2])*parts + b - left[2])
		to[3] = 0xff
		was, left = *here, [3]uint64{r, g, b}
	}
}

// narrowLuma is narrow of one channel.
//
//go:norace
func narrowLuma(dst []byte, sums []uint32, ends []cell, by divisor) {
	race.Reads(sums)
	race.Reads(ends)
	race.Writes(dst)
	parts, was, left := uint64(len(ends)), uint32(0), uint64(0)
	for i, end := range ends {
		pair := (*[2]uint32)(sums[end.whole:])
		part := uint64(pair[1]-pair[0]) * end.part
		dst[i] = by.divide(uint64(pair[0]-was)*parts + part - left)
		was, left = pair[0], part
	}
}

// divisor divides by an area many times, and rounds to the nearest. Multiplying
// by the rounded-up inverse is exact as long as the quotient times the divisor is
// far below 2^64, as sums of bytes over the area of a picture are.
type divisor struct {
	inverse uint64
	half    uint64
}

func inverse(area int) divisor {
	return divisor{math.MaxUint64/uint64(area) + 1, uint64(area) / 2} //nolint:gosec // areas are positive
}

func (d divisor) divide(n uint64) byte {
	if d.inverse == 0 { // that of 1 is 2^64
		return byte(n & 0xff)
	}
	q, _ := bits.Mul64(n+d.half, d.inverse)
	return byte(q & 0xff)
}

// within fits a size into a box, keeping its shape and never enlarging it.
func within(w, h, maxW, maxH int) (int, int) {
	if w <= maxW && h <= maxH {
		return w, h
	}
	if w*maxH > h*maxW {
		return maxW, max(1, (h*maxW+w/2)/w)
	}
	return max(1, (w*maxH+h/2)/h), maxH
}
