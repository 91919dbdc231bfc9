package grid

import (
	"image"
	"image/color"
)

// Cut returns the part of img within box, sharing img's pixels: nothing is
// copied, converted or compressed again. What of box lies outside img is left off.
func Cut(img image.Image, box image.Rectangle) image.Image {
	if s, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		return s.SubImage(box)
	}
	return window{img, box.Intersect(img.Bounds())}
}

// window shows a part of an image whose type has no SubImage.
type window struct {
	image.Image
	box image.Rectangle
}

// Bounds is the part's.
func (w window) Bounds() image.Rectangle { return w.box }

// At is the image's, and nothing outside the part.
func (w window) At(x, y int) color.Color {
	if !image.Pt(x, y).In(w.box) {
		return color.Transparent
	}
	return w.Image.At(x, y)
}
