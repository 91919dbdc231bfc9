package picture

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"pgregory.net/rapid"
)

const enlarger = "topazlabs/image-upscale"

func TestUpscalersEnlargeByWhatIsAsked(t *testing.T) {
	in := encoded(t, stripes(50, 31))
	for _, c := range []struct {
		model   string
		factor  float64
		options map[string]any
		flaw    Flaw
		want    image.Point
	}{
		{enlarger, 0, map[string]any{"upscale_factor": "4x"}, None, image.Pt(200, 124)},
		{enlarger, 0, map[string]any{"upscale_factor": "2x"}, None, image.Pt(100, 62)},
		{enlarger, 0, map[string]any{"upscale_factor": "6x"}, None, image.Pt(300, 186)},
		{"nightmareai/real-esrgan", 0, map[string]any{"scale": 3.0}, None, image.Pt(150, 93)},
		{"philz1337x/clarity-upscaler", 0, map[string]any{"scale_factor": 2}, None, image.Pt(100, 62)},
		{"recraft-ai/recraft-crisp-upscale", 0, nil, None, image.Pt(100, 62)},
		{enlarger, 1.5, map[string]any{"upscale_factor": "4x"}, None, image.Pt(75, 46)},
		{enlarger, 4, nil, Small, image.Pt(25, 15)},
		{enlarger, 4, nil, Blank, image.Pt(200, 124)},
	} {
		img := drawn(t, Request{Model: c.model, Images: [][]byte{in}, Factor: c.factor, Options: c.options, Flaw: c.flaw})
		if img.Rect.Size() != c.want {
			t.Errorf("%s %v %v %q: %v, want %v", c.model, c.factor, c.options, c.flaw, img.Rect.Size(), c.want)
		}
		if std := tones(img).spread(); (std < 1) != (c.flaw == Blank) {
			t.Errorf("%s %q: deviation %.1f", c.model, c.flaw, std)
		}
	}
}

func TestUpscalersRefuse(t *testing.T) {
	in := encoded(t, stripes(50, 31))
	for name, r := range map[string]Request{
		"no input":       {Factor: 2},
		"an empty input": {Factor: 2, Images: [][]byte{nil}},
		"no picture":     {Factor: 2, Images: [][]byte{[]byte("<html>")}},
		"too much":       {Factor: 7, Images: [][]byte{in}},
		"less":           {Factor: .5, Images: [][]byte{in}},
		"a huge result":  {Factor: 6, Images: [][]byte{encoded(t, image.NewGray(image.Rect(0, 0, 2000, 1500)))}},
	} {
		r.Model = enlarger
		if _, err := Draw(r); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Flat stays flat, grey stays grey, and what was large enough to see is where it was.
func TestEnlargingInventsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 24).Draw(t, "w"), rapid.IntRange(1, 24).Draw(t, "h")
		f := rapid.IntRange(1, 4).Draw(t, "factor")
		shade := rapid.Uint8().Draw(t, "shade")
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(img, img.Rect, image.NewUniform(color.Gray{shade}), image.Point{}, draw.Src)
		for i, v := range enlarge(img, f*w, f*h).Pix {
			if want := shade; i%4 != 3 && v != want || i%4 == 3 && v != 255 {
				t.Fatalf("byte %d is %d, want %d", i, v, want)
			}
		}
		for i := range w * h {
			v := rapid.Uint8().Draw(t, "pixel")
			copy(img.Pix[4*i:], []uint8{v, v, v})
		}
		if !isGrey(enlarge(img, f*w, f*h)) {
			t.Fatal("grey became coloured")
		}
	})
}

func TestEnlargedPictureShrinksBackToItself(t *testing.T) {
	img := shrink(decoded(t, portraitOf(t)), 200)
	back := halve(enlarge(img, 2*img.Rect.Dx(), 2*img.Rect.Dy()))
	sum := 0
	for i, v := range back.Pix {
		sum += abs(int(v) - int(img.Pix[i]))
	}
	if off := float64(sum) / float64(len(img.Pix)); off > 3 {
		t.Errorf("off by %.2f levels on average", off)
	}
}
