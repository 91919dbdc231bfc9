package grid_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/grid"
)

// closeEnough is how far off a boundary may be that is said with confidence.
const closeEnough = 2

// score compares found boundaries, and equal thirds, with the truth.
type score struct {
	boundaries int
	unsure     int // said with low confidence
	wrong      int // confident, and not close enough
	off        int // px, the worst of the confident ones
	thirdsOff  int // px, the worst that equal thirds are off
	thirdsNear int // boundaries for which equal thirds are close enough
}

func (s *score) add(l grid.Layout, t truth, size int) {
	for i := range 2 {
		s.one(l.Columns[i], t.columns[i], size*(i+1)/3)
		s.one(l.Rows[i], t.rows[i], size*(i+1)/3)
	}
}

func (s *score) one(b grid.Boundary, t span, third int) {
	s.boundaries++
	thirds := t.off(third, third)
	s.thirdsOff = max(s.thirdsOff, thirds)
	if thirds <= closeEnough {
		s.thirdsNear++
	}
	off := t.off(b.From, b.To)
	switch {
	case b.Confidence < grid.LowConfidence:
		s.unsure++
	default:
		s.off = max(s.off, off)
		if off > closeEnough {
			s.wrong++
		}
	}
}

// off is how far the worse edge of a boundary is from where it should be.
func (t span) off(from, to int) int {
	return max(from-t.from, t.from-from, to-t.to, t.to-to)
}

func (s *score) merge(o score) {
	s.boundaries += o.boundaries
	s.unsure += o.unsure
	s.wrong += o.wrong
	s.off = max(s.off, o.off)
	s.thirdsOff = max(s.thirdsOff, o.thirdsOff)
	s.thirdsNear += o.thirdsNear
}

func (s score) String() string {
	return fmt.Sprintf("%4d boundaries, %2d unsure, %d wrong, worst %d px | equal thirds: %2d %% within %d px, worst %d px",
		s.boundaries, s.unsure, s.wrong, s.off, 100*s.thirdsNear/max(s.boundaries, 1), closeEnough, s.thirdsOff)
}

// tones are the gutters' tones worth trying for a width.
func tones(gutter int) []string {
	if gutter == 0 {
		return []string{"none"}
	}
	return []string{"white", "black", "picture"}
}

func measure(t *testing.T, paint painter) score {
	t.Helper()
	var all score
	gutters := []int{0, 1, 3, 8, 16, 32}
	if raceDetector {
		gutters = []int{0, 16}
	}
	for _, gutter := range gutters {
		for _, drift := range []float64{0, 0.03} {
			row := measureRow(t, paint, gutter, drift)
			t.Logf("gutter %2d px, drift %.0f %%: %v", gutter, drift*100, row)
			all.merge(row)
		}
	}
	t.Logf("all:                     %v", all)
	return all
}

func measureRow(t *testing.T, paint painter, gutter int, drift float64) score {
	t.Helper()
	var row score
	for i, tone := range tones(gutter) {
		c := composition{size: 1024, gutter: gutter, drift: drift, tone: tone, seed: uint64(100*gutter + i)}
		img, truth := c.compose(paint)
		for _, arrived := range []image.Image{img, asJPEG(t, img, 90), asJPEG(t, img, 70)} {
			l, err := grid.Find(arrived)
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			row.add(l, truth, c.size)
		}
	}
	return row
}

// Grids come as large as 4096 px: drawn so, or enlarged, which smears two pixels
// over two for every factor.
func TestFindBoundariesOfLargeGrids(t *testing.T) {
	if raceDetector {
		t.Skip("sixteen million pixels take minutes under the race detector")
	}
	paint := photoPainter(loadPhotographs(t))
	for _, tt := range []struct{ size, factor, gutter int }{
		{3072, 1, 0}, {3072, 1, 32}, {4096, 1, 3}, {4096, 1, 32}, {1024, 3, 8}, {1024, 4, 0}, {1024, 4, 5},
	} {
		t.Run(fmt.Sprintf("%d px times %d, gutter %d", tt.size, tt.factor, tt.gutter), func(t *testing.T) {
			c := composition{size: tt.size, gutter: tt.gutter, drift: 0.03, tone: "picture", seed: uint64(tt.gutter)}
			img, truth := c.compose(paint)
			var whole image.Image = img
			if tt.factor > 1 {
				whole = upscaled(img, tt.factor)
			}
			l, err := grid.Find(asJPEG(t, whole, 90))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2 {
				largeBoundary(t, l.Columns[i], truth.columns[i], tt.factor)
				largeBoundary(t, l.Rows[i], truth.rows[i], tt.factor)
			}
		})
	}
}

func largeBoundary(t *testing.T, b grid.Boundary, want span, factor int) {
	t.Helper()
	off := span{want.from * factor, want.to * factor}.off(b.From, b.To)
	t.Logf("%s, confidence %.2f, off by %d px", b.Method, b.Confidence, off)
	if b.Confidence >= grid.LowConfidence && off > closeEnough*factor {
		t.Errorf("%+v is off by %d px", b, off)
	}
	if b.Confidence < grid.LowConfidence {
		t.Errorf("%+v is unsure", b)
	}
}

func demand(t *testing.T, s score, mostUnsure float64) {
	t.Helper()
	if s.wrong > 0 {
		t.Errorf("%d boundaries are said with confidence and off by more than %d px, the worst by %d", s.wrong, closeEnough, s.off)
	}
	if float64(s.unsure) > mostUnsure*float64(s.boundaries) {
		t.Errorf("%d of %d boundaries are unsure", s.unsure, s.boundaries)
	}
	if s.thirdsOff <= closeEnough {
		t.Errorf("equal thirds are never off: the grids are too easy to measure anything")
	}
}

func TestFindBoundariesOfPhotographs(t *testing.T) {
	demand(t, measure(t, photoPainter(loadPhotographs(t))), 0.02)
}

func TestFindBoundariesOfScenes(t *testing.T) {
	demand(t, measure(t, scenePainter), 0.10)
}

// On bare paper a white gutter has no edges: its place is a guess, and said to
// be. A black one is as plain as any.
func TestFindOnPaper(t *testing.T) {
	for _, tt := range []struct {
		tone string
		sure bool
	}{{"white", false}, {"black", true}} {
		t.Run(tt.tone, func(t *testing.T) {
			c := composition{size: 1024, gutter: 12, drift: 0.02, tone: tt.tone, seed: 5}
			img, truth := c.compose(drawingPainter)
			l, err := grid.Find(asJPEG(t, img, 90))
			if err != nil {
				t.Fatal(err)
			}
			if sure := l.Confidence >= grid.LowConfidence; sure != tt.sure {
				t.Errorf("confidence %.2f", l.Confidence)
			}
			for i := range 2 { // sure or not, no ink is cut off
				b := l.Columns[i]
				if paper := c.size / 36; b.From < truth.columns[i].from-paper || b.To > truth.columns[i].to+paper {
					t.Errorf("boundary %+v cuts into a drawing; the gutter is %+v", b, truth.columns[i])
				}
			}
		})
	}
}

// Small figures leave empty strips within tiles, which tell of no other layout:
// the grid is cut between them.
func TestFindSmallFiguresOnPaper(t *testing.T) {
	for seed := range uint64(40) {
		c := composition{size: 600, gutter: 9, drift: 0.01, tone: "white", seed: seed}
		img, truth := c.compose(figurePainter)
		l, err := grid.Find(img)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		columns, rows := c.extents(truth.columns), c.extents(truth.rows)
		for _, tile := range l.Tiles() {
			x, y := columns[tile.Column-1], rows[tile.Row-1]
			if paper := c.size / 3 / 5; tile.Box.Min.X > x.from+paper || tile.Box.Max.X < x.to-paper ||
				tile.Box.Min.Y > y.from+paper || tile.Box.Max.Y < y.to-paper {
				t.Errorf("seed %d: tile %d, %v, lacks of its figure in %v, %v", seed, tile.Number, tile.Box, x, y)
			}
		}
	}
}

func TestFindReadsEveryImageType(t *testing.T) {
	c := composition{size: 600, gutter: 6, drift: 0.02, tone: "black", seed: 3}
	img, truth := c.compose(scenePainter)
	grey, wide := image.NewGray(img.Rect), image.NewRGBA64(img.Rect)
	draw.Draw(grey, img.Rect, img, image.Point{}, draw.Src)
	draw.Draw(wide, img.Rect, img, image.Point{}, draw.Src)
	for name, arrived := range map[string]image.Image{"png": asPNG(t, img), "grey": grey, "16 bit": wide} {
		t.Run(name, func(t *testing.T) {
			l, err := grid.Find(arrived)
			if err != nil {
				t.Fatal(err)
			}
			var s score
			s.add(l, truth, c.size)
			if s.wrong+s.unsure > 0 {
				t.Error(s)
			}
		})
	}
}

func TestFindTrimsMargins(t *testing.T) {
	c := composition{size: 1024, gutter: 10, margin: 17, drift: 0.02, tone: "white", seed: 9}
	img, truth := c.compose(scenePainter)
	l, err := grid.Find(asJPEG(t, img, 90))
	if err != nil {
		t.Fatal(err)
	}
	want := image.Rect(17, 17, 1024-17, 1024-17)
	for _, d := range []image.Point{l.Frame.Min.Sub(want.Min), l.Frame.Max.Sub(want.Max)} {
		if max(d.X, -d.X, d.Y, -d.Y) > closeEnough {
			t.Errorf("the frame is %v, want %v", l.Frame, want)
		}
	}
	var s score
	s.add(l, truth, c.size)
	if s.wrong+s.unsure > 0 {
		t.Error(s)
	}
}

// An upscaler smears the boundaries: two pixels before are eight after.
func TestFindAfterUpscaling(t *testing.T) {
	c := composition{size: 600, gutter: 6, drift: 0.03, tone: "picture", seed: 11}
	img, truth := c.compose(scenePainter)
	const factor = 4
	l, err := grid.Find(upscaled(img, factor))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		for _, at := range []struct {
			b grid.Boundary
			t span
		}{{l.Columns[i], truth.columns[i]}, {l.Rows[i], truth.rows[i]}} {
			scaled := span{at.t.from * factor, at.t.to * factor}
			if off := scaled.off(at.b.From, at.b.To); off > 2*factor && at.b.Confidence >= grid.LowConfidence {
				t.Errorf("%+v is off by %d px", at.b, off)
			}
		}
	}
}

func TestFindRefusesOtherLayouts(t *testing.T) {
	for _, tt := range []struct {
		cols, rows int
		reason     string
	}{
		{1, 1, ""},
		{2, 2, "between two or four tiles"},
		{3, 2, "between two or four tiles"},
		{2, 3, "between two or four tiles"},
		{4, 4, "four tiles in a line"},
		{3, 4, "four tiles in a line"},
		{5, 5, ""},
		{6, 6, "each of its thirds again"},
		{3, 1, "of the 4 boundaries"},
	} {
		for _, gutter := range []int{0, 10} {
			t.Run(fmt.Sprintf("%dx%d gutter %d", tt.cols, tt.rows, gutter), func(t *testing.T) {
				img, _ := composition{size: 640, cols: tt.cols, rows: tt.rows, gutter: gutter, tone: "black", seed: 2}.compose(scenePainter)
				refused(t, img, tt.reason)
			})
		}
		t.Run(fmt.Sprintf("%dx%d on paper", tt.cols, tt.rows), func(t *testing.T) {
			img, _ := composition{size: 960, cols: tt.cols, rows: tt.rows, gutter: 10, tone: "white", seed: 2}.compose(drawingPainter)
			refused(t, img, "")
		})
	}
}

// Six square tiles in the middle of a square have the margins of small drawings.
func TestFindRefusesTwoRowsInTheMiddle(t *testing.T) {
	for name, paint := range map[string]painter{"scenes": scenePainter, "drawings": drawingPainter, "figures": figurePainter} {
		t.Run(name, func(t *testing.T) {
			c := composition{size: 600, cols: 3, rows: 2, gutter: 10, tone: "white", seed: 2}
			six, _ := c.compose(paint)
			img := image.NewRGBA(six.Rect)
			draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
			xdraw.ApproxBiLinear.Scale(img, image.Rect(0, 100, 600, 500), six, six.Rect, xdraw.Src, nil)
			refused(t, img, "")
		})
	}
}

// Nine horizons at one height are lines too, and no other layout.
func TestFindKeepsGridsWithHorizons(t *testing.T) {
	c := composition{size: 900, gutter: 9, drift: 0.03, tone: "white", seed: 6}
	img, truth := c.compose(func(dst *image.RGBA, r image.Rectangle, tile int, rng *rand.Rand) {
		scenePainter(dst, r, tile, rng)
		sea := r
		sea.Min.Y += r.Dy() * 3 / 4
		draw.Draw(dst, sea, image.NewUniform(color.Gray{uint8(20 + rng.IntN(30))}), image.Point{}, draw.Src)
	})
	l, err := grid.Find(img)
	if err != nil {
		t.Fatal(err)
	}
	var s score
	s.add(l, truth, c.size)
	if s.wrong+s.unsure > 0 {
		t.Error(s)
	}
}

func TestFindRefusesAPhotograph(t *testing.T) {
	for _, photo := range loadPhotographs(t) {
		refused(t, photo, "of the 4 boundaries")
	}
}

func TestFindRefusesWhatIsMissing(t *testing.T) {
	flat := image.NewGray(image.Rect(0, 0, 600, 600))
	refused(t, flat, "is empty")
	refused(t, image.NewGray(image.Rect(0, 0, 900, 100)), "900 x 100 px")
	c := composition{size: 600, gutter: 8, tone: "white", seed: 4}
	truncated, truth := c.compose(scenePainter)
	draw.Draw(truncated, image.Rect(0, truth.rows[1].from, 600, 600), image.White, image.Point{}, draw.Src)
	refused(t, truncated, "of its height is empty")
	refused(t, truncated.SubImage(image.Rect(0, 0, 600, truth.rows[1].from)), "between two or four tiles")
}

func refused(t *testing.T, img image.Image, reason string) {
	t.Helper()
	l, err := grid.Find(img)
	if !errors.Is(err, grid.ErrNoGrid) {
		t.Fatalf("found %+v, error %v", l, err)
	}
	if !strings.Contains(err.Error(), reason) {
		t.Errorf("the reason is %q, want it to say %q", err, reason)
	}
}

// Whatever the layout: confident boundaries are close, tiles are square, whole
// and apart.
func TestFindProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := composition{
			size:   rapid.IntRange(280, 400).Draw(t, "size"),
			drift:  rapid.Float64Range(0, 0.03).Draw(t, "drift"),
			tone:   rapid.SampledFrom([]string{"white", "black", "picture"}).Draw(t, "tone"),
			gutter: rapid.IntRange(0, 10).Draw(t, "gutter"),
			margin: rapid.IntRange(0, 10).Draw(t, "margin"),
			seed:   rapid.Uint64().Draw(t, "seed"),
		}
		img, truth := c.compose(scenePainter)
		by := image.Pt(rapid.IntRange(-50, 50).Draw(t, "x"), rapid.IntRange(-50, 50).Draw(t, "y"))
		img.Rect = img.Rect.Add(by)
		l, err := grid.Find(img)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		for i := range 2 {
			near(t, l.Columns[i], truth.columns[i], by.X)
			near(t, l.Rows[i], truth.rows[i], by.Y)
		}
		checkTiles(t, l, img.Rect)
	})
}

func near(t *rapid.T, b grid.Boundary, want span, by int) {
	if off := want.off(b.From-by, b.To-by); off > closeEnough && b.Confidence >= grid.LowConfidence {
		t.Fatalf("%+v is off by %d px from %+v", b, off, want)
	}
	if b.Confidence < 0 || b.Confidence > 1 {
		t.Fatalf("confidence %v", b.Confidence)
	}
}

func checkTiles(t *rapid.T, l grid.Layout, bounds image.Rectangle) {
	tiles := l.Tiles()
	for i, tile := range tiles {
		if tile.Number != i+1 || tile.Row != i/3+1 || tile.Column != i%3+1 {
			t.Fatalf("tile %d is %+v", i, tile)
		}
		if tile.Box.Dx() != tile.Box.Dy() || tile.Box.Empty() || !tile.Box.In(bounds) || !tile.Box.In(l.Frame) {
			t.Fatalf("tile %d's box is %v, the frame %v", i, tile.Box, l.Frame)
		}
		if tile.Confidence < l.Confidence {
			t.Fatalf("tile %d is less certain than the layout: %v, %v", i, tile.Confidence, l.Confidence)
		}
		for _, other := range tiles[:i] {
			if tile.Box.Overlaps(other.Box) {
				t.Fatalf("tiles %d and %d overlap", other.Number, tile.Number)
			}
		}
	}
}

// Noise has jumps everywhere and boundaries nowhere.
func TestFindRefusesNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	img := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.Uint32())
	}
	refused(t, img, "of the 4 boundaries")
}

func TestTilesKeepTheShapeOfPixels(t *testing.T) {
	l := grid.Layout{
		Frame:   image.Rect(10, 20, 910, 620),
		Columns: [2]grid.Boundary{{From: 300, To: 320, Method: grid.MethodGutter, Confidence: 0.9}, {From: 600, To: 620, Method: grid.MethodSeam, Confidence: 0.4}},
		Rows:    [2]grid.Boundary{{From: 220, To: 220, Method: grid.MethodSeam, Confidence: 0.8}, {From: 420, To: 420, Method: grid.MethodSeam, Confidence: 1}},
	}
	tiles := l.Tiles()
	// 290 x 200 px, cropped to 200 x 200 and inset by 3.
	if want := image.Rect(58, 23, 252, 217); tiles[0].Box != want {
		t.Errorf("tile 1 is %v, want %v", tiles[0].Box, want)
	}
	if tiles[0].Method != grid.MethodSeam || tiles[0].Confidence != 0.8 {
		t.Errorf("tile 1: %s %.1f", tiles[0].Method, tiles[0].Confidence)
	}
	if tiles[8].Method != grid.MethodSeam || tiles[8].Confidence != 0.4 {
		t.Errorf("tile 9: %s %.1f", tiles[8].Method, tiles[8].Confidence)
	}
}
