package picture

import (
	"image"
	"math"
	"slices"

	"github.com/actormaker/trainset/internal/race"
)

// point is a place on a canvas, in pixels.
type point struct{ x, y float64 }

// canvas is a picture being painted, back to front.
type canvas struct {
	*image.RGBA
	w, h int
	// cover is the running difference of one row's coverage in 1/256 pixels.
	cover []int32
	xs    []float64
	// lean tilts every shape, as a camera held askew does.
	lean float64
	bent []point
}

func newCanvas(w, h int) *canvas {
	return &canvas{RGBA: image.NewRGBA(image.Rect(0, 0, w, h)), w: w, h: h, cover: make([]int32, w+2)}
}

// wash is what a shape is filled with: one colour at its top, another at its
// bottom, and how much of it covers what was there.
type wash struct {
	top, bottom rgb
	alpha       float64
}

func flat(c rgb) wash { return wash{c, c, 1} }

func fade(top, bottom rgb) wash { return wash{top, bottom, 1} }

// thin is w, covering less.
func (w wash) thin(alpha float64) wash {
	w.alpha *= alpha
	return w
}

// sub is the number of scan lines a pixel's height is sampled with; along them
// coverage is exact.
const sub = 4

// fill paints the inside of a polygon, with smooth edges.
func (c *canvas) fill(p wash, shape ...point) {
	shape = c.tilt(shape)
	top, bottom := span(shape)
	y0, y1 := max(0, int(math.Floor(top))), min(c.h, int(math.Ceil(bottom)))
	for y := y0; y < y1; y++ {
		lo, hi := c.scan(shape, float64(y))
		if lo < hi {
			t := unit((float64(y) - top) / max(1, bottom-top))
			c.blend(y, lo, hi, p.top.mix(p.bottom, t), p.alpha)
		}
	}
}

// tilt shears a shape by the canvas's lean. What reaches beyond an edge is moved
// further out, so that no corner stays bare.
func (c *canvas) tilt(shape []point) []point {
	if c.lean == 0 {
		return shape
	}
	c.bent = c.bent[:0]
	w, h := float64(c.w), float64(c.h)
	for _, p := range shape {
		switch {
		case p.y >= h:
			p.y += w * math.Abs(c.lean)
		case p.y <= 0:
			p.y -= w * math.Abs(c.lean)
		}
		c.bent = append(c.bent, point{p.x, p.y + c.lean*(p.x-w/2)})
	}
	return c.bent
}

func span(shape []point) (top, bottom float64) {
	top, bottom = math.Inf(1), math.Inf(-1)
	for _, p := range shape {
		top, bottom = min(top, p.y), max(bottom, p.y)
	}
	return top, bottom
}

// scan notes the coverage of one row and returns the columns it touches.
func (c *canvas) scan(shape []point, y float64) (lo, hi int) {
	lo, hi = c.w, 0
	for s := range sub {
		c.xs = crossings(c.xs[:0], shape, y+(float64(s)+.5)/sub)
		slices.Sort(c.xs)
		for i := 0; i+1 < len(c.xs); i += 2 {
			a, b := c.edge(c.xs[i]), c.edge(c.xs[i+1])
			if a < b {
				c.note(a, b)
				lo, hi = min(lo, a>>8), max(hi, min(c.w, b>>8+1))
			}
		}
	}
	return lo, hi
}

// edge is x in 1/256 pixels, within the canvas.
func (c *canvas) edge(x float64) int { return int(min(float64(c.w), max(0, x)) * 256) }

// note adds the stretch from a to b: the running sum of cover over a row is then
// the part of each pixel that lies within.
func (c *canvas) note(a, b int) {
	c.step(a, 1)
	c.step(b, -1)
}

func (c *canvas) step(at int, sign int32) {
	part := int32(at & 255)
	c.cover[at>>8] += sign * (256 - part)
	c.cover[at>>8+1] += sign * part
}

func crossings(xs []float64, shape []point, y float64) []float64 {
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		if (a.y <= y) != (b.y <= y) {
			xs = append(xs, a.x+(y-a.y)/(b.y-a.y)*(b.x-a.x))
		}
	}
	return xs
}

// blend paints one row by the coverage noted, and clears it.
//
//go:norace
func (c *canvas) blend(y, lo, hi int, col rgb, alpha float64) {
	race.Writes(c.cover[lo : hi+2])
	race.Writes(c.Pix[y*c.Stride+4*lo : y*c.Stride+4*hi])
	r, g, b := int32(col.r), int32(col.g), int32(col.b)
	scale := int32(alpha * 65536 / (256 * sub))
	row := c.Pix[y*c.Stride:]
	sum := int32(0)
	for x := lo; x < hi; x++ {
		sum += c.cover[x]
		c.cover[x] = 0
		a := sum * scale
		p := row[4*x : 4*x+4 : 4*x+4]
		p[0] = uint8(int32(p[0]) + ((r-int32(p[0]))*(a>>8))>>8) //nolint:gosec // between two bytes
		p[1] = uint8(int32(p[1]) + ((g-int32(p[1]))*(a>>8))>>8) //nolint:gosec // between two bytes
		p[2] = uint8(int32(p[2]) + ((b-int32(p[2]))*(a>>8))>>8) //nolint:gosec // between two bytes
		p[3] = 255
	}
	c.cover[hi], c.cover[min(hi+1, c.w+1)] = 0, 0
}

// ground paints the whole canvas.
func (c *canvas) ground(p wash) {
	for y := range c.h {
		px := p.top.mix(p.bottom, float64(y)/float64(c.h)).pixel()
		row := c.Pix[y*c.Stride : y*c.Stride+4*c.w]
		for x := 0; x < len(row); x += 4 {
			row[x], row[x+1], row[x+2], row[x+3] = px.R, px.G, px.B, 255
		}
	}
}

func (c *canvas) box(p wash, x0, y0, x1, y1 float64) {
	c.fill(p, point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1})
}

func (c *canvas) oval(p wash, x, y, rx, ry float64) { c.fill(p, oval(x, y, rx, ry, 0)...) }

// oval is an ellipse turned by the angle.
func oval(x, y, rx, ry, angle float64) []point {
	n := 14 + int(math.Sqrt(max(rx, ry)))
	sin, cos := math.Sincos(angle)
	out := make([]point, n)
	for i := range out {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		out[i] = point{x + c*rx*cos - s*ry*sin, y + c*rx*sin + s*ry*cos}
	}
	return out
}

// line is a straight stroke whose ends may differ in width.
func (c *canvas) line(p wash, a, b point, wa, wb float64) {
	dx, dy := b.x-a.x, b.y-a.y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return
	}
	dx, dy = dx/n/2, dy/n/2
	c.fill(p, point{a.x - dy*wa, a.y + dx*wa}, point{a.x + dy*wa, a.y - dx*wa},
		point{b.x + dy*wb, b.y - dx*wb}, point{b.x - dy*wb, b.y + dx*wb})
}

// path strokes a bent line.
func (c *canvas) path(p wash, width float64, points ...point) {
	for i := 1; i < len(points); i++ {
		c.line(p, points[i-1], points[i], width, width)
	}
}

// glow adds light that falls off to nothing at the radius; below 0 it takes light.
func (c *canvas) glow(col rgb, x, y, radius, strength float64) {
	y += c.lean * (x - float64(c.w)/2)
	x0, x1 := max(0, int(x-radius)), min(c.w, int(x+radius)+1)
	y0, y1 := max(0, int(y-radius)), min(c.h, int(y+radius)+1)
	for py := y0; py < y1; py++ {
		dy := (float64(py) - y) / radius
		row := c.Pix[py*c.Stride:]
		for px := x0; px < x1; px++ {
			dx := (float64(px) - x) / radius
			d := 1 - dx*dx - dy*dy
			if d <= 0 {
				continue
			}
			k := int(d * d * strength * 256)
			p := row[4*px : 4*px+3 : 4*px+3]
			p[0] = octetOf(int(p[0]) + k*int(col.r)>>8)
			p[1] = octetOf(int(p[1]) + k*int(col.g)>>8)
			p[2] = octetOf(int(p[2]) + k*int(col.b)>>8)
		}
	}
}
