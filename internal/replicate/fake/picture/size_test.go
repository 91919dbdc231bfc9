package picture

import (
	"encoding/binary"
	"hash/crc32"
	"image"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSizeIsKontextsNearest(t *testing.T) {
	wide := encoded(t, stripes(300, 100))
	for _, c := range []struct {
		name string
		r    Request
		want image.Point
	}{
		{"16:9", Request{Aspect: "16:9"}, image.Pt(1392, 752)},
		{"9:16", Request{Aspect: "9:16"}, image.Pt(752, 1392)},
		{"1:1", Request{Aspect: "1:1"}, image.Pt(1024, 1024)},
		{"4:3", Request{Aspect: "4:3"}, image.Pt(1184, 880)},
		{"21:9", Request{Aspect: "21:9"}, image.Pt(1568, 672)},
		{"like a wide input", Request{Aspect: "match_input_image", Images: [][]byte{wide}}, image.Pt(1568, 672)},
		{"like an input, unsaid", Request{Images: [][]byte{wide}}, image.Pt(1568, 672)},
		{"no input", Request{}, image.Pt(1024, 1024)},
		{"a grid, unsaid", Request{Prompt: "a 3x3 grid", Images: [][]byte{wide}}, image.Pt(1024, 1024)},
		{"a large grid", Request{Prompt: "a 3x3 grid", Options: map[string]any{"size": "2K"}}, image.Pt(2048, 2048)},
		{"a large grid, otherwise", Request{Prompt: "a 3x3 grid", Options: map[string]any{"resolution": "2K"}}, image.Pt(2048, 2048)},
		{"exact", Request{Options: map[string]any{"width": 640.0, "height": 320}}, image.Pt(640, 320)},
	} {
		got, err := sizeOf(c.r)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for name, r := range map[string]Request{
		"aspect of words":     {Aspect: "wide"},
		"aspect of nothing":   {Aspect: "0:9"},
		"aspect below zero":   {Aspect: "-16:9"},
		"aspect not a number": {Aspect: "NaN:1"},
		"aspect of a line":    {Aspect: "1000:1"},
		"half an aspect":      {Aspect: "16"},
		"huge":                {Options: map[string]any{"width": 1e9, "height": 1e9}},
		"large":               {Options: map[string]any{"width": 4096.0, "height": 4096.0}},
		"tiny":                {Options: map[string]any{"width": 1.0, "height": 1.0}},
		"broken input":        {Aspect: "match_input_image", Images: [][]byte{[]byte("GIF89a")}},
	} {
		if got, err := sizeOf(r); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNearestHasNoBetterNeighbour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratio := rapid.Float64Range(.1, 10).Draw(t, "ratio")
		got := nearest(ratio)
		if !slices.Contains(kontext, got) {
			t.Fatalf("%v is no size of Kontext's", got)
		}
		off := func(p image.Point) float64 {
			return max(float64(p.X)/float64(p.Y)-ratio, ratio-float64(p.X)/float64(p.Y))
		}
		for _, p := range kontext {
			if off(p) < off(got) {
				t.Fatalf("%v is nearer to %v than %v", p, ratio, got)
			}
		}
	})
}

// hugeHeader is a PNG of a few bytes that claims 60000 x 60000 pixels.
func hugeHeader() []byte {
	chunk := func(kind string, body []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(append(b, kind...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 60000), 60000)
	body = append(body, 8, 6, 0, 0, 0)
	return append([]byte("\x89PNG\r\n\x1a\n"), append(chunk("IHDR", body), chunk("IDAT", nil)...)...)
}

func TestHugeInputsAreRefusedBeforeTheyAreAllocated(t *testing.T) {
	data := hugeHeader()
	for _, model := range []string{painter, "topazlabs/image-upscale", "openai/gpt-4.1-mini"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Draw(Request{Model: model, Prompt: "which tiles of this grid are unique?", Images: [][]byte{data}, Aspect: "match_input_image"})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s accepted it", model)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s allocated %d bytes before it refused", model, used)
		}
	}
}
