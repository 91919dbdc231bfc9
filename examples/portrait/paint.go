package main

import (
	"image"
	"image/color"
	"math"
)

const width, height = 768, 960

// layer is a shape filled with a colour that may depend on the place; its edge
// is as soft as blur.
type layer struct {
	shape shape
	fill  func(point) colour
	blur  float64
	alpha float64
}

func draw() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	layers := person()
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, pixel(layers, x, y))
		}
	}
	return img
}

// pixel paints the layers over the background, back to front, at one place.
func pixel(layers []layer, x, y int) color.NRGBA {
	p := point{(float64(x) + 0.5 - width/2) / (height / 2), (float64(y)+0.5)/(height/2) - 1}
	c := background(p)
	for _, l := range layers {
		blur := max(l.blur, 1.2/(height/2))
		if a := l.alpha * (1 - step(-blur, blur, l.shape(p))); a > 0 {
			c = mix(c, l.fill(p), a)
		}
	}
	return finish(c, p, x, y)
}

// finish adds the lens: a vignette and a little grain.
func finish(c colour, p point, x, y int) color.NRGBA {
	c = c.times(1 - 0.55*step(0.55, 1.35, p.length()))
	grain := 0.004 * (math.Floor(hash(x/3, y/3)*3) - 1)
	b := func(v float64) uint8 { return uint8(math.Round(255 * clamp(math.Pow(clamp(v), 1/2.2)+grain))) }
	return color.NRGBA{b(c.r), b(c.g), b(c.b), 255}
}

func flat(c colour) func(point) colour { return func(point) colour { return c } }

// lit shades a round body by light from the upper left.
func lit(base colour, c point, r float64) func(point) colour {
	return func(p point) colour {
		d := p.minus(c)
		nx, ny := d.x/r, d.y/r
		nz := math.Sqrt(max(0, 1-nx*nx-ny*ny))
		light := clamp(-0.62*nx - 0.42*ny + 0.66*nz)
		warm := colour{base.r * 1.12, base.g * 1.03, base.b * 0.94}
		cool := colour{base.r * 0.33, base.g * 0.27, base.b * 0.31}
		return mix(cool, warm, 0.16+0.95*light)
	}
}

// background is a street in the evening, out of focus.
func background(p point) colour {
	c := mix(colour{0.012, 0.022, 0.045}, colour{0.16, 0.08, 0.045}, step(-1, 1.1, p.y+0.35*p.x))
	lamps := []struct {
		at    point
		r     float64
		shade colour
	}{
		{point{-0.62, -0.52}, 0.17, colour{0.95, 0.55, 0.18}},
		{point{0.60, -0.66}, 0.13, colour{0.30, 0.62, 0.75}},
		{point{0.70, -0.20}, 0.20, colour{0.85, 0.36, 0.16}},
		{point{-0.70, 0.05}, 0.12, colour{0.24, 0.50, 0.66}},
		{point{-0.38, -0.86}, 0.10, colour{0.90, 0.72, 0.40}},
		{point{0.30, -0.93}, 0.11, colour{0.75, 0.30, 0.22}},
		{point{0.55, 0.18}, 0.09, colour{0.95, 0.70, 0.30}},
	}
	for _, l := range lamps {
		d := p.minus(l.at).length()
		disc := 0.42 * (1 - step(l.r*0.92, l.r*1.06, d))
		off := (d - l.r*0.97) / (0.09 * l.r)
		rim := 0.18 * math.Exp(-off*off)
		glow := 0.20 * math.Exp(-d*d/(3*l.r*l.r))
		c = mix(c, l.shade, disc+rim+glow)
	}
	return c
}
