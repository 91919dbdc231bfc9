package picture

import (
	"image"
	"math"
)

// pose maps the cutout's pixels to the canvas: turned, scaled, perhaps mirrored.
type pose struct {
	// from is the cutout's point that lands on to.
	from, to        point
	scale, sin, cos float64
	flip            float64
}

func (p pose) place(x, y float64) point {
	x, y = (x-p.from.x)*p.scale*p.flip, (y-p.from.y)*p.scale
	return point{p.to.x + x*p.cos - y*p.sin, p.to.y + x*p.sin + y*p.cos}
}

func (p pose) back(x, y float64) (u, v float64) {
	x, y = x-p.to.x, y-p.to.y
	return p.from.x + (x*p.cos+y*p.sin)/p.scale*p.flip, p.from.y + (y*p.cos-x*p.sin)/p.scale
}

// heads is how many heads tall a drawn body is.
const heads = 5.4

// stand decides where the figure goes and how large it is.
func stand(c *cutout, b brief, w, h float64, d random) pose {
	box := c.box
	p := pose{flip: d.sign()}
	tall := float64(box.Dy())
	p.sin, p.cos = math.Sincos(b.view.lean * b.side)
	x := w * (.5 + b.side*d.in(.14, .22))
	b.view.height *= d.in(.92, 1.05)
	p.from = point{float64(box.Min.X+box.Max.X) / 2, float64(box.Max.Y)}
	switch {
	case b.view.body && !c.whole:
		head := float64(c.neck - box.Min.Y)
		p.scale = b.view.height * h / (head * heads)
		p.scale = min(p.scale, .8*b.view.height*h/tall)
		p.to = point{x, h*.95 - p.scale*(head*heads-tall)}
		if head*heads < tall {
			p.to.y = h * .95
		}
	case c.whole:
		p.scale = min(b.view.height, .92) * h / tall
		p.to = point{x, h * .96}
	default:
		p.scale = b.view.height * h / tall
		p.to = point{x, h + 2}
		if b.view.lean != 0 { // its lower edge must stay outside
			p.to.y += h * .06
			p.scale *= 1.06
		}
	}
	// A broad subject must not fill more than its half of the picture.
	if wide := float64(box.Dx()) * p.scale; wide > w*.62 {
		p.scale *= w * .62 / wide
	}
	return p
}

// reduced halves the cutout until the pose enlarges it, or nearly does, because
// the sampling looks at four pixels only.
func (c *cutout) reduced(p pose) (*image.RGBA, plane, float64) {
	img, mask, zoom := c.RGBA, c.mask, 1.0
	for p.scale*zoom < .6 && min(mask.w, mask.h) > 8 {
		img, mask, zoom = halve(img), mask.halve(), zoom*2
	}
	return img, mask, zoom
}

func (p plane) halve() plane {
	out := newPlane(p.w/2, p.h/2)
	for y := range out.h {
		up, down, dst := p.row(2*y), p.row(2*y+1), out.row(y)
		for x := range dst {
			dst[x] = uint8((int(up[2*x]) + int(up[2*x+1]) + int(down[2*x]) + int(down[2*x+1]) + 2) >> 2) //nolint:gosec // an average
		}
	}
	return out
}

// tint is how a scene's light falls on its figure.
type tint struct {
	light    rgb
	strength float64
	// side is where the light comes from: -1 left, 1 right.
	side float64
}

// paste draws the cutout into the canvas, and its outline into the mask.
func (c *canvas) paste(fig *cutout, p pose, t tint, mask plane) {
	img, alpha, zoom := fig.reduced(p)
	area := c.reach(fig.box, p)
	left, right := float64(area.Min.X), float64(max(area.Max.X, area.Min.X+1))
	du, dv := p.cos/p.scale*p.flip, -p.sin/p.scale
	for y := area.Min.Y; y < area.Max.Y; y++ {
		row, marks := c.Pix[y*c.Stride:], mask.row(y)
		u, v := p.back(float64(area.Min.X)+.5, float64(y)+.5)
		for x := area.Min.X; x < area.Max.X; x, u, v = x+1, u+du, v+dv {
			px, a := sample(img, alpha, u/zoom-.5, v/zoom-.5)
			if a == 0 {
				continue
			}
			shade := 1 + t.strength*t.side*(2*(float64(x)-left)/(right-left)-1)
			mixInto(row[4*x:4*x+3:4*x+3], px, t, shade, a)
			marks[x] = max(marks[x], uint8(a)) //nolint:gosec // at most 255
		}
	}
}

func mixInto(dst []uint8, px [3]int, t tint, shade float64, a int) {
	tone := [3]float64{t.light.r, t.light.g, t.light.b}
	for k := range dst {
		v := float64(px[k]) * shade
		v += (tone[k] - 128) * t.strength * .3
		dst[k] = octetOf(int(dst[k]) + (int(v)-int(dst[k]))*a/255)
	}
}

// reach is the part of the canvas that the box is drawn on.
func (c *canvas) reach(box image.Rectangle, p pose) image.Rectangle {
	out := image.Rectangle{Min: image.Pt(c.w, c.h)}
	for _, q := range []point{
		p.place(float64(box.Min.X), float64(box.Min.Y)), p.place(float64(box.Max.X), float64(box.Min.Y)),
		p.place(float64(box.Min.X), float64(box.Max.Y)), p.place(float64(box.Max.X), float64(box.Max.Y)),
	} {
		out.Min = image.Pt(min(out.Min.X, int(q.x)-2), min(out.Min.Y, int(q.y)-2))
		out.Max = image.Pt(max(out.Max.X, int(q.x)+2), max(out.Max.Y, int(q.y)+2))
	}
	return out.Intersect(c.Rect)
}

// sample interpolates colour and mask at a place of the cutout.
func sample(img *image.RGBA, mask plane, u, v float64) (px [3]int, a int) {
	if u < -.5 || v < -.5 || u > float64(mask.w)-.5 || v > float64(mask.h)-.5 {
		return px, 0
	}
	u, v = max(0, u), max(0, v)
	x0, y0 := min(mask.w-1, int(u)), min(mask.h-1, int(v))
	x1, y1 := min(mask.w-1, x0+1), min(mask.h-1, y0+1)
	fx, fy := int((u-float64(x0))*256), int((v-float64(y0))*256)
	up, down := mask.row(y0), mask.row(y1)
	a = ((int(up[x0])*(256-fx)+int(up[x1])*fx)*(256-fy) + (int(down[x0])*(256-fx)+int(down[x1])*fx)*fy) >> 16
	if a == 0 {
		return px, 0
	}
	ru, rd := img.Pix[y0*img.Stride:], img.Pix[y1*img.Stride:]
	for k := range px {
		px[k] = ((int(ru[4*x0+k])*(256-fx)+int(ru[4*x1+k])*fx)*(256-fy) + (int(rd[4*x0+k])*(256-fx)+int(rd[4*x1+k])*fx)*fy) >> 16
	}
	return px, a
}

// body draws what a bust lacks below: a coat and legs in its own colours, under
// the cutout, whose lower edge it takes over.
func (c *canvas) body(fig *cutout, p pose, d random, mask plane) {
	head := float64(fig.neck - fig.box.Min.Y)
	foot := float64(fig.box.Min.Y) + head*heads
	low := float64(fig.box.Max.Y)
	if foot-low < head*.4 {
		return
	}
	mid := float64(fig.box.Min.X+fig.box.Max.X) / 2
	half := min(float64(fig.box.Dx())/2, head*1.5)
	hem := low + (foot-low)*.45
	stride := head * d.in(.25, .55)
	coat, dark := fig.cloth, fig.cloth.mix(hsl(225, .25, .14), .72)
	shape := func(w wash, pts ...point) {
		for i, q := range pts {
			pts[i] = p.place(q.x, q.y)
		}
		c.fill(w, pts...)
		stamp(mask, pts)
	}
	hip := min(half*.8, head*1.05)
	for _, leg := range []float64{-1, 1} {
		x, toe := mid+leg*hip*.42, mid+leg*(hip*.35+stride)
		shape(fade(dark.times(1.2), dark), point{x - hip*.38, hem - 6}, point{x + hip*.38, hem - 6},
			point{toe + head*.15, foot - head*.1}, point{toe - head*.15, foot - head*.1})
		shape(flat(dark.times(.4)), point{toe - head*.16, foot - head*.14}, point{toe + head*.16, foot - head*.14},
			point{toe + head*.42, foot}, point{toe - head*.18, foot})
	}
	shape(fade(coat, coat.times(.72)), point{mid - half*.97, low - 2}, point{mid + half*.97, low - 2}, point{mid + hip*.98, (low + hem) / 2},
		point{mid + hip*1.06, hem}, point{mid - hip*1.06, hem}, point{mid - hip*.98, (low + hem) / 2})
	shape(flat(coat.times(.55)), point{mid - 2, low}, point{mid + 3, low}, point{mid + 5, hem}, point{mid - 5, hem})
}

// stamp marks a polygon in the mask.
func stamp(mask plane, shape []point) {
	top, bottom := span(shape)
	var xs []float64
	for y := max(0, int(top)); y < min(mask.h, int(math.Ceil(bottom))); y++ {
		xs = crossings(xs[:0], shape, float64(y)+.5)
		if len(xs) < 2 {
			continue
		}
		a, b := min(xs[0], xs[1]), max(xs[0], xs[1])
		row := mask.row(y)
		for x := max(0, int(a+.5)); x < min(mask.w, int(b+.5)); x++ {
			row[x] = 255
		}
	}
}
