package picture

import (
	"bytes"
	"image/jpeg"
	"testing"
)

// FuzzDraw feeds every kind of model with hostile input images: an error is
// fine, a panic is not, and neither is a result that cannot be read.
func FuzzDraw(f *testing.F) {
	small := encoded(f, stripes(24, 17))
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, stripes(24, 17), nil); err != nil {
		f.Fatal(err)
	}
	for _, data := range [][]byte{nil, small, small[:len(small)/2], photo.Bytes(), photo.Bytes()[:40], hugeHeader(), []byte("RIFF\x10\x00\x00\x00WEBPVP8 ")} {
		f.Add(data, "a 3x3 grid. Top row, from left to right: a fox; an owl; a boat.", "16:9", int64(1))
		f.Add(data, "a tilted black-and-white charcoal drawing in a barn, left third", "match_input_image", int64(-1))
		f.Add(data, "row: ;;;", "1:0", int64(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, prompt, aspect string, seed int64) {
		if size, err := measure(data); err == nil && size.X*size.Y > 1<<20 {
			t.Skip("large inputs are valid, and slow")
		}
		for _, model := range []string{painter, enlarger, judgeModel} {
			r := Request{Model: model, Prompt: prompt, Seed: seed, Images: [][]byte{data}, Aspect: aspect}
			if model == painter {
				if _, err := sizeOf(r); err != nil {
					continue
				}
				r.Options = map[string]any{"width": 96.0, "height": 96.0} // the size is not what is hostile here
			}
			out, err := Draw(r)
			if err != nil || model == judgeModel {
				continue
			}
			if _, err := decode(out.Data); err != nil {
				t.Fatalf("%s: %v", model, err)
			}
		}
	})
}
