package picture

import (
	"fmt"
	"image"
	"math"

	"github.com/actormaker/trainset/internal/race"
)

const (
	mostOutput = 40 << 20 // pixels of an enlarged picture
	mostFactor = 6
)

// factorOf reads how much is asked for, under any of the models' names for it.
func factorOf(r Request) (float64, error) {
	f := r.Factor
	for _, name := range []string{"upscale_factor", "scale", "scale_factor", "upscale"} {
		if f == 0 {
			f = r.number(name)
		}
	}
	if f == 0 {
		f = 2
	}
	if !(f >= 1 && f <= mostFactor) {
		return 0, fmt.Errorf("enlarging by %v: the factor must be between 1 and %d", f, mostFactor)
	}
	return f, nil
}

// upscale enlarges the first input, and sharpens a little as such models do.
func upscale(r Request) (image.Image, error) {
	f, err := factorOf(r)
	if err != nil {
		return nil, err
	}
	if len(r.Images) == 0 {
		return nil, errNoInput
	}
	size, err := measure(r.Images[0])
	if err != nil {
		return nil, err
	}
	w, h := int(float64(size.X)*f), int(float64(size.Y)*f)
	if w > mostOutput/h {
		return nil, fmt.Errorf("enlarging %d x %d by %v: the result would have more than %d pixels", size.X, size.Y, f, mostOutput)
	}
	if r.Flaw == Blank {
		return blank(image.Pt(w, h), r), nil
	}
	img, err := decode(r.Images[0])
	if err != nil {
		return nil, err
	}
	if r.Flaw == Small {
		return resize(img, max(1, size.X/2), max(1, size.Y/2)), nil
	}
	return enlarge(img, w, h), nil
}

// taps is where an output pixel looks in the input, and with which weights of
// 1/2048.
type taps struct {
	at     [4]int
	weight [4]int32
}

// sharpness is the cubic's parameter: -0.5 is Catmull-Rom, below it edges gain.
const sharpness = -.7

func tapsFor(n, m int) []taps {
	out := make([]taps, m)
	for i := range out {
		c := (float64(i)+.5)*float64(n)/float64(m) - .5
		base := int(math.Floor(c))
		var sum int32
		for k := range 4 {
			out[i].at[k] = min(n-1, max(0, base+k-1))
			out[i].weight[k] = int32(math.Round(cubic(c-float64(base+k-1)) * 2048))
			sum += out[i].weight[k]
		}
		out[i].weight[1] += 2048 - sum // flat areas stay exactly as they are
	}
	return out
}

func cubic(x float64) float64 {
	const a = sharpness
	switch x = math.Abs(x); {
	case x < 1:
		return (a+2)*x*x*x - (a+3)*x*x + 1
	case x < 2:
		return a * (x*x*x - 5*x*x + 8*x - 4)
	default:
		return 0
	}
}

// enlarge resamples with a cubic, first along each row, then across the four
// rows around each output row; only those four are kept.
func enlarge(img *image.RGBA, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	columns, rows := tapsFor(img.Rect.Dx(), w), tapsFor(img.Rect.Dy(), h)
	var kept [4][]int16
	var holds [4]int
	for i := range kept {
		kept[i], holds[i] = make([]int16, 3*w), -1
	}
	for y, t := range rows {
		var from [4][]int16
		for k, at := range t.at {
			if holds[at&3] != at {
				widen(kept[at&3], img.Pix[at*img.Stride:][:img.Stride], columns)
				holds[at&3] = at
			}
			from[k] = kept[at&3]
		}
		join(out.Pix[y*out.Stride:y*out.Stride+4*w], from, t.weight)
	}
	return out
}

// widen resamples one row, at 16 times a byte's precision.
//
//go:norace
func widen(dst []int16, src []uint8, columns []taps) {
	race.Reads(src)
	race.Reads(columns)
	race.Writes(dst)
	for x := range columns {
		t := &columns[x]
		a, b, c, d := src[4*t.at[0]:], src[4*t.at[1]:], src[4*t.at[2]:], src[4*t.at[3]:]
		for k := range 3 {
			v := int32(a[k])*t.weight[0] + int32(b[k])*t.weight[1] + int32(c[k])*t.weight[2] + int32(d[k])*t.weight[3]
			dst[3*x+k] = int16(v >> 7) //nolint:gosec // a byte times at most 1.4 times 16
		}
	}
}

// join mixes four widened rows into one row of pixels.
//
//go:norace
func join(dst []uint8, from [4][]int16, weight [4]int32) {
	for _, row := range from {
		race.Reads(row)
	}
	race.Writes(dst)
	a, b, c, d := from[0], from[1], from[2], from[3]
	b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
	for i, at := 0, 0; i < len(a); at += 4 {
		for k := range 3 {
			v := (int32(a[i])*weight[0] + int32(b[i])*weight[1] + int32(c[i])*weight[2] + int32(d[i])*weight[3] + 1<<14) >> 15
			dst[at+k] = uint8(min(255, max(0, v)))
			i++
		}
		dst[at+3] = 255
	}
}
