package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/ledger"
	openai "github.com/actormaker/trainset/internal/openai/openaitest"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// A grid whose model ignored the example is of one style in itself. Beside the
// example the judge sees that it is another, and another grid is made.
func TestAGridInAnotherStyleIsNotUsed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Mini(t), fake.Fault{Kind: fake.GridOffStyle, Model: replicate.DefaultStyleModel})
	root := t.TempDir()
	s.options.Debug = app.DebugDir{Dir: root, Log: zerolog.Nop()}
	s.start()
	req := s.styleRequest("k", small)
	job := s.style(req)
	if job.State != trainset.JobSucceeded || job.Succeeded() != 6 || len(job.Grids) != 2 {
		t.Fatalf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
	}
	s.made(4) // two grids, two judgements
	m := s.styleManifest(req)
	said := 0
	for _, c := range m.Grids[0].Tiles {
		if c.Use != trainset.TileUnfit {
			t.Errorf("tile %d is %s", c.Tile, c.Use)
		}
		if strings.Contains(c.Why, "another style than the example") {
			said++
		}
	}
	if said < 8 { // one is blank
		t.Errorf("%d of the 9 are said to be in another style: %+v", said, m.Grids[0].Tiles)
	}
	for _, it := range m.Items {
		if it.Tile == nil || it.Tile.Grid != 2 {
			t.Errorf("item %d is cut from %+v", it.Index, it.Tile)
		}
	}
	// It was shown what the grids were made after, by the same upload, and debug
	// output says which pictures it was asked about.
	r, err := ledger.New(s.rdb, ledger.Options{}).Load(t.Context(), req.JobID())
	if err != nil {
		t.Fatal(err)
	}
	grid, judged := r.Attempts[plan.AttemptID(plan.GridID(1), 1)], r.Attempts[plan.AttemptID(plan.JudgeID(1), 1)]
	pictures, _ := judged.Input["image_input"].([]any)
	if len(pictures) != 2 || pictures[0] == pictures[1] || pictures[1] != grid.Input["input_image"] {
		t.Errorf("the judge is shown %v, the grid was made after %v", pictures, grid.Input["input_image"])
	}
	if q := debuggedQuestion(t, filepath.Join(root, string(job.ID))); !strings.Contains(q, "There are two pictures. The second is the example") {
		t.Errorf("the question is kept as %q", q)
	}
}

func debuggedQuestion(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "judge.1.1.request.json"))
	if err != nil {
		t.Fatal(err)
	}
	var asked struct{ Input struct{ Prompt string } }
	if err := json.Unmarshal(b, &asked); err != nil {
		t.Fatal(err)
	}
	return asked.Input.Prompt
}

// A crash between the judge's create and its answer's being known pays nothing
// twice: the prediction is found by both of its pictures.
func TestAJudgementOfTwoPicturesIsAdopted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Mini(t), fake.Fault{Kind: fake.EOFAfter, Model: replicate.DefaultJudgeModel})
	s.start()
	if job := s.style(s.styleRequest("k", small)); job.State != trainset.JobSucceeded || job.Grids[0].Judge != replicate.DefaultJudgeModel {
		t.Fatalf("job %s (%s): %+v", job.State, job.Reason, job.Grids)
	}
	s.made(2)
}

// OpenAI's judge is sent the bytes of both, the grid first.
func TestOpenAIIsShownTheExample(t *testing.T) {
	t.Parallel()
	judge := &openai.Server{Always: openai.Answer(openai.Fit())}
	s := openAISystem(t, judge)
	s.start()
	req := s.styleRequest("k", smallByOpenAI)
	if job := s.style(req); job.State != trainset.JobSucceeded {
		t.Fatalf("job %s: %s", job.State, job.Reason)
	}
	call := judge.Calls()[0]
	example, err := s.store.Get(t.Context(), styleLayout(req).Reference())
	if err != nil {
		t.Fatal(err)
	}
	if len(call.Others) != 1 || string(call.Others[0]) != string(example) || string(call.Picture) == string(example) {
		t.Errorf("it is shown %d pictures more than the grid", len(call.Others))
	}
	if !strings.HasPrefix(call.Prompt, "There are two pictures.") {
		t.Errorf("it is asked %.200q", call.Prompt)
	}
}
