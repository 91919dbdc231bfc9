package imaging_test

import (
	"encoding/json"
	"image"
	"image/color"
	"math/bits"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
)

// Half of what Kontext makes, to be quick also under the race detector.
const wide, high = 1392 / 2, 752 / 2

// textured is a colourful, sharp picture: noise of large and small patches.
func textured(w, h int, seed uint64) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	coarse := image.NewNRGBA(image.Rect(0, 0, 12, 8))
	for i := range coarse.Pix {
		coarse.Pix[i] = uint8(r.Uint32()) | uint8(i%4/3*255)
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	xdraw.CatmullRom.Scale(img, img.Rect, coarse, coarse.Rect, xdraw.Src, nil)
	for i := 0; i < len(img.Pix); i += 4 {
		grain := int(r.Uint32() % 48)
		for c := range 3 {
			img.Pix[i+c] = uint8(max(int(img.Pix[i+c])-grain, 0))
		}
		img.Pix[i+3] = 255
	}
	return img
}

// woodcut is two-toned: large black and white areas, with some hatching.
func woodcut(w, h int) *image.NRGBA {
	img := filled(w, h, color.NRGBA{255, 255, 255, 255})
	black := color.NRGBA{0, 0, 0, 255}
	for y := range h {
		for x := range w {
			dx, dy := x-w/2, y-h/2
			switch {
			case dx*dx+dy*dy < h*h/16, y > h*3/4 && (x+y)%9 < 4:
				img.SetNRGBA(x, y, black)
			}
		}
	}
	return img
}

func grey(img *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		v := uint8((int(img.Pix[i]) + int(img.Pix[i+1]) + int(img.Pix[i+2])) / 3)
		copy(out.Pix[i:], []byte{v, v, v, 255})
	}
	return out
}

// blurred loses all detail finer than a number of pixels.
func blurred(img *image.NRGBA, by int) *image.NRGBA {
	small := image.NewNRGBA(image.Rect(0, 0, max(img.Rect.Dx()/by, 1), max(img.Rect.Dy()/by, 1)))
	xdraw.ApproxBiLinear.Scale(small, small.Rect, img, img.Rect, xdraw.Src, nil)
	out := image.NewNRGBA(img.Rect)
	xdraw.CatmullRom.Scale(out, out.Rect, small, small.Rect, xdraw.Src, nil)
	return out
}

// painted fills a part of a copy.
func painted(img *image.NRGBA, r image.Rectangle, c color.NRGBA) *image.NRGBA {
	out := &image.NRGBA{Pix: slices.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect}
	xdraw.Draw(out, r, image.NewUniform(c), image.Point{}, xdraw.Src)
	return out
}

func tinted(img *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		copy(out.Pix[i:], []byte{uint8(min(int(img.Pix[i])+24, 255)), img.Pix[i+1], uint8(max(int(img.Pix[i+2])-24, 0)), 255})
	}
	return out
}

// toned has a part of the contrast, from a level upwards.
func toned(img *image.NRGBA, from, part int) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i, v := range img.Pix {
		out.Pix[i] = uint8(from + int(v)/part)
		if i%4 == 3 {
			out.Pix[i] = 255
		}
	}
	return out
}

// inkOnPaper is a house in outline on a line of ground, a little above the lower edge.
func inkOnPaper() *image.NRGBA {
	img, black := filled(wide, high, color.NRGBA{255, 255, 255, 255}), color.NRGBA{20, 20, 20, 255}
	for _, line := range []image.Rectangle{
		{image.Pt(40, high-24), image.Pt(wide-40, high-20)},
		{image.Pt(200, 120), image.Pt(204, high-20)},
		{image.Pt(440, 120), image.Pt(444, high-20)},
		{image.Pt(200, 120), image.Pt(444, 124)},
	} {
		img = painted(img, line, black)
	}
	return img
}

// figure is a sharp one, in few of the parts in which sharpness is measured.
func figure() *image.NRGBA {
	return painted(filled(wide, high, color.NRGBA{236, 236, 236, 255}), image.Rect(300, 130, 340, 230), color.NRGBA{40, 40, 40, 255})
}

var (
	wantPhoto  = imaging.Want{Medium: trainset.MediumPhoto, AspectW: 16, AspectH: 9, MinSide: 352}
	wantColour = imaging.Want{Medium: trainset.MediumColour, AspectW: 16, AspectH: 9, MinSide: 352}
	wantInk    = imaging.Want{Medium: trainset.MediumBW, AspectW: 16, AspectH: 9, MinSide: 352, Ink: true}
)

func TestCheckFindsWhatIsWrong(t *testing.T) {
	photo := textured(wide, high, 1)
	black := color.NRGBA{0, 0, 0, 255}
	cream := color.NRGBA{235, 225, 200, 255}
	bars := painted(painted(photo, image.Rect(0, 0, wide, 40), black), image.Rect(0, high-40, wide, high), black)
	pillars := painted(painted(photo, image.Rect(0, 0, 60, high), black), image.Rect(wide-55, 0, wide, high), black)
	framed := filled(wide, high, cream)
	xdraw.Draw(framed, image.Rect(7, 7, wide-7, high-7), photo, image.Pt(7, 7), xdraw.Src)
	for name, c := range map[string]struct {
		img  *image.NRGBA
		want imaging.Want
		list string // check:severity, in order
	}{
		"a good photograph":           {photo, wantPhoto, ""},
		"a good drawing":              {photo, wantColour, ""},
		"a good drawing in ink":       {grey(photo), wantInk, ""},
		"exactly 16:9":                {textured(640, 360, 2), wantPhoto, ""},
		"an odd shape, cropped":       {textured(680, 364, 2), wantPhoto, ""},
		"a woodcut":                   {woodcut(wide, high), wantInk, ""},
		"black, as refusals are":      {filled(wide, high, black), wantPhoto, "blank:fail colour:warn"},
		"white, where ink was wanted": {filled(wide, high, color.NRGBA{255, 255, 255, 255}), wantInk, "blank:fail"},
		"square":                      {textured(512, 512, 3), wantPhoto, "aspect:fail size:fail"},
		"too narrow by 7%":            {textured(620, 375, 3), wantPhoto, "aspect:fail size:fail"},
		"small":                       {textured(480, 270, 4), wantPhoto, "size:fail"},
		"letterboxed":                 {bars, wantPhoto, "bars:fail"},
		"pillars at the sides":        {pillars, wantPhoto, "bars:fail"},
		"letterboxed ink":             {grey(bars), wantInk, "bars:warn"},
		"a night sky above":           {painted(photo, image.Rect(0, 0, wide, 100), black), wantPhoto, ""},
		"a flat sky over flat ground": {painted(painted(photo, image.Rect(0, 0, wide, 100), cream), image.Rect(0, high-90, wide, high), color.NRGBA{90, 120, 60, 255}), wantPhoto, ""},
		"in a wide mat":               {painted(painted(photo, image.Rect(0, 0, wide, 60), cream), image.Rect(0, high-60, wide, high), cream), wantPhoto, "border:warn"},
		"the rest of a gutter":        {painted(photo, image.Rect(0, 0, 16, high), cream), wantPhoto, "border:warn"},
		"ink above a line of ground":  {inkOnPaper(), wantInk, ""},
		"a small figure, all alone":   {figure(), wantInk, ""},
		"a photograph in fog":         {toned(photo, 150, 5), wantPhoto, "contrast:warn"},
		"a photograph at night":       {toned(photo, 4, 5), wantPhoto, "contrast:warn"},
		"fog, and blurred":            {toned(blurred(photo, 12), 150, 5), wantPhoto, "contrast:warn blur:fail"},
		"paper with a signature":      {painted(filled(wide, high, color.NRGBA{236, 236, 236, 255}), image.Rect(wide-30, high-20, wide-10, high-10), black), wantInk, "blank:fail"},
		"framed":                      {framed, wantPhoto, "border:warn"},
		"blurred":                     {blurred(photo, 12), wantPhoto, "blur:fail"},
		"blurred colour":              {blurred(photo, 16), wantColour, "blur:fail"},
		"blurred ink":                 {grey(blurred(photo, 16)), wantInk, "blur:warn"},
		"colour, where ink was asked": {photo, wantInk, "mono:fail"},
		"tinted ink":                  {tinted(grey(photo)), wantInk, "mono:warn"},
		"grey, where colour was":      {grey(photo), wantColour, "colour:fail"},
		"a grey photograph":           {grey(photo), wantPhoto, "colour:warn"},
	} {
		t.Run(name, func(t *testing.T) {
			m := imaging.Measure(c.img)
			var got []string
			for _, f := range imaging.Check(m, c.want) {
				got = append(got, f.Check+":"+string(f.Severity))
				if !regexp.MustCompile(`^[a-z].*\d.*$`).MatchString(f.Detail) || strings.Contains(f.Detail, "%!") {
					t.Errorf("%q is no sentence with numbers", f.Detail)
				}
			}
			if strings.Join(got, " ") != c.list {
				t.Errorf("found %q, want %q, in %+v", got, c.list, m)
			}
		})
	}
}

func TestCheckPassesPhotographs(t *testing.T) {
	for _, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "hubble.jpg", "camera.png"} {
		img, err := imaging.Decode(photograph(t, name), imaging.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		m := imaging.Measure(img)
		want := imaging.Want{Medium: trainset.MediumPhoto}
		if name == "camera.png" {
			want = imaging.Want{Medium: trainset.MediumBW, Ink: true}
			if f := imaging.Check(m, imaging.Want{Medium: trainset.MediumColour}); len(f) != 1 || f[0].Check != "colour" {
				t.Errorf("the grey photograph passes for colour: %v", f)
			}
		} else if f := imaging.Check(m, imaging.Want{Medium: trainset.MediumBW, Ink: true}); name != "hubble.jpg" && (len(f) != 1 || f[0].Check != "mono") {
			t.Errorf("%s passes for black and white: %v", name, f)
		}
		if f := imaging.Check(m, want); len(f) > 0 {
			t.Errorf("%s: %v in %+v", name, f, m)
		}
		if f := imaging.Check(imaging.Measure(blurred(img, 8)), imaging.Want{Medium: trainset.MediumPhoto}); !slices.ContainsFunc(f, func(f imaging.Finding) bool {
			return f.Check == "blur" && f.Severity == imaging.Fail
		}) {
			t.Errorf("%s, blurred, passes: %v", name, f)
		}
	}
}

func TestMeasuresMarshalAsManifestsNameThem(t *testing.T) {
	b, err := json.Marshal(imaging.Measure(textured(64, 64, 5)))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"width", "height", "std", "range", "dhash", "sharp_p90", "mono_mse", "cast", "saturation", "bars", "border"} {
		if _, ok := m[name]; !ok {
			t.Errorf("there is no %s in %s", name, b)
		}
	}
	if h, _ := m["dhash"].(string); !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(h) {
		t.Errorf("the hash is %q", h)
	}
}

// distance is in how many bits two hashes differ.
func distance(t *testing.T, a, b string) int {
	t.Helper()
	x, err := strconv.ParseUint(a, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	y, err := strconv.ParseUint(b, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return bits.OnesCount64(x ^ y)
}

func TestHashesTellPicturesApart(t *testing.T) {
	a, b := textured(wide, high, 6), textured(wide, high, 7)
	small := image.NewNRGBA(image.Rect(0, 0, 320, 173))
	xdraw.CatmullRom.Scale(small, small.Rect, a, a.Rect, xdraw.Src, nil)
	hash := func(img *image.NRGBA) string { return imaging.Measure(img).DHash }
	if d := distance(t, hash(a), hash(a)); d != 0 {
		t.Errorf("a picture is %d from itself", d)
	}
	if d := distance(t, hash(a), hash(small)); d > 4 {
		t.Errorf("a picture is %d from itself made smaller", d)
	}
	if d := distance(t, hash(a), hash(b)); d < 16 {
		t.Errorf("two pictures are only %d apart", d)
	}
	ramp := image.NewNRGBA(image.Rect(0, 0, 90, 80))
	for i := range ramp.Pix {
		ramp.Pix[i] = uint8(i / 4 % 90 * 2)
		if i%4 == 3 {
			ramp.Pix[i] = 255
		}
	}
	if got := hash(ramp); got != "ffffffffffffffff" {
		t.Errorf("what gets lighter to the right hashes to %s", got)
	}
}

func TestMeasureSurvivesTinyPictures(t *testing.T) {
	for _, size := range []image.Point{{}, {X: 1, Y: 1}, {X: 1, Y: 500}, {X: 3000, Y: 1}, {X: 8, Y: 7}, {X: 9, Y: 8}} {
		m := imaging.Measure(filled(size.X, size.Y, red))
		if m.Width != size.X || m.Height != size.Y || len(m.DHash) != 16 {
			t.Errorf("%v: %+v", size, m)
		}
		imaging.Check(m, wantPhoto)
	}
}

func TestMeasureReadsPartsAlike(t *testing.T) {
	whole := textured(400, 300, 8)
	part, _ := whole.SubImage(image.Rect(31, 17, 291, 217)).(*image.NRGBA)
	alone := image.NewNRGBA(image.Rect(0, 0, 260, 200))
	xdraw.Draw(alone, alone.Rect, part, part.Rect.Min, xdraw.Src)
	if a, b := imaging.Measure(part), imaging.Measure(alone); a != b {
		t.Errorf("a part measures %+v, its copy %+v", a, b)
	}
}

func BenchmarkMeasure(b *testing.B) {
	img := textured(1392, 752, 1)
	b.ReportAllocs()
	for b.Loop() {
		imaging.Measure(img)
	}
}
