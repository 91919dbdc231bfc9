package imaging

import (
	"errors"
	"image"
	"image/color"

	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/png8"
)

// Packed is an opaque sRGB picture of three bytes a pixel: what a large one is
// kept as, and its parts with it. The memory that a picture touches costs more
// than what is done with it.
type Packed struct {
	Pix    []byte // the first pixel is at Rect.Min
	Stride int    // bytes from one row to the next
	Rect   image.Rectangle
}

// DecodePacked is Decode for large pictures that come one after the other: the
// pixels go to room, which grows where it is too small or nil. Reuse the
// picture's Pix when the picture is no longer needed.
func DecodePacked(room, data []byte, l Limits) (*Packed, error) {
	h, err := inspect(data, l)
	if err != nil {
		return nil, err
	}
	if h.format == FormatPNG && h.orientation <= 1 && newConverter(h.profile).none() {
		pix, err := packedPixels(data, room)
		if err == nil {
			return &Packed{pix, 3 * h.width, image.Rect(0, 0, h.width, h.height)}, nil
		}
		if !errors.Is(err, png8.ErrOther) {
			return nil, explain(h.format, err)
		}
	}
	img, err := Decode(data, l)
	if err != nil {
		return nil, err
	}
	return pack(room, img), nil
}

// packedPixels decodes a PNG.
func packedPixels(data, room []byte) (pix []byte, err error) {
	defer harmless(&err)
	return png8.DecodeRGB(data, room)
}

// pack drops the alpha of an opaque picture.
func pack(room []byte, img *image.NRGBA) *Packed {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	p := &Packed{Stride: 3 * w, Rect: image.Rect(0, 0, w, h)}
	if n := 3 * w * h; cap(room) >= n {
		p.Pix = room[:n]
	} else {
		p.Pix = pages.Make(n)
	}
	for y := range h {
		png8.Pack(p.row(y), img.Pix[y*img.Stride:][:4*w])
	}
	return p
}

// row is the row y from the top.
func (p *Packed) row(y int) []byte { return p.Pix[y*p.Stride:][:3*p.Rect.Dx()] }

// ColorModel is that of the colours that At gives.
func (p *Packed) ColorModel() color.Model { return color.NRGBAModel }

// Bounds are where the picture is: a part keeps its place in the whole.
func (p *Packed) Bounds() image.Rectangle { return p.Rect }

// At is the colour of a pixel, transparent outside of the picture.
func (p *Packed) At(x, y int) color.Color {
	if !image.Pt(x, y).In(p.Rect) {
		return color.NRGBA{}
	}
	px := p.row(y - p.Rect.Min.Y)[3*(x-p.Rect.Min.X):]
	return color.NRGBA{px[0], px[1], px[2], 0xff}
}

// SubImage is the part within r. It shares the picture's pixels.
func (p *Packed) SubImage(r image.Rectangle) image.Image {
	r = r.Intersect(p.Rect)
	if r.Empty() {
		return &Packed{}
	}
	from := r.Min.Sub(p.Rect.Min)
	return &Packed{p.Pix[from.Y*p.Stride+3*from.X:], p.Stride, r}
}
