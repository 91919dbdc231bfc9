package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // inputs come as JPEG,
	_ "image/png"  // as PNG

	xdraw "golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // and as WebP

	"github.com/actormaker/trainset/internal/png8"
)

const (
	// mostInput bounds what is decoded: a small file may claim a huge picture.
	mostInput = 40 << 20
	// working is the longer side of the copy of the reference that is drawn from.
	working = 768
)

var errNoInput = errors.New("an input image is required")

// measure reads a picture's size from its header, and refuses what is too large
// before a single pixel of it is allocated.
func measure(data []byte) (image.Point, error) {
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return image.Point{}, fmt.Errorf("reading the input image: %w", err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > mostInput/c.Height {
		return image.Point{}, fmt.Errorf("the %s input image is %d x %d: at most %d pixels are accepted",
			format, c.Width, c.Height, mostInput)
	}
	return image.Pt(c.Width, c.Height), nil
}

// decode reads a whole picture; transparency turns white, as models see it.
func decode(data []byte) (*image.RGBA, error) {
	if len(data) == 0 {
		return nil, errNoInput
	}
	size, err := measure(data)
	if err != nil {
		return nil, err
	}
	if rgb, err := png8.DecodeRGB(data, nil); err == nil { // nearly all are of this kind, which is quick
		out := image.NewRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			png8.Unpack(out.Pix[y*out.Stride:][:out.Stride], rgb[3*size.X*y:][:3*size.X])
		}
		return out, nil
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading the input image: %w", err)
	}
	return flatten(img), nil
}

func flatten(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	op := draw.Src
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
		op = draw.Over
	}
	draw.Draw(out, out.Bounds(), img, b.Min, op)
	return out
}

// reference is the first input, no larger than is drawn from; nil without one.
func reference(r Request) (*source, error) {
	if len(r.Images) == 0 {
		return nil, nil //nolint:nilnil // text alone is a good request: the picture then has no figure
	}
	s, err := sourceOf(r.Images[0])
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// shrink returns img with its longer side at most side. It halves by averaging
// as long as it can, because the interpolation after it looks at four pixels.
func shrink(img *image.RGBA, side int) *image.RGBA {
	for max(img.Rect.Dx(), img.Rect.Dy()) >= 2*side && min(img.Rect.Dx(), img.Rect.Dy()) >= 2 {
		img = halve(img)
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if max(w, h) <= side {
		return img
	}
	scale := float64(side) / float64(max(w, h))
	return resize(img, max(1, int(float64(w)*scale+.5)), max(1, int(float64(h)*scale+.5)))
}

func resize(img *image.RGBA, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.ApproxBiLinear.Scale(out, out.Rect, img, img.Rect, xdraw.Src, nil)
	return out
}

// halve averages each two by two pixels.
func halve(img *image.RGBA) *image.RGBA {
	w, h := img.Rect.Dx()/2, img.Rect.Dy()/2
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		up, down := img.Pix[2*y*img.Stride:], img.Pix[(2*y+1)*img.Stride:]
		row := out.Pix[y*out.Stride:]
		for x := range 4 * w {
			i := x&3 + x>>2<<3
			row[x] = uint8((int(up[i]) + int(up[i+4]) + int(down[i]) + int(down[i+4]) + 2) >> 2) //nolint:gosec // an average of four bytes
		}
	}
	return out
}
