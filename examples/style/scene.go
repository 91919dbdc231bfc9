package main

import "math"

// The palette: nine tubes, mixed on the canvas.
var (
	indigo  = colour{0.10, 0.13, 0.33}
	cobalt  = colour{0.16, 0.33, 0.60}
	teal    = colour{0.13, 0.50, 0.53}
	seafoam = colour{0.56, 0.78, 0.68}
	peach   = colour{0.98, 0.72, 0.50}
	coral   = colour{0.88, 0.38, 0.27}
	ochre   = colour{0.90, 0.66, 0.20}
	cream   = colour{0.99, 0.93, 0.76}
	plum    = colour{0.36, 0.16, 0.36}
	pine    = colour{0.06, 0.22, 0.22}
	ground  = colour{0.74, 0.36, 0.20} // shows between the strokes
)

// part is what a place of the picture belongs to: a stroke does not leave it.
type part int

const (
	sky part = iota
	disc
	farRidge
	nearRidge
	hill
	field
	tree
	wall
	roof
	door
)

// spot is what the painter sees at a place.
type spot struct {
	part  part
	shade colour
	angle float64 // of the brush
	fine  bool    // small brushes only
}

var (
	sun     = point{0.30, -0.42}
	vanish  = point{-0.12, 0.10} // where the furrows meet
	cypress = []struct {
		foot       point
		tall, wide float64
	}{
		{point{-0.66, 0.66}, 1.12, 0.125},
		{point{-0.47, 0.50}, 0.66, 0.085},
	}
)

// look composes the picture: hills at sundown, a house, two cypresses.
func look(p point) spot {
	for i, c := range cypress {
		if s, ok := flame(p, c.foot, c.tall, c.wide, i); ok {
			return s
		}
	}
	if s, ok := house(p); ok {
		return s
	}
	switch {
	case p.y > ridge(p.x, 0.30, 0.05, 1.7, 0.9):
		return furrows(p)
	case p.y > ridge(p.x, 0.14, 0.075, 2.3, 2.2):
		return slope(p, hill, mix(teal, ochre, 0.30+0.5*step(-0.6, 0.9, p.x)), 2.3, 2.2)
	case p.y > ridge(p.x, 0.02, 0.10, 3.1, 0.3):
		return slope(p, nearRidge, mix(cobalt, plum, 0.45), 3.1, 0.3)
	case p.y > ridge(p.x, -0.10, 0.09, 2.0, 4.0):
		return slope(p, farRidge, mix(cobalt, peach, 0.42), 2.0, 4.0)
	}
	return heaven(p)
}

func ridge(x, at, height, waves, phase float64) float64 {
	return at + height*(math.Sin(waves*x+phase)+0.35*math.Sin(2.7*waves*x+2*phase))
}

// slope strokes along the ridge, lighter towards the sun.
func slope(p point, of part, base colour, waves, phase float64) spot {
	along := math.Atan(0.16 * math.Cos(waves*p.x+phase) * waves)
	warm := math.Exp(-2.2 * math.Abs(p.x-sun.x))
	band := 0.5 + 0.5*math.Sin(26*p.y+5*noise(p.times(3), 11))
	c := mix(base.times(0.72), base, band)
	return spot{of, mix(c, coral, 0.34*warm*band), along + 0.25*noise(p.times(4), 12), false}
}

// heaven turns around the sun and drifts away from it.
func heaven(p point) spot {
	d := p.minus(sun)
	r := d.length()
	if r < 0.155 {
		return spot{disc, mix(cream, ochre, step(0.05, 0.155, r)), d.angle() + math.Pi/2, true}
	}
	high := step(0.10, -1, p.y)
	c := mix(peach, seafoam, step(0.15, 0.55, high))
	c = mix(c, teal, step(0.45, 0.75, high))
	c = mix(c, indigo, step(0.65, 1.05, high+0.12*noise(p.times(2.2), 21)))
	ring := 0.5 + 0.5*math.Sin(34*r-1.2)
	c = mix(c, cream, math.Exp(-7*(r-0.155))*(0.45+0.55*ring))
	c = mix(c, coral, 0.55*math.Exp(-5*math.Abs(r-0.30))*(1-ring))
	cloud := step(0.15, 0.75, noise(point{p.x*1.6 + 3, p.y * 5}, 22)) * step(0.45, 0.8, r)
	c = mix(c, mix(cream, coral, step(-0.7, 0.1, p.y)), 0.7*cloud)
	around := d.angle() + math.Pi/2
	drift := 0.9 * noise(p.times(1.5), 23)
	return spot{sky, c, turn(drift, around, math.Exp(-1.9*max(0, r-0.18))), r < 0.24}
}

// turn goes from one direction to another; a brush has no front and back.
func turn(from, to, t float64) float64 {
	d := math.Mod(to-from, math.Pi)
	if d > math.Pi/2 {
		d -= math.Pi
	}
	if d < -math.Pi/2 {
		d += math.Pi
	}
	return from + d*t
}

// furrows run to the vanishing point.
func furrows(p point) spot {
	d := p.minus(vanish)
	row := math.Sin(46*math.Atan2(d.x, d.y+0.02) + 0.8*noise(p.times(3), 31))
	near := step(0.25, 1, p.y)
	crest := mix(ochre, cream, 0.45*(1-near))
	if row < -0.25 {
		crest = mix(mix(teal, plum, 0.35), plum, near)
	} else if row < 0.3 {
		crest = mix(coral, seafoam, 0.3*(1-near))
	}
	shadow := step(0.16, 0.04, math.Abs(p.x+0.60+0.75*(p.y-0.66))) * step(0.62, 0.70, p.y)
	return spot{field, mix(crest, plum.times(0.8), 0.6*shadow), d.angle(), p.y < 0.45}
}

// flame is a cypress: strokes rise and lick outwards.
func flame(p, foot point, tall, wide float64, n int) (spot, bool) {
	up := (foot.y - p.y) / tall
	if up < -0.02 || up > 1 {
		return spot{}, false
	}
	lean := 0.035 * math.Sin(5*up+float64(n))
	half := wide * math.Pow(math.Sin(math.Pi*min(1, 0.12+0.88*math.Pow(max(0, up), 0.72))), 0.9) * (1 + 0.16*noise(point{p.y * 9, float64(n)}, 41))
	x := p.x - foot.x - lean
	if math.Abs(x) > half {
		return spot{}, false
	}
	side := x / max(half, 1e-6)
	lick := 0.5 + 0.5*math.Sin(22*up+3*side+4*noise(p.times(5), 42))
	c := mix(pine, teal, 0.55*lick*step(-0.6, 0.9, side))
	c = mix(c, ochre, 0.55*step(0.55, 1, side)*lick)
	return spot{tree, mix(c, indigo, 0.5*step(0.2, -0.9, side)), -math.Pi/2 + 0.55*side + 0.5*math.Sin(14*up), true}, true
}

// house stands where the furrows begin.
func house(p point) (spot, bool) {
	q := p.minus(point{0.46, 0.30})
	switch {
	case math.Abs(q.x) < 0.035 && q.y > 0.005 && q.y < 0.10:
		return spot{door, mix(indigo, cobalt, 0.4), math.Pi / 2, true}, true
	case math.Abs(math.Abs(q.x)-0.115) < 0.028 && math.Abs(q.y+0.005) < 0.030:
		return spot{door, mix(ochre, cream, 0.35), math.Pi / 2, true}, true
	case math.Abs(q.x) < 0.185 && q.y > -0.075 && q.y < 0.10:
		return spot{wall, mix(mix(cream, peach, 0.4), mix(cobalt, plum, 0.3), step(0.02, -0.19, q.x)*0.75), 0.12, true}, true
	case q.y <= -0.075 && q.y > -0.19 && math.Abs(q.x) < 0.235-0.9*(-0.075-q.y):
		return spot{roof, mix(coral, plum, 0.7*step(0.05, -0.2, q.x)), 0.95, true}, true
	case math.Abs(q.x-0.085) < 0.024 && q.y > -0.25 && q.y < -0.12:
		return spot{roof, mix(coral, plum, 0.45), math.Pi / 2, true}, true
	}
	return spot{}, false
}
