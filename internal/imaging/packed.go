package imaging

import (
	"errors"
	"image"

	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/png8"
)

// Packed is an opaque sRGB picture of three bytes a pixel, rows without gaps:
// what a large one is kept as that parts are cut from. The memory that a picture
// touches costs more than what is done with it.
type Packed struct {
	Pix           []byte
	Width, Height int // px
}

// DecodePacked is Decode for large pictures that come one after the other: the
// pixels go to room, which grows where it is too small or nil. Reuse the
// picture's Pix when the picture is no longer needed.
func DecodePacked(room, data []byte, l Limits) (Packed, error) {
	h, err := inspect(data, l)
	if err != nil {
		return Packed{}, err
	}
	if h.format == FormatPNG && h.orientation <= 1 && newConverter(h.profile).none() {
		pix, err := png8.DecodeRGB(data, room)
		if err == nil {
			return Packed{pix, h.width, h.height}, nil
		}
		if !errors.Is(err, png8.ErrOther) {
			return Packed{}, explain(h.format, err)
		}
	}
	img, err := Decode(data, l)
	if err != nil {
		return Packed{}, err
	}
	return pack(room, img), nil
}

// pack drops the alpha of an opaque picture.
func pack(room []byte, img *image.NRGBA) Packed {
	p := Packed{Width: img.Rect.Dx(), Height: img.Rect.Dy()}
	if n := 3 * p.Width * p.Height; cap(room) >= n {
		p.Pix = room[:n]
	} else {
		p.Pix = pages.Make(n)
	}
	for y := range p.Height {
		png8.Pack(p.row(y), img.Pix[y*img.Stride:][:4*p.Width])
	}
	return p
}

func (p Packed) row(y int) []byte { return p.Pix[3*p.Width*y:][:3*p.Width] }

// Bounds are those of the picture, from the origin.
func (p Packed) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// Cut returns a part, as far as it lies within the picture, as a picture of its
// own. Its pixels go to room, which grows where it is too small or nil.
func (p Packed) Cut(part image.Rectangle, room []byte) *image.NRGBA {
	part = part.Intersect(p.Bounds())
	w, h := part.Dx(), part.Dy()
	if cap(room) < 4*w*h {
		room = pages.Make(4 * w * h)
	}
	img := &image.NRGBA{Pix: room[:4*w*h], Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	for y := range h {
		png8.Unpack(img.Pix[y*img.Stride:][:img.Stride], p.row(part.Min.Y + y)[3*part.Min.X:][:3*w])
	}
	return img
}
