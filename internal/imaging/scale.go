package imaging

import (
	"image"
	"math"
	"math/bits"
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
	fold(3*w, r.height, h, func(line []int64, y int) {
		narrow(line, r.line(y, converted), r.width, w)
	}, func(y int, sums []int64) {
		emit(dst.Pix[y*dst.Stride:], sums, by)
	})
	return dst
}

// shrinkLuma is shrink of the luma alone, a byte a pixel, into room.
func (r rows) shrinkLuma(room []byte, w, h int) gray {
	g := gray{w: w, h: h, pix: room[:w*h]}
	converted := make([]byte, 4*r.width)
	if w == r.width && h == r.height {
		for y := range h {
			lumaOf(g.pix[y*w:][:w], r.line(y, converted))
		}
		return g
	}
	luma, by := make([]byte, r.width), inverse(r.width*r.height)
	ends, before := cells(r.width, w), make([]int64, r.width+1)
	fold(w, r.height, h, func(line []int64, y int) {
		lumaOf(luma, r.line(y, converted))
		narrowLuma(line, luma, ends, before)
	}, func(y int, sums []int64) {
		row := g.pix[y*w:][:len(sums)]
		for i, s := range sums {
			row[i] = by.divide(s)
		}
	})
	return g
}

// fold adds sh rows of n sums up to h rows. The rows that next writes come in
// order, and each goes to done with the weight that the row has in it, out of sh
// for one whole one of the result.
func fold(n, sh, h int, next func(line []int64, y int), done func(y int, sums []int64)) {
	line, sums := make([]int64, n), make([]int64, n)
	out := 0
	for y := range sh {
		next(line, y)
		for top, end := y*h, (y+1)*h; top < end; { // in units of which a row of the result has sh
			bottom := min(end, (out+1)*sh)
			weigh(sums, line, int64(bottom-top))
			if top = bottom; bottom == (out+1)*sh {
				done(out, sums)
				clear(sums)
				out++
			}
		}
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

// narrowLuma is narrow for one channel: each sum is what has been added up to its
// cell's end less what had been up to the cell before. In before is room.
func narrowLuma(line []int64, src []byte, ends []cell, before []int64) {
	before = before[:len(src)+1]
	var sum int64
	for x, v := range src {
		before[x] = sum
		sum += int64(v)
	}
	before[len(src)] = sum
	parts, left := int64(len(ends)), int64(0)
	for i, end := range ends {
		all := before[end.whole] * parts
		if end.part > 0 {
			all += int64(src[end.whole]) * int64(end.part)
		}
		line[i], left = all-left, all
	}
}

// weigh adds a row of sums to those of the rows above it.
func weigh(sum, line []int64, weight int64) {
	line = line[:len(sum)]
	for i := range sum {
		sum[i] += line[i] * weight
	}
}

// narrow adds a row of sw pixels up to dw sums, each of weight sw: in units of
// which a pixel has dw, every sum takes what is left of the pixel it begins in,
// whole pixels, and the beginning of the one it ends in.
func narrow(line []int64, src []byte, sw, dw int) {
	for i, x, left := 0, 0, dw; i < 3*dw; i += 3 { // left is of pixel x
		var r, g, b int64
		need := sw
		if left < dw { // a pixel that was begun
			n := min(left, need)
			px := src[4*x : 4*x+3 : 4*x+3]
			r, g, b = int64(n)*int64(px[0]), int64(n)*int64(px[1]), int64(n)*int64(px[2])
			need -= n
			if left -= n; left == 0 {
				x, left = x+1, dw
			}
		}
		if whole := need / dw; whole > 0 {
			var wr, wg, wb int64
			for px := src[4*x : 4*(x+whole)]; len(px) >= 4; px = px[4:] {
				wr += int64(px[0])
				wg += int64(px[1])
				wb += int64(px[2])
			}
			r, g, b = r+wr*int64(dw), g+wg*int64(dw), b+wb*int64(dw)
			x += whole
			need -= whole * dw
		}
		if need > 0 {
			px := src[4*x : 4*x+3 : 4*x+3]
			r, g, b = r+int64(need)*int64(px[0]), g+int64(need)*int64(px[1]), b+int64(need)*int64(px[2])
			left -= need
		}
		line[i], line[i+1], line[i+2] = r, g, b
	}
}

// emit writes the means of a row of sums.
func emit(dst []byte, sums []int64, by divisor) {
	for i := 0; i+3 <= len(sums); i += 3 {
		px := dst[i/3*4:][:4]
		px[0] = by.divide(sums[i])
		px[1] = by.divide(sums[i+1])
		px[2] = by.divide(sums[i+2])
		px[3] = 0xff
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
