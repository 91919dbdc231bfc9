package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"sync"
	"testing"
)

const painter = "black-forest-labs/flux-kontext-pro"

// portrait is the repository's own example.
var portrait = sync.OnceValues(func() ([]byte, error) { return os.ReadFile("../../../../examples/portrait.png") })

func portraitOf(tb testing.TB) []byte {
	tb.Helper()
	data, err := portrait()
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// scenePrompts are the twelve real prompts for one kind of subject, as the
// program under test words them.
func scenePrompts(tb testing.TB) []string {
	tb.Helper()
	golden, err := os.ReadFile("../../../generate/testdata/actor.golden")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(golden), "######## woman\n")
	rest, _, _ = strings.Cut(rest, "######## ")
	var out []string
	for line := range strings.SplitSeq(rest, "\n") {
		if p, ok := strings.CutPrefix(line, "prompt:"); ok && len(out) < 12 {
			out = append(out, strings.TrimSpace(p))
		}
	}
	if len(out) != 12 {
		tb.Fatalf("the golden file has %d scenes", len(out))
	}
	return out
}

func sceneRequest(tb testing.TB, scene int, seed int64) Request {
	tb.Helper()
	return Request{Model: painter, Prompt: scenePrompts(tb)[scene], Seed: seed, Images: [][]byte{portraitOf(tb)}, Aspect: "16:9"}
}

func mustDraw(tb testing.TB, r Request) Result {
	tb.Helper()
	out, err := Draw(r)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func decoded(tb testing.TB, data []byte) *image.RGBA {
	tb.Helper()
	img, err := decode(data)
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func drawn(tb testing.TB, r Request) *image.RGBA {
	tb.Helper()
	return decoded(tb, mustDraw(tb, r).Data)
}

func encoded(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// pixels is what would be drawn, without the cost of encoding it.
func pixels(tb testing.TB, r Request) *image.RGBA {
	tb.Helper()
	img, err := paint(r)
	if err != nil {
		tb.Fatal(err)
	}
	return flatten(img)
}

// some is how often to repeat what is done many times where time allows.
func some(many, few int64) int64 {
	if slow || testing.Short() {
		return few
	}
	return many
}

// small asks for a quarter of the width and height.
func small(r Request) Request {
	r.Options = map[string]any{"width": 348.0, "height": 188.0}
	return r
}

// stripes is a small input with edges and colour in it.
func stripes(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{octetOf(x * 255 / w), octetOf((x / 5 % 2) * 200), octetOf(y * 255 / h), 255})
		}
	}
	return img
}

func isGrey(img *image.RGBA) bool {
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i] != img.Pix[i+1] || img.Pix[i] != img.Pix[i+2] {
			return false
		}
	}
	return true
}

func TestSameRequestDrawsTheSameBytes(t *testing.T) {
	r := small(sceneRequest(t, 8, 3))
	want := mustDraw(t, r).Data
	results := make([][]byte, 3)
	var wait sync.WaitGroup
	for i := range results {
		wait.Go(func() {
			if out, err := Draw(r); err == nil {
				results[i] = out.Data
			}
		})
	}
	wait.Wait()
	for i, got := range results {
		if !bytes.Equal(got, want) {
			t.Errorf("drawing %d differs from the first", i)
		}
	}
	r.Seed++
	if bytes.Equal(mustDraw(t, r).Data, want) {
		t.Error("another seed drew the same picture")
	}
}

func TestFormatFollowsTheRequestThenTheOptions(t *testing.T) {
	for _, c := range []struct {
		format  string
		options map[string]any
		ext     string
		media   string
	}{
		{"", nil, "png", "image/png"},
		{"png", map[string]any{"output_format": "jpg"}, "png", "image/png"},
		{"jpg", nil, "jpg", "image/jpeg"},
		{"", map[string]any{"output_format": "jpg"}, "jpg", "image/jpeg"},
		{"", map[string]any{"output_format": "JPEG"}, "jpg", "image/jpeg"},
	} {
		out := mustDraw(t, Request{
			Model: painter, Prompt: "a hill", Aspect: "1:1", Format: c.format,
			Options: map[string]any{"output_format": c.options["output_format"], "width": 160.0, "height": 96},
		})
		if out.Ext != c.ext || out.ContentType != c.media {
			t.Errorf("format %q, options %v: %s, %s", c.format, c.options, out.Ext, out.ContentType)
		}
		if _, kind, err := image.Decode(bytes.NewReader(out.Data)); err != nil || (kind == "jpeg") != (c.ext == "jpg") {
			t.Errorf("format %q: the bytes are %s (%v)", c.format, kind, err)
		}
	}
}

func TestFlawsOfPictures(t *testing.T) {
	base := small(sceneRequest(t, 5, 1)) // a woodcut
	for _, flaw := range []Flaw{None, Small, Colour, Blank, NoGrid, JudgeEmpty} {
		r := base
		r.Flaw = flaw
		img := drawn(t, r)
		std := tones(img).spread()
		size := image.Pt(348, 188)
		if flaw == Small {
			size = image.Pt(174, 94)
		}
		if img.Rect.Size() != size {
			t.Errorf("%q: size %v", flaw, img.Rect.Size())
		}
		if grey := isGrey(img); grey == (flaw == Colour) {
			t.Errorf("%q: all grey is %v", flaw, grey)
		}
		if (std < 1) != (flaw == Blank) {
			t.Errorf("%q: deviation %.1f", flaw, std)
		}
		if flaw == Colour && saturation(img) < .2 {
			t.Errorf("colour in place of black and white has saturation %.2f only", saturation(img))
		}
	}
}

func TestNotImageIsAPage(t *testing.T) {
	r := sceneRequest(t, 0, 1)
	r.Flaw = NotImage
	out := mustDraw(t, r)
	if !strings.HasPrefix(out.ContentType, "text/html") || !bytes.Contains(out.Data, []byte("<html")) {
		t.Errorf("%s: %.40q", out.ContentType, out.Data)
	}
	if _, err := decode(out.Data); err == nil {
		t.Error("the page decodes as a picture")
	}
}

func TestModelsAreToldApart(t *testing.T) {
	for model, want := range map[string]kind{
		"black-forest-labs/flux-kontext-pro": imager, "google/nano-banana": imager, "openai/gpt-image-1": imager,
		"google/gemini-2.5-flash-image": imager, "bytedance/seedream-4": imager, "qwen/qwen-image-edit-plus": imager,
		"topazlabs/image-upscale": upscaler, "recraft-ai/recraft-crisp-upscale": upscaler, "nightmareai/real-esrgan": upscaler,
		"philz1337x/clarity-upscaler": upscaler,
		"openai/gpt-4.1-mini":         language, "openai/gpt-4o": language, "openai/gpt-5.1": language, "google/gemini-2.5-flash": language,
	} {
		if got := kindOf(model); got != want {
			t.Errorf("%s: kind %d, want %d", model, got, want)
		}
	}
}
