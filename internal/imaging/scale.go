package imaging

import "image"

// shrink makes a smaller picture, each pixel the exact mean of the area it
// covers. It needs two rows of sums beside the result, works in whole numbers
// and so gives the same bytes on every machine.
func (r rows) shrink(w, h int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	src, line, sum := make([]byte, 4*r.width), make([]int64, 3*w), make([]int64, 3*w)
	area := int64(r.width) * int64(r.height)
	out := 0
	for y := range r.height {
		r.read(y, src)
		narrow(line, src, r.width, w)
		for top, end := y*h, (y+1)*h; top < end; { // in units of which a row of dst has r.height
			bottom := min(end, (out+1)*r.height)
			for i, v := range line {
				sum[i] += v * int64(bottom-top)
			}
			top = bottom
			if bottom == (out+1)*r.height {
				emit(dst.Pix[out*dst.Stride:], sum, area)
				out++
			}
		}
	}
	return dst
}

// narrow adds a row of sw pixels up to dw sums, each of weight sw.
func narrow(line []int64, src []byte, sw, dw int) {
	clear(line)
	at := 0 // the sum that the pixel's left side is in
	for x := range sw {
		px := src[4*x : 4*x+3 : 4*x+3]
		for left, end := x*dw, (x+1)*dw; left < end; {
			right := min(end, (at+1)*sw)
			n := int64(right - left)
			line[3*at] += n * int64(px[0])
			line[3*at+1] += n * int64(px[1])
			line[3*at+2] += n * int64(px[2])
			left = right
			if right == (at+1)*sw {
				at++
			}
		}
	}
}

func emit(dst []byte, sum []int64, area int64) {
	for i := 0; i+3 <= len(sum); i += 3 {
		px := dst[i/3*4:]
		for c := range 3 {
			px[c] = byte((sum[i+c] + area/2) / area & 0xff)
		}
		px[3] = 0xff
	}
	clear(sum)
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
