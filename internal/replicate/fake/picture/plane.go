package picture

import (
	"image"
	"math"
	"sync"

	"github.com/actormaker/trainset/internal/race"
)

// plane is one value a pixel: a tone, or a mask.
type plane struct {
	pix  []uint8
	w, h int
}

func newPlane(w, h int) plane { return plane{make([]uint8, w*h), w, h} }

func (p plane) row(y int) []uint8 { return p.pix[y*p.w : (y+1)*p.w] }

func (p plane) image() *image.Gray {
	return &image.Gray{Pix: p.pix, Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}
}

// tones is the picture's lightness.
//
//go:norace
func tones(img *image.RGBA) plane {
	race.Reads(img.Pix)
	p := newPlane(img.Rect.Dx(), img.Rect.Dy())
	for y := range p.h {
		src, dst := img.Pix[y*img.Stride:], p.row(y)
		for x := range dst {
			dst[x] = luma8(src[4*x], src[4*x+1], src[4*x+2])
		}
	}
	return p
}

// blur averages over a square of 2r+1 pixels, with running sums.
func (p plane) blur(r int) plane {
	out := newPlane(p.w, p.h)
	if p.w == 0 || p.h == 0 {
		return out
	}
	columns := make([]int32, p.w)
	for y := -r; y <= r; y++ {
		p.sum(columns, y, 1)
	}
	n := int32((2*r + 1) * (2*r + 1)) //nolint:gosec // a small window
	for y := range p.h {
		average(out.row(y), columns, r, n)
		p.sum(columns, y-r, -1)
		p.sum(columns, y+r+1, 1)
	}
	return out
}

// sum adds a row to the columns; outside the plane its nearest row stands in.
//
//go:norace
func (p plane) sum(columns []int32, y int, sign int32) {
	row := p.row(min(p.h-1, max(0, y)))
	race.Reads(row)
	race.Writes(columns)
	for x, v := range row {
		columns[x] += sign * int32(v)
	}
}

//go:norace
func average(dst []uint8, columns []int32, r int, n int32) {
	race.Reads(columns)
	race.Writes(dst)
	last := len(columns) - 1
	s := int32(0)
	for x := -r; x <= r; x++ {
		s += columns[min(last, max(0, x))]
	}
	for x := range dst {
		dst[x] = uint8((s + n/2) / n) //nolint:gosec // an average of bytes
		s += columns[min(last, x+r+1)] - columns[max(0, x-r)]
	}
}

// contours is how sharply the tone changes at each pixel.
//
//go:norace
func (p plane) contours() plane {
	race.Reads(p.pix)
	out := newPlane(p.w, p.h)
	for y := 1; y < p.h-1; y++ {
		up, mid, down, dst := p.row(y-1), p.row(y), p.row(y+1), out.row(y)
		for x := 1; x < p.w-1; x++ {
			gx := int(up[x+1]) + 2*int(mid[x+1]) + int(down[x+1]) - int(up[x-1]) - 2*int(mid[x-1]) - int(down[x-1])
			gy := int(down[x-1]) + 2*int(down[x]) + int(down[x+1]) - int(up[x-1]) - 2*int(up[x]) - int(up[x+1])
			dst[x] = uint8(min(255, (abs(gx)+abs(gy))/4)) //nolint:gosec // clamped to a byte
		}
	}
	return out
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

// spread is the standard deviation of the tones.
//
//go:norace
func (p plane) spread() float64 {
	race.Reads(p.pix)
	var sum, squares float64
	for _, v := range p.pix {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(max(1, len(p.pix)))
	return root(squares/n - sum/n*sum/n)
}

// tile is the side of the noise, which repeats; a power of two.
const tile = 256

// noise is one repeating square of values from -128 to 127.
type noise []int8

// at is the value for a pixel.
func (n noise) at(x, y int) int { return int(n[(y&(tile-1))*tile+x&(tile-1)]) }

// noises are made once: they do not depend on the request, which chooses where
// in the square it starts.
var noises = sync.OnceValue(func() map[int]noise {
	out := map[int]noise{0: grainOf()}
	for _, r := range []int{1, 4, 12} {
		out[r] = soften(out[0], r)
	}
	return out
})

// speckle is noise without any order: film, paper tooth.
func speckle() noise { return noises()[0] }

// mottle is noise in patches of about the given size: 1, 4 or 12.
func mottle(size int) noise { return noises()[size] }

func grainOf() noise {
	d := dice("grain", "", 0)
	out := make(noise, tile*tile)
	for i := range out {
		out[i] = int8(min(127, max(-127, d.NormFloat64()*45)))
	}
	return out
}

// soften averages twice over a window that runs across the square's edges, and
// brings the result back to the full range.
func soften(n noise, r int) noise {
	v := make([]float64, len(n))
	for i, x := range n {
		v[i] = float64(x)
	}
	for range 2 {
		v = wrapBlur(wrapBlur(v, r, 1, tile), r, tile, 1)
	}
	most := 1e-9
	for _, x := range v {
		most = max(most, math.Abs(x))
	}
	out := make(noise, len(n))
	for i, x := range v {
		out[i] = int8(x / most * 127)
	}
	return out
}

// wrapBlur averages along one direction: step from value to value, line from
// line to line.
func wrapBlur(v []float64, r, step, line int) []float64 {
	out := make([]float64, len(v))
	for l := range tile {
		s := 0.0
		for k := -r; k <= r; k++ {
			s += v[l*line+(k&(tile-1))*step]
		}
		for k := range tile {
			out[l*line+k*step] = s
			s += v[l*line+((k+r+1)&(tile-1))*step] - v[l*line+((k-r)&(tile-1))*step]
		}
	}
	return out
}
