package picture

import (
	"encoding/json"
	"image"
	"image/draw"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

const judgeModel = "openai/gpt-4.1-mini"

func verdictsOf(t *testing.T, text string) []verdict {
	t.Helper()
	var out struct {
		Tiles []verdict `json:"tiles"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %.80q", err, text)
	}
	if len(out.Tiles) != 9 {
		t.Fatalf("%d tiles judged", len(out.Tiles))
	}
	return out.Tiles
}

func ask(data []byte, question string, flaw Flaw) Request {
	return Request{Model: judgeModel, Prompt: question, Images: [][]byte{data}, Flaw: flaw}
}

var one struct {
	sync.Once
	data []byte
}

// judged is one grid for all tests that need any, and its layout.
func judged(t *testing.T) ([]byte, Layout) {
	t.Helper()
	r := gridRequest(t, 1, 5)
	one.Do(func() { one.data = mustDraw(t, r).Data })
	return one.data, GridOf(r.Prompt, r.Seed)
}

func TestJudgeFindsTheBlankAndTheDuplicateFromPixels(t *testing.T) {
	for seed := range some(10, 2) {
		r := gridRequest(t, int(seed)*4, seed)
		if seed%2 == 1 {
			r.Format = "jpg"
		}
		l := GridOf(r.Prompt, seed)
		text := mustDraw(t, ask(mustDraw(t, r).Data, "Which tiles are unique?", None)).Text
		for i, v := range verdictsOf(t, text) {
			if v.Tile != i+1 || v.Reason == "" {
				t.Errorf("verdict %d: %+v", i, v)
			}
			if v.Fit != (i != l.Blank) || v.Unique != (i != l.Blank && i != l.Duplicate) {
				t.Errorf("seed %d: %+v, but the duplicate is %d of %d and the blank %d", seed, v, l.Duplicate+1, l.Of+1, l.Blank+1)
			}
		}
	}
}

func TestJudgeLooksAtTheLastImage(t *testing.T) {
	grid, _ := judged(t)
	q := ask(grid, "Judge the tiles of the second image.", None)
	alone := mustDraw(t, q).Text
	q.Images = [][]byte{portraitOf(t), grid}
	if both := mustDraw(t, q).Text; both != alone {
		t.Errorf("with the reference first: %s", both)
	}
}

const compare = "There are two pictures. The second is the example of the style. The first is a grid of nine tiles."

// references are pictures of many kinds to draw grids after.
func references(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"a portrait": portraitOf(t), "stripes": encoded(t, stripes(300, 300))}
	for name, c := range map[string]func(d random) rgb{
		"greys":      func(d random) rgb { return grey(d.in(0, 255)) },
		"one red":    func(d random) rgb { return hsl(0, 1, d.in(.3, .6)) },
		"greens":     func(d random) rgb { return hsl(d.in(90, 150), d.in(.3, 1), d.in(0, 1)) },
		"any colour": func(d random) rgb { return rgb{d.in(0, 255), d.in(0, 255), d.in(0, 255)} },
	} {
		img, d := image.NewRGBA(image.Rect(0, 0, 256, 256)), dice("reference", name, 1)
		for y := 0; y < 256; y += 16 {
			for x := 0; x < 256; x += 16 {
				draw.Draw(img, image.Rect(x, y, x+16, y+16), image.NewUniform(c(d).pixel()), image.Point{}, draw.Src)
			}
		}
		all[name] = encoded(t, img)
	}
	return all
}

// A grid that ignored its reference is of one style in itself: only beside the
// example it is seen. One that was drawn after the example passes.
func TestJudgeSeesAnotherStyleThanTheExamples(t *testing.T) {
	refs := references(t)
	for i, name := range slices.Sorted(maps.Keys(refs))[:some(6, 2)] {
		ref := refs[name]
		r := gridRequest(t, 3, 8)
		r.Images, r.Format = [][]byte{ref}, []string{"png", "jpg"}[i%2]
		l := GridOf(r.Prompt, r.Seed)
		drawn := mustDraw(t, r).Data
		r.Flaw = OffStyle
		other := mustDraw(t, r).Data
		if n := fitOf(judgedBy(t, other)); n != 8 {
			t.Errorf("%s: by itself the other style has %d fit tiles", name, n)
		}
		if n := fitOf(judgedBy(t, drawn, ref)); n != 8 {
			t.Errorf("%s: of a grid in its style %d tiles are fit", name, n)
		}
		for i, v := range judgedBy(t, other, ref) {
			if v.Fit || i != l.Blank && !strings.Contains(v.Reason, "another style than the example") {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
}

func judgedBy(t *testing.T, grid []byte, example ...[]byte) []verdict {
	t.Helper()
	q := ask(grid, compare, None)
	q.Images = append(q.Images, example...)
	return verdictsOf(t, mustDraw(t, q).Text)
}

func fitOf(all []verdict) int {
	n := 0
	for _, v := range all {
		if v.Fit {
			n++
		}
	}
	return n
}

func TestJudgeOfABrokenExample(t *testing.T) {
	grid, _ := judged(t)
	q := ask(grid, compare, None)
	q.Images = append(q.Images, []byte("no picture"))
	if _, err := Draw(q); err == nil {
		t.Error("a grid was compared with a broken picture")
	}
}

func TestJudgeAnswersInTheFormAskedFor(t *testing.T) {
	grid, l := judged(t)
	text := mustDraw(t, ask(grid, `Look at the grid. Answer {"unique_tiles": [...]} only.`, None)).Text
	var out struct {
		Unique  []int             `json:"unique_tiles"`
		Reasons map[string]string `json:"reasons"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Unique) != 7 || len(out.Reasons) != 9 {
		t.Errorf("%+v", out)
	}
	for _, tile := range out.Unique {
		if tile-1 == l.Blank || tile-1 == l.Duplicate {
			t.Errorf("tile %d is no use", tile)
		}
	}
}

func TestFlawsOfTheJudge(t *testing.T) {
	data, _ := judged(t)
	if out := mustDraw(t, ask(data, "tiles", JudgeEmpty)); out.Text != "" || out.Data != nil {
		t.Errorf("%+v", out)
	}
	if text := mustDraw(t, ask(data, "tiles", JudgeNonsense)).Text; text == "" || strings.ContainsAny(text, "{}[]") {
		t.Errorf("%q", text)
	}
	if swapped := verdictsOf(t, mustDraw(t, ask(data, "tiles", JudgeSwapped)).Text); swapped[0].Shows != 2 || swapped[1].Shows != 1 || swapped[2].Shows != 0 || swapped[3].Shows != 4 {
		t.Errorf("%+v", swapped)
	}
	fenced := mustDraw(t, ask(data, "tiles", JudgeFenced)).Text
	_, rest, opened := strings.Cut(fenced, "```json\n")
	body, after, closed := strings.Cut(rest, "\n```")
	if !opened || !closed || strings.TrimSpace(after) == "" {
		t.Fatalf("no fence within prose: %q", fenced)
	}
	verdictsOf(t, body)
}

func TestLanguageModelsAnswerOtherQuestionsInProse(t *testing.T) {
	text := mustDraw(t, ask(portraitOf(t), "Describe the picture.", None)).Text
	if !strings.Contains(text, "768 pixels wide") || strings.Contains(text, "{") {
		t.Errorf("%q", text)
	}
	if text := mustDraw(t, Request{Model: judgeModel, Prompt: "Hello"}).Text; text == "" {
		t.Error("no answer without a picture")
	}
	if _, err := Draw(ask([]byte("no picture"), "Which tiles are unique?", None)); err == nil {
		t.Error("a broken picture was judged")
	}
}

func TestJudgeOfATinyOrFlatPicture(t *testing.T) {
	for _, img := range []image.Image{stripes(1, 1), stripes(2, 7), image.NewGray(image.Rect(0, 0, 30, 30))} {
		verdictsOf(t, mustDraw(t, ask(encoded(t, img), "tiles", None)).Text)
	}
}
