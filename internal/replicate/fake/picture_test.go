package fake

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// really is a server as everybody else gets it.
func really(t *testing.T, faults ...Fault) caller {
	t.Helper()
	c := calling(t, newServer(t, Options{Faults: faults}))
	c.s.render.draw = picture.Draw
	return c
}

// answer runs a model and downloads what it made.
func (c caller) answer(model string, input map[string]any) (answered, seen) {
	c.t.Helper()
	p := c.made(model, map[string]any{"input": input}, "Prefer: wait")
	if p.Status != statusSucceeded {
		c.t.Fatalf("%s: %s, %v", model, p.Status, p.Error)
	}
	url, _ := p.Output.(string)
	return c.fetch(url), p
}

func decoded(t *testing.T, a answered) (size image.Point, format string) {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(a.body))
	if err != nil || a.header.Get("Content-Type") != "image/"+format {
		t.Fatalf("%v: %s, %d bytes", err, a.header.Get("Content-Type"), len(a.body))
	}
	return img.Bounds().Size(), format
}

// Few pictures are drawn: they take a while, and how they look is tested where
// they are drawn.
func TestPicturesAreReal(t *testing.T) {
	c := really(t, Fault{Kind: OutputNotImage, Nth: 2}, Fault{Kind: OutputSmall, Nth: 3}, Fault{Kind: OutputBlank, Nth: 4})
	ref := c.upload("me.png", "image/png", drawnPNG(300, 400), nil).file(t).URLs["get"]
	input := map[string]any{"prompt": "The person at a window", "input_image": ref, "aspect_ratio": "16:9", "seed": 3}
	whole, p := c.answer(kontextPro, input)
	size, format := decoded(t, whole)
	if ratio := float64(size.X) / float64(size.Y); size.Y < 512 || ratio < 1.7 || ratio > 1.9 || format != "png" || !strings.HasSuffix(fmt.Sprint(p.Output), ".png") {
		t.Errorf("%v %s at %v", size, format, p.Output)
	}
	page, _ := c.answer(kontextPro, input)
	if _, _, err := image.Decode(bytes.NewReader(page.body)); err == nil || !strings.Contains(string(page.body), "<html") {
		t.Errorf("%.80q is a picture", page.body)
	}
	small, _ := c.answer(kontextPro, input)
	if got, _ := decoded(t, small); got.X >= size.X {
		t.Errorf("small %v, whole %v", got, size)
	}
	if blank, _ := c.answer(kontextPro, input); len(blank.body)*4 > len(whole.body) {
		t.Errorf("a blank picture of %d bytes, a whole one of %d", len(blank.body), len(whole.body))
	}
	up, _ := c.answer("topazlabs/image-upscale", map[string]any{"image": ref, "upscale_factor": "2x"})
	if size, format := decoded(t, up); size != image.Pt(600, 800) || format != "jpeg" {
		t.Errorf("enlarged to %v %s", size, format)
	}
}

// A plain picture is of the size and the colours that were asked for, small, and
// as useless as its faults make it.
func TestPlainPicturesAreCheap(t *testing.T) {
	c := calling(t, newServer(t, Options{Plain: true, Faults: []Fault{{Kind: OutputColour, Nth: 3}, {Kind: OutputNotImage, Nth: 4}}}))
	c.s.render.draw = picture.Draw
	input := map[string]any{"prompt": "The person at a window", "aspect_ratio": "16:9", "seed": 3}
	for i, want := range []struct {
		prompt    string
		coloured  bool
		mediaType string
	}{
		{"The person at a window", true, "image/png"},
		{"A black-and-white drawing of the person", false, "image/png"},
		{"A black-and-white drawing of the person", true, "image/png"},
		{"The person at a window", false, "text/html; charset=utf-8"},
	} {
		input["prompt"] = want.prompt
		got, _ := c.answer(kontextPro, input)
		if len(got.body) > 20_000 || got.header.Get("Content-Type") != want.mediaType {
			t.Errorf("%d: %d bytes of %s", i, len(got.body), got.header.Get("Content-Type"))
		}
		img, _, err := image.Decode(bytes.NewReader(got.body))
		if err != nil {
			if want.mediaType == "image/png" {
				t.Error(err)
			}
			continue
		}
		r, _, b, _ := img.At(0, 0).RGBA()
		if img.Bounds().Size() != image.Pt(1392, 752) || (r != b) != want.coloured {
			t.Errorf("%d: %v, %v", i, img.Bounds(), img.At(0, 0))
		}
	}
}

func TestLanguageModelsAnswer(t *testing.T) {
	c := really(t, Fault{Kind: JudgeEmpty, Nth: 2})
	input := map[string]any{"prompt": "Answer with JSON: what is in the nine tiles?", "image_input": []string{"data:image/png;base64," + pixelPNG}}
	_, p := c.answer(gpt, input)
	if pieces, _ := p.Output.([]any); len(pieces) < 2 {
		t.Errorf("%+v", p)
	}
	_, p = c.answer(gpt, input)
	if pieces, ok := p.Output.([]any); !ok || len(pieces) != 0 {
		t.Errorf("an empty answer: %+v", p)
	}
}
