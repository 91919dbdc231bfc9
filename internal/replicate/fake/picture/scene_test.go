package picture

import (
	"fmt"
	"image"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// take is a picture of a scene, measured.
type take struct {
	scene                 int
	seed                  int64
	size                  image.Point
	grey                  bool
	std, sharp, sat, edge float64
	hash                  uint64
}

var takes struct {
	once sync.Once
	all  []take
}

// measuredTakes are all scenes with a few seeds, drawn once for all tests.
func measuredTakes(t *testing.T) []take {
	t.Helper()
	takes.once.Do(func() {
		for i := range 12 {
			for s := range some(3, 1) {
				seed := 100*s + int64(i)
				img := pixels(t, sceneRequest(t, i, seed))
				takes.all = append(takes.all, take{
					i, seed, img.Rect.Size(), isGrey(img), tones(img).spread(), sharpness90(img), saturation(img), flattestEdge(img), dHash(img),
				})
			}
		}
	})
	return takes.all
}

func TestScenesPassWhatIsCheckedOfRealPictures(t *testing.T) {
	for _, p := range measuredTakes(t) {
		name := fmt.Sprintf("scene %d, seed %d", p.scene+1, p.seed)
		mono := strings.Contains(scenePrompts(t)[p.scene], "black-and-white")
		if p.size != image.Pt(1392, 752) {
			t.Errorf("%s: size %v", name, p.size)
		}
		if p.grey != mono {
			t.Errorf("%s: all grey is %v, want %v", name, p.grey, mono)
		}
		if p.std < 25 {
			t.Errorf("%s: tones deviate by %.1f only", name, p.std)
		}
		if p.sharp < 200 {
			t.Errorf("%s: would be called blurred, at %.0f", name, p.sharp)
		}
		if !mono && p.sat < .2 {
			t.Errorf("%s: saturation %.2f", name, p.sat)
		}
		if p.edge < 6 {
			t.Errorf("%s: an edge looks like a border, deviating by %.1f", name, p.edge)
		}
	}
}

func TestScenesAndSeedsAreVisiblyDifferent(t *testing.T) {
	all := measuredTakes(t)
	for i, a := range all {
		for _, b := range all[:i] {
			least := 12
			if a.scene == b.scene {
				least = 8
			}
			if d := distance(a.hash, b.hash); d <= least {
				t.Errorf("scene %d, seed %d and scene %d, seed %d are %d bits apart", a.scene+1, a.seed, b.scene+1, b.seed, d)
			}
		}
	}
}

// The reference must be in the picture, and on the side that the prompt names.
func TestFigureStandsWhereThePromptSays(t *testing.T) {
	for i := range 12 {
		r := sceneRequest(t, i, int64(i))
		ref, err := reference(r)
		if err != nil {
			t.Fatal(err)
		}
		_, mask := compose(read(r), ref, image.Pt(696, 376))
		n := 0
		for _, m := range mask.pix {
			if m > 128 {
				n++
			}
		}
		if part := float64(n) / float64(len(mask.pix)); part < .01 || part > .5 {
			t.Errorf("scene %d: the figure covers %.1f %%", i+1, 100*part)
		}
		x, _ := centre(mask)
		if left := strings.Contains(r.Prompt, "left third"); (x < 696/2) != left {
			t.Errorf("scene %d: the figure is at column %.0f, left third wanted: %v", i+1, x, left)
		}
	}
}

func TestCutoutKeepsTheFaceAndDropsTheBackground(t *testing.T) {
	s, err := sourceOf(portraitOf(t))
	if err != nil {
		t.Fatal(err)
	}
	c := s.cut()
	w, h := c.mask.w, c.mask.h
	at := func(x, y float64) uint8 { return c.mask.row(int(y * float64(h)))[int(x*float64(w))] }
	for _, p := range [][2]float64{{.5, .5}, {.42, .45}, {.58, .45}, {.5, .62}, {.5, .22}, {.5, .95}} {
		if at(p[0], p[1]) < 200 {
			t.Errorf("the subject at %v is missing", p)
		}
	}
	for _, p := range [][2]float64{{.05, .05}, {.95, .05}, {.5, .04}, {.05, .5}, {.95, .4}, {.03, .75}, {.97, .75}} {
		if at(p[0], p[1]) > 60 {
			t.Errorf("the background at %v is still there", p)
		}
	}
	if c.whole {
		t.Error("a bust was taken for a whole figure")
	}
}

func TestMarkIsLegibleAndSurvivesACropTo16By9(t *testing.T) {
	for _, size := range []image.Point{{1392, 752}, {1024, 1024}, {752, 1392}} {
		c := newCanvas(size.X, size.Y)
		c.ground(flat(grey(255)))
		c.mark()
		s := stencilOf(markSize(size.Y))
		spot := markSpot(size.X, size.Y, s)
		if s.w < 9*4 || s.h < 9 {
			t.Fatalf("%v: the word is %d x %d", size, s.w, s.h)
		}
		crop := image.Rectangle{Max: size}
		if want := size.Y * 16 / 9; want < size.X {
			crop = crop.Inset(0)
			crop.Min.X, crop.Max.X = (size.X-want)/2, (size.X+want)/2
		} else {
			want = size.X * 9 / 16
			crop.Min.Y, crop.Max.Y = (size.Y-want)/2, (size.Y+want)/2
		}
		if size.X > size.Y && !spot.In(crop) {
			t.Errorf("%v: the mark at %v is outside of %v", size, spot, crop)
		}
		ink, plate := 0, 0
		for y := spot.Min.Y; y < spot.Max.Y; y++ {
			for x := spot.Min.X; x < spot.Max.X; x++ {
				switch v := c.RGBAAt(x, y).R; {
				case v > 200:
					ink++
				case v < 90:
					plate++
				}
			}
		}
		if ink < spot.Dx()*spot.Dy()/12 || plate < ink {
			t.Errorf("%v: %d pixels of ink on %d of plate", size, ink, plate)
		}
	}
}

func TestEveryHandDrawsInColourAndInBlackAndWhite(t *testing.T) {
	for h := photograph; h <= gouache; h++ {
		if inks[h] == nil || paints[h] == nil {
			t.Errorf("hand %d has no way to draw", h)
		}
	}
	tiny := map[string]any{"width": 320.0, "height": 180.0}
	for _, h := range hands {
		for _, colour := range []string{"", "black-and-white "} {
			r := Request{Model: painter, Prompt: "a " + colour + h.words + " of a harbour", Seed: 4, Options: tiny, Images: [][]byte{portraitOf(t)}}
			img := pixels(t, r)
			if std := tones(img).spread(); std < 25 || isGrey(img) != (colour != "") {
				t.Errorf("%s%s: deviation %.1f, grey %v", colour, h.words, std, isGrey(img))
			}
		}
	}
}

func TestFrayingLeavesNoEvenEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlane(rapid.IntRange(40, 300).Draw(t, "w"), rapid.IntRange(40, 300).Draw(t, "h"))
		shade := rapid.SampledFrom([]uint8{0, 10, 70, 200, 255}).Draw(t, "shade")
		for i := range p.pix {
			p.pix[i] = shade
		}
		p.fray(dice("fray", "", rapid.Int64().Draw(t, "seed")))
		if edge := flattestEdge(flatten(p.image())); edge < 12 {
			t.Fatalf("an edge of %d deviates by %.1f", shade, edge)
		}
		inner := p.row(p.h / 2)[p.w/2]
		if inner != shade {
			t.Fatal("the middle changed too")
		}
	})
}

// A prompt of any wording, even none, with or without a reference gives a picture.
func TestPromptsOfOtherWordingAreDrawnToo(t *testing.T) {
	for _, prompt := range []string{"", "a dog", "x", strings.Repeat("very ", 3000) + "long"} {
		for _, images := range [][][]byte{nil, {encoded(t, stripes(40, 30))}, {encoded(t, stripes(1, 1))}, {encoded(t, stripes(3, 200))}} {
			img := drawn(t, Request{Model: "any/painter", Prompt: prompt, Images: images, Options: map[string]any{"width": 128.0, "height": 80.0}})
			if std := tones(img).spread(); std < 10 {
				t.Errorf("%.20q with %d inputs: nothing to see", prompt, len(images))
			}
		}
	}
}
