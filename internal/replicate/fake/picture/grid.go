package picture

import (
	"image"
	"image/draw"
)

// grid paints nine tiles in the manner of the reference, with the faults that
// such grids have: crooked thirds, one tile twice and one empty.
func grid(r Request, ref *source, side int) image.Image {
	p := plainPalette()
	if ref != nil {
		p = paletteOf(ref.ref)
	}
	if r.Flaw == OffStyle {
		p = p.foreign()
	}
	l := GridOf(r.Prompt, r.Seed)
	d := dice("grid", r.Prompt, r.Seed)
	c := newCanvas(side, side)
	c.ground(flat(gutterColour(p, d)))
	if r.Flaw == TruncatedGrid {
		l = l.truncated()
	}
	subjects := subjectsOf(r.Prompt)
	for i, box := range l.Boxes {
		if i == l.Duplicate {
			continue
		}
		box = scaled(box, side)
		if i == l.Blank {
			c.empty(box, p, d)
			continue
		}
		c.put(box, tileOf(subjects[i], r.Seed, p, box.Size()))
	}
	if !l.Boxes[l.Duplicate].Empty() {
		c.repeat(scaled(l.Boxes[l.Of], side), scaled(l.Boxes[l.Duplicate], side), d)
	}
	return c.RGBA
}

func scaled(r image.Rectangle, side int) image.Rectangle {
	return image.Rect(r.Min.X*side/square, r.Min.Y*side/square, r.Max.X*side/square, r.Max.Y*side/square)
}

// truncated is two rows of three that fill the square.
func (l Layout) truncated() Layout {
	for i := range l.Boxes {
		b := &l.Boxes[i]
		if i >= 6 {
			*b = image.Rectangle{}
			continue
		}
		b.Min.Y, b.Max.Y = i/3*square/2, (i/3+1)*square/2
	}
	return l
}

func gutterColour(p palette, d random) rgb {
	return of(d, grey(255), grey(250), grey(4), p.cool[1], p.warm[shades-2])
}

func (c *canvas) put(box image.Rectangle, t *canvas) {
	draw.Draw(c.RGBA, box, t.RGBA, image.Point{}, draw.Src)
}

// empty is nearly one colour, as where a model had no more ideas.
func (c *canvas) empty(box image.Rectangle, p palette, d random) {
	if box.Empty() {
		return
	}
	base := of(d, p.warm[:]...)
	grain := speckle()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := c.Pix[y*c.Stride:]
		for x := box.Min.X; x < box.Max.X; x++ {
			n := float64(grain.at(x, y)) / 50
			q := rgb{base.r + n, base.g + n, base.b + n}.pixel()
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = q.R, q.G, q.B, 255
		}
	}
}

// repeat copies a tile to another place, a little closer and lighter.
func (c *canvas) repeat(from, to image.Rectangle, d random) {
	cropped := from.Inset(1 + d.IntN(1+from.Dx()/40))
	shift := 2 + d.IntN(7)
	src := image.NewRGBA(image.Rectangle{Max: cropped.Size()})
	draw.Draw(src, src.Rect, c.RGBA, cropped.Min, draw.Src)
	copied := resize(src, to.Dx(), to.Dy())
	for i := range copied.Pix {
		if i&3 != 3 {
			copied.Pix[i] = octetOf(int(copied.Pix[i]) + shift)
		}
	}
	draw.Draw(c.RGBA, to, copied, image.Point{}, draw.Src)
}

// tileOf paints one subject and takes it into the reference's manner.
func tileOf(subject string, seed int64, p palette, size image.Point) *canvas {
	c := newCanvas(size.X, size.Y)
	if size.X < 1 || size.Y < 1 {
		return c
	}
	d := dice("tile", subject, seed)
	s := &stage{canvas: c, random: d, width: float64(size.X), height: float64(size.Y), light: tileLight(d), side: d.sign()}
	s.horizon, s.open = s.height*d.in(.42, .66), s.width*d.in(.38, .62)
	motifOf(subject, d)(s)
	s.dapple(.42)
	c.restyle(p, d)
	mark := stencilOf(max(8, size.Y/26))
	c.markAt(markSpot(size.X, size.Y*15/16, mark), mark)
	return c
}

// tileLight is the colours to think in while painting; restyle replaces them.
func tileLight(d random) light {
	turn := d.in(-20, 20)
	return lights[d.IntN(len(lights))].make(turn)
}

// restyle replaces every colour by one of the reference's of that lightness, warm
// for warm and cool for cool, and lays the reference's grain over it.
func (c *canvas) restyle(p palette, d random) {
	tone := tones(c.RGBA).stretch()
	warm, cool := p.tables()
	ox, oy := d.IntN(texSide), d.IntN(texSide)
	for y := range c.h {
		row, light := c.Pix[y*c.Stride:], tone.row(y)
		for x := range c.w {
			px := row[4*x : 4*x+3 : 4*x+3]
			// The more a colour leans to one side, the more it takes of that side's.
			lean := unit(.5 + float64(int(px[0])-int(px[2]))/140)
			col := cool[light[x]].mix(warm[light[x]], lean)
			n := float64(p.texture.pix[(y+oy)%texSide*texSide+(x+ox)%texSide]) - 128
			q := rgb{col.r + n, col.g + n, col.b + n}.pixel()
			px[0], px[1], px[2] = q.R, q.G, q.B
		}
	}
}
