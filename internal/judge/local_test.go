package judge_test

import (
	"image"
	"image/color"
	"image/draw"
	_ "image/png" // the photographs'
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"

	"github.com/actormaker/trainset/internal/judge"
)

// sheet is a grid of nine drawn tiles, without gutters.
type sheet struct {
	*image.RGBA
	side int
}

func newSheet(side int) sheet {
	s := sheet{image.NewRGBA(image.Rect(0, 0, 3*side, 3*side)), side}
	for i := range judge.Tiles {
		s.paint(i+1, uint64(i))
	}
	return s
}

func (s sheet) box(tile int) image.Rectangle {
	at := image.Pt((tile-1)%3, (tile-1)/3).Mul(s.side)
	return image.Rectangle{at, at.Add(image.Pt(s.side, s.side))}
}

func (s sheet) boxes() [judge.Tiles]image.Rectangle {
	var all [judge.Tiles]image.Rectangle
	for i := range all {
		all[i] = s.box(i + 1)
	}
	return all
}

// paint fills a tile with shapes and grain that depend on the seed.
func (s sheet) paint(tile int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	box := s.box(tile)
	draw.Draw(s.RGBA, box, image.NewUniform(color.Gray{uint8(60 + rng.IntN(120))}), image.Point{}, draw.Src)
	for range 25 {
		at := box.Min.Add(image.Pt(rng.IntN(s.side), rng.IntN(s.side)))
		shape := image.Rectangle{at, at.Add(image.Pt(s.side/10+rng.IntN(s.side/3), s.side/10+rng.IntN(s.side/3)))}
		draw.Draw(s.RGBA, shape.Intersect(box), image.NewUniform(color.RGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32()), 255}), image.Point{}, draw.Src)
	}
	for range s.side * s.side / 8 {
		s.Set(box.Min.X+rng.IntN(s.side), box.Min.Y+rng.IntN(s.side), color.Gray{uint8(rng.Uint32())})
	}
}

// copyTile puts a copy of one tile, brightened a little, in another's place.
func (s sheet) copyTile(to, from int) {
	a, b := s.box(from), s.box(to)
	for y := range s.side {
		for x := range s.side {
			c := s.RGBAAt(a.Min.X+x, a.Min.Y+y)
			lighter := func(v uint8) uint8 { return uint8(min(int(v)+6, 255)) }
			s.Set(b.Min.X+x, b.Min.Y+y, color.RGBA{lighter(c.R), lighter(c.G), lighter(c.B), 255})
		}
	}
}

func (s sheet) blur(tile int) {
	small := image.NewRGBA(image.Rect(0, 0, 12, 12))
	xdraw.BiLinear.Scale(small, small.Rect, s.RGBA, s.box(tile), xdraw.Src, nil)
	xdraw.CatmullRom.Scale(s.RGBA, s.box(tile), small, small.Rect, xdraw.Src, nil)
}

// woodcut is black and white with large flat areas, and as sharp as can be.
func (s sheet) woodcut(tile int) {
	box := s.box(tile)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			u, v := float64(x-box.Min.X)/float64(s.side), float64(y-box.Min.Y)/float64(s.side)
			tone := color.White
			if v > 0.75+0.1*math.Sin(9*u) || math.Hypot(u-0.3, v-0.4) < 0.2 && int(40*u)%3 != 0 {
				tone = color.Black
			}
			s.Set(x, y, tone)
		}
	}
}

func TestLocalFindsFaults(t *testing.T) {
	for _, side := range []int{300, 600} { // before and after a grid is enlarged
		s := newSheet(side)
		s.copyTile(6, 2)
		draw.Draw(s.RGBA, s.box(4), image.NewUniform(color.Gray{200}), image.Point{}, draw.Src)
		draw.Draw(s.RGBA, s.box(8), image.NewUniform(color.Gray{90}), image.Point{}, draw.Src)
		s.blur(3)
		strip := s.box(7)
		strip.Max.X = strip.Min.X + side/40
		draw.Draw(s.RGBA, strip, image.White, image.Point{}, draw.Src)
		s.woodcut(9)

		faults := map[int]struct {
			unique, fit bool
			says        string
		}{
			3: {true, false, "too little detail"},
			4: {true, false, "blank"},
			6: {false, true, "tile 2"},
			7: {true, false, "an even band"},
			8: {true, false, "blank"},
		}
		for _, v := range judge.Local(s.RGBA, s.boxes()) {
			want, faulty := faults[v.Tile]
			if !faulty {
				if !v.Good() || v.Reason == "" {
					t.Errorf("%d px: a good tile is judged %+v", side, v)
				}
				continue
			}
			if v.Unique != want.unique || v.Fit != want.fit || !strings.Contains(v.Reason, want.says) {
				t.Errorf("%d px: %+v, want %+v", side, v, want)
			}
		}
	}
}

// A grid's drift stretches and crops the copies of a picture differently.
func TestLocalSeesStretchedDuplicates(t *testing.T) {
	s := newSheet(300)
	from := s.box(2)
	from.Min.X += 18
	from.Max.Y -= 12
	copied := image.NewRGBA(image.Rect(0, 0, 300, 300))
	xdraw.BiLinear.Scale(copied, copied.Rect, s.RGBA, from, xdraw.Src, nil)
	draw.Draw(s.RGBA, s.box(7), copied, image.Point{}, draw.Src)
	for _, v := range judge.Local(s.RGBA, s.boxes()) {
		if want := v.Tile != 7; v.Unique != want || !v.Fit {
			t.Errorf("%+v", v)
		}
	}
}

func TestLocalNamesTheFirstOfThree(t *testing.T) {
	s := newSheet(200)
	s.copyTile(5, 1)
	s.copyTile(9, 1)
	got := judge.Local(s.RGBA, s.boxes())
	for _, tile := range []int{5, 9} {
		if v := got[tile-1]; v.Unique || !strings.Contains(v.Reason, "tile 1") {
			t.Errorf("%+v", v)
		}
	}
	if !got[0].Good() {
		t.Errorf("the first of three alike is judged %+v", got[0])
	}
}

func TestLocalTakesBoxesOutside(t *testing.T) {
	s := newSheet(100)
	boxes := s.boxes()
	boxes[0] = image.Rectangle{}
	boxes[1] = boxes[1].Add(image.Pt(5000, 0))
	boxes[2] = image.Rect(299, 0, 300, 1)
	got := judge.Local(s.RGBA, boxes)
	for i := range 3 {
		if got[i].Good() || got[i].Tile != i+1 {
			t.Errorf("%+v", got[i])
		}
	}
	if !got[4].Good() {
		t.Errorf("%+v", got[4])
	}
}

// Different parts of real photographs are good tiles; the same part is not.
func TestLocalLeavesPhotographsAlone(t *testing.T) {
	s := newSheet(300)
	for i, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "camera.png"} {
		f, err := os.Open(filepath.Join("../../../shared/images", name))
		if err != nil {
			t.Skipf("the real photographs are not here: %v", err)
		}
		photo, _, err := image.Decode(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		b := photo.Bounds()
		draw.Draw(s.RGBA, s.box(2*i+1), photo, b.Min, draw.Src)
		draw.Draw(s.RGBA, s.box(2*i+2), photo, b.Max.Sub(image.Pt(300, 300)), draw.Src)
	}
	// The cat's photograph is 300 px high: its two parts overlap, yet are not alike.
	for _, v := range judge.Local(s.RGBA, s.boxes()) {
		if !v.Good() {
			t.Errorf("%+v", v)
		}
	}
}

// fill fills a part of a tile, given in shares of its side.
func (s sheet) fill(tile int, left, top, right, bottom float64, tone color.Color) {
	at := func(u, v float64) image.Point { return image.Pt(int(u*float64(s.side)), int(v*float64(s.side))) }
	r := image.Rectangle{at(left, top), at(right, bottom)}.Add(s.box(tile).Min)
	draw.Draw(s.RGBA, r, image.NewUniform(tone), image.Point{}, draw.Src)
}

// flat is a flat sky over flat ground, with blocks on it.
func (s sheet) flat(tile int) {
	rng := rand.New(rand.NewPCG(uint64(tile), 11))
	ground := 0.55 + 0.3*rng.Float64()
	s.fill(tile, 0, 0, 1, ground, color.RGBA{uint8(180 + 8*tile), 170, 200, 255})
	s.fill(tile, 0, ground, 1, 1, color.RGBA{70, uint8(60 + 8*tile), 110, 255})
	for range 4 {
		u := 0.9 * rng.Float64()
		s.fill(tile, u, ground*(0.1+0.8*rng.Float64()), min(u+0.05+0.2*rng.Float64(), 1), ground, color.Gray{uint8(rng.IntN(100))})
	}
}

// figure is something small on paper that is otherwise bare.
func (s sheet) figure(tile int) {
	u, v := 0.15+0.25*float64(tile%3), 0.15+0.2*float64(tile/3)
	s.fill(tile, 0, 0, 1, 1, color.RGBA{236, 230, 216, 255})
	s.fill(tile, u, v, u+0.06+float64(tile)/100, v+0.22-float64(tile)/60, color.RGBA{40, 60, 90, 255})
}

// outlines are drawn in thin grey lines on paper, above a line of ground.
func (s sheet) outlines(tile int) {
	rng := rand.New(rand.NewPCG(uint64(tile), 12))
	const pen = 0.01
	ink := color.Gray{110}
	s.fill(tile, 0, 0, 1, 1, color.White)
	s.fill(tile, 0.05, 0.9, 0.95, 0.9+pen, ink)
	for range 3 {
		u, v := 0.1+0.6*rng.Float64(), 0.1+0.6*rng.Float64()
		r, b := u+0.05+(0.85-u)*rng.Float64(), v+0.05+(0.8-v)*rng.Float64()
		s.fill(tile, u, v, r, v+pen, ink)
		s.fill(tile, u, b, r+pen, b+pen, ink)
		s.fill(tile, u, v, u+pen, b, ink)
		s.fill(tile, r, v, r+pen, b, ink)
	}
}

// A flat ground is no gutter, a small figure no blur, and no thin line blank paper;
// that nine pictures have their ground in common makes none the double of another.
func TestLocalKeepsPlainStyles(t *testing.T) {
	for name, draw := range map[string]func(sheet, int){"flat": sheet.flat, "figures": sheet.figure, "outlines": sheet.outlines} {
		t.Run(name, func(t *testing.T) {
			s := newSheet(300)
			for tile := 1; tile <= judge.Tiles; tile++ {
				draw(s, tile)
			}
			for _, v := range judge.Local(s.RGBA, s.boxes()) {
				if !v.Good() {
					t.Errorf("%+v", v)
				}
			}
			s.copyTile(9, 2)
			s.fill(5, 0, 0, 0.02, 1, color.Black)
			got := judge.Local(s.RGBA, s.boxes())
			if got[8].Unique || !strings.HasSuffix(got[8].Reason, "tile 2") {
				t.Errorf("a double: %+v", got[8])
			}
			if got[4].Fit {
				t.Errorf("the rest of a gutter: %+v", got[4])
			}
		})
	}
}

func BenchmarkLocal(b *testing.B) {
	s := newSheet(1365) // a grid of 4096 px
	boxes := s.boxes()
	b.ReportAllocs()
	for b.Loop() {
		judge.Local(s.RGBA, boxes)
	}
}
