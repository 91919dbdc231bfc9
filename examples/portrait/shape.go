package main

import "math"

// point is a place on the canvas: x to the right from -0.8 to 0.8, y down from
// -1 to 1.
type point struct{ x, y float64 }

func (p point) minus(q point) point { return point{p.x - q.x, p.y - q.y} }

func (p point) length() float64 { return math.Hypot(p.x, p.y) }

// colour is linear red, green and blue, 0 to 1.
type colour struct{ r, g, b float64 }

func mix(a, b colour, t float64) colour {
	t = clamp(t)
	return colour{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func (c colour) times(k float64) colour { return colour{c.r * k, c.g * k, c.b * k} }

func clamp(t float64) float64 { return min(1, max(0, t)) }

// step rises smoothly from 0 at a to 1 at b.
func step(a, b, x float64) float64 {
	t := clamp((x - a) / (b - a))
	return t * t * (3 - 2*t)
}

// A shape is a signed distance: below 0 inside, above 0 outside.
type shape func(point) float64

// ellipse is roughly a distance near its edge, which is all that is looked at.
func ellipse(c point, rx, ry float64) shape {
	return func(p point) float64 {
		d := p.minus(c)
		k := math.Hypot(d.x/rx, d.y/ry)
		return (k - 1) * min(rx, ry)
	}
}

// egg is an ellipse whose lower half narrows to a chin.
func egg(c point, rx, ry, taper float64) shape {
	return func(p point) float64 {
		d := p.minus(c)
		narrow := 1 - taper*step(0, ry, d.y)
		k := math.Hypot(d.x/(rx*narrow), d.y/ry)
		return (k - 1) * rx
	}
}

// line is a stroke from a to b, bent by bow, that thins at both ends.
func line(a, b point, bow, width float64) shape {
	return func(p point) float64 {
		ab, ap := b.minus(a), p.minus(a)
		t := clamp((ap.x*ab.x + ap.y*ab.y) / (ab.x*ab.x + ab.y*ab.y))
		arch := 4 * t * (1 - t)
		on := point{a.x + ab.x*t, a.y + ab.y*t - bow*arch}
		return p.minus(on).length() - width*(0.25+0.75*math.Sqrt(arch))
	}
}

func union(shapes ...shape) shape {
	return func(p point) float64 {
		d := math.Inf(1)
		for _, s := range shapes {
			d = min(d, s(p))
		}
		return d
	}
}

func within(a, b shape) shape {
	return func(p point) float64 { return max(a(p), b(p)) }
}

// mirrored is a shape of the right half and its image in the left.
func mirrored(s shape, axis float64) shape {
	return func(p point) float64 {
		return s(point{axis + math.Abs(p.x-axis), p.y})
	}
}

// hash gives 0 to 1 for a pixel, the same each time.
func hash(x, y int) float64 {
	h := uint32(x)*374761393 + uint32(y)*668265263 //nolint:gosec // wrapping is wanted
	h = (h ^ h>>13) * 1274126177
	return float64(h^h>>16) / math.MaxUint32
}
