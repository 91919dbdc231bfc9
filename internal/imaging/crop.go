package imaging

import "image"

// Picture is what Decode and DecodePacked return.
type Picture interface {
	image.Image
	SubImage(r image.Rectangle) image.Image
}

// CropAspect returns the largest central part of img that has the aspect w to
// h, exact within one pixel. It shares img's pixels and never resamples; a
// picture that is right already is returned as it is.
func CropAspect(img Picture, w, h int) image.Image {
	b := img.Bounds()
	cw, ch := cropSize(b.Dx(), b.Dy(), w, h)
	if cw == b.Dx() && ch == b.Dy() {
		return img
	}
	at := b.Min.Add(image.Pt((b.Dx()-cw)/2, (b.Dy()-ch)/2))
	return img.SubImage(image.Rectangle{at, at.Add(image.Pt(cw, ch))})
}

// cropSize is the largest size of the aspect aw to ah within w x h.
func cropSize(w, h, aw, ah int) (int, int) {
	if aw <= 0 || ah <= 0 || w <= 0 || h <= 0 {
		return w, h
	}
	cw, ch := max(1, (h*aw+ah/2)/ah), max(1, (w*ah+aw/2)/aw) // rounded to the nearest pixel
	switch {
	case cw == w || ch == h:
		return w, h
	case cw < w:
		return cw, h
	}
	return w, ch
}
