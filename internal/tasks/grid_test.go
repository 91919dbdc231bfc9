package tasks

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/draw"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/judge"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	fake "github.com/actormaker/trainset/internal/replicate/fake/picture"
	"github.com/actormaker/trainset/internal/storage"
)

// drawnGrid is a simulated grid of 1024 pixels a side.
func drawnGrid(t *testing.T) *image.NRGBA {
	t.Helper()
	example, err := os.ReadFile(filepath.Join("..", "..", "examples", "style.png"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := fake.Draw(fake.Request{
		Model: replicate.DefaultStyleModel, Prompt: generate.GridPrompt(generate.Grid(7, 1)), Images: [][]byte{example}, Aspect: "1:1", Seed: 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err := imaging.Decode(r.Data, outputLimits)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func encoded(t *testing.T, img *image.NRGBA) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// finishGrid is what becomes of a grid in a job that enlarges in this way.
func finishGrid(t *testing.T, img *image.NRGBA, e trainset.Enhance) made {
	t.Helper()
	h := &Handlers{pixels: make(chan struct{}, 1)}
	style := plan.Style{Enhance: e, Factor: factor, EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel}}
	m, err := gridCraft{h}.finish(t.Context(), ledger.Work{Job: plan.Record{Plan: &plan.Plan{Style: &style}}}, plan.Attempt{}, bought{data: encoded(t, img)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Margins are trimmed from a grid, whatever their tone: black ones are no reason
// to pay for another.
func TestAGridMayHaveBlackMargins(t *testing.T) {
	inner := drawnGrid(t)
	const margin = 30
	framed := image.NewNRGBA(image.Rect(0, 0, inner.Rect.Dx()+2*margin, inner.Rect.Dy()+2*margin))
	draw.Draw(framed, framed.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
	at := inner.Rect.Add(image.Pt(margin, margin))
	draw.Draw(framed, at, inner, image.Point{}, draw.Src)
	m := finishGrid(t, framed, trainset.EnhanceGrid)
	if m.rejected != "" || m.grid == nil || len(m.grid.Tiles) != 9 {
		t.Fatalf("rejected: %q", m.rejected)
	}
	if !bytes.Contains(m.checks, []byte(`"bars"`)) {
		t.Errorf("the margins are no bars: this test shows nothing; %s", m.checks)
	}
	for i, tile := range m.grid.Tiles {
		box := image.Rect(tile.Box[0], tile.Box[1], tile.Box[2], tile.Box[3])
		if !box.In(at) || box.Dx() < 290 {
			t.Errorf("tile %d is at %v of a grid at %v", i+1, box, at)
		}
	}
}

// Without anything in it, a dark picture is still none.
func TestAnEmptyGridIsRejected(t *testing.T) {
	empty := image.NewNRGBA(image.Rect(0, 0, 1024, 1024))
	draw.Draw(empty, empty.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
	if m := finishGrid(t, empty, trainset.EnhanceGrid); m.rejected == "" || m.grid != nil {
		t.Error("it has tiles")
	}
}

// shelf has one object, and notes how it is handed over to the provider.
type shelf struct {
	storage.Store

	data       []byte
	name, kind string
}

func (s *shelf) Get(context.Context, string) ([]byte, error) { return s.data, nil }

func (s *shelf) Upload(_ context.Context, name, kind string, _ []byte) (replicate.File, error) {
	s.name, s.kind = name, kind
	return replicate.File{ID: "f", URL: "https://example.org/f", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// A grid is kept as it came, and the provider is told what it is.
func TestAGridIsUploadedAsWhatItIs(t *testing.T) {
	for _, c := range []struct{ data, name, kind string }{
		{"\x89PNG\r\n\x1a\n and more", "grid.png", "image/png"},
		{"\xff\xd8\xff\xe0 and more", "grid.jpg", "image/jpeg"},
		{"RIFF\x10\x00\x00\x00WEBPVP8 and more", "grid.webp", "image/webp"},
	} {
		s := &shelf{data: []byte(c.data)}
		h := &Handlers{ledger: ledger.New(redistest.Mini(t), ledger.Options{}), store: s, upload: s, o: Options{Now: time.Now}}
		_, ext := formatOf(s.data)
		key := dataset.Layout{}.Made(plan.Subtask{ID: plan.GridID(1), Verb: plan.VerbGrid, Index: 1}, 1, ext)
		if _, err := h.objectURL(t.Context(), "job", plan.Image{Key: key, SHA256: sum(s.data)}); err != nil {
			t.Fatal(err)
		}
		if s.name != c.name || s.kind != c.kind {
			t.Errorf("%s is uploaded as %s, %s", key, s.name, s.kind)
		}
	}
}

// rack has objects by their keys, and takes uploads whose addresses say what they
// are and how many came before.
type rack struct {
	storage.Store

	objects map[string]string
	uploads int
}

func (r *rack) Get(_ context.Context, key string) ([]byte, error) {
	if data, ok := r.objects[key]; ok {
		return []byte(data), nil
	}
	return nil, storage.ErrNotFound
}

func (r *rack) Stat(ctx context.Context, key string) (storage.Info, error) {
	_, err := r.Get(ctx, key)
	return storage.Info{Key: key}, err
}

func (r *rack) Upload(_ context.Context, name, _ string, _ []byte) (replicate.File, error) {
	r.uploads++
	id := fmt.Sprintf("%d-%s", r.uploads, name)
	return replicate.File{ID: id, URL: "https://example.org/" + id, ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// A judge is shown the grid and then the example, where it takes two pictures,
// the plan pays for them and the example is to be had. The question says which.
func TestAJudgeIsShownTheExample(t *testing.T) {
	const mini, at = "openai/gpt-4o-mini", "https://example.org/"
	soon, later := time.Now().Add(time.Minute), time.Now().Add(23*time.Hour)
	for name, c := range map[string]struct {
		judge    trainset.Judge
		model    string
		price    float64
		ends     time.Time // of the reference's first upload
		gone     bool      // the reference, from storage
		pictures []string
		uploads  int
	}{
		"uploaded for the grids":      {trainset.JudgeReplicate, replicate.DefaultJudgeModel, 0.01, later, false, []string{at + "1-grid.png", at + "reference"}, 1},
		"uploaded too long ago":       {trainset.JudgeReplicate, replicate.DefaultJudgeModel, 0.01, soon, false, []string{at + "2-grid.png", at + "1-reference.png"}, 2},
		"gone, but still uploaded":    {trainset.JudgeReplicate, replicate.DefaultJudgeModel, 0.01, later, true, []string{at + "1-grid.png", at + "reference"}, 1},
		"gone":                        {trainset.JudgeReplicate, replicate.DefaultJudgeModel, 0.01, soon, true, []string{at + "1-grid.png"}, 1},
		"a dearer model":              {trainset.JudgeReplicate, mini, 0.02, later, false, []string{at + "1-grid.png", at + "reference"}, 1},
		"the price of one picture":    {trainset.JudgeReplicate, mini, 0.01, later, false, []string{at + "1-grid.png"}, 1},
		"OpenAI":                      {trainset.JudgeOpenAI, "gpt-4.1-mini", 0.01, soon, false, []string{"grid.png", "reference.png"}, 0},
		"OpenAI, gone":                {trainset.JudgeOpenAI, "gpt-4.1-mini", 0.01, later, true, []string{"grid.png"}, 0},
		"OpenAI, a declared price":    {trainset.JudgeOpenAI, "llava", 0.03, later, false, []string{"grid.png", "reference.png"}, 0},
		"OpenAI, the price of before": {trainset.JudgeOpenAI, "gpt-4o-mini", 0.01, later, false, []string{"grid.png"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rack{objects: map[string]string{"grid.png": "g", "reference.png": "r"}}
			if c.gone {
				delete(r.objects, "reference.png")
			}
			h := &Handlers{ledger: ledger.New(redistest.Mini(t), ledger.Options{}), store: r, upload: r, o: Options{Now: time.Now, JudgePrice: trainset.USD(0.03)}}
			w := ledger.Work{Job: plan.Record{ID: "job", Plan: &plan.Plan{
				JobID:     "job",
				Reference: plan.Reference{Key: "reference.png", SHA256: sum([]byte("r")), URL: at + "reference", URLEnds: &c.ends},
				Style:     &plan.Style{Judge: c.judge, JudgeModel: plan.Priced{Name: c.model, Price: trainset.USD(c.price)}},
			}}}
			q, err := judgeCraft{h}.about(t.Context(), w, plan.Image{Key: "grid.png", SHA256: sum([]byte("g"))})
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(q.input); !slices.Equal(got, c.pictures) || r.uploads != c.uploads {
				t.Errorf("it is shown %v after %d uploads, want %v after %d", got, r.uploads, c.pictures, c.uploads)
			}
			if q.prompt != judge.Question(nil, len(c.pictures) == 2) || q.input["prompt"] != q.prompt || !q.text {
				t.Errorf("of %d pictures it is asked %q", len(c.pictures), q.prompt)
			}
		})
	}
}

// shown are the pictures of a judge's input, in their order.
func shown(input map[string]any) []string {
	if list, ok := input["image_input"].([]string); ok {
		return list
	}
	var all []string
	for _, name := range []string{"image", "example_image"} {
		if key, ok := input[name].(string); ok {
			all = append(all, key)
		}
	}
	return all
}

// resized is where the tiles would lie in the same grid of another size.
func resized(g plan.Grid, side int) plan.Grid {
	to := plan.Grid{Width: side, Height: side}
	for _, t := range g.Tiles {
		for i := range t.Box {
			t.Box[i] = t.Box[i] * side / g.Width
		}
		to.Tiles = append(to.Tiles, t)
	}
	return to
}

// What a grid is enlarged by leaves every tile large enough and the whole small
// enough to be read. Where nothing does, the grid is of no use to a job that
// enlarges; one that enlarges tiles by themselves minds only their size.
func TestAGridIsEnlargedByWhatItNeeds(t *testing.T) {
	drawn := finishGrid(t, drawnGrid(t), trainset.EnhanceGrid)
	for _, c := range []struct {
		side        int
		factor      string
		whole, tile string // why not
	}{
		{512, "", "even 6 times enlarged", "even 6 times enlarged"},
		{700, "6x", "", ""},
		{1024, "4x", "", ""},
		{1224, "4x", "", ""},
		{1536, "", "not more than 24 million", ""},
		{2048, "2x", "", ""},
		{3300, "", "enhance none", ""},
	} {
		g := resized(*drawn.grid, c.side)
		style := plan.Style{Factor: factor, EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel}}
		for e, want := range map[trainset.Enhance]string{trainset.EnhanceGrid: c.whole, trainset.EnhanceTile: c.tile, trainset.EnhanceNone: ""} {
			style.Enhance = e
			if why, err := unusable(style, &g); err != nil || (why == "") != (want == "") || !strings.Contains(why, want) {
				t.Errorf("a grid of %d, enhance %s: %q, %v", c.side, e, why, err)
			}
		}
		by, _, err := growthOf(style, extentOf(g))
		if err != nil {
			t.Fatal(err)
		}
		q, err := enlarge(style, by, "https://example.org/grid.png")
		if err != nil || c.factor != "" && q.input["upscale_factor"] != c.factor {
			t.Errorf("a grid of %d is enlarged %v, want %s: %v", c.side, q.input["upscale_factor"], c.factor, err)
		}
	}
}

// A grid that no enlargement would help is rejected before one is paid for.
func TestAGridTooSmallToEnlargeIsRejected(t *testing.T) {
	small := image.NewNRGBA(image.Rect(0, 0, 512, 512))
	drawn := drawnGrid(t)
	draw.ApproxBiLinear.Scale(small, small.Rect, drawn, drawn.Rect, draw.Src, nil)
	if m := finishGrid(t, small, trainset.EnhanceGrid); !strings.Contains(m.rejected, "even 6 times enlarged") {
		t.Errorf("rejected: %q", m.rejected)
	}
	if m := finishGrid(t, small, trainset.EnhanceNone); m.rejected != "" {
		t.Errorf("as it is: %s", m.rejected)
	}
}

// Whatever its size: no enlargement is larger than it may be, as many tiles as
// can become large enough do, and those that do not are not taken for fit.
func TestWhatIsEnlargedCanBeUsed(t *testing.T) {
	m, err := replicate.Find(replicate.DefaultEnhanceModel)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		g := plan.Grid{Width: rapid.IntRange(200, 5000).Draw(r, "width"), Height: rapid.IntRange(200, 5000).Draw(r, "height")}
		for range 9 {
			side := min(g.Width, g.Height) / 3 * rapid.IntRange(60, 100).Draw(r, "share") / 100
			fit := rapid.Bool().Draw(r, "fit")
			g.Tiles = append(g.Tiles, plan.Tile{Box: [4]int{0, 0, side, side + 1}, Fit: fit})
		}
		style := plan.Style{Enhance: trainset.EnhanceGrid, Factor: rapid.SampledFrom(m.Factors).Draw(r, "usual"), EnhanceModel: plan.Priced{Name: m.Name}}
		before := extentOf(g)
		best := 0
		for _, f := range m.Factors {
			if g.Width*g.Height*f*f <= maxEnlarged {
				best = max(best, before.enough(f))
			}
		}
		was := slices.Clone(g.Tiles)
		why, err := unusable(style, &g)
		if err != nil || (why == "") != (best > 0) {
			r.Fatalf("%d tiles can be used: %q, %v", best, why, err)
		}
		if why != "" {
			return
		}
		by, _, err := growthOf(style, extentOf(g))
		if err != nil {
			r.Fatal(err)
		}
		q, err := enlarge(style, by, "https://example.org/grid.png")
		if err != nil {
			r.Fatal(err)
		}
		if replicate.FactorOf(q.input) != by || g.Width*by*g.Height*by > maxEnlarged || before.enough(by) != best {
			r.Fatalf("%d x %d is enlarged by %d: %d of %d tiles are large enough", g.Width, g.Height, by, before.enough(by), best)
		}
		for i, tile := range g.Tiles {
			if large := side(tile)*by >= minTile; tile.Fit != (was[i].Fit && large) || was[i].Fit && !tile.Fit && tile.Reason == "" {
				r.Fatalf("tile %d of %d px, by %d: was %+v, is %+v", i+1, side(tile), by, was[i], tile)
			}
		}
	})
}

// One tile that is too small is no reason to pay for another grid.
func TestASmallTileDoesNotDecideForItsGrid(t *testing.T) {
	drawn := finishGrid(t, drawnGrid(t), trainset.EnhanceGrid)
	for _, e := range []trainset.Enhance{trainset.EnhanceGrid, trainset.EnhanceTile} {
		for _, fit := range []bool{true, false} {
			g := resized(*drawn.grid, 1024)
			for i := range g.Tiles {
				g.Tiles[i].Fit, g.Tiles[i].Reason = true, ""
			}
			box := &g.Tiles[4].Box
			box[2], g.Tiles[4].Fit = box[0]+160, fit
			style := plan.Style{Enhance: e, Factor: factor, EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel}}
			why, err := unusable(style, &g)
			if err != nil || why != "" || g.Tiles[4].Fit || fit != (g.Tiles[4].Reason != "") || extentOf(g).enough(4) != 8 {
				t.Errorf("enhance %s, fit %v: %q, %v; %+v", e, fit, why, err, g.Tiles[4])
			}
		}
	}
}

// An enlargement is what was asked for, be it by another version's rule.
func TestAnEnlargementIsCheckedAgainstItsOwnQuestion(t *testing.T) {
	g := plan.Grid{Width: 700, Height: 700}
	for range 9 {
		g.Tiles = append(g.Tiles, plan.Tile{Box: [4]int{0, 0, 210, 210}, Fit: true})
	}
	style := plan.Style{Enhance: trainset.EnhanceGrid, Factor: factor, EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel}}
	for said, want := range map[string]int{"4x": 4, "2x": 2, "": 6} {
		by, err := asked(style, plan.Attempt{Input: map[string]any{"upscale_factor": said}}, g)
		if err != nil || by != want {
			t.Errorf("%q was asked for: %d, %v", said, by, err)
		}
	}
}
