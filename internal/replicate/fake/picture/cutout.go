package picture

import (
	"image"
	"math"
)

// cutout is the reference's subject, freed from its background.
type cutout struct {
	*image.RGBA
	mask plane
	// box is where the subject is; neck the row below the head.
	box  image.Rectangle
	neck int
	// whole says that the subject ends above the picture's bottom, and so needs
	// no body drawn under it.
	whole bool
	// cloth is the colour of its lower edge, tone its mean lightness.
	cloth rgb
	tone  float64
}

// coarse is the longer side of the grid on which subject and background are told
// apart; the outline is then refined at full size.
const coarse = 144

// cut separates the subject: colours seen where a portrait's subject usually is,
// against those along the frame, smoothed along edges.
func cut(ref *image.RGBA) *cutout {
	small := shrink(ref, coarse)
	odds := segment(small)
	c := &cutout{RGBA: ref, mask: refine(ref, odds, small.Rect.Dx(), small.Rect.Dy())}
	c.describe()
	return c
}

// prior is how likely a place belongs to the subject before any colour is seen,
// in log odds: a head over shoulders, somewhat above the middle.
func prior(x, y float64) float64 {
	half := portraitHalf(y)
	side := 3 * (1 - math.Abs(x-.5)/half)
	above := 12 * (y - .08) // a crown may be anywhere below the top: colour decides
	return max(-4, min(2.5, side, above))
}

// portraitHalf is half the usual width of a portrait's subject at a height.
func portraitHalf(y float64) float64 {
	outline := [...]struct{ y, half float64 }{{0, .10}, {.12, .17}, {.3, .25}, {.6, .27}, {.75, .30}, {.9, .40}, {1, .45}}
	for i := 1; i < len(outline); i++ {
		a, b := outline[i-1], outline[i]
		if y <= b.y {
			return a.half + (b.half-a.half)*(y-a.y)/(b.y-a.y)
		}
	}
	return outline[len(outline)-1].half
}

// segment gives each pixel of the small copy log odds of being the subject.
func segment(img *image.RGBA) []float64 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	base := make([]float64, w*h)
	for i := range base {
		base[i] = prior((float64(i%w)+.5)/float64(w), (float64(i/w)+.5)/float64(h))
	}
	apart := reach(img)
	for i := range base {
		base[i] += apart[i]
	}
	odds := base
	for range 3 {
		seen := evidence(img, odds)
		next := make([]float64, len(base))
		for i := range next {
			next[i] = base[i] + seen[i]
		}
		odds = settle(img, next)
	}
	keepLargest(odds, w, h)
	return odds
}

// reach tells what hangs together with the frame from what hangs together with
// the middle: paths along which the colour changes little are short.
func reach(img *image.RGBA) []float64 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	frame, core := make([]float64, w*h), make([]float64, w*h)
	for i := range frame {
		x, y := (float64(i%w)+.5)/float64(w), (float64(i/w)+.5)/float64(h)
		frame[i], core[i] = math.Inf(1), math.Inf(1)
		if i < w || y < .7 && (i%w == 0 || i%w == w-1) {
			frame[i] = 0
		}
		if math.Abs(x-.5) < .05 && y > .23 {
			core[i] = 0
		}
	}
	walk(img, frame)
	walk(img, core)
	out := make([]float64, w*h)
	for i := range out {
		out[i] = 3 * (frame[i] - core[i]) / (frame[i] + core[i] + 1)
	}
	return out
}

// walk spreads distances over the picture, in sweeps to and fro.
func walk(img *image.RGBA, dist []float64) {
	w, n := img.Rect.Dx(), len(dist)
	step := func(i, j int) {
		a, b := img.Pix[4*i:], img.Pix[4*j:]
		d := abs(int(a[0])-int(b[0])) + abs(int(a[1])-int(b[1])) + abs(int(a[2])-int(b[2]))
		// Small changes are shading, and add up to little.
		dist[i] = min(dist[i], dist[j]+.1+float64(d*d)/200)
	}
	for range 3 {
		for i := range n {
			if i%w > 0 {
				step(i, i-1)
			}
			if i >= w {
				step(i, i-w)
			}
		}
		for i := n - 1; i >= 0; i-- {
			if i%w < w-1 {
				step(i, i+1)
			}
			if i < n-w {
				step(i, i+w)
			}
		}
	}
}

// levels is how finely colours are told apart, a part.
const levels = 16

func bin(p []uint8) int { return (int(p[0])>>4*levels+int(p[1])>>4)*levels + int(p[2])>>4 }

// evidence is what each pixel's colour says, as log odds.
func evidence(img *image.RGBA, odds []float64) []float64 {
	in, out := make([]float64, levels*levels*levels), make([]float64, levels*levels*levels)
	for i, o := range odds {
		p := 1 / (1 + math.Exp(-o))
		k := bin(img.Pix[4*i:])
		in[k] += p
		out[k] += 1 - p
	}
	in, out = diffuse(in), diffuse(out)
	seen := make([]float64, len(odds))
	for i := range seen {
		k := bin(img.Pix[4*i:])
		seen[i] = max(-3.5, min(3.5, .9*math.Log((in[k]+.3)/(out[k]+.3))))
	}
	return seen
}

// diffuse lets neighbouring colours speak for each other.
func diffuse(v []float64) []float64 {
	for _, step := range [...]int{1, levels, levels * levels} {
		out := make([]float64, len(v))
		for i := range v {
			out[i] = v[i]
			if at := i / step % levels; at > 0 {
				out[i] += v[i-step] / 2
				if at < levels-1 {
					out[i] += v[i+step] / 2
				}
			}
		}
		v = out
	}
	return v
}

// settle smooths the odds among neighbours of like colour.
func settle(img *image.RGBA, data []float64) []float64 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	right, down := kinship(img, 1), kinship(img, w)
	odds := append([]float64(nil), data...)
	for range 24 {
		for i := range odds {
			x, y := i%w, i/w
			sum, weight := data[i], 1.0
			if x > 0 {
				sum, weight = sum+right[i-1]*odds[i-1], weight+right[i-1]
			}
			if x < w-1 {
				sum, weight = sum+right[i]*odds[i+1], weight+right[i]
			}
			if y > 0 {
				sum, weight = sum+down[i-w]*odds[i-w], weight+down[i-w]
			}
			if y < h-1 {
				sum, weight = sum+down[i]*odds[i+w], weight+down[i]
			}
			odds[i] = sum / weight
		}
	}
	return odds
}

// kinship is how alike each pixel and the one a step further are.
func kinship(img *image.RGBA, step int) []float64 {
	n := img.Rect.Dx() * img.Rect.Dy()
	out := make([]float64, n)
	for i := range n - step {
		a, b := img.Pix[4*i:], img.Pix[4*(i+step):]
		d := 0
		for k := range 3 {
			d += abs(int(a[k]) - int(b[k]))
		}
		out[i] = 6 * math.Exp(-float64(d)/30)
	}
	return out
}

// keepLargest leaves one connected subject without holes.
func keepLargest(odds []float64, w, h int) {
	inside := func(i int) bool { return odds[i] > 0 }
	label, sizes := regions(w, h, inside)
	best := -1
	for l, s := range sizes {
		if s.in && (best < 0 || s.n > sizes[best].n) {
			best = l
		}
	}
	for i := range odds {
		switch s := sizes[label[i]]; {
		case s.in && label[i] != best:
			odds[i] = -3
		case !s.in && !s.edge:
			odds[i] = 2
		}
	}
}

type region struct {
	n        int
	in, edge bool
}

// regions labels the connected areas in which inside is the same.
func regions(w, h int, inside func(int) bool) (label []int, sizes []region) {
	label = make([]int, w*h)
	for i := range label {
		label[i] = -1
	}
	var queue []int
	for start := range label {
		if label[start] >= 0 {
			continue
		}
		r, id := region{in: inside(start)}, len(sizes)
		label[start] = id
		queue = append(queue[:0], start)
		for len(queue) > 0 {
			i := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			x, y := i%w, i/w
			r.n++
			r.edge = r.edge || x == 0 || y == 0 || x == w-1 || y == h-1
			for _, j := range [...]struct {
				ok bool
				at int
			}{{x > 0, i - 1}, {x < w-1, i + 1}, {y > 0, i - w}, {y < h-1, i + w}} {
				if j.ok && label[j.at] < 0 && inside(j.at) == r.in {
					label[j.at] = id
					queue = append(queue, j.at)
				}
			}
		}
		sizes = append(sizes, r)
	}
	return label, sizes
}

// refine draws the mask at full size. The coarse outline is smooth already, and
// a soft step across it follows what it means to within a pixel or two.
func refine(ref *image.RGBA, odds []float64, sw, sh int) plane {
	rough := newPlane(sw, sh)
	for i, o := range odds {
		rough.pix[i] = octet(128 + 75*o)
	}
	w, h := ref.Rect.Dx(), ref.Rect.Dy()
	mask := enlargePlane(rough, w, h).blur(max(1, w/coarse/2))
	for i, v := range mask.pix {
		mask.pix[i] = octetOf((int(v)-104)*255/48 - 20)
	}
	return mask
}

// enlargePlane interpolates a plane to a larger size.
func enlargePlane(p plane, w, h int) plane {
	out := newPlane(w, h)
	for y := range h {
		v := max(0, (float64(y)+.5)*float64(p.h)/float64(h)-.5)
		y0 := int(v)
		up, down, fy := p.row(y0), p.row(min(p.h-1, y0+1)), int((v-float64(y0))*256)
		dst := out.row(y)
		for x := range dst {
			u := max(0, (float64(x)+.5)*float64(p.w)/float64(w)-.5)
			x0 := int(u)
			x1, fx := min(p.w-1, x0+1), int((u-float64(x0))*256)
			a := int(up[x0])*(256-fx) + int(up[x1])*fx
			b := int(down[x0])*(256-fx) + int(down[x1])*fx
			dst[x] = uint8((a*(256-fy) + b*fy) >> 16) //nolint:gosec // between four bytes
		}
	}
	return out
}

// describe measures the subject within its mask.
func (c *cutout) describe() {
	w, h := c.mask.w, c.mask.h
	widths := make([]int, h)
	box := image.Rectangle{Min: image.Pt(w, h)}
	var light, n float64
	for y := range h {
		for x, m := range c.mask.row(y) {
			if m < 128 {
				continue
			}
			widths[y]++
			box.Min = image.Pt(min(box.Min.X, x), min(box.Min.Y, y))
			box.Max = image.Pt(max(box.Max.X, x+1), y+1)
			p := c.Pix[y*c.Stride+4*x:]
			light += float64(luma8(p[0], p[1], p[2]))
			n++
		}
	}
	if n < 64 { // nothing stood out: the whole picture is the subject
		for i := range c.mask.pix {
			c.mask.pix[i] = 255
		}
		c.box, c.neck, c.whole, c.tone = image.Rect(0, 0, w, h), h/2, true, 128
		c.cloth = grey(100)
		return
	}
	c.box, c.tone = box, light/n
	c.whole = widths[max(0, h-1-h/100)] < w/20
	c.neck = narrowest(widths, box)
	c.cloth = c.clothes()
}

// narrowest is the row where the subject is slimmest between crown and shoulders.
func narrowest(widths []int, box image.Rectangle) int {
	best := box.Min.Y + box.Dy()/2
	for y := box.Min.Y + box.Dy()*3/10; y < box.Min.Y+box.Dy()*7/10; y++ {
		if widths[y] < widths[best] {
			best = y
		}
	}
	return best
}

// clothes is the colour of the middle of the subject's lower part.
func (c *cutout) clothes() rgb {
	var seen []rgb
	side := c.box.Dx() / 5
	for y := c.box.Max.Y - max(1, c.box.Dy()/9); y < c.box.Max.Y; y += 2 {
		for x := c.box.Min.X + side; x < c.box.Max.X-side; x += 2 {
			if c.mask.row(y)[x] > 200 {
				p := c.Pix[y*c.Stride+4*x:]
				seen = append(seen, rgb{float64(p[0]), float64(p[1]), float64(p[2])})
			}
		}
	}
	return blendOf(seen, all).colour
}
