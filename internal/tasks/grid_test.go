package tasks

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	fake "github.com/actormaker/trainset/internal/replicate/fake/picture"
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
	data, err := imaging.EncodePNG(img, imaging.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// finishGrid is what becomes of a grid in a job that enlarges in this way.
func finishGrid(t *testing.T, img *image.NRGBA, e trainset.Enhance) made {
	t.Helper()
	h := &Handlers{pixels: make(chan struct{}, 1)}
	style := plan.Style{Enhance: e, Factor: factor, EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel}}
	m, err := gridCraft{h}.finish(t.Context(), ledger.Work{Job: plan.Record{Plan: &plan.Plan{Style: &style}}}, plan.Attempt{}, encoded(t, img))
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
