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
	return r.shrinkInto(make([]byte, 4*w*h), w, h)
}

// shrinkInto is shrink with room for the result, of 4 bytes a pixel.
func (r rows) shrinkInto(room []byte, w, h int) *image.NRGBA {
	dst := &image.NRGBA{Pix: room, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	converted, line, sum := make([]byte, 4*r.width), make([]int64, 3*w), make([]int64, 3*w)
	area := int64(r.width) * int64(r.height)
	out := 0
	for y := range r.height {
		narrow(line, r.line(y, converted), r.width, w)
		for top, end := y*h, (y+1)*h; top < end; { // in units of which a row of dst has r.height
			bottom := min(end, (out+1)*r.height)
			weigh(sum, line, int64(bottom-top))
			top = bottom
			if bottom == (out+1)*r.height {
				emit(dst.Pix[out*dst.Stride:], sum, area)
				out++
			}
		}
	}
	return dst
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

// emit writes the rounded means of a row of sums and clears them.
func emit(dst []byte, sum []int64, area int64) {
	by := inverse(area)
	for i := 0; i+3 <= len(sum); i += 3 {
		px := dst[i/3*4:][:4]
		px[0] = by.divide(sum[i] + area/2)
		px[1] = by.divide(sum[i+1] + area/2)
		px[2] = by.divide(sum[i+2] + area/2)
		px[3] = 0xff
	}
	clear(sum)
}

// divisor divides by one number many times. Multiplying by the rounded-up
// inverse is exact as long as the quotient times the divisor is far below 2^64,
// as sums of bytes over the area of a picture are.
type divisor uint64

func inverse(area int64) divisor { return divisor(math.MaxUint64/uint64(area) + 1) } //nolint:gosec // areas are positive

func (d divisor) divide(n int64) byte {
	if d == 0 { // the inverse of 1 is 2^64
		return byte(n & 0xff)
	}
	q, _ := bits.Mul64(uint64(n), uint64(d)) //nolint:gosec // sums are positive
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
