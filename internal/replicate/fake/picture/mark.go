package picture

import (
	"image"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// word is on every picture, so that nobody takes one for a paid model's work.
const word = "SIMULATED"

// stencil is the word as coverage, in one size.
type stencil = plane

// typeface is parsed once; drawing with a face of it is not.
var typeface = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gobold.TTF) })

var stencils sync.Map // size in pixels to stencil

// stencilOf sets the word in letters of the given size.
func stencilOf(size int) stencil {
	if s, ok := stencils.Load(size); ok {
		return s.(stencil)
	}
	s := set(size)
	stencils.Store(size, s)
	return s
}

func set(size int) stencil {
	f, err := typeface()
	if err != nil {
		return newPlane(0, 0) // the font is part of the program
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return newPlane(0, 0)
	}
	gap := fixed.I(max(1, size/10))
	width := font.MeasureString(face, word) + gap*fixed.Int26_6(len(word)-1)
	p := newPlane(width.Ceil(), size)
	d := font.Drawer{Dst: p.image(), Src: image.White, Face: face, Dot: fixed.P(0, size*7/8)}
	for _, letter := range word {
		d.DrawString(string(letter))
		d.Dot.X += gap
	}
	return p
}

// markSpot is where the mark's plate goes: near the bottom, and far enough from
// every edge to survive a crop to 16:9.
func markSpot(w, h int, s stencil) image.Rectangle {
	pad := s.h / 2
	x, y := w/2-s.w/2, h-h/16-s.h
	return image.Rect(x-pad, y-pad/2, x+s.w+pad, y+s.h+pad/2).Intersect(image.Rect(0, 0, w, h))
}

func markSize(h int) int { return max(9, h/38) }

// mark writes the word in white on a dark plate.
func (p plane) mark() {
	s := stencilOf(markSize(p.h))
	spot := markSpot(p.w, p.h, s)
	over(spot, s, p.w, p.h, func(x, y, ink int) {
		i := y*p.w + x
		p.pix[i] = stain(p.pix[i], ink)
	})
}

func (c *canvas) mark() {
	s := stencilOf(markSize(c.h))
	c.markAt(markSpot(c.w, c.h, s), s)
}

func (c *canvas) markAt(spot image.Rectangle, s stencil) {
	over(spot, s, c.w, c.h, func(x, y, ink int) {
		p := c.Pix[y*c.Stride+4*x:]
		p[0], p[1], p[2] = stain(p[0], ink), stain(p[1], ink), stain(p[2], ink)
	})
}

// stain darkens what is below the plate and adds the letter's ink.
func stain(v uint8, ink int) uint8 {
	base := int(v) / 5
	return octetOf(base + (250-base)*ink/255)
}

// over visits the plate's pixels with the word's ink on each.
func over(spot image.Rectangle, s stencil, w, h int, visit func(x, y, ink int)) {
	left, top := spot.Min.X+(spot.Dx()-s.w)/2, spot.Min.Y+(spot.Dy()-s.h)/2
	for y := spot.Min.Y; y < spot.Max.Y && y < h; y++ {
		for x := spot.Min.X; x < spot.Max.X && x < w; x++ {
			ink := 0
			if u, v := x-left, y-top; u >= 0 && v >= 0 && u < s.w && v < s.h {
				ink = int(s.row(v)[u])
			}
			visit(x, y, ink)
		}
	}
}
