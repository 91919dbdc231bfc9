package picture

import (
	"math"

	"github.com/actormaker/trainset/internal/race"
)

// paints are the hands of colour.
var paints = map[hand]func(c *canvas, mask plane, d random) *canvas{
	photograph: filmed, comic: cel, vector: cutColour, watercolour: washed, gouache: brushed,
	penInk: cel, graphite: washed, charcoal: brushed, woodcut: cutColour, manga: cel,
}

// filmed is a photograph: grain and a lens that darkens towards the corners.
func filmed(c *canvas, _ plane, d random) *canvas {
	grain, fine, ox, oy := speckle(), mottle(1), d.IntN(tile), d.IntN(tile)
	cx, cy := float64(c.w)/2, float64(c.h)/2
	for y := range c.h {
		row := c.Pix[y*c.Stride:]
		dy := (float64(y) - cy) / cy
		for x := range c.w {
			dx := (float64(x) - cx) / cx
			g := 262 - int(46*(dx*dx+dy*dy)*(dx*dx+dy*dy)/2)
			n := grain.at(x+ox, y+oy)/7 + fine.at(x+oy, y+ox)/20
			p := row[4*x : 4*x+3 : 4*x+3]
			p[0], p[1], p[2] = octetOf(int(p[0])*g>>8+n), octetOf(int(p[1])*g>>8+n), octetOf(int(p[2])*g>>8+n)
		}
	}
	return c
}

// reduce sets each pixel's lightness to the nearest of a few levels and keeps
// its hue, a little stronger.
//
//go:norace
func (c *canvas) reduce(tone plane, levels, chroma int) {
	race.Reads(tone.pix)
	race.Writes(c.Pix)
	for i, t := range tone.pix {
		p := c.Pix[4*i : 4*i+3 : 4*i+3]
		v := int(luma8(p[0], p[1], p[2]))
		level := ((int(t)*levels)/256*2 + 1) * 255 / (2 * levels)
		for k := range p {
			p[k] = octetOf(level + (int(p[k])-v)*chroma>>8)
		}
	}
}

// cel is a comic: a few flat tones, ink, and dots in the shadows.
func cel(c *canvas, mask plane, _ random) *canvas {
	tone := tones(c.RGBA)
	edge := tone.blur(1).contours()
	c.reduce(tone.blur(2).stretch(), 5, 330)
	for y := range c.h {
		row, lines := c.Pix[y*c.Stride:], edge.row(y)
		soft := tone.row(y)
		for x := range c.w {
			ink := max(0, (int(lines[x])-30)*8)
			if soft[x] < 96 {
				u, w := (x+y)%8*8-28, (x-y+8000)%8*8-28
				ink = max(ink, min(70, max(0, (420-u*u-w*w)/4)))
			}
			p := row[4*x : 4*x+3 : 4*x+3]
			p[0], p[1], p[2] = octetOf(int(p[0])-ink), octetOf(int(p[1])-ink), octetOf(int(p[2])-ink*7/8)
		}
	}
	return c.contour(mask)
}

// contour draws the figure's outline in ink, with a light seam around it.
func (c *canvas) contour(mask plane) *canvas {
	soft := mask.blur(3)
	for i, s := range soft.pix {
		p := c.Pix[4*i : 4*i+3 : 4*i+3]
		switch {
		case s > 24 && s < 112:
			a := 255 - min(255, max(0, (abs(int(s)-68)-26)*12))
			for k := range p {
				p[k] = octetOf(int(p[k]) + (250-int(p[k]))*a/255)
			}
		case s >= 112 && s < 225:
			a := 255 - min(255, max(0, (abs(int(s)-168)-38)*14))
			for k := range p {
				p[k] = octetOf(int(p[k]) + (16-int(p[k]))*a/255)
			}
		}
	}
	return c
}

// cutColour is flat shapes in a few colours, without outlines.
func cutColour(c *canvas, _ plane, _ random) *canvas {
	soft := c.soften()
	soft.reduce(tones(soft.RGBA).blur(1).stretch(), 7, 320)
	return soft
}

// soften evens out small detail: down to half the size and up again.
func (c *canvas) soften() *canvas {
	out := newCanvas(c.w, c.h)
	out.RGBA = resize(halve(c.RGBA), c.w, c.h)
	return out
}

// washed is watercolour: edges that wander, pigment that gathers at them, paper.
func washed(c *canvas, _ plane, d random) *canvas {
	src := c.soften()
	edge := tones(src.RGBA).blur(2).contours()
	wave, patch, tooth := mottle(12), mottle(4), mottle(1)
	ox, oy := d.IntN(tile), d.IntN(tile)
	for y := range c.h {
		row := c.Pix[y*c.Stride:]
		for x := range c.w {
			bloom := wave.at(x/2+oy, y/2+ox)
			u := min(c.w-1, max(0, x+patch.at(x+ox, y+oy)/26+wave.at(x+ox, y+oy)/24))
			v := min(c.h-1, max(0, y+patch.at(y+oy, x+ox)/26+wave.at(y+oy, x+ox)/24))
			q := src.Pix[v*src.Stride+4*u:]
			pigment := 236 + bloom/2 + int(edge.pix[v*c.w+u])*2 + tooth.at(x+ox, y+oy)/2
			p := row[4*x : 4*x+3 : 4*x+3]
			for k := range p {
				p[k] = octetOf(253 - (253-int(q[k]))*pigment>>8)
			}
		}
	}
	return c
}

// brushed is gouache: opaque strokes, broad ones first, smaller ones on the
// figure, each of one colour taken from below its middle.
func brushed(c *canvas, mask plane, d random) *canvas {
	out := c.soften()
	u := float64(c.h) / 752
	area := c.w * c.h
	strokes(out, c, d, area/330, 26*u, 9*u, nil)
	strokes(out, c, d, area/150, 12*u, 5*u, nil)
	for i, m := range mask.pix { // features are finer than any stroke
		if m > 96 {
			copy(out.Pix[4*i:4*i+3], c.Pix[4*i:4*i+3])
		}
	}
	strokes(out, c, d, area/45, 7*u, 2.4*u, func(x, y int) bool { return mask.pix[y*c.w+x] > 96 })
	return out.matte(d)
}

// strokes lays n strokes along the contours.
func strokes(out, c *canvas, d random, n int, length, width float64, where func(x, y int) bool) {
	for range n {
		x, y := d.IntN(c.w), d.IntN(c.h)
		if where != nil && !where(x, y) {
			continue
		}
		p := c.Pix[y*c.Stride+4*x:]
		shade := d.in(.9, 1.12)
		col := rgb{float64(p[0]), float64(p[1]), float64(p[2])}.times(shade)
		sin, cos := math.Sincos(c.along(x, y) + d.in(-.3, .3))
		l := length * d.in(.6, 1.2) / 2
		a := point{float64(x) - l*cos, float64(y) - l*sin}
		b := point{float64(x) + l*cos, float64(y) + l*sin}
		out.line(flat(col), a, b, width, width*d.in(.6, 1))
	}
}

// along is the direction in which the tone changes least.
func (c *canvas) along(x, y int) float64 {
	x, y = min(c.w-3, max(2, x)), min(c.h-3, max(2, y))
	at := func(dx, dy int) float64 {
		p := c.Pix[(y+dy)*c.Stride+4*(x+dx):]
		return float64(luma8(p[0], p[1], p[2]))
	}
	gx, gy := at(2, 0)-at(-2, 0), at(0, 2)-at(0, -2)
	if math.Abs(gx)+math.Abs(gy) < 6 {
		return float64(x%97)/97*.8 - .4 // flat areas are brushed across
	}
	return math.Atan2(gy, gx) + math.Pi/2
}

// matte gives the paint its dry surface.
func (c *canvas) matte(d random) *canvas {
	tooth, ox, oy := mottle(1), d.IntN(tile), d.IntN(tile)
	for y := range c.h {
		row := c.Pix[y*c.Stride:]
		for x := range c.w {
			n := tooth.at(x+ox, y+oy) / 12
			p := row[4*x : 4*x+3 : 4*x+3]
			p[0], p[1], p[2] = octetOf(int(p[0])+n), octetOf(int(p[1])+n), octetOf(int(p[2])+n)
		}
	}
	return c
}
