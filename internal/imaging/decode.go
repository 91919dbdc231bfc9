package imaging

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"

	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/actormaker/trainset/internal/png8"
)

// Decode reads a picture of any format that is read: upright by its EXIF
// orientation, its colour profile converted to sRGB, laid on white where it is
// transparent, without metadata. Numbers without a profile are taken for sRGB.
//
// Errors match ErrEmpty, ErrFormat, ErrAnimated, ErrTruncated, ErrDamaged or
// are a *TooLargeError; the limits are checked before pixels are allocated.
func Decode(data []byte, l Limits) (*image.NRGBA, error) {
	return decode(data, l, 0, 0)
}

// DecodeWithin is Decode for a picture that is wanted at most side pixels wide
// and high: a larger one is reduced while it is converted, which needs less
// memory than Decode does.
func DecodeWithin(data []byte, l Limits, side int) (*image.NRGBA, error) {
	return decode(data, l, side, side)
}

// decode reads a picture and fits it into a box; 0 is no box.
func decode(data []byte, l Limits, maxW, maxH int) (*image.NRGBA, error) {
	h, err := inspect(data, l)
	if err != nil {
		return nil, err
	}
	img, err := pixels(h, data)
	if err != nil {
		return nil, err
	}
	if b := img.Bounds(); b.Dx() != h.width || b.Dy() != h.height {
		return nil, fmt.Errorf("%w: its header says %d x %d pixels, there are %d x %d", ErrDamaged, h.width, h.height, b.Dx(), b.Dy())
	}
	return convert(img, h, maxW, maxH)
}

// convert makes the decoded picture what Decode promises.
func convert(img image.Image, h header, maxW, maxH int) (out *image.NRGBA, err error) {
	defer harmless(&err) // the profile's tables are the sender's
	c := newConverter(h.profile)
	w, ht := h.width, h.height
	if maxW > 0 {
		if h.orientation >= 5 {
			maxW, maxH = maxH, maxW
		}
		w, ht = within(w, ht, maxW, maxH)
	}
	if w != h.width || ht != h.height {
		return turn(newRows(img, c).shrink(w, ht), h.orientation), nil
	}
	if own := adopt(img); own != nil {
		r := newRows(own, c)
		for y := range ht {
			r.read(y, own.Pix[y*own.Stride:])
		}
		return turn(own, h.orientation), nil
	}
	return turn(newRows(img, c).full(), h.orientation), nil
}

// adopt takes the pixels of a picture that has the right layout, so that large
// ones are not held twice. An opaque RGBA is the same bytes as an NRGBA.
func adopt(img image.Image) *image.NRGBA {
	switch m := img.(type) {
	case *image.NRGBA:
		return m
	case *image.RGBA:
		if m.Opaque() {
			return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		}
	}
	return nil
}

// pixels decodes by format.
func pixels(h header, data []byte) (img image.Image, err error) {
	defer harmless(&err)
	r := bytes.NewReader(data)
	switch h.format {
	case FormatJPEG:
		img, err = jpeg.Decode(r)
	case FormatPNG:
		img, err = pngPixels(data)
	case FormatWebP:
		img, err = webpPixels(r)
	case FormatTIFF:
		img, err = tiff.Decode(r)
	case FormatGIF:
		img, err = gifPixels(r, h)
	}
	if err != nil {
		return nil, explain(h.format, err)
	}
	return img, nil
}

func pngPixels(data []byte) (image.Image, error) {
	img, err := png8.Decode(data)
	if errors.Is(err, png8.ErrOther) {
		return png.Decode(bytes.NewReader(data)) //nolint:wrapcheck // explained by the caller
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}

func webpPixels(r io.Reader) (image.Image, error) {
	img, err := webp.Decode(r)
	switch m := img.(type) {
	case *image.YCbCr:
		return &studio{YCbCr: m}, err //nolint:wrapcheck // explained by the caller
	case *image.NYCbCrA:
		return &studio{YCbCr: &m.YCbCr, alpha: m.A, stride: m.AStride}, err //nolint:wrapcheck // explained by the caller
	}
	return img, err //nolint:wrapcheck // explained by the caller
}

// gifPixels draws the one frame onto its canvas, which may be larger.
func gifPixels(r io.Reader, h header) (image.Image, error) {
	frame, err := gif.Decode(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // explained by the caller
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	draw.Draw(canvas, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return canvas, nil
}

// endings are the ways in which decoders say that data ends early.
var endings = []error{
	io.EOF, io.ErrUnexpectedEOF,
	jpeg.FormatError("short Huffman data"), png.FormatError("not enough pixel data"), tiff.FormatError("not enough pixel data"),
}

// explain says in this package's words what a decoder found.
func explain(format string, err error) error {
	var (
		jpegPart jpeg.UnsupportedError
		pngPart  png.UnsupportedError
		tiffPart tiff.UnsupportedError
	)
	switch {
	case slices.ContainsFunc(endings, func(end error) bool { return errors.Is(err, end) }):
		return ErrTruncated
	case errors.As(err, &jpegPart):
		return &FormatError{Format: "JPEG", Detail: string(jpegPart)}
	case errors.As(err, &pngPart):
		return &FormatError{Format: "PNG", Detail: string(pngPart)}
	case errors.As(err, &tiffPart):
		return &FormatError{Format: "TIFF", Detail: string(tiffPart)}
	}
	return fmt.Errorf("%w: reading a %s: %w", ErrDamaged, format, err)
}

// turn makes a picture upright, as its EXIF orientation says.
func turn(src *image.NRGBA, orientation int) *image.NRGBA {
	if orientation <= 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	right, bottom := w-1, h-1
	from := [...]func(x, y int) (int, int){ // where a pixel of the upright picture lies in the given one
		2: func(x, y int) (int, int) { return right - x, y },
		3: func(x, y int) (int, int) { return right - x, bottom - y },
		4: func(x, y int) (int, int) { return x, bottom - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, bottom - x },
		7: func(x, y int) (int, int) { return right - y, bottom - x },
		8: func(x, y int) (int, int) { return right - y, x },
	}[orientation]
	if orientation >= 5 {
		w, h = h, w
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := from(x, y)
			copy(dst.Pix[y*dst.Stride+4*x:][:4], src.Pix[sy*src.Stride+4*sx:])
		}
	}
	return dst
}
