package picture

import (
	"image"
	"math"
	"math/bits"
	"slices"
)

// dHash is the usual 64-bit difference hash, written anew here: what checks the
// pictures elsewhere is not this package's business.
func dHash(img *image.RGBA) uint64 {
	tone := tones(img)
	var v [8][9]float64
	for y := range 8 {
		for x := range 9 {
			v[y][x] = meanTone(tone, image.Rect(x*tone.w/9, y*tone.h/8, (x+1)*tone.w/9, (y+1)*tone.h/8))
		}
	}
	var h uint64
	for y := range 8 {
		for x := range 8 {
			h <<= 1
			if v[y][x] < v[y][x+1] {
				h |= 1
			}
		}
	}
	return h
}

func meanTone(p plane, r image.Rectangle) float64 {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range p.row(y)[r.Min.X:r.Max.X] {
			sum += int(v)
		}
	}
	return float64(sum) / float64(r.Dx()*r.Dy())
}

func distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }

// sharpness90 is the 90th percentile of the Laplacian's variance over 8 x 8
// parts of a copy no larger than 1024 pixels.
func sharpness90(img *image.RGBA) float64 {
	tone := tones(shrink(img, 1024))
	var all []float64
	for i := range 64 {
		r := image.Rect(i%8*tone.w/8, i/8*tone.h/8, (i%8+1)*tone.w/8, (i/8+1)*tone.h/8)
		all = append(all, laplacianVariance(tone, r))
	}
	slices.Sort(all)
	return all[len(all)*9/10]
}

func laplacianVariance(p plane, r image.Rectangle) float64 {
	var sum, squares, n float64
	for y := max(1, r.Min.Y); y < min(p.h-1, r.Max.Y); y++ {
		up, mid, down := p.row(y-1), p.row(y), p.row(y+1)
		for x := max(1, r.Min.X); x < min(p.w-1, r.Max.X); x++ {
			l := float64(up[x]) + float64(down[x]) + float64(mid[x-1]) + float64(mid[x+1]) - 4*float64(mid[x])
			sum, squares, n = sum+l, squares+l*l, n+1
		}
	}
	return squares/n - sum*sum/n/n
}

func saturation(img *image.RGBA) float64 {
	c := &canvas{RGBA: img, w: img.Rect.Dx(), h: img.Rect.Dy()}
	sat, _, _ := c.survey()
	return sat
}

// flattestEdge is the least deviation of tone along any band of two pixels at
// the picture's edges: a border or a letterbox has next to none.
func flattestEdge(img *image.RGBA) float64 {
	p := tones(img)
	least := math.Inf(1)
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, p.w, 2), image.Rect(0, p.h-2, p.w, p.h), image.Rect(0, 0, 2, p.h), image.Rect(p.w-2, 0, p.w, p.h),
	} {
		band := newPlane(r.Dx(), r.Dy())
		for y := range band.h {
			copy(band.row(y), p.row(r.Min.Y + y)[r.Min.X:r.Max.X])
		}
		std := band.spread()
		least = min(least, std)
	}
	return least
}
