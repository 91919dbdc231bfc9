package picture

import (
	"image/color"
	"math"
)

// rgb is a colour, each part from 0 to 255.
type rgb struct{ r, g, b float64 }

func grey(v float64) rgb { return rgb{v, v, v} }

// hsl takes a hue in degrees, saturation and lightness from 0 to 1.
func hsl(h, s, l float64) rgb {
	h = math.Mod(math.Mod(h, 360)+360, 360) / 60
	c := (1 - math.Abs(2*l-1)) * s
	x := c * (1 - math.Abs(math.Mod(h, 2)-1))
	m := l - c/2
	parts := [...][3]float64{{c, x, 0}, {x, c, 0}, {0, c, x}, {0, x, c}, {x, 0, c}, {c, 0, x}}
	p := parts[int(h)%6]
	return rgb{255 * (p[0] + m), 255 * (p[1] + m), 255 * (p[2] + m)}
}

func (a rgb) mix(b rgb, t float64) rgb {
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func (a rgb) minus(b rgb) rgb { return rgb{a.r - b.r, a.g - b.g, a.b - b.b} }

func (a rgb) dot(b rgb) float64 { return a.r*b.r + a.g*b.g + a.b*b.b }

// away is how far a is from the line between two colours.
func (a rgb) away(from, to rgb) float64 {
	along, t := to.minus(from), 0.0
	if length := along.dot(along); length > 0 {
		t = unit(a.minus(from).dot(along) / length)
	}
	off := a.minus(from.mix(to, t))
	return root(off.dot(off))
}

// times is a with k times the light.
func (a rgb) times(k float64) rgb { return rgb{clamp(a.r * k), clamp(a.g * k), clamp(a.b * k)} }

func (a rgb) luma() float64 { return .299*a.r + .587*a.g + .114*a.b }

func (a rgb) pixel() color.RGBA { return color.RGBA{octet(a.r), octet(a.g), octet(a.b), 255} }

func clamp(v float64) float64 { return min(255, max(0, v)) }

func unit(v float64) float64 { return min(1, max(0, v)) }

func octet(v float64) uint8 { return uint8(clamp(v) + .5) }

// octetOf clamps a whole number.
func octetOf(v int) uint8 { return uint8(min(255, max(0, v))) }

func luma8(r, g, b uint8) uint8 {
	return uint8((77*uint32(r) + 150*uint32(g) + 29*uint32(b) + 128) >> 8) //nolint:gosec // weights add up to 256
}

// smooth rises from 0 at a to 1 at b without a corner.
func smooth(a, b, v float64) float64 {
	t := unit((v - a) / (b - a))
	return t * t * (3 - 2*t)
}
