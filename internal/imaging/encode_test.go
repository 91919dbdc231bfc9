package imaging_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/imaging"
)

// cropped is CropAspect, whose result is a picture of the same kind.
func cropped(img *image.NRGBA, w, h int) *image.NRGBA {
	part, _ := imaging.CropAspect(img, w, h).(*image.NRGBA)
	return part
}

func TestCropAspectIsCentralAndExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
		aw, ah := rapid.IntRange(1, 21).Draw(t, "aw"), rapid.IntRange(1, 21).Draw(t, "ah")
		at := image.Pt(rapid.IntRange(-5, 5).Draw(t, "x"), rapid.IntRange(-5, 5).Draw(t, "y"))
		img := image.NewNRGBA(image.Rectangle{at, at.Add(image.Pt(w, h))})
		got := cropped(img, aw, ah)
		r := got.Rect
		if !r.In(img.Rect) || r.Empty() {
			t.Fatalf("%v is not in %v", r, img.Rect)
		}
		if r.Dx() != w && r.Dy() != h {
			t.Fatalf("%v of %v loses on both sides", r, img.Rect)
		}
		ideal := float64(r.Dy()) * float64(aw) / float64(ah)
		idealH := float64(r.Dx()) * float64(ah) / float64(aw)
		if math.Abs(ideal-float64(r.Dx())) > 1 && math.Abs(idealH-float64(r.Dy())) > 1 {
			t.Fatalf("%v is not %d:%d within a pixel", r, aw, ah)
		}
		left, right := r.Min.X-img.Rect.Min.X, img.Rect.Max.X-r.Max.X
		top, bottom := r.Min.Y-img.Rect.Min.Y, img.Rect.Max.Y-r.Max.Y
		if right-left < 0 || right-left > 1 || bottom-top < 0 || bottom-top > 1 {
			t.Fatalf("%v is not in the middle of %v", r, img.Rect)
		}
		if again := cropped(got, aw, ah); again != got {
			t.Fatalf("cropping twice makes %v of %v", again.Rect, r)
		}
	})
}

func TestCropAspectSharesPixels(t *testing.T) {
	img := filled(1392, 752, red)
	got := cropped(img, 16, 9)
	if got.Rect.Dx() != 1337 || got.Rect.Dy() != 752 {
		t.Errorf("it is %v", got.Rect)
	}
	img.SetNRGBA(700, 300, color.NRGBA{1, 2, 3, 255})
	if got.NRGBAAt(700, 300) != (color.NRGBA{1, 2, 3, 255}) {
		t.Error("it is a copy")
	}
}

// chunks lists a PNG's chunks.
func chunks(encoded []byte) (names []string, bodies map[string][]byte) {
	bodies = map[string][]byte{}
	for at := 8; at+12 <= len(encoded); {
		n := int(encoded[at])<<24 | int(encoded[at+1])<<16 | int(encoded[at+2])<<8 | int(encoded[at+3])
		kind := string(encoded[at+4 : at+8])
		names, bodies[kind] = append(names, kind), encoded[at+8:at+8+n]
		at += 12 + n
	}
	return names, bodies
}

func TestEncodePNGIsWhatTrainersWant(t *testing.T) {
	whole := quadrants(80, 60)
	part := cropped(whole, 16, 9)
	for name, c := range map[string]struct {
		img  *image.NRGBA
		want *image.NRGBA
	}{
		"a picture":         {whole, whole},
		"a part":            {part, part},
		"grey":              {filled(9, 9, color.NRGBA{7, 7, 7, 255}), filled(9, 9, color.NRGBA{7, 7, 7, 255})},
		"one pixel":         {filled(1, 1, red), filled(1, 1, red)},
		"half transparent":  {filled(9, 9, half), filled(9, 9, halfOnWhite)},
		"a part, half":      {filled(9, 9, half).SubImage(image.Rect(2, 3, 8, 9)).(*image.NRGBA), filled(6, 6, halfOnWhite)},
		"a noisy one":       {textured(61, 33, 1), textured(61, 33, 1)},
		"a photo-sized one": {textured(300, 200, 2), textured(300, 200, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			encoded, err := imaging.EncodePNG(c.img, imaging.EncodeOptions{Generated: true})
			if err != nil {
				t.Fatal(err)
			}
			again, _ := imaging.EncodePNG(c.img, imaging.EncodeOptions{Generated: true})
			if !bytes.Equal(encoded, again) {
				t.Error("the same picture gives other bytes")
			}
			_, bodies := chunks(encoded)
			if head := bodies["IHDR"]; head[8] != 8 || head[9] != 2 || head[12] != 0 {
				t.Errorf("depth %d, colour type %d, interlace %d", head[8], head[9], head[12])
			}
			got, err := png.Decode(bytes.NewReader(encoded))
			if err != nil {
				t.Fatal(err)
			}
			b := c.want.Rect
			if got.Bounds().Size() != b.Size() {
				t.Fatalf("it is %v", got.Bounds())
			}
			for y := range b.Dy() {
				for x := range b.Dx() {
					if g := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA); !near(g, c.want.NRGBAAt(b.Min.X+x, b.Min.Y+y), 0) {
						t.Fatalf("pixel %d, %d is %v, want %v", x, y, g, c.want.NRGBAAt(b.Min.X+x, b.Min.Y+y))
					}
				}
			}
		})
	}
}

func TestEncodePNGSaysWhatIsGenerated(t *testing.T) {
	for _, generated := range []bool{true, false} {
		encoded, err := imaging.EncodePNG(quadrants(16, 9), imaging.EncodeOptions{Generated: generated})
		if err != nil {
			t.Fatal(err)
		}
		names, bodies := chunks(encoded)
		if names[0] != "IHDR" || names[len(names)-1] != "IEND" || bodies["sRGB"] == nil {
			t.Errorf("the chunks are %v", names)
		}
		text := bodies["iTXt"]
		said := bytes.HasPrefix(text, []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00<?xpacket")) &&
			bytes.Contains(text, []byte(">http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia<"))
		if said != generated {
			t.Errorf("generated %v, text %q", generated, text)
		}
		if _, err := imaging.Decode(encoded, imaging.DefaultLimits); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkEncodePNG(b *testing.B) {
	img := textured(1392, 752, 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(img.Pix)))
	for b.Loop() {
		if _, err := imaging.EncodePNG(img, imaging.EncodeOptions{Generated: true}); err != nil {
			b.Fatal(err)
		}
	}
}
