package picture

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// palette is a reference's manner, as far as it can be borrowed: its warm and
// its cool colours by lightness, and the fine grain of its surface.
type palette struct {
	warm, cool [shades]rgb // dark to light
	texture    plane
}

const (
	shades  = 9
	texSide = 128
	// grain bounds the texture: it is a surface, not a picture of its own.
	grain = 16
	// darkest and lightest are the tones that the ramps go from and to.
	darkest, lightest = 22, 236
)

// plainPalette is used when no reference came along.
func plainPalette() palette {
	p := palette{texture: newPlane(texSide, texSide)}
	for i := range shades {
		t := float64(i) / (shades - 1)
		p.cool[i], p.warm[i] = hsl(215, .45, .12+.78*t), hsl(18+25*t, .6, .12+.78*t)
	}
	for i := range p.texture.pix {
		p.texture.pix[i] = octetOf(128 + int(speckle()[i])/8)
	}
	return p
}

func paletteOf(ref *image.RGBA) palette {
	p := coloursOf(ref)
	p.texture = textureOf(ref)
	return p
}

// coloursOf is paletteOf without the grain.
func coloursOf(ref *image.RGBA) palette {
	seen := swatches(ref)
	slices.SortFunc(seen, func(a, b rgb) int { return cmp.Compare(a.luma(), b.luma()) })
	var p palette
	for i := range shades {
		// Neighbouring groups overlap, so that few colours still make a smooth ramp.
		lo, hi := max(0, i*len(seen)/shades-len(seen)/12), min(len(seen), (i+1)*len(seen)/shades+len(seen)/12+1)
		all := blendOf(seen[lo:hi], all)
		p.warm[i] = orElse(blendOf(seen[lo:hi], warm), all)
		p.cool[i] = orElse(blendOf(seen[lo:hi], cool), all)
	}
	p.spread()
	return p
}

func all(rgb) bool    { return true }
func warm(c rgb) bool { return c.r >= c.b }
func cool(c rgb) bool { return c.r < c.b }

// swatches are colours from all over the picture; never none.
func swatches(img *image.RGBA) []rgb {
	var out []rgb
	step := max(1, min(img.Rect.Dx(), img.Rect.Dy())/48)
	for y := 0; y < img.Rect.Dy(); y += step {
		for x := 0; x < img.Rect.Dx(); x += step {
			p := img.Pix[y*img.Stride+4*x:]
			out = append(out, rgb{float64(p[0]), float64(p[1]), float64(p[2])})
		}
	}
	return out
}

// blended is a mean colour and how many it is the mean of.
type blended struct {
	colour rgb
	n, of  int
}

// blendOf is the mean of the colours wanted, in which strong ones count for more:
// a plain mean of a palette is brown.
func blendOf(group []rgb, wanted func(rgb) bool) blended {
	var s rgb
	sum, n := 0.0, 0
	for _, c := range group {
		if !wanted(c) {
			continue
		}
		w := 4 + c.chroma()
		w *= w
		s.r, s.g, s.b, sum, n = s.r+w*c.r, s.g+w*c.g, s.b+w*c.b, sum+w, n+1
	}
	if n == 0 {
		return blended{of: len(group)}
	}
	return blended{rgb{s.r / sum, s.g / sum, s.b / sum}, n, len(group)}
}

// orElse is b's colour, unless that stands for next to nothing.
func orElse(b, all blended) rgb {
	if b.n*25 < b.of {
		return all.colour
	}
	return b.colour
}

func (a rgb) chroma() float64 { return max(a.r, a.g, a.b) - min(a.r, a.g, a.b) }

// spread gives both ramps even steps from dark to light, whatever the
// reference's exposure: each colour keeps its hue.
func (p *palette) spread() {
	for i := range shades {
		goal := darkest + (lightest-darkest)*float64(i)/(shades-1)
		p.warm[i], p.cool[i] = p.warm[i].relit(goal), p.cool[i].relit(goal)
	}
}

// relit is the colour with another lightness: darker by scaling, lighter by
// white, so that neither leaves the range of colours.
func (a rgb) relit(goal float64) rgb {
	v := max(1, a.luma())
	if goal <= v {
		return a.times(goal / v)
	}
	bright := a.times(min(goal/v, 255/max(1, a.r, a.g, a.b)))
	if v = bright.luma(); v < goal {
		return bright.mix(grey(255), (goal-v)/max(1, 255-v))
	}
	return bright
}

// foreign is a palette that is plainly another: one colour in all shades, the one
// of a few that is furthest from those of p.
func (p palette) foreign() palette {
	best, furthest := palette{}, -1.0
	for _, hue := range []float64{30, 120, 210, 300} {
		other := palette{texture: p.texture}
		for i := range shades {
			other.warm[i] = hsl(hue, .85, .12+.78*float64(i)/(shades-1))
		}
		other.cool = other.warm
		other.spread()
		away := 0.0
		warm, cool := p.tables()
		for _, c := range other.warm {
			away += strangeness(c, &warm, &cool)
		}
		if away > furthest {
			best, furthest = other, away
		}
	}
	return best
}

// strangeness is how far a colour is from all that lie between the warm and the
// cool one of a lightness, 0 to 442, whatever grain was laid over it.
func strangeness(c rgb, warm, cool *[256]rgb) float64 {
	least := math.Inf(1)
	for g := -grain; g <= grain; g += grain / 2 {
		bare := c.minus(grey(float64(g)))
		v := octet((bare.luma() - darkest) * 255 / (lightest - darkest))
		least = min(least, bare.away(cool[v], warm[v]))
	}
	return least
}

// tables are the colours for every lightness, warm and cool.
func (p *palette) tables() (warm, cool [256]rgb) {
	for v := range warm {
		t := float64(v) / 255 * (shades - 1)
		i := min(shades-2, int(t))
		warm[v] = p.warm[i].mix(p.warm[i+1], t-float64(i))
		cool[v] = p.cool[i].mix(p.cool[i+1], t-float64(i))
	}
	return warm, cool
}

// textureOf is the finest detail of one calm part of the reference around middle
// grey, mirrored into a square that repeats.
func textureOf(ref *image.RGBA) plane {
	tone := tones(ref)
	soft := tone.blur(3)
	side := min(texSide/2, tone.w, tone.h)
	from := calm(tone, soft, side)
	out := newPlane(texSide, texSide)
	for y := range texSide {
		for x := range texSide {
			u, v := from.X+mirrored(x, side), from.Y+mirrored(y, side)
			detail := int(tone.row(v)[u]) - int(soft.row(v)[u])
			out.pix[y*texSide+x] = octetOf(128 + min(grain, max(-grain, detail)))
		}
	}
	return out
}

// calm finds the part whose detail is neither the least, which is a wall, nor the
// most, which is a face or an edge: a third of the way between the two.
func calm(tone, soft plane, side int) image.Point {
	type part struct {
		at     image.Point
		detail int
	}
	var parts []part
	for y := 0; y+side <= tone.h; y += max(1, side/2) {
		for x := 0; x+side <= tone.w; x += max(1, side/2) {
			parts = append(parts, part{image.Pt(x, y), detailIn(tone, soft, x, y, side)})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.detail, b.detail) })
	return parts[len(parts)/3].at
}

func detailIn(tone, soft plane, x, y, side int) int {
	sum := 0
	for v := y; v < y+side; v += 2 {
		for u := x; u < x+side; u += 2 {
			sum += abs(int(tone.row(v)[u]) - int(soft.row(v)[u]))
		}
	}
	return sum
}

// mirrored maps 0..texSide to a way through n pixels and back.
func mirrored(i, n int) int {
	if i %= 2 * n; i >= n {
		i = 2*n - 1 - i
	}
	return i
}
