package imaging

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/race"
)

// Measures are raw numbers about a picture. What they mean is decided by
// Check, at the time of reading, so that thresholds may change without the
// pictures being looked at again.
type Measures struct {
	Width  int `json:"width"`  // px
	Height int `json:"height"` // px
	// Std is the standard deviation of grey, in levels of 255.
	Std float64 `json:"std"`
	// Range is how far the lightest and the darkest parts of a thumbnail are apart, in
	// levels, the outermost two per cent left off: what noise and a signature do not
	// widen.
	Range int `json:"range"`
	// DHash is the 64-bit difference hash, 16 hexadecimal digits.
	DHash string `json:"dhash"`
	// SharpP90 is the ninetieth percentile of the variance of the Laplacian over
	// an 8 x 8 grid: the sharpest parts of the picture, so that a soft background
	// is no fault. Cells of an even ground are left out where that makes it more: a
	// small figure in an empty picture is as sharp as a large one.
	SharpP90 float64 `json:"sharp_p90"`
	// MonoMSE is the mean squared distance from grey on a thumbnail, an even
	// tint allowed for.
	MonoMSE float64 `json:"mono_mse"`
	// Cast is how far the mean of one channel is from another's, in levels.
	Cast float64 `json:"cast"`
	// Saturation is the mean saturation, in per cent.
	Saturation float64 `json:"saturation"`
	// Bars is the part of the frame, in per cent, that two dark bars at opposite
	// edges cover.
	Bars float64 `json:"bars"`
	// Border is the width, in pixels, of the widest even band at an edge that
	// ends in a straight line.
	Border int `json:"border"`
}

// Sides of the copies on which measures are taken: they bound time and make
// pictures of different sizes comparable.
const (
	sharpSide = 1024
	thumbSide = 40
	tiles     = 8
)

// Measure measures a picture, as Decode or DecodePacked returns it.
func Measure(img image.Image) Measures {
	m, _ := MeasureAndReduce(img)
	return m
}

// MeasureAndReduce is Measure and what it looks at anyway: the picture reduced to
// what a sheet shows, nil where it has no pixels.
func MeasureAndReduce(img image.Image) (Measures, *image.NRGBA) {
	whole := opaqueRows(img)
	m := Measures{Width: whole.width, Height: whole.height}
	if whole.width == 0 || whole.height == 0 {
		m.DHash = noHash
		return m, nil
	}
	reduced := Reduce(img, CellWidth, CellHeight)
	small := opaqueRows(reduced)
	m.DHash = dhash(small)
	m.colour(small.shrink(min(thumbSide, small.width), min(thumbSide, small.height)))
	few := small.shrinkLuma(make([]byte, thumbSide*thumbSide), min(thumbSide, small.width), min(thumbSide, small.height))
	m.Range = few.span()
	w, h := within(whole.width, whole.height, sharpSide, sharpSide)
	room, giveBack := pages.Borrow(w * h)
	defer giveBack()
	g := whole.shrinkLuma(room, w, h)
	m.Std = round2(g.std())
	m.SharpP90 = round2(g.sharpness(few))
	m.Bars = round2(100 * g.bars())
	m.Border = int(math.Round(float64(g.border()) * float64(whole.width) / float64(w)))
	return m, reduced
}

func round2(v float64) float64 { return math.Round(v*100) / 100 }

// colour measures how far a thumbnail is from grey.
func (m *Measures) colour(thumb *image.NRGBA) {
	n := float64(len(thumb.Pix) / 4)
	var mean [3]float64
	for px := thumb.Pix; len(px) >= 4; px = px[4:] {
		for c := range mean {
			mean[c] += float64(px[c]) / n
		}
	}
	all := (mean[0] + mean[1] + mean[2]) / 3
	var squares, saturation float64
	for px := thumb.Pix; len(px) >= 4; px = px[4:] {
		mu := (float64(px[0]) + float64(px[1]) + float64(px[2])) / 3
		for c := range mean {
			d := float64(px[c]) - mu - (mean[c] - all)
			squares += float64(d * d)
		}
		high, low := max(px[0], px[1], px[2]), min(px[0], px[1], px[2])
		if high > 0 {
			saturation += float64(high-low) / float64(high)
		}
	}
	m.MonoMSE = round2(squares / n)
	m.Saturation = round2(100 * saturation / n)
	m.Cast = round2(slices.Max(mean[:]) - slices.Min(mean[:]))
}

// Hash is the difference hash that Measure has, without the rest.
func Hash(img image.Image) string {
	if img.Bounds().Empty() {
		return noHash
	}
	return dhash(opaqueRows(Reduce(img, CellWidth, CellHeight)))
}

const noHash = "0000000000000000"

// dhash compares each cell of an 8 x 9 thumbnail with its right neighbour.
func dhash(r rows) string {
	w, h := min(9, r.width), min(8, r.height)
	g := r.shrinkLuma(make([]byte, w*h), w, h)
	var bits uint64
	for y := range 8 {
		for x := range 8 {
			bits <<= 1
			if y < h && x+1 < w && g.at(x, y) < g.at(x+1, y) {
				bits |= 1
			}
		}
	}
	return fmt.Sprintf("%016x", bits)
}

// gray is a picture's luma.
type gray struct {
	w, h int
	pix  []byte
}

// lumaOf reads the luma of a row of step bytes a pixel: of 3, eight pixels at once,
// which need fewer checks of bounds than two at a time, of 4 two.
//
//go:norace
func lumaOf(luma, px []byte, step int) {
	race.Reads(px)
	race.Writes(luma)
	for ; step == 3 && len(luma) >= 8 && len(px) >= 26; luma, px = luma[8:], px[24:] {
		to, from := (*[8]byte)(luma), (*[26]byte)(px)
		a, b := lumaOfTwo(packedPair(from[0:])), lumaOfTwo(packedPair(from[6:]))
		to[0], to[1], to[2], to[3] = byte(a&0xff), byte(a>>32&0xff), byte(b&0xff), byte(b>>32&0xff)
		a, b = lumaOfTwo(packedPair(from[12:])), lumaOfTwo(packedPair(from[18:]))
		to[4], to[5], to[6], to[7] = byte(a&0xff), byte(a>>32&0xff), byte(b&0xff), byte(b>>32&0xff)
	}
	for ; step == 4 && len(luma) >= 2 && len(px) >= 8; luma, px = luma[2:], px[8:] {
		two := lumaOfTwo(binary.LittleEndian.Uint64(px))
		luma[0], luma[1] = byte(two&0xff), byte(two>>32&0xff)
	}
	for ; len(luma) > 0; luma, px = luma[1:], px[step:] {
		luma[0] = byte(lumaOfTwo(uint64(px[0])|uint64(px[1])<<8|uint64(px[2])<<16) & 0xff)
	}
}

// packedPair is two pixels of three bytes, each in a half of a word.
func packedPair(px []byte) uint64 {
	const one = 0xffffff
	v := binary.LittleEndian.Uint64(px)
	return v&one | v>>24&one<<32
}

// lumaOfTwo is the luma of two pixels, each in a half: no sum carries into the other's.
func lumaOfTwo(v uint64) uint64 {
	const half = 1<<15 | 1<<(15+32)
	return (v&evens*19595 + v>>8&evens*38470 + v>>16&evens*7471 + half) >> 16 & (0xff | 0xff<<32)
}

func (g gray) at(x, y int) byte { return g.pix[y*g.w+x] }

//go:norace
func (g gray) std() float64 {
	race.Reads(g.pix)
	var levels [256]int64
	for _, v := range g.pix {
		levels[v]++
	}
	var s spread
	for v, n := range levels {
		s.n += n
		s.sum += n * int64(v)
		s.squares += n * int64(v*v)
	}
	return math.Sqrt(s.variance())
}

// spread collects numbers for their variance, exactly.
type spread struct{ n, sum, squares int64 }

func (s *spread) add(v int64) {
	s.n++
	s.sum += v
	s.squares += v * v
}

func (s *spread) mean() float64 { return float64(s.sum) / float64(max(s.n, 1)) }

func (s *spread) variance() float64 {
	if s.n == 0 {
		return 0
	}
	return float64(s.n*s.squares-s.sum*s.sum) / (float64(s.n) * float64(s.n))
}

// span is how far the levels are apart, the outermost two per cent left off.
func (g gray) span() int {
	levels := slices.Sorted(slices.Values(g.pix))
	off := len(levels) / 50
	return int(levels[len(levels)-1-off]) - int(levels[off])
}

// sharpness is the ninetieth percentile of the Laplacian's variance, of all cells
// or of those that are no even ground in a thumbnail.
func (g gray) sharpness(thumb gray) float64 {
	var cells [tiles * tiles]spread
	for y := 1; y < g.h-1; y++ {
		band := cells[y*tiles/g.h*tiles:][:tiles]
		for c := range band { // of column x is cell x*tiles/w
			left, right := max(1, (c*g.w+tiles-1)/tiles), min(g.w-1, ((c+1)*g.w+tiles-1)/tiles)
			if left < right {
				band[c].laplacian(g, y, left, right)
			}
		}
	}
	var all, drawn []float64
	ground := thumb.grounds()
	for i, c := range cells {
		v := c.variance()
		all = append(all, v)
		if !ground[i] {
			drawn = append(drawn, v)
		}
	}
	return max(percentile90(all), percentile90(drawn))
}

// grounds tells the cells of a thumbnail in which nothing is drawn.
func (g gray) grounds() (ground [tiles * tiles]bool) {
	var dark, high [tiles * tiles]byte // dark is 255 less the lowest
	for y := range g.h {
		for x := range g.w {
			at, v := y*tiles/g.h*tiles+x*tiles/g.w, g.at(x, y)
			dark[at], high[at] = max(dark[at], 255-v), max(high[at], v)
		}
	}
	for i := range ground {
		ground[i] = float64(high[i])-float64(255-dark[i]) < evenStd
	}
	return ground
}

func percentile90(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[len(of)*9/10]
}

// laplacian adds the second derivatives of a part of a row.
//
//go:norace
func (s *spread) laplacian(g gray, y, left, right int) {
	n := right - left
	up, down := g.pix[(y-1)*g.w+left:][:n], g.pix[(y+1)*g.w+left:][:n]
	row := g.pix[y*g.w+left-1:][:n+2]
	race.Reads(up)
	race.Reads(down)
	race.Reads(row)
	var sum, squares int64
	for i := range up {
		l := int64(up[i]) + int64(down[i]) + int64(row[i]) + int64(row[i+2]) - 4*int64(row[i+1])
		sum += l
		squares += l * l
	}
	s.n += int64(n)
	s.sum += sum
	s.squares += squares
}
