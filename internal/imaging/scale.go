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
	ends, before := cells(r.width, w), make([]int64, r.width+1)
	fold(r.step*r.width, r.height, h, func(y int) []byte { return r.line(y, converted) }, func(y int, sums []uint32) {
		row := dst.Pix[y*dst.Stride:][:dst.Stride]
		for c := range 3 {
			narrow(row[c:], 4, sums[c:], r.step, ends, before, by)
		}
		for i := 3; i < len(row); i += 4 {
			row[i] = 0xff
		}
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
	ends, before := cells(r.width, w), make([]int64, r.width+1)
	fold(r.width, r.height, h, func(y int) []byte {
		lumaOf(luma, r.line(y, converted), r.step)
		return luma
	}, func(y int, sums []uint32) {
		narrow(g.pix[y*w:][:w], 1, sums, 1, ends, before, by)
	})
	return g
}

// fold adds sh rows of n bytes up to h rows, from the top: next gives a row, and
// done takes the sums of one of the result, to which a row adds h where it lies
// wholly within. They are summed up row by row, eight bytes at once, before
// anything is done about columns: most of the work is on as few rows as that.
// Zeros follow the sums, of a pixel or more.
func fold(n, sh, h int, next func(y int) []byte, done func(y int, sums []uint32)) {
	all, sums := make(columns, (n+7)/8), make([]uint32, (n+7)/8*8+8)
	out := 0
	for y := range sh {
		row := next(y)
		for top, end := y*h, (y+1)*h; top < end; { // in units of which a row of the result has sh
			bottom := min(end, (out+1)*sh)
			all.add(row, uint64(bottom-top)) //nolint:gosec // it is positive
			if top = bottom; bottom == (out+1)*sh {
				all.sums(sums)
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

// sums writes the sums in the order of the columns.
//
//go:norace
func (c columns) sums(to []uint32) {
	race.Reads(c)
	race.Writes(to)
	for _, w := range c {
		to[0], to[1], to[2], to[3] = uint32(w[0]), uint32(w[1]), uint32(w[2]), uint32(w[3]) //nolint:gosec // the lower halves
		to[4], to[5], to[6], to[7] = uint32(w[0]>>32), uint32(w[1]>>32), uint32(w[2]>>32), uint32(w[3]>>32)
		to = to[8:]
	}
}

// cell is where the sum of a pixel of the result ends: after so many whole pixels
// of the source, and a part of the next one.
type cell struct{ whole, part int }

// cells divides sw pixels, each of dw parts, into dw cells.
func cells(sw, dw int) []cell {
	ends := make([]cell, dw)
	for i := range ends {
		ends[i] = cell{(i + 1) * sw / dw, (i + 1) * sw % dw}
	}
	return ends
}

// narrow writes the means of one channel of a row, of which each pixel is so many
// numbers from the next, here and there: the sum of a cell is what has been added
// up to its end less what had been up to the cell before. There is no branch in
// it, which would be guessed wrong. In before is room for a number more than the
// source has pixels; src has one more, too, which counts nothing.
//
//go:norace
func narrow(dst []byte, apart int, src []uint32, step int, ends []cell, before []int64, by divisor) {
	race.Reads(src)
	race.Reads(ends)
	race.Writes(before)
	race.Writes(dst)
	var sum int64
	at := 0
	for x := range before {
		before[x] = sum
		sum += int64(src[at])
		at += step
	}
	parts, left, to := int64(len(ends)), int64(0), 0
	for _, end := range ends {
		all := before[end.whole]*parts + int64(src[end.whole*step])*int64(end.part)
		dst[to] = by.divide(all - left)
		left = all
		to += apart
	}
}

// divisor divides by an area many times, and rounds to the nearest. Multiplying
// by the rounded-up inverse is exact as long as the quotient times the divisor is
// far below 2^64, as sums of bytes over the area of a picture are.
type divisor struct {
	inverse uint64
	half    int64
}

func inverse(area int) divisor {
	return divisor{math.MaxUint64/uint64(area) + 1, int64(area) / 2} //nolint:gosec // areas are positive
}

func (d divisor) divide(n int64) byte {
	if d.inverse == 0 { // that of 1 is 2^64
		return byte(n & 0xff)
	}
	q, _ := bits.Mul64(uint64(n+d.half), d.inverse) //nolint:gosec // sums are positive
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
