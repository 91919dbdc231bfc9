package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/judge"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// debugged is what a system keeps of a style's job for a person to look at.
type debugged struct {
	t   *testing.T
	dir string
}

func (d debugged) file(name string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d debugged) picture(name string) image.Image {
	d.t.Helper()
	img, err := png.Decode(bytes.NewReader(d.file(name)))
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	return img
}

// What a job has cut, asked the judge, heard from it and is about to enlarge is
// kept, also where the enlargement comes to nothing.
func TestDebugFilesOfAStyle(t *testing.T) {
	for mode, state := range map[trainset.Enhance]trainset.JobState{
		trainset.EnhanceTile: trainset.JobSucceeded,
		trainset.EnhanceGrid: trainset.JobFailed, // to enlarge a whole grid is the longest work of all
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t))
			if state == trainset.JobFailed {
				if err := s.provider.Inject(fake.Fault{Kind: fake.Fail, Code: "E1001", Model: replicate.DefaultEnhanceModel}); err != nil {
					t.Fatal(err)
				}
			}
			root := t.TempDir()
			s.options.Debug = app.DebugDir{Dir: root, Log: zerolog.Nop()}
			s.start()
			req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Images, r.Grids, r.MaxGrids, r.Enhance = 2, 1, 1, mode })
			if job := s.style(req); job.State != state {
				t.Fatalf("job %s: %s", job.State, job.Reason)
			}
			r, err := ledger.New(s.rdb, ledger.Options{}).Load(t.Context(), req.JobID())
			if err != nil {
				t.Fatal(err)
			}
			grid, _ := r.Winner(plan.GridID(1))
			d := debugged{t, filepath.Join(root, string(req.JobID()))}
			d.cuts(grid.Grid.Tiles)
			d.judgement(r.Judged(1).Verdicts)
			d.before(grid.Grid.Tiles)
		})
	}
}

// cuts makes sure that the grid is there with a frame around each of its tiles.
func (d debugged) cuts(tiles []plan.Tile) {
	d.t.Helper()
	raw, cut := d.picture("grid.1.1.output"), d.picture("grid.1.1.cuts.png")
	if raw.Bounds() != cut.Bounds() || len(tiles) != 9 {
		d.t.Fatalf("the grid has %v, with its cuts drawn %v, and %d tiles", raw.Bounds(), cut.Bounds(), len(tiles))
	}
	good, bad := color.NRGBA{0x20, 0xd0, 0x40, 0xff}, color.NRGBA{0xe0, 0x20, 0x20, 0xff}
	for i, c := range tiles {
		want := good
		if !c.Fit {
			want = bad
		}
		for _, at := range []image.Point{{c.Box[0], c.Box[1]}, {c.Box[2] - 1, c.Box[3] - 1}} {
			if got := color.NRGBAModel.Convert(cut.At(at.X, at.Y)); got != want {
				d.t.Errorf("tile %d has %v at %v, not %v", i+1, got, at, want)
			}
		}
		if at := middle(c); !alike(cut.At(at.X, at.Y), raw.At(at.X, at.Y)) {
			d.t.Errorf("tile %d is drawn over at %v", i+1, at)
		}
	}
}

// judgement makes sure that the question names what the tiles are to show, and
// that the answer is the judge's own.
func (d debugged) judgement(said []plan.Verdict) {
	d.t.Helper()
	var asked struct {
		Model string
		Input struct{ Prompt string }
	}
	if err := json.Unmarshal(d.file("judge.1.1.request.json"), &asked); err != nil {
		d.t.Fatal(err)
	}
	for i := range said {
		if line := fmt.Sprintf("\n%d. ", i+1); !strings.Contains(asked.Input.Prompt, line) {
			d.t.Errorf("%q was not asked about tile %d: %q", asked.Model, i+1, asked.Input.Prompt)
		}
	}
	verdicts, err := judge.Parse(string(d.file("judge.1.1.output")))
	if err != nil || len(verdicts) != 9 || len(said) != 9 {
		d.t.Fatalf("%d verdicts: %v", len(verdicts), err)
	}
	for i, v := range verdicts {
		if got := (plan.Verdict{Tile: v.Tile, Unique: v.Unique, Fit: v.Fit, Shows: v.Shows, Reason: v.Reason}); got != said[i] {
			d.t.Errorf("the answer says %+v, the record %+v", got, said[i])
		}
	}
}

// before makes sure that the tiles are there as they were made.
func (d debugged) before(tiles []plan.Tile) {
	d.t.Helper()
	raw := d.picture("grid.1.1.output")
	for i, c := range tiles {
		name := fmt.Sprintf("tile.1.%d.before.png", i+1)
		tile := d.picture(name)
		if side := c.Box[2] - c.Box[0]; tile.Bounds() != image.Rect(0, 0, side, side) || side < 250 || side > 342 {
			d.t.Errorf("%s has %v of %v", name, tile.Bounds(), c.Box)
		}
		if at := middle(c); !alike(tile.At(at.X-c.Box[0], at.Y-c.Box[1]), raw.At(at.X, at.Y)) {
			d.t.Errorf("%s shows something else than the grid at %v", name, at)
		}
	}
}

func middle(c plan.Tile) image.Point {
	return image.Pt((c.Box[0]+c.Box[2])/2, (c.Box[1]+c.Box[3])/2)
}

func alike(a, b color.Color) bool {
	return color.NRGBAModel.Convert(a) == color.NRGBAModel.Convert(b)
}
