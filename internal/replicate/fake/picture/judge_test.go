package picture

import (
	"encoding/json"
	"image"
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
