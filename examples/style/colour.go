package main

import "math"

// point is a place on the canvas: x to the right, y down, both from -1 to 1.
type point struct{ x, y float64 }

func (p point) minus(q point) point     { return point{p.x - q.x, p.y - q.y} }
func (p point) times(k float64) point   { return point{p.x * k, p.y * k} }
func (p point) dot(q point) float64     { return p.x*q.x + p.y*q.y }
func (p point) length() float64         { return math.Hypot(p.x, p.y) }
func heading(angle float64) point       { return point{math.Cos(angle), math.Sin(angle)} }
func (p point) angle() float64          { return math.Atan2(p.y, p.x) }
func between(lo, hi, t float64) float64 { return lo + (hi-lo)*t }

// colour is red, green and blue as they are seen, 0 to 1.
type colour struct{ r, g, b float64 }

func mix(a, b colour, t float64) colour {
	t = clamp(t)
	return colour{between(a.r, b.r, t), between(a.g, b.g, t), between(a.b, b.b, t)}
}

func (c colour) times(k float64) colour { return colour{c.r * k, c.g * k, c.b * k} }

func (c colour) distance(d colour) float64 {
	return math.Abs(c.r-d.r) + math.Abs(c.g-d.g) + math.Abs(c.b-d.b)
}

func clamp(t float64) float64 { return min(1, max(0, t)) }

// step rises smoothly from 0 at a to 1 at b.
func step(a, b, x float64) float64 {
	t := clamp((x - a) / (b - a))
	return t * t * (3 - 2*t)
}

// dice gives 0 to 1 for a place and a purpose, the same each time.
func dice(x, y, purpose int) float64 {
	h := uint32(x)*374761393 + uint32(y)*668265263 + uint32(purpose)*2246822519 //nolint:gosec // wrapping is wanted
	h = (h ^ h>>13) * 1274126177
	h = (h ^ h>>16) * 2654435769
	return float64(h^h>>15) / math.MaxUint32
}

// noise varies smoothly from -1 to 1 over distances of about one.
func noise(p point, purpose int) float64 {
	fx, fy := math.Floor(p.x), math.Floor(p.y)
	x, y := int(fx), int(fy)
	u, v := step(0, 1, p.x-fx), step(0, 1, p.y-fy)
	top := between(dice(x, y, purpose), dice(x+1, y, purpose), u)
	bottom := between(dice(x, y+1, purpose), dice(x+1, y+1, purpose), u)
	return 2*between(top, bottom, v) - 1
}
