package main

import "math"

var (
	skin   = colour{0.66, 0.38, 0.25}
	lips   = colour{0.48, 0.15, 0.13}
	hair   = colour{0.055, 0.032, 0.024}
	coat   = colour{0.045, 0.11, 0.13}
	scarf  = colour{0.62, 0.26, 0.05}
	white  = colour{0.72, 0.70, 0.68}
	iris   = colour{0.10, 0.20, 0.14}
	shadow = colour{0.16, 0.06, 0.04}
	shine  = colour{0.98, 0.92, 0.84}
)

const axis = 0.02 // the face is a little off the middle

// person lists the layers of the sitter, back to front.
func person() []layer {
	var all []layer
	for _, part := range [][]layer{body(), head(), eyes(), noseAndMouth(), fringe()} {
		all = append(all, part...)
	}
	return all
}

func solid(s shape, fill func(point) colour) layer { return layer{shape: s, fill: fill, alpha: 1} }

func soft(s shape, c colour, blur, alpha float64) layer {
	return layer{shape: s, fill: flat(c), blur: blur, alpha: alpha}
}

func body() []layer {
	neck := func(p point) float64 {
		flare := 0.15 + 0.10*step(0.30, 0.62, p.y)
		return max(math.Abs(p.x-axis)-flare, p.y-0.85, 0.1-p.y)
	}
	shoulders := union(ellipse(point{axis, 1.12}, 0.66, 0.56), ellipse(point{axis, 0.95}, 0.45, 0.38))
	lapel := within(mirrored(line(point{axis + 0.12, 0.60}, point{axis + 0.34, 1.05}, -0.03, 0.045), axis), shoulders)
	wrap := union(
		ellipse(point{axis - 0.01, 0.58}, 0.30, 0.115),
		ellipse(point{axis + 0.02, 0.67}, 0.27, 0.105),
	)
	return []layer{
		solid(backHair(), strands(0.8)),
		solid(neck, func(p point) colour { return lit(skin.times(0.62), point{axis - 0.03, 0.45}, 0.30)(p) }),
		soft(ellipse(point{axis, 0.37}, 0.20, 0.10), shadow, 0.07, 0.55),
		solid(shoulders, func(p point) colour { return lit(coat, point{axis - 0.1, 1.0}, 0.75)(p) }),
		soft(lapel, coat.times(0.35), 0.01, 0.9),
		solid(wrap, knit),
		soft(line(point{axis - 0.29, 0.575}, point{axis + 0.29, 0.60}, -0.085, 0.010), scarf.times(0.16), 0.014, 0.85),
		soft(within(ellipse(point{axis, 0.49}, 0.20, 0.07), wrap), shadow.times(0.4), 0.04, 0.75),
	}
}

// knit is a scarf with ribs.
func knit(p point) colour {
	rib := 0.5 + 0.5*math.Sin(95*p.x+30*p.y)
	return mix(scarf.times(0.55), scarf.times(1.25), 0.25+0.5*rib).times(1 - 0.55*step(-0.05, 0.30, p.x))
}

var face = egg(point{axis, -0.08}, 0.325, 0.46, 0.24)

func head() []layer {
	ears := mirrored(ellipse(point{axis + 0.325, -0.03}, 0.045, 0.085), axis)
	return []layer{
		solid(ears, flat(skin.times(0.62))),
		solid(face, lit(skin, point{axis - 0.01, -0.06}, 0.50)),
		soft(within(ellipse(point{axis + 0.30, 0.02}, 0.16, 0.42), face), shadow, 0.10, 0.42),
		soft(within(ellipse(point{axis - 0.17, 0.09}, 0.075, 0.055), face), colour{0.80, 0.33, 0.24}, 0.07, 0.30),
		soft(within(ellipse(point{axis + 0.16, 0.10}, 0.065, 0.05), face), colour{0.60, 0.22, 0.17}, 0.06, 0.26),
		soft(ellipse(point{axis - 0.09, -0.30}, 0.10, 0.05), shine, 0.10, 0.16),
	}
}

func eyes() []layer {
	var all []layer
	for _, side := range []float64{-1, 1} {
		c := point{axis + side*0.132, -0.085}
		all = append(all, eye(c, side)...)
	}
	return all
}

func eye(c point, side float64) []layer {
	almond := within(ellipse(point{c.x, c.y + 0.035}, 0.075, 0.068), ellipse(point{c.x, c.y - 0.030}, 0.078, 0.062))
	look := point{c.x - 0.010, c.y - 0.002}
	inner, outer := point{c.x - side*0.070, c.y + 0.012}, point{c.x + side*0.080, c.y - 0.006}
	brow := line(point{c.x - side*0.078, c.y - 0.082}, point{c.x + side*0.098, c.y - 0.088}, 0.026, 0.0155)
	return []layer{
		soft(ellipse(point{c.x, c.y - 0.02}, 0.095, 0.060), shadow, 0.05, 0.38),
		solid(almond, flat(white.times(0.85))),
		solid(within(ellipse(look, 0.031, 0.031), almond), func(p point) colour {
			return mix(iris.times(2.4), iris.times(0.5), step(0.010, 0.032, p.minus(look).length()))
		}),
		solid(within(ellipse(look, 0.0135, 0.0135), almond), flat(colour{0.006, 0.006, 0.008})),
		soft(within(ellipse(point{c.x, c.y - 0.032}, 0.08, 0.022), almond), shadow, 0.012, 0.6),
		solid(ellipse(point{look.x - 0.011, look.y - 0.012}, 0.0065, 0.0065), flat(shine)),
		soft(line(inner, outer, 0.036, 0.0085), hair, 0.004, 0.95),
		soft(line(inner, outer, -0.026, 0.0035), shadow, 0.005, 0.55),
		soft(line(point{c.x - side*0.06, c.y - 0.035}, point{c.x + side*0.075, c.y - 0.04}, 0.024, 0.003), shadow, 0.006, 0.6),
		soft(brow, hair, 0.008, 0.9),
	}
}

func noseAndMouth() []layer {
	tip := point{axis - 0.004, 0.090}
	mouth := point{axis, 0.205}
	upper := within(union(ellipse(point{mouth.x - 0.035, mouth.y + 0.006}, 0.068, 0.028), ellipse(point{mouth.x + 0.035, mouth.y + 0.006}, 0.068, 0.028)),
		func(p point) float64 { return p.y - mouth.y - 0.003 })
	lower := within(ellipse(point{mouth.x, mouth.y}, 0.082, 0.043), func(p point) float64 { return mouth.y + 0.003 - p.y })
	return []layer{
		soft(line(point{axis + 0.030, -0.10}, point{axis + 0.052, 0.085}, 0, 0.020), shadow, 0.028, 0.42),
		soft(line(point{axis - 0.012, -0.10}, point{axis - 0.012, 0.06}, 0, 0.013), shine, 0.018, 0.24),
		soft(ellipse(tip, 0.050, 0.036), skin.times(1.05), 0.030, 0.5),
		soft(ellipse(point{tip.x - 0.014, tip.y - 0.012}, 0.014, 0.011), shine, 0.016, 0.42),
		soft(mirrored(ellipse(point{axis + 0.030, 0.118}, 0.0155, 0.0075), axis), shadow.times(0.5), 0.006, 0.85),
		soft(line(point{axis - 0.055, 0.122}, point{axis + 0.060, 0.122}, -0.014, 0.006), shadow, 0.010, 0.45),
		soft(ellipse(point{axis, 0.160}, 0.012, 0.018), shadow, 0.012, 0.22),
		solid(upper, flat(lips.times(0.78))),
		solid(lower, func(p point) colour {
			return mix(lips.times(1.25), lips.times(0.7), step(mouth.x-0.04, mouth.x+0.08, p.x))
		}),
		soft(line(point{mouth.x - 0.088, mouth.y - 0.004}, point{mouth.x + 0.088, mouth.y - 0.006}, -0.008, 0.0045), shadow.times(0.5), 0.004, 0.9),
		soft(ellipse(point{mouth.x - 0.018, mouth.y + 0.018}, 0.026, 0.006), shine, 0.010, 0.34),
		soft(ellipse(point{mouth.x, mouth.y + 0.062}, 0.055, 0.012), shadow, 0.018, 0.40),
	}
}

func backHair() shape {
	return union(
		ellipse(point{axis, -0.22}, 0.415, 0.44),
		ellipse(point{axis - 0.31, 0.14}, 0.135, 0.36),
		ellipse(point{axis + 0.32, 0.12}, 0.125, 0.34),
	)
}

// strands is hair: fine bands along its fall, with a sheen on top.
func strands(light float64) func(point) colour {
	return func(p point) colour {
		d := p.minus(point{axis - 0.08, -0.05})
		crown := math.Atan2(d.x, -d.y) // above the ears hair follows the head, below them it falls
		fall := d.x*2.2 + 0.05*math.Sin(7*d.y)
		along := crown + (fall-crown)*step(-0.25, 0.10, p.y)
		band := 0.5 + 0.22*math.Sin(83*along+4*math.Sin(3*p.y)) + 0.28*math.Sin(211*along+6*math.Sin(2*p.y+5*p.x))
		sheen := math.Exp(-math.Pow((d.length()-0.47)/0.07, 2)) * step(0.45, -0.30, p.x) * step(0.1, -0.2, p.y)
		c := mix(hair.times(0.35), hair.times(1.15), band)
		c = mix(c, colour{0.30, 0.155, 0.085}, light*sheen*(0.2+0.6*band))
		return c.times(1 - 0.45*step(0.05, 0.45, math.Abs(p.x-axis-0.02)*step(0.5, -0.1, p.y)))
	}
}

// fringe is the hair in front: parted on one side, swept to the other.
func fringe() []layer {
	scalp := ellipse(point{axis, -0.24}, 0.392, 0.385)
	hairline := func(p point) float64 {
		d := p.minus(point{axis - 0.09, -0.47})
		return 0.7 * (d.y - 0.055 - 1.3*d.x*d.x - 0.16*step(0, 0.34, d.x) - 0.10*step(0, -0.22, d.x))
	}
	front := within(scalp, hairline)
	lock := union(
		line(point{axis - 0.335, -0.34}, point{axis - 0.345, 0.34}, 0.012, 0.060),
		line(point{axis + 0.345, -0.34}, point{axis + 0.350, 0.30}, -0.012, 0.055),
	)
	return []layer{
		soft(within(func(p point) float64 { return front(point{p.x, p.y - 0.03}) }, face), shadow, 0.025, 0.5),
		solid(front, strands(1)),
		solid(lock, strands(0.6)),
		soft(line(point{axis - 0.09, -0.60}, point{axis - 0.085, -0.43}, 0.01, 0.006), shadow, 0.006, 0.6),
	}
}
