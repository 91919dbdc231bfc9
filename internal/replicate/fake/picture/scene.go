package picture

import (
	"image"

	xdraw "golang.org/x/image/draw"
)

// scenePicture places the reference's subject in the scene that the prompt
// describes, made by the hand that it names.
func scenePicture(r Request, ref *source, size image.Point) image.Image {
	b := read(r)
	c, mask := compose(b, ref, size)
	d := dice("hand", b.text, b.seed)
	if b.mono {
		out := inks[b.hand](tones(c.RGBA).stretch(), mask, d)
		out.fray(d)
		out.mark()
		return out.image()
	}
	if r.Flaw == Colour {
		b.hand = comic // by far from grey
	}
	c.grade(b.hand)
	c = paints[b.hand](c, mask, d)
	c.mark()
	return c.RGBA
}

// compose paints the scene and the figure in it, before any technique.
func compose(b brief, ref *source, size image.Point) (*canvas, plane) {
	mask := newPlane(size.X, size.Y)
	c := b.backdrop(size)
	if ref != nil {
		c.figure(b, ref.cut(), mask)
	}
	if b.view.foreground {
		c.foreground(b)
	}
	return c, mask
}

// backdrop is the empty scene. A photograph's is painted at half the size, which
// leaves it as soft as a lens does.
func (b brief) backdrop(size image.Point) *canvas {
	w, h := size.X, size.Y
	if b.hand == photograph && !b.mono {
		w, h = (w+1)/2, (h+1)/2
	}
	c := newCanvas(w, h)
	c.lean = b.view.lean * b.side
	s := newStage(c, b)
	b.place(s)
	s.dapple(b.patches())
	if w == size.X {
		return c
	}
	full := newCanvas(size.X, size.Y)
	xdraw.ApproxBiLinear.Scale(full.RGBA, full.Rect, c.RGBA, c.Rect, xdraw.Src, nil)
	return full
}

// patches is how strongly light and shade vary over the scene: less where colours
// become few, for each step between them shows, and more where ink drinks them up.
func (b brief) patches() float64 {
	switch {
	case b.mono && b.hand != vector, b.hand == watercolour:
		return .5
	case b.hand == comic || b.hand == vector:
		return .3
	default:
		return .38
	}
}

func (c *canvas) figure(b brief, fig *cutout, mask plane) {
	d := dice("figure", b.text, b.seed)
	w, h := float64(c.w), float64(c.h)
	p := stand(fig, b, w, h, d)
	defer func(lean float64) { c.lean = lean }(c.lean)
	c.lean = 0 // the pose turns the figure itself
	c.halo(fig, p, b)
	if b.view.body && !fig.whole {
		c.body(fig, p, d, mask)
	}
	strength := d.in(.16, .26)
	if b.hand == photograph {
		strength = .1 // a photograph keeps its subject's own colours
	}
	c.paste(fig, p, tint{light: b.light.lamp.mix(b.light.skyLow, .5), strength: strength, side: -b.side}, mask)
}

// halo sets the figure's head off from whatever is behind it.
func (c *canvas) halo(fig *cutout, p pose, b brief) {
	head := p.place(float64(fig.box.Min.X+fig.box.Max.X)/2, float64(fig.box.Min.Y+fig.neck)/2)
	radius := float64(fig.neck-fig.box.Min.Y) * p.scale * 1.7
	strength := .3
	if fig.tone > 125 {
		strength = -.3
	}
	c.glow(b.light.lamp.mix(grey(220), .3), head.x, head.y, radius, strength)
	if b.view.body || fig.whole { // what stands on the ground has a shadow
		foot := float64(c.h) * .95
		c.oval(flat(b.light.near.times(.35)).thin(.6), p.to.x, foot, radius*.8, radius*.12)
	}
}

// foreground is a few large, dark shapes close to the viewer.
func (c *canvas) foreground(b brief) {
	d := dice("foreground", b.text, b.seed)
	w, h := float64(c.w), float64(c.h)
	dark := b.light.near.times(.5)
	edge := w * (.5 + .5*b.side)
	c.box(fade(dark.times(1.4), dark), edge-w*d.in(.05, .09), -9, edge+w*d.in(.05, .09), h+9)
	x := w * (.5 - b.side*d.in(.47, .53))
	c.oval(fade(dark.times(1.6), dark), x, h*d.in(.98, 1.06), w*d.in(.11, .16), h*d.in(.3, .44))
	c.oval(fade(dark.times(1.3), dark), x+w*.1*b.side, h*1.08, w*.12, h*d.in(.16, .24))
}

// grade makes sure that colours are colours and that light is not all of a tone:
// a pale scene is stretched, a dull one is deepened.
func (c *canvas) grade(h hand) {
	goal := .42
	if h == photograph {
		goal = .3
	}
	sat, mean, std := c.survey()
	chroma, contrast := 1.0, 1.0
	if sat < goal {
		chroma = min(2.6, goal/max(.05, sat))
	}
	if std < 48 {
		contrast = min(2.2, 48/max(8, std))
	}
	if chroma > 1 || contrast > 1 {
		c.regrade(int(mean), int(contrast*256), int(chroma*256))
	}
}

// survey measures every fourth pixel of every fourth row.
func (c *canvas) survey() (sat, mean, std float64) {
	var squares, n float64
	for y := 0; y < c.h; y += 4 {
		row := c.Pix[y*c.Stride:]
		for x := 0; x < c.w; x += 4 {
			p := row[4*x : 4*x+3]
			hi, lo := max(p[0], p[1], p[2]), min(p[0], p[1], p[2])
			sat += float64(hi-lo) / max(1, float64(hi))
			v := float64(luma8(p[0], p[1], p[2]))
			mean, squares, n = mean+v, squares+v*v, n+1
		}
	}
	mean /= n
	return sat / n, mean, root(squares/n - mean*mean)
}

func (c *canvas) regrade(mean, contrast, chroma int) {
	for i := 0; i < len(c.Pix); i += 4 {
		p := c.Pix[i : i+3 : i+3]
		v := int(luma8(p[0], p[1], p[2]))
		base := mean + (v-mean)*contrast>>8
		for k := range p {
			p[k] = octetOf(base + (int(p[k])-v)*chroma>>8)
		}
	}
}
