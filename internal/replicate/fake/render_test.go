package fake

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// drawingWith makes a server that draws otherwise, to see what it is asked.
func drawingWith(t *testing.T, o Options, f func(picture.Request) (picture.Result, error)) caller {
	t.Helper()
	s := newServer(t, o)
	s.render.draw = f
	return calling(t, s)
}

func echo(got *picture.Request) func(picture.Request) (picture.Result, error) {
	return func(r picture.Request) (picture.Result, error) {
		*got = r
		return picture.Result{Data: []byte("drawn"), ContentType: "image/png", Ext: "png"}, nil
	}
}

func TestPicturesAreMadeOfTheInput(t *testing.T) {
	var got picture.Request
	c := drawingWith(t, Options{}, echo(&got))
	first, second := drawnPNG(64, 64), drawnPNG(32, 96)
	url := c.upload("a.png", "image/png", second, nil).file(t).URLs["get"]
	data := "data:image/png;base64," + pixelPNG
	one := func(model string, input map[string]any) picture.Request {
		t.Helper()
		got = picture.Request{}
		var body any = map[string]any{"input": input}
		a := c.create(model, body, "Prefer: wait")
		if m := modelByName(model); !m.official {
			a = c.do(http.MethodPost, "/v1/predictions", map[string]any{"version": m.version(), "input": input}, "Prefer: wait")
		}
		if p := a.prediction(t); p.Status != statusSucceeded {
			t.Fatalf("%s", a.body)
		}
		return got
	}
	r := one(kontextPro, map[string]any{"prompt": "p", "input_image": url, "seed": 5, "aspect_ratio": "16:9", "output_format": "jpg"})
	if r.Model != kontextPro || r.Prompt != "p" || r.Seed != 5 || r.Aspect != "16:9" || r.Format != "jpg" || len(r.Images) != 1 || !bytes.Equal(r.Images[0], second) || r.Options["safety_tolerance"] != 2.0 {
		t.Errorf("%+v", r)
	}
	if r = one(kontextPro, map[string]any{"prompt": "p"}); r.Aspect != "match_input_image" || r.Format != "png" || len(r.Images) != 0 {
		t.Errorf("defaults: %+v", r)
	}
	if drawn := one(kontextPro, map[string]any{"prompt": "p"}).Seed; drawn == r.Seed {
		t.Error("two without a seed have the same")
	}
	r = one("qwen/qwen-image-edit-plus", map[string]any{"prompt": "p", "image": []string{data, url}})
	if len(r.Images) != 2 || bytes.Equal(r.Images[0], second) || !bytes.Equal(r.Images[1], second) || r.Format != "png" {
		t.Errorf("%+v", r)
	}
	for factor, input := range map[float64]struct {
		model  string
		values map[string]any
	}{
		4:   {"topazlabs/image-upscale", map[string]any{"image": data, "upscale_factor": "4x"}},
		1:   {"topazlabs/image-upscale", map[string]any{"image": data}},
		2.5: {"nightmareai/real-esrgan", map[string]any{"image": data, "scale": 2.5}},
		2:   {"philz1337x/clarity-upscaler", map[string]any{"image": data}},
	} {
		if r = one(input.model, input.values); r.Factor != factor || len(r.Images) != 1 {
			t.Errorf("%s: factor %v, want %v", input.model, r.Factor, factor)
		}
	}
	_ = first
}

func TestFlawsReachThePicture(t *testing.T) {
	for kind, want := range flaws {
		var got picture.Request
		c := drawingWith(t, Options{Faults: []Fault{{Kind: kind}}}, echo(&got))
		if c.made(kontextPro, asking("x"), "Prefer: wait"); got.Flaw != want || want == picture.None {
			t.Errorf("%s: %q, want %q", kind, got.Flaw, want)
		}
		if c.made(kontextPro, asking("x"), "Prefer: wait"); got.Flaw != picture.None {
			t.Errorf("%s: the next one has %q", kind, got.Flaw)
		}
	}
}

func TestReferences(t *testing.T) {
	var got picture.Request
	want := drawnPNG(40, 30)
	mux := http.NewServeMux()
	mux.HandleFunc("/a.png", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a token was sent")
		}
		_, _ = w.Write(want)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/a.png", http.StatusFound) })
	local := httptest.NewServer(mux)
	defer local.Close()
	now := time.Now()
	s := newServer(t, Options{Now: func() time.Time { return now }, FileExpiry: time.Minute})
	c := calling(t, s)
	upload := func(c caller) string { return c.upload("a.png", "image/png", want, nil).file(t).URLs["get"] }
	expired := upload(c)
	now = now.Add(time.Minute)
	deleted := upload(c)
	c.do(http.MethodDelete, deleted, nil)
	s.render.draw = func(r picture.Request) (picture.Result, error) {
		got = r
		return picture.Result{Data: want, ContentType: "image/png", Ext: "png"}, nil
	}
	output := fmt.Sprint(c.made(kontextPro, asking("x"), "Prefer: wait").Output)
	for name, x := range map[string]struct {
		url string
		ok  bool
	}{
		"an upload":              {upload(c), true},
		"an upload's download":   {upload(c) + "/download", true},
		"an output":              {output, true},
		"a server on loopback":   {local.URL + "/a.png", true},
		"a missing one there":    {local.URL + "/b.png", false},
		"a redirect there":       {local.URL + "/away", false},
		"nobody there":           {"http://127.0.0.1:1/", false},
		"another account's":      {upload(caller{t, s, "r8_other"}), false},
		"an expired upload":      {expired, false},
		"a deleted upload":       {deleted, false},
		"an output that is none": {"http://fake.test/outputs/none/out-0.png", false},
		"the internet":           {"https://example.com/a.png", false},
		"http to the internet":   {"http://203.0.113.9/a.png", false},
		"a data URI cut short":   {"data:image/png;base64,AAA", false},
		"no data URI":            {"data:image/png", false},
	} {
		got = picture.Request{}
		p := c.made(kontextPro, map[string]any{"input": map[string]any{"prompt": "x", "input_image": x.url}}, "Prefer: wait")
		if x.ok && (p.Status != statusSucceeded || len(got.Images) != 1 || !bytes.Equal(got.Images[0], want)) {
			t.Errorf("%s: %+v", name, p)
		}
		if !x.ok && (p.Status != statusFailed || p.Error == nil || strings.Contains(*p.Error, "%!")) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	text := c.made(kontextPro, map[string]any{"input": map[string]any{"prompt": "x", "input_image": "data:,a%20b"}}, "Prefer: wait")
	if text.Status != statusSucceeded || string(got.Images[0]) != "a b" {
		t.Errorf("a data URI without base64: %+v, %q", text, got.Images)
	}
}

func TestDrawingIsBounded(t *testing.T) {
	var drawing, most atomic.Int32
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		c := drawingWith(t, Options{Renderers: 3}, func(picture.Request) (picture.Result, error) {
			n := drawing.Add(1)
			defer drawing.Add(-1)
			for old := most.Load(); n > old; old = most.Load() {
				most.CompareAndSwap(old, n)
			}
			<-gate
			return picture.Result{Data: []byte("x"), ContentType: "image/png", Ext: "png"}, nil
		})
		var ids []string
		for range 10 {
			ids = append(ids, c.made(kontextPro, asking("x")).ID)
		}
		settled()
		if drawing.Load() != 3 {
			t.Errorf("%d are drawn at once", drawing.Load())
		}
		canceled := c.do(http.MethodPost, "/v1/predictions/"+ids[9]+"/cancel", nil).prediction(t)
		close(gate)
		settled()
		done := 0
		for _, e := range c.s.Log() {
			if e.Status == statusSucceeded {
				done++
			}
		}
		if most.Load() != 3 || done != 9 || canceled.Status != statusCanceled {
			t.Errorf("%d at once, %d done", most.Load(), done)
		}
	})
}

func TestDeadlineWhileDrawing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := drawingWith(t, Options{Renderers: 1}, func(picture.Request) (picture.Result, error) {
			<-time.After(time.Minute)
			return picture.Result{Data: []byte("x"), ContentType: "image/png", Ext: "png"}, nil
		})
		busy := c.made(kontextPro, asking("x"), "Cancel-After: 50s").ID
		settled() // it has the only slot
		waiting := c.made(kontextPro, asking("x"), "Cancel-After: 10s").ID
		after(10 * time.Second)
		late := c.made(kontextPro, asking("x"), "Cancel-After: 5s").ID
		after(2 * time.Minute)
		if c.get(busy).Status != statusCanceled || c.get(waiting).Status != statusCanceled || c.get(late).Status != statusCanceled || c.get(late).Error != nil {
			t.Errorf("%+v\n%+v\n%+v", c.get(busy), c.get(waiting), c.get(late))
		}
		for i, want := range []time.Duration{50 * time.Second, 10 * time.Second, 5 * time.Second} {
			if e := c.s.Log()[i]; e.Done.Sub(e.Created) != want {
				t.Errorf("%d ended after %s", i, e.Done.Sub(e.Created))
			}
		}
		if entries, err := os.ReadDir(c.s.spool.dir); err == nil && len(entries) > 0 {
			t.Errorf("%d files were left behind", len(entries))
		}
	})
}

func TestWhatCannotBeDrawnFails(t *testing.T) {
	c := drawingWith(t, Options{}, func(picture.Request) (picture.Result, error) { return picture.Result{}, image.ErrFormat })
	p := c.made(kontextPro, asking("x"), "Prefer: wait")
	if p.Status != statusFailed || p.Error == nil || !strings.Contains(*p.Error, image.ErrFormat.Error()) {
		t.Errorf("%+v", p)
	}
}

func TestPreEncodedDrawsOnceForEachLook(t *testing.T) {
	var drawn atomic.Int32
	now := time.Now()
	c := drawingWith(t, Options{PreEncoded: true, Now: func() time.Time { return now }}, func(r picture.Request) (picture.Result, error) {
		n := drawn.Add(1)
		return picture.Result{Data: fmt.Appendf(nil, "picture %d of %s", n, r.Aspect), ContentType: "image/png", Ext: "png"}, nil
	})
	bytesOf := func(model string, input map[string]any) string {
		t.Helper()
		p := c.made(model, map[string]any{"input": input}, "Prefer: wait")
		a := c.fetch(fmt.Sprint(p.Output))
		if a.status != 200 {
			t.Fatalf("%+v", p)
		}
		return string(a.body)
	}
	photo := func(seed int) map[string]any {
		return map[string]any{"prompt": fmt.Sprint("photo ", seed), "seed": seed, "aspect_ratio": "16:9"}
	}
	wide := bytesOf(kontextPro, photo(1))
	if bytesOf(kontextPro, photo(2)) != wide || drawn.Load() != 1 {
		t.Errorf("the second is another; %d drawn", drawn.Load())
	}
	looks := map[string]bool{wide: true}
	for _, other := range []map[string]any{
		{"prompt": "photo", "aspect_ratio": "1:1"},
		{"prompt": "photo", "aspect_ratio": "16:9", "output_format": "jpg"},
		{"prompt": "a charcoal sketch in black and white", "aspect_ratio": "16:9"},
		{"prompt": "a 3x3 grid of photos", "aspect_ratio": "16:9"},
		{"prompt": "photo", "input_image": "data:image/png;base64," + pixelPNG},
	} {
		b := bytesOf(kontextPro, other)
		if looks[b] || bytesOf(kontextPro, other) != b {
			t.Errorf("%v: %s", other, b)
		}
		looks[b] = true
	}
	enlarge := func(image string) string {
		return bytesOf("topazlabs/image-upscale", map[string]any{"image": "data:image/png;base64," + image, "upscale_factor": "4x"})
	}
	if once := enlarge(pixelPNG); enlarge(pixelPNG) != once || enlarge(base64.StdEncoding.EncodeToString(drawnPNG(64, 49))) == once {
		t.Error("an enlargement is not of what was to be enlarged")
	}
	if err := c.s.Inject(Fault{Kind: OutputBlank}); err != nil {
		t.Fatal(err)
	}
	if bytesOf(kontextPro, photo(3)) == wide || bytesOf(kontextPro, photo(4)) != wide {
		t.Error("a flaw is shared")
	}
	now = now.Add(2 * time.Hour) // what expires takes nothing from the others
	c.made(kontextPro, map[string]any{"input": photo(5)}, "Prefer: wait")
	if bytesOf(kontextPro, photo(6)) != wide {
		t.Error("the shared picture went")
	}
}
