package grid_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	xdraw "golang.org/x/image/draw"
)

// photographs are real pictures, kept outside the repository.
const photographs = "../../../shared/images"

// loadPhotographs skips the test where they are absent.
func loadPhotographs(tb testing.TB) []image.Image {
	tb.Helper()
	var all []image.Image
	for _, name := range []string{"astronaut.png", "camera.png", "chelsea.png", "coffee.png", "hubble.jpg"} {
		f, err := os.Open(filepath.Join(photographs, name))
		if err != nil {
			tb.Skipf("the real photographs are not here: %v", err)
		}
		img, _, err := image.Decode(f)
		_ = f.Close()
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, img)
	}
	return all
}

// composition says how to lay out a grid whose boundaries are then known.
type composition struct {
	size   int     // of the square picture
	gutter int     // pixels
	drift  float64 // the most that a boundary is off its third, as a share of size
	tone   string  // white, black or picture: the gutters' and margins'
	margin int     // pixels around it all
	cols   int     // 3 when 0
	rows   int     // 3 when 0
	seed   uint64
}

// truth is where a composed grid's boundaries are.
type truth struct{ columns, rows []span }

type span struct{ from, to int }

// painter fills a rectangle with a tile's picture.
type painter func(dst *image.RGBA, r image.Rectangle, tile int, rng *rand.Rand)

func (c composition) compose(paint painter) (*image.RGBA, truth) {
	rng := rand.New(rand.NewPCG(c.seed, 1))
	if c.cols == 0 {
		c.cols = 3
	}
	if c.rows == 0 {
		c.rows = 3
	}
	img := image.NewRGBA(image.Rect(0, 0, c.size, c.size))
	t := truth{columns: c.boundaries(c.cols, rng), rows: c.boundaries(c.rows, rng)}
	ys := c.extents(t.rows)
	for row, y := range ys {
		for column, x := range c.extents(t.columns) {
			paint(img, image.Rect(x.from, y.from, x.to, y.to), row*c.cols+column, rng)
		}
	}
	c.drawGutters(img, t, rng)
	return img, t
}

func (c composition) boundaries(n int, rng *rand.Rand) []span {
	at := make([]span, n-1)
	inner := c.size - 2*c.margin
	for i := range at {
		off := c.drift * float64(c.size)
		if rng.IntN(2) == 0 { // half of them drift as far as they may
			off *= rng.Float64()
		}
		if rng.IntN(2) == 0 {
			off = -off
		}
		middle := float64(c.margin) + float64(inner*(i+1))/float64(n) + off
		from := int(math.Round(middle - float64(c.gutter)/2))
		at[i] = span{from, from + c.gutter}
	}
	return at
}

// extents are the tiles' between boundaries.
func (c composition) extents(bs []span) []span {
	var all []span
	from := c.margin
	for _, b := range bs {
		all = append(all, span{from, b.from})
		from = b.to
	}
	return append(all, span{from, c.size - c.margin})
}

func (c composition) drawGutters(img *image.RGBA, t truth, rng *rand.Rand) {
	var tone color.Color
	switch c.tone {
	case "white":
		tone = color.White
	case "black":
		tone = color.Black
	default:
		tone = img.RGBAAt(c.size/8+rng.IntN(c.size/8), c.size/8+rng.IntN(c.size/8))
	}
	fill := func(x0, y0, x1, y1 int) {
		draw.Draw(img, image.Rect(x0, y0, x1, y1), image.NewUniform(tone), image.Point{}, draw.Src)
	}
	edges := []span{{0, c.margin}, {c.size - c.margin, c.size}}
	for _, b := range append(edges, t.columns...) {
		fill(b.from, 0, b.to, c.size)
	}
	for _, b := range append(edges, t.rows...) {
		fill(0, b.from, c.size, b.to)
	}
}

// photoPainter fills tiles with different parts of the photographs.
func photoPainter(photos []image.Image) painter {
	return func(dst *image.RGBA, r image.Rectangle, tile int, rng *rand.Rand) {
		photo := photos[(tile+rng.IntN(2))%len(photos)]
		b := photo.Bounds()
		scale := min(float64(b.Dx())/float64(r.Dx()), float64(b.Dy())/float64(r.Dy())) * (0.6 + 0.4*rng.Float64())
		w, h := int(scale*float64(r.Dx())), int(scale*float64(r.Dy()))
		at := b.Min.Add(image.Pt(rng.IntN(b.Dx()-w+1), rng.IntN(b.Dy()-h+1)))
		xdraw.ApproxBiLinear.Scale(dst, r, photo, image.Rectangle{at, at.Add(image.Pt(w, h))}, xdraw.Src, nil)
	}
}

// scenePainter draws a ground that shades off, hills, a disc and grain, as
// different for each tile as its number.
func scenePainter(dst *image.RGBA, r image.Rectangle, tile int, rng *rand.Rand) {
	hue := rng.Float64() * 6
	horizon, waves := 0.3+0.5*rng.Float64(), 1+5*rng.Float64()
	x0, y0, size := rng.Float64(), rng.Float64(), 0.1+0.3*rng.Float64()
	var shades [256]color.RGBA
	for level := range shades {
		shades[level] = tint(float64(level), hue)
	}
	grain := rng.Uint32()
	for x := r.Min.X; x < r.Max.X; x++ {
		u := float64(x-r.Min.X) / float64(r.Dx())
		hill := horizon + 0.1*math.Sin(waves*u*math.Pi+float64(tile))
		for y := r.Min.Y; y < r.Max.Y; y++ {
			v := float64(y-r.Min.Y) / float64(r.Dy())
			level := 60 + 120*v
			if v > hill {
				level = 200 - 100*v
			}
			if (u-x0)*(u-x0)+(v-y0)*(v-y0) < size*size {
				level = 255 - level
			}
			grain = grain*1664525 + 1013904223
			dst.SetRGBA(x, y, shades[uint8(level+float64(grain>>28)-8)])
		}
	}
}

func tint(level, hue float64) color.RGBA {
	part := func(offset float64) uint8 {
		return uint8(min(max(level*(1+0.3*math.Sin(hue+offset)), 0), 255))
	}
	return color.RGBA{part(0), part(2), part(4), 255}
}

// drawingPainter draws ink strokes on white paper, which no line divides from
// a white gutter.
func drawingPainter(dst *image.RGBA, r image.Rectangle, _ int, rng *rand.Rand) {
	draw.Draw(dst, r, image.White, image.Point{}, draw.Src)
	inner := r.Inset(r.Dx() / 12)
	for range 40 {
		x, y := float64(inner.Min.X+rng.IntN(inner.Dx())), float64(inner.Min.Y+rng.IntN(inner.Dy()))
		angle, bend := rng.Float64()*2*math.Pi, (rng.Float64()-0.5)/20
		for range r.Dx() / 2 {
			x, y, angle = x+math.Cos(angle), y+math.Sin(angle), angle+bend
			pen := image.Rect(int(x), int(y), int(x)+3, int(y)+3).Intersect(inner)
			draw.Draw(dst, pen, image.Black, image.Point{}, draw.Src)
		}
	}
}

// figurePainter draws something small on paper of the gutters' tone.
func figurePainter(dst *image.RGBA, r image.Rectangle, _ int, rng *rand.Rand) {
	draw.Draw(dst, r, image.White, image.Point{}, draw.Src)
	size := image.Pt(r.Dx()/12+rng.IntN(r.Dx()/6), r.Dy()/12+rng.IntN(r.Dy()/6))
	at := r.Min.Add(image.Pt(r.Dx()/5+rng.IntN(r.Dx()*3/5-size.X), r.Dy()/5+rng.IntN(r.Dy()*3/5-size.Y)))
	draw.Draw(dst, image.Rectangle{at, at.Add(size)}, image.NewUniform(color.Gray{40}), image.Point{}, draw.Src)
}

// asPNG and asJPEG give the picture as it arrives in a file.
func asPNG(tb testing.TB, img image.Image) image.Image {
	tb.Helper()
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&buf, img); err != nil {
		tb.Fatal(err)
	}
	return decoded(tb, &buf)
}

func asJPEG(tb testing.TB, img image.Image, quality int) image.Image {
	tb.Helper()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
		tb.Fatal(err)
	}
	return decoded(tb, &buf)
}

func decoded(tb testing.TB, buf *bytes.Buffer) image.Image {
	tb.Helper()
	img, _, err := image.Decode(buf)
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func upscaled(img image.Image, factor int) image.Image {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx()*factor, b.Dy()*factor))
	xdraw.CatmullRom.Scale(dst, dst.Rect, img, b, xdraw.Src, nil)
	return dst
}
