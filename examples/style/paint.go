package main

import (
	"image"
	"image/color"
	"math"
)

const side = 768

// canvas is the painting: the colour of each pixel and how thick the paint is.
type canvas struct {
	shade  []colour
	height []float64
	last   []int // the stroke that touched it last
	stroke int
}

// brush is one of the sizes that are taken up in turn, the widest first.
type brush struct {
	width, length float64 // px
	spacing       float64 // px between strokes
	cover         float64 // how much of what is below it hides
	wild          float64 // how far its colours stray
	fine          bool    // only where the picture is small
}

var brushes = []brush{
	{width: 34, length: 150, spacing: 21, cover: 0.92, wild: 0.20},
	{width: 17, length: 92, spacing: 12, cover: 0.94, wild: 0.26},
	{width: 9, length: 46, spacing: 7.5, cover: 0.95, wild: 0.17, fine: true},
	{width: 5, length: 26, spacing: 4.2, cover: 0.97, wild: 0.10, fine: true},
}

func paint() *image.NRGBA {
	c := prime()
	for n, b := range brushes {
		c.layer(n, b)
	}
	return c.light()
}

// prime covers the canvas with the warm ground.
func prime() *canvas {
	c := &canvas{shade: make([]colour, side*side), height: make([]float64, side*side), last: make([]int, side*side)}
	for i := range c.shade {
		c.shade[i] = ground.times(0.9 + 0.12*noise(place(float64(i%side), float64(i/side)).times(9), 1))
	}
	return c
}

func place(x, y float64) point { return point{2*(x+0.5)/side - 1, 2*(y+0.5)/side - 1} }

// layer sets the strokes of one brush, row by row, each a little off its place.
func (c *canvas) layer(n int, b brush) {
	count := int(side/b.spacing) + 1
	for j := range count {
		for i := range count {
			// Rows in another order than from the top, so that no row overlaps the last.
			k := (j*5 + i*3) % count
			x := (float64(i) + dice(i, k, 100+n)) * b.spacing
			y := (float64(k) + dice(k, i, 200+n)) * b.spacing
			at := look(place(x, y))
			if b.fine && !at.fine && !edge(x, y, b.width*1.3) {
				continue
			}
			if !b.fine && at.fine && at.part != field && at.part != sky {
				continue
			}
			c.draw(n, b, x, y, at, i*1009+k)
		}
	}
}

// edge tells whether something else begins near a place.
func edge(x, y, reach float64) bool {
	here := look(place(x, y))
	for _, d := range []point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
		if there := look(place(x+d.x*reach, y+d.y*reach)); there.part != here.part && there.shade.distance(here.shade) > 0.25 {
			return true
		}
	}
	return false
}

// draw pulls one stroke along the angles of the picture, half of it each way
// from its middle, as far as the part that it belongs to.
func (c *canvas) draw(n int, b brush, x, y float64, at spot, number int) {
	length := b.length * between(0.65, 1.25, dice(number, n, 3))
	stride := max(4, b.width/3) // the broad ones do not turn as fast
	path := append(reversed(trace(x, y, at, -1, length/2, stride)), trace(x, y, at, 1, length/2, stride)[1:]...)
	if len(path) < 3 {
		return
	}
	c.stroke++
	load := pull{brush: b, shade: stray(at.shade, b.wild, number, n), number: number, total: float64(len(path) - 1)}
	for i := range len(path) - 1 {
		c.segment(load, path[i], path[i+1], float64(i), i == 0, i == len(path)-2)
	}
}

// trace follows the angles of the picture from a place, in strides of px.
func trace(x, y float64, from spot, sign, length, stride float64) []point {
	path := []point{{x, y}}
	at, going := from, heading(from.angle).times(sign)
	for gone := 0.0; gone < length; gone += stride {
		next := heading(at.angle)
		if next.dot(going) < 0 {
			next = next.times(-1)
		}
		going = next
		x, y = x+going.x*stride, y+going.y*stride
		at = look(place(x, y))
		if at.part != from.part {
			break
		}
		path = append(path, point{x, y})
	}
	return path
}

func reversed(path []point) []point {
	back := make([]point, len(path))
	for i, p := range path {
		back[len(path)-1-i] = p
	}
	return back
}

// stray mixes a little of another tube into a colour, as a brush that was not
// quite clean does.
func stray(c colour, wild float64, number, n int) colour {
	others := [...]colour{cream, coral, cobalt, ochre, seafoam, plum}
	other := others[int(dice(number, n, 5)*float64(len(others)))%len(others)]
	c = mix(c, other, wild*dice(number, n, 6))
	return c.times(between(0.88, 1.12, dice(number, n, 7)))
}

// pull is a loaded brush on its way.
type pull struct {
	brush

	shade  colour
	number int
	total  float64 // segments
}

// segment lays the paint of one short way down.
func (c *canvas) segment(l pull, a, b point, index float64, first, last bool) {
	way := b.minus(a)
	long := way.length()
	along := way.times(1 / long)
	r := l.width/2 + 1
	for y := int(max(0, min(a.y, b.y)-r)); y <= int(min(side-1, max(a.y, b.y)+r)); y++ {
		for x := int(max(0, min(a.x, b.x)-r)); x <= int(min(side-1, max(a.x, b.x)+r)); x++ {
			d := point{float64(x), float64(y)}.minus(a)
			t := d.dot(along) / long
			if (t < 0 && !first) || (t > 1 && !last) || c.last[y*side+x] == c.stroke {
				continue
			}
			if across := d.dot(point{-along.y, along.x}); math.Abs(across) < r {
				c.touch(l, y*side+x, across, (index+t)/l.total)
			}
		}
	}
}

// touch is what the bristles leave at a pixel: across px from the stroke's
// middle, at a part of its way from 0 to 1.
func (c *canvas) touch(l pull, i int, across, way float64) {
	if way < -0.03 || way > 1.03 {
		return
	}
	end := 2*math.Abs(way-0.5) - 0.05
	end *= end
	end *= end
	rim := math.Abs(across) / (l.width / 2 * math.Sqrt(max(0, 1-end*end)))
	if rim > 1.18 {
		return
	}
	bristle := noise(point{across * 0.9, way * 2.5}, 1000+l.number)
	if rim > 1+0.18*bristle {
		return
	}
	dry := step(0.55, 1.05, way) * step(-0.2, 0.7, noise(point{across * 1.3, way * 4}, 2000+l.number))
	cover := l.cover * (1 - 0.85*dry) * step(1.15, 0.75, rim)
	c.shade[i] = mix(c.shade[i], l.shade.times(1+0.10*bristle), cover)
	thick := (0.55 + 0.45*bristle) * (0.55 + 0.6*step(0.5, 0.95, rim)) * step(1.2, 0.95, rim) * math.Sqrt(l.width)
	c.height[i] = between(c.height[i], thick, cover)
	c.last[i] = c.stroke
}

// light looks at the paint with a lamp at the upper left: ridges shine, grooves
// are dark.
func (c *canvas) light() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			i := y*side + x
			relief := c.height[i] - c.height[max(y-1, 0)*side+max(x-1, 0)]
			shine := clamp(0.5+0.11*relief) - 0.5
			s := c.shade[i]
			if shine > 0 {
				s = mix(s, cream, 0.55*shine)
			} else {
				s = mix(s, indigo, -0.75*shine)
			}
			img.SetNRGBA(x, y, color.NRGBA{level(s.r), level(s.g), level(s.b), 255})
		}
	}
	return img
}

func level(v float64) uint8 { return uint8(math.Round(255 * clamp(v))) }
