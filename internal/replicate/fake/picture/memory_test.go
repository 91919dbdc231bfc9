package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"slices"
	"sync"
	"testing"
)

// dot is a picture that costs nothing.
func dot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a memory gives is what Draw would have, the first time and the next.
func TestAMemoryGivesWhatDrawDoes(t *testing.T) {
	var m Memory
	for _, r := range []Request{
		{Model: "flux", Prompt: "a cat", Plain: true, Aspect: "1:1"},
		{Model: "topazlabs/image-upscale", Images: [][]byte{dot(t)}},
		{Model: "openai/gpt-4.1-mini", Prompt: "what is it?", Images: [][]byte{dot(t)}},
	} {
		want, err := Draw(r)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := m.Draw(r)
			if err != nil || !bytes.Equal(got.Data, want.Data) || got.ContentType != want.ContentType || got.Ext != want.Ext || got.Text != want.Text {
				t.Errorf("%s: another result, %v", r.Model, err)
			}
		}
	}
	if len(m.drawn) != 3 {
		t.Errorf("%d results of 3 requests", len(m.drawn))
	}
	if _, err := m.Draw(Request{Model: "topazlabs/image-upscale"}); err == nil {
		t.Error("an enlargement of nothing")
	}
}

// Requests are told apart by all that may show, and by nothing else.
func TestAMemoryTellsRequestsApart(t *testing.T) {
	grid := Request{Model: "flux", Prompt: "a 3x3 grid", Seed: 7, Images: [][]byte{{1}, {2}}, Aspect: "1:1", Options: map[string]any{"size": "1"}}
	for what, change := range map[string]func(*Request){
		"another model":  func(r *Request) { r.Model = "dall-e" },
		"another prompt": func(r *Request) { r.Prompt = "a 3x3 grid of cats" },
		"another seed":   func(r *Request) { r.Seed = 8 },
		"another image":  func(r *Request) { r.Images = [][]byte{{1}, {3}} },
		"an image less":  func(r *Request) { r.Images = [][]byte{{1}} },
		"another aspect": func(r *Request) { r.Aspect = "16:9" },
		"another format": func(r *Request) { r.Format = "jpg" },
		"a factor":       func(r *Request) { r.Factor = 2 },
		"a flaw":         func(r *Request) { r.Flaw = NoGrid },
		"plain":          func(r *Request) { r.Plain = true },
		"a number":       func(r *Request) { r.Options = map[string]any{"size": 1.0} },
		"an option more": func(r *Request) { r.Options = map[string]any{"size": "1", "scale": 2.0} },
	} {
		other := grid
		change(&other)
		if other.digest() == grid.digest() {
			t.Errorf("%s makes no difference", what)
		}
	}
	judged := grid
	judged.Flaw = JudgeEmpty
	if judged.digest() != grid.digest() {
		t.Error("a picture shows a judge's flaw")
	}
	enlargement := Request{Model: "topazlabs/image-upscale", Seed: 1}
	other := enlargement
	other.Seed = 2
	if other.digest() != enlargement.digest() {
		t.Error("enlargements are of a seed")
	}
	other.Flaw, enlargement.Flaw = Blank, Blank // its shade is
	if other.digest() == enlargement.digest() {
		t.Error("blank pictures are of no seed")
	}
}

// All who ask for the same at once get the one that is drawn.
func TestAMemoryDrawsOnce(t *testing.T) {
	var m Memory
	var asking sync.WaitGroup
	drawn := make([][]byte, 8)
	for i := range drawn {
		asking.Go(func() {
			res, err := m.Draw(Request{Model: "flux", Prompt: "a cat", Plain: true, Aspect: "1:1"})
			if err != nil {
				t.Error(err)
			}
			drawn[i] = res.Data
		})
	}
	asking.Wait()
	for _, data := range drawn {
		if len(data) == 0 || &data[0] != &drawn[0][0] {
			t.Error("it was drawn again")
		}
	}
}

// What was asked for lately stays, whoever was first.
func TestAMemoryForgetsWhatNobodyAsksFor(t *testing.T) {
	var m Memory
	ask := func(n int) *drawing {
		r := Request{Prompt: fmt.Sprint(n)}
		return m.find(r.digest(), r)
	}
	for n := range 6 {
		m.weigh(ask(n), mostRemembered/4)
		ask(0)
	}
	var left []int
	for n := range 6 {
		if slices.ContainsFunc(m.drawn, func(d *drawing) bool { return d.of == Request{Prompt: fmt.Sprint(n)}.digest() }) {
			left = append(left, n)
		}
	}
	if !slices.Equal(left, []int{0, 3, 4, 5}) || m.bytes != mostRemembered {
		t.Errorf("%d bytes of %v are left", m.bytes, left)
	}
}
