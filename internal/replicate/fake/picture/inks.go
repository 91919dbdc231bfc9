package picture

import "math"

func root(v float64) float64 { return math.Sqrt(max(0, v)) }

// inks are the hands of black and white: tones in, tones out. A photograph in
// black and white is its tones with grain on them.
var inks = map[hand]func(tone, mask plane, d random) plane{
	photograph: silver, penInk: inked, graphite: pencilled, charcoal: smudged, woodcut: carved, vector: cutPaper,
	manga: screened, comic: inked, watercolour: silver, gouache: silver,
}

// stretch spreads the tones over the whole range, but for the outer hundredths.
func (p plane) stretch() plane {
	var count [256]int
	for _, v := range p.pix {
		count[v]++
	}
	lo, hi, edge := 0, 255, len(p.pix)*3/200
	for n := 0; lo < 254 && n+count[lo] < edge; lo++ {
		n += count[lo]
	}
	for n := 0; hi > lo+1 && n+count[hi] < edge; hi-- {
		n += count[hi]
	}
	out := newPlane(p.w, p.h)
	for i, v := range p.pix {
		out.pix[i] = octetOf((int(v) - lo) * 255 / (hi - lo))
	}
	return out
}

// crisp brings out what differs from its surroundings, so that a face still
// reads when its tones are reduced to a few.
func (p plane) crisp(r, strength int) plane {
	soft := p.blur(r)
	for i, v := range p.pix {
		soft.pix[i] = octetOf(int(v) + (int(v)-int(soft.pix[i]))*strength/16)
	}
	return soft
}

// hatch is how much ink a set of parallel lines leaves on a pixel: at is the
// place across the lines in sixteenths, which repeat every eight pixels; the
// lines swell with the darkness.
func hatch(at, dark int) int {
	if dark <= 0 {
		return 0
	}
	away := abs(at&127-64) * 4 // from the line's middle, in 1/64 pixel
	return min(255, max(0, (dark*5/4-away+24)*4))
}

// inked is pen and ink: contours, and hatching in up to three directions.
func inked(tone, mask plane, d random) plane {
	edge := tone.blur(1).contours()
	tone = tone.crisp(14, 14)
	wave, ox, oy := mottle(12), d.IntN(tile), d.IntN(tile)
	out := newPlane(tone.w, tone.h)
	for y := range out.h {
		dst, src, lines := out.row(y), tone.row(y), edge.row(y)
		for x := range dst {
			v, w := int(src[x]), wave.at(x+ox, y+oy)/3
			ink := max(hatch(12*x+12*y+w, 168-v), hatch(13*x-11*y+w+30, (104-v)*3/2), hatch(3*x+16*y-w, (58-v)*3))
			dst[x] = uint8(255 - max(ink, min(255, max(0, (int(lines[x])-22)*9)))) //nolint:gosec // 0 to 255
		}
	}
	return outline(out, mask)
}

// pencilled is graphite: soft greys, layered strokes and the paper's tooth.
func pencilled(tone, mask plane, d random) plane {
	edge := tone.blur(1).contours()
	tone = tone.crisp(10, 8)
	tooth, wave, ox, oy := mottle(1), mottle(12), d.IntN(tile), d.IntN(tile)
	for y := range tone.h {
		row, lines := tone.row(y), edge.row(y)
		for x := range row {
			v := 34 + int(row[x])*15/16
			dark := 255 - v
			v += tooth.at(x+ox, y+oy) * dark >> 9
			v -= hatch(11*x+13*y+wave.at(x+ox, y+oy)/2, dark*2/3) * dark >> 10
			row[x] = octetOf(v - int(lines[x])*5/4)
		}
	}
	_ = mask
	return tone
}

// smudged is charcoal: deep blacks, rubbed middles and a rough grain.
func smudged(tone, mask plane, d random) plane {
	edge := tone.blur(2).contours()
	rubbed := tone.blur(5)
	tone = tone.crisp(16, 14)
	tooth, patch, ox, oy := mottle(1), mottle(4), d.IntN(tile), d.IntN(tile)
	for y := range tone.h {
		row, soft, lines, fig := tone.row(y), rubbed.row(y), edge.row(y), mask.row(y)
		for x := range row {
			v := 24 + (3*int(row[x])+int(soft[x]))/4
			v += v * (255 - v) >> 9                   // the paper shines through
			rough := 120 - abs(v-120) - int(fig[x])/6 // and is rubbed smooth on the figure
			v += (tooth.at(x+ox, y+oy)*3 + patch.at(x+oy, y+ox)*2) * max(20, rough) >> 9
			row[x] = octetOf(v - int(lines[x])*3/2)
		}
	}
	return tone
}

// carved is a woodcut: gouge marks that swell with the light, no greys.
func carved(tone, mask plane, d random) plane {
	tone = tone.blur(1).crisp(16, 16)
	wave, ox, oy := mottle(12), d.IntN(tile), d.IntN(tile)
	out := newPlane(tone.w, tone.h)
	for y := range out.h {
		dst, src, fig := out.row(y), tone.row(y), mask.row(y)
		for x := range dst {
			groove := abs((2*x+13*y+wave.at(x/2+ox, y+oy)*2)&127-64) * 3 // 0 in a groove's middle, 192 on the ridge
			v := (int(src[x])-18)*5/4 + int(fig[x])/6 - groove
			dst[x] = octetOf(128 + v*7)
		}
	}
	return outline(out, mask)
}

// cutPaper is flat shapes of black and white with sharp, smooth edges.
func cutPaper(tone, mask plane, _ random) plane {
	fine := tone.blur(2)
	wide := tone.blur(60)
	for i, v := range fine.pix {
		level := 58 + int(wide.pix[i])*24/64 // what counts as light depends on what is around
		fine.pix[i] = 0
		if int(v) > level {
			fine.pix[i] = 255
		}
	}
	out := fine.blur(2) // the stairs of the cut
	for i, v := range out.pix {
		out.pix[i] = octetOf(128 + (int(v)-128)*5/2)
	}
	return outline(out, mask)
}

// screened is manga: spotted blacks, two screens of dots, contours, speed lines.
func screened(tone, mask plane, d random) plane {
	edge := tone.blur(1).contours()
	flatTone := tone.blur(1).crisp(20, 10)
	out := newPlane(tone.w, tone.h)
	for y := range out.h {
		dst, src, lines := out.row(y), flatTone.row(y), edge.row(y)
		for x := range dst {
			v := screen(x, y, int(src[x]))
			dst[x] = octetOf(v - max(0, (int(lines[x])-24)*8))
		}
	}
	speed(out, mask, d)
	return outline(out, mask)
}

// screen turns a tone into white, one of two sizes of dots, or black.
func screen(x, y, v int) int {
	if v > 150 {
		return 255
	}
	if v < 52 {
		return 0
	}
	size := 340 // the square of a dot's radius, in 1/64 of a pixel's square, and then some
	if v < 100 {
		size = 760
	}
	u, w := (x+y)%9*8-32, (x-y+9000)%9*8-32
	return min(255, max(0, 128+(u*u+w*w-size)/2))
}

// speed draws lines that run from the picture's edge towards the figure and stop
// well before it.
func speed(out, mask plane, d random) {
	cx, cy := centre(mask)
	far := math.Hypot(float64(out.w), float64(out.h)) * .62
	for range 70 {
		a := d.in(0, 2*math.Pi)
		start, width := far*d.in(.5, .8), d.in(.6, 2.2)
		sin, cos := math.Sincos(a)
		ink := uint8(10)
		if d.chance(.5) { // scratched out of the black
			ink = 248
		}
		for t := start; t < far*1.4; t++ {
			x, y := cx+t*cos, cy+t*sin
			half := width * (t - start) / far
			for k := -half; k <= half+.5; k++ {
				px, py := int(x-k*sin), int(y+k*cos)
				if px >= 0 && py >= 0 && px < out.w && py < out.h && mask.pix[py*out.w+px] < 64 {
					out.pix[py*out.w+px] = ink
				}
			}
		}
	}
}

// centre is the middle of the masked area, or of the picture.
func centre(mask plane) (x, y float64) {
	n := 0.0
	for py := 0; py < mask.h; py += 8 {
		row := mask.row(py)
		for px := 0; px < mask.w; px += 8 {
			if row[px] > 128 {
				x, y, n = x+float64(px), y+float64(py), n+1
			}
		}
	}
	if n == 0 {
		return float64(mask.w) / 2, float64(mask.h) / 2
	}
	return x / n, y / n
}

// outline sets the figure off with a white seam and a black contour inside it.
func outline(out, mask plane) plane {
	soft := mask.blur(3)
	for i, s := range soft.pix {
		switch {
		case s > 24 && s < 118:
			out.pix[i] = max(out.pix[i], octetOf(255-(abs(int(s)-71)-30)*12))
		case s >= 118 && s < 215:
			out.pix[i] = min(out.pix[i], octetOf((abs(int(s)-166)-32)*14))
		}
	}
	return out
}

// fray scratches notches into an edge that is all of one tone: a print shows the
// block's rim there, and nobody takes it for a border.
func (p plane) fray(d random) {
	// Each edge is walked from a corner, so many pixels along, seen inwards.
	edges := []struct{ start, along, inwards, n, depth int }{
		{0, 1, p.w, p.w, p.h}, {(p.h - 1) * p.w, 1, -p.w, p.w, p.h}, {0, p.w, 1, p.h, p.w}, {p.w - 1, p.w, -1, p.h, p.w},
	}
	for _, e := range edges {
		if e.depth < 2*rim || !p.even(e.start, e.along, e.inwards, e.n) {
			continue
		}
		for range 14 {
			at, width := d.IntN(e.n), 2+d.IntN(1+e.n/120)
			for k := range rim + d.IntN(rim) {
				for x := max(0, at-width*(2*rim-k)/(4*rim)); x < min(e.n, at+width*(2*rim-k)/(4*rim)+1); x++ {
					i := e.start + x*e.along + k*e.inwards
					p.pix[i] = 255 - p.pix[i]
				}
			}
		}
	}
}

// rim is how deep a notch is at least.
const rim = 8

// even tells whether the outer two lines of an edge hardly vary.
func (p plane) even(start, along, inwards, n int) bool {
	band := newPlane(n, 2)
	for i := range n {
		band.pix[i] = p.pix[start+i*along]
		band.pix[n+i] = p.pix[start+i*along+inwards]
	}
	return band.spread() < 12
}

// silver is a black-and-white photograph.
func silver(tone, _ plane, d random) plane {
	grain, ox, oy := speckle(), d.IntN(tile), d.IntN(tile)
	for y := range tone.h {
		row := tone.row(y)
		for x := range row {
			row[x] = octetOf(int(row[x]) + grain.at(x+ox, y+oy)/7)
		}
	}
	return tone
}
