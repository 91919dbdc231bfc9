package judge

import (
	"image"
	"math"
)

const (
	// outlineSide is the side of the thumbnail whose edges are compared.
	outlineSide = 40
	// outlineShift is by how many of its pixels, each way, one picture may lie
	// differently in its tile: boundaries drift, and tiles are cropped square.
	outlineShift = 3
	// sameOutline is the correlation of edges from which on two tiles show one
	// picture. In 24 simulated grids, copies that drift had stretched measured
	// 0.50 to 0.99, two people in one pose up to 0.58, all other pairs below
	// 0.35: some stretched copies pass rather than a good tile be thrown away.
	sameOutline = 0.62
)

// outline is where a picture gets lighter and darker, and how much: what stays
// the same in a copy that was brightened, shifted or drawn again.
type outline struct {
	across, down [outlineSide * outlineSide]float64
}

func newOutline(img *image.NRGBA) *outline {
	grey := thumbnail(img)
	o := &outline{}
	for y := 1; y < outlineSide-1; y++ {
		for x := 1; x < outlineSide-1; x++ {
			at := y*outlineSide + x
			o.across[at] = grey[at+1] - grey[at-1]
			o.down[at] = grey[at+outlineSide] - grey[at-outlineSide]
		}
	}
	return o
}

// thumbnail is the picture's grey in few cells, each the mean of its part.
func thumbnail(img *image.NRGBA) [outlineSide * outlineSide]float64 {
	var sums, counts [outlineSide * outlineSide]float64
	b := img.Bounds()
	for y := range b.Dy() {
		row := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
		cells := y * outlineSide / b.Dy() * outlineSide
		for x := range b.Dx() {
			at := cells + x*outlineSide/b.Dx()
			sums[at] += 0.299*float64(row[4*x]) + 0.587*float64(row[4*x+1]) + 0.114*float64(row[4*x+2])
			counts[at]++
		}
	}
	for at := range sums {
		sums[at] /= max(counts[at], 1)
	}
	return sums
}

// alike is the best correlation of two outlines over all shifts, -1 to 1.
func (o *outline) alike(other *outline) float64 {
	best := -1.0
	for dy := -outlineShift; dy <= outlineShift; dy++ {
		for dx := -outlineShift; dx <= outlineShift; dx++ {
			best = max(best, o.correlation(other, dy*outlineSide+dx))
		}
	}
	return best
}

// correlation compares the middle of one outline with the other's, shifted.
func (o *outline) correlation(other *outline, shift int) float64 {
	var product, mine, its float64
	for y := outlineShift + 1; y < outlineSide-outlineShift-1; y++ {
		for x := outlineShift + 1; x < outlineSide-outlineShift-1; x++ {
			at := y*outlineSide + x
			a, b, c, d := o.across[at], o.down[at], other.across[at+shift], other.down[at+shift]
			product += a*c + b*d
			mine += a*a + b*b
			its += c*c + d*d
		}
	}
	if mine == 0 || its == 0 {
		return 0
	}
	return product / math.Sqrt(mine*its)
}
