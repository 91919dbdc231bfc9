package app_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// styleRequest is a style's, whose example is in storage.
func (s *system) styleRequest(key string, change func(*trainset.StyleRequest)) trainset.StyleRequest {
	s.t.Helper()
	var req trainset.StyleRequest
	req.User, req.Style, req.Key, req.Trigger = "ada", "ink", key, "zrkink"
	req.Image.Key = dataset.Upload(req.JobID())
	if change != nil {
		change(&req)
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "style.png"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Put(s.t.Context(), req.Image.Key, data, storage.PutOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return req
}

func (s *system) style(req trainset.StyleRequest) trainset.Job {
	s.t.Helper()
	job, err := s.client.EnqueueStyle(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.ended(job.ID)
}

// layout is where a style's objects are.
func styleLayout(req trainset.StyleRequest) dataset.Layout {
	return dataset.Layout{User: req.User, Kind: req.Kind(), Subject: req.Style, Job: req.JobID()}
}

func (s *system) styleManifest(req trainset.StyleRequest) trainset.Manifest {
	s.t.Helper()
	layout := styleLayout(req)
	b, err := s.store.Get(s.t.Context(), layout.Manifest())
	if err != nil {
		s.t.Fatal(err)
	}
	var m trainset.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Fatal(err)
	}
	for _, it := range m.Items {
		if it.File == "" {
			continue
		}
		data, err := s.store.Get(s.t.Context(), layout.Root()+"/"+it.File)
		if err != nil {
			s.t.Fatal(err)
		}
		size(s.t, data)
	}
	return m
}

// keptOnce makes sure that of what was made each picture is where its receipt says,
// and nowhere else: it is stored before it is known to pass.
func (s *system) keptOnce(req trainset.StyleRequest) {
	s.t.Helper()
	root := dataset.Layout{User: req.User, Kind: trainset.KindStyle, Subject: req.Style, Job: req.JobID()}.Root()
	receipts, made := map[string]bool{}, map[string]bool{}
	for _, folder := range []string{"/grids/", "/items/", "/rejected/"} {
		objects, err := s.store.List(s.t.Context(), root+folder)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, o := range objects {
			if path.Ext(o.Key) != ".json" {
				made[o.Key] = true
				continue
			}
			b, err := s.store.Get(s.t.Context(), o.Key)
			var a plan.Attempt
			if err == nil {
				err = json.Unmarshal(b, &a)
			}
			if err != nil {
				s.t.Fatalf("%s: %v", o.Key, err)
			}
			if a.Image != nil {
				receipts[a.Image.Key] = true
			}
		}
	}
	if !maps.Equal(receipts, made) {
		s.t.Errorf("receipts name %v, there are %v", slices.Sorted(maps.Keys(receipts)), slices.Sorted(maps.Keys(made)))
	}
}

// size makes sure that a picture is square.
func size(tb testing.TB, data []byte) image.Config {
	tb.Helper()
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width != c.Height {
		tb.Errorf("a picture of %d x %d: %v", c.Width, c.Height, err)
	}
	return c
}

func TestAStyleBecomesADataSet(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", nil)
	job := s.style(req)
	if job.State != trainset.JobSucceeded || job.Succeeded() != 20 || len(job.Grids) != 3 {
		t.Fatalf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
	}
	if job.Cost.Actual > 600_000 || job.Cost.Actual != job.Cost.Estimated {
		t.Errorf("it cost %s, estimated %s", job.Cost.Actual, job.Cost.Estimated)
	}
	s.made(9) // three grids, three judgements, three enlargements
	m := s.styleManifest(req)
	if len(m.Items) != 20 || m.Files.Zip == nil {
		t.Errorf("manifest: %d items", len(m.Items))
	}
	s.sameKeys(job, m)
	for _, it := range m.Items {
		if it.Width < 1024 || it.Width != it.Height || it.Caption == nil {
			t.Errorf("item %d: %d x %d", it.Index, it.Width, it.Height)
		}
	}
	// A second request for it changes and spends nothing.
	if again := s.style(req); !again.FinishedAt.Equal(*job.FinishedAt) {
		t.Errorf("it finished again, at %v", again.FinishedAt)
	}
	s.made(9)
}

// small is a job of one grid whose tiles stay as they are.
func small(r *trainset.StyleRequest) { r.Images, r.Grids, r.Enhance = 6, 1, trainset.EnhanceNone }

// What is no grid is made again; a judge that talks nonsense is asked once
// more, and then local measures decide.
func TestAStylesFaults(t *testing.T) {
	const judges = "openai/gpt-4.1-mini"
	always := func(f fake.Fault) fake.Fault { f.Times, f.Every = -1, 1; return f }
	for name, c := range map[string]struct {
		fault  fake.Fault
		change func(*trainset.StyleRequest)
		made   int    // predictions; 0 for any number
		judge  string // of the grid
	}{
		"no grid at all":        {fake.Fault{Kind: fake.GridNone}, small, 3, judges},
		"a truncated grid":      {fake.Fault{Kind: fake.GridTruncated}, small, 3, judges},
		"the grid is moderated": {fake.Fault{Kind: fake.Fail, Code: "E005"}, small, 3, judges},
		"nonsense once":         {fake.Fault{Kind: fake.JudgeNonsense, Model: judges}, small, 3, judges},
		"a fenced judgement":    {always(fake.Fault{Kind: fake.JudgeFenced}), small, 2, judges},
		"an empty judgement":    {fake.Fault{Kind: fake.JudgeEmpty, Model: judges}, small, 3, judges},
		"always nonsense":       {always(fake.Fault{Kind: fake.JudgeNonsense}), small, 3, "local"},
		"no judge":              {always(fake.Fault{Kind: fake.Fail, Code: "E1001", Model: judges}), small, 2, "local"},
		"a judge that is gone":  {always(fake.Fault{Kind: fake.NotFound, Model: judges}), small, 1, "local"},
		"the local judge":       {fake.Fault{Kind: fake.JudgeNonsense}, func(r *trainset.StyleRequest) { small(r); r.Judge = trainset.JudgeLocal }, 1, "local"},
		"a smaller enlargement": {
			fake.Fault{Kind: fake.OutputSmall, Model: "topazlabs/image-upscale"},
			func(r *trainset.StyleRequest) { small(r); r.Enhance = trainset.EnhanceGrid }, 4, judges,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t), c.fault)
			s.start()
			req := s.styleRequest("k", c.change)
			job := s.style(req)
			if job.State != trainset.JobSucceeded || job.Succeeded() != 6 || len(job.Grids) != 1 {
				t.Fatalf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
			}
			s.made(c.made)
			if job.Grids[0].Judge != c.judge {
				t.Errorf("%s judged", job.Grids[0].Judge)
			}
			s.keptOnce(req)
		})
	}
}

// A caption names what the judge saw in a tile, not what was asked for there.
func TestCaptionsNameWhatTilesShow(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t), fake.Fault{Kind: fake.JudgeSwapped, Model: "openai/gpt-4.1-mini"})
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.Images, r.MaxGrids = 9, 1 })
	s.style(req)
	m := s.styleManifest(req)
	asked := map[int]trainset.SetCell{}
	for _, c := range m.Grids[0].Tiles {
		asked[c.Tile] = c
	}
	if c := asked[3]; c.Use != trainset.TileUnfit || !strings.Contains(c.Why, "none of what the grid was to show") {
		t.Errorf("tile 3 shows something else: %s, %s", c.Use, c.Why)
	}
	swapped := 0
	for _, it := range m.Items {
		if it.Tile == nil || it.Tile.Tile > 2 {
			continue
		}
		swapped++
		other := 3 - it.Tile.Tile
		if it.Scene != asked[other].Subject || it.Tile.Shows != other || it.Scene == asked[it.Tile.Tile].Subject {
			t.Errorf("tile %d shows %d: scene %q, caption %v", it.Tile.Tile, it.Tile.Shows, it.Scene, it.Caption)
		}
	}
	if swapped == 0 {
		t.Error("neither of the two is in the set")
	}
}

// One grid more is made where those at first are too few.
func TestAStyleIsToppedUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.Images = 10 })
	if job := s.style(req); job.State != trainset.JobSucceeded || len(job.Grids) != 2 {
		t.Fatalf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
	}
	s.made(4)
}

func TestTilesAreEnlargedOneByOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Enhance, r.Images, r.Grids = trainset.EnhanceTile, 4, 1 })
	job := s.style(req)
	if job.State != trainset.JobSucceeded || job.Succeeded() != 4 || job.Cost.Actual != job.Cost.Estimated {
		t.Fatalf("job %s (%s): %d images for %s of %s", job.State, job.Reason, job.Succeeded(), job.Cost.Actual, job.Cost.Estimated)
	}
	s.made(1 + 1 + 4)
}

func TestTilesMayStayAsTheyAre(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Enhance, r.Images, r.Grids = trainset.EnhanceNone, 5, 1 })
	if job := s.style(req); job.State != trainset.JobSucceeded || job.Succeeded() != 5 {
		t.Fatalf("job %s (%s): %d images", job.State, job.Reason, job.Succeeded())
	}
	s.made(2)
	if m := s.styleManifest(req); len(m.Warnings) == 0 {
		t.Error("nobody is warned of small images")
	}
}

// The bound on grids holds, and what is there is delivered.
func TestAStyleThatStaysShortIsPartial(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Grids, r.MaxGrids, r.Enhance = 1, 2, trainset.EnhanceNone })
	job := s.style(req)
	if job.State != trainset.JobPartial || len(job.Grids) != 2 || job.Succeeded() < 8 || job.Reason == "" {
		t.Errorf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
	}
}

func TestAStylesCapHolds(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.MaxCost = 250_000 }) // two of its three grids
	job := s.style(req)
	if job.State != trainset.JobPartial || len(job.Grids) != 2 || job.Succeeded() < 10 || job.Cost.Actual > 250_000 {
		t.Errorf("job %s (%s): %d images of %d grids for %s", job.State, job.Reason, job.Succeeded(), len(job.Grids), job.Cost.Actual)
	}
	job = s.style(s.styleRequest("too little", func(r *trainset.StyleRequest) { r.MaxCost = 90_000 }))
	if job.State != trainset.JobFailed || !strings.Contains(job.Reason, "max_cost_usd: $0.09 does not pay for one grid") || job.Cost.Actual != 0 {
		t.Errorf("job %s for %s: %s", job.State, job.Cost.Actual, job.Reason)
	}
}

// A fault that strikes every grid or tile is not paid for until the last grid
// that is allowed: the job says what is wrong after the first.
func TestAFaultOfAllIsNotPaidForToTheEnd(t *testing.T) {
	const generates, enlarges = "black-forest-labs/flux-kontext-pro", "topazlabs/image-upscale"
	for name, c := range map[string]struct {
		fault   fake.Fault
		enhance trainset.Enhance
		made    int // predictions at most
		says    string
	}{
		"no grid is ever drawn":    {fake.Fault{Kind: fake.GridNone, Model: generates}, trainset.EnhanceNone, 3 * 3, "grid"},
		"grids are never enlarged": {fake.Fault{Kind: fake.OutputSmall, Model: enlarges}, trainset.EnhanceGrid, 3 + 3 + 3*2, "the enlargement has"},
		"tiles are never enlarged": {fake.Fault{Kind: fake.OutputSmall, Model: enlarges}, trainset.EnhanceTile, 3 + 3 + (6+2)*2, "fewer than 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.fault.Times, c.fault.Every = -1, 1
			s := newSystem(t, redistest.Any(t), c.fault)
			s.start()
			job := s.style(s.styleRequest("k", func(r *trainset.StyleRequest) {
				r.Images, r.Enhance = 6, c.enhance
				if c.enhance == trainset.EnhanceNone {
					r.Judge = trainset.JudgeLocal
				}
			}))
			if job.State != trainset.JobFailed || len(job.Grids) != 3 || !strings.Contains(job.Items[5].Reason, c.says) {
				t.Errorf("job %s of %d grids (%s), the last item: %s", job.State, len(job.Grids), job.Reason, job.Items[5].Reason)
			}
			if made := s.provider.Stats().Predictions; made > c.made {
				t.Errorf("the provider made %d predictions, at most %d are worth it", made, c.made)
			}
		})
	}
}

// A wiped Redis costs a style nothing that was stored.
func TestAWipedLedgerRebuildsAStyle(t *testing.T) {
	s := newSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Model: "topazlabs/image-upscale", Nth: 2, Seconds: 30})
	first := s.start()
	two := func(r *trainset.StyleRequest) { r.Grids, r.Images = 2, 10 }
	req := s.styleRequest("k", two)
	job, err := s.client.EnqueueStyle(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	s.until(job.ID, "nearly enlarged", func(j trainset.Job) bool {
		done := 0
		for _, g := range j.Grids {
			if g.Stage == trainset.StageDone {
				done++
			}
		}
		return done == 1 && s.provider.Stats().Predictions == 6 // two grids, judged, and both enlargements begun
	})
	first.Stop()
	s.rdb.FlushAll(t.Context())
	s.start()
	req = s.styleRequest("k", two)
	if job := s.style(req); job.State != trainset.JobSucceeded || job.Succeeded() != 10 {
		t.Fatalf("job %s (%s): %d images", job.State, job.Reason, job.Succeeded())
	}
	s.made(7) // the enlargement that was under way is the only one made twice
}

// What failed before Redis was wiped stays failed: what came of it is found again.
func TestAWipedLedgerRebuildsAStyleThatHadFailures(t *testing.T) {
	const judges, enlarges = "openai/gpt-4.1-mini", "topazlabs/image-upscale"
	for name, c := range map[string]struct {
		fault   fake.Fault
		enhance trainset.Enhance
	}{
		"a judge that gave up":        {fake.Fault{Kind: fake.JudgeNonsense, Model: judges, Times: 2, Every: 1}, trainset.EnhanceTile},
		"an enlargement that gave up": {fake.Fault{Kind: fake.OutputSmall, Model: enlarges, Times: 2, Every: 1}, trainset.EnhanceGrid},
		"a tile that gave up":         {fake.Fault{Kind: fake.OutputSmall, Model: enlarges, Times: 2, Every: 1}, trainset.EnhanceTile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t), c.fault)
			first := s.start()
			change := func(r *trainset.StyleRequest) { r.Grids, r.Images, r.Enhance = 1, 10, c.enhance }
			before := s.style(s.styleRequest("k", change))
			if len(before.Grids) < 2 {
				t.Fatalf("job %s of %d grids: there is no failure to find again", before.State, len(before.Grids))
			}
			paid := s.provider.Stats().Predictions
			first.Stop()
			s.rdb.FlushAll(t.Context())
			s.start()
			after := s.style(s.styleRequest("k", change))
			if after.State != before.State || after.Succeeded() != before.Succeeded() || after.Cost.Actual != before.Cost.Actual {
				t.Errorf("job %s with %d images for %s, before the wipe %s with %d for %s", after.State, after.Succeeded(), after.Cost.Actual,
					before.State, before.Succeeded(), before.Cost.Actual)
			}
			s.made(paid)
		})
	}
}

// Tiles that were enlarged by themselves are images after a wipe, too, though a
// judge that was asked again has thought otherwise since.
func TestAWipedLedgerKeepsTilesThatWereJudgedAgain(t *testing.T) {
	t.Parallel()
	const judges = "openai/gpt-4.1-mini"
	s := newSystem(t, redistest.Any(t), fake.Fault{Kind: fake.JudgeNonsense, Model: judges, Times: 2, Every: 1}, fake.Fault{Kind: fake.JudgeSwapped, Model: judges, Nth: 3})
	first := s.start()
	change := func(r *trainset.StyleRequest) {
		r.Grids, r.MaxGrids, r.Images, r.Enhance = 1, 1, 9, trainset.EnhanceTile
	}
	job := s.style(s.styleRequest("k", change))
	if _, err := (operate.Raiser{Ledger: ledger.New(s.rdb, ledger.Options{})}).Retry(t.Context(), job.ID, plan.Limits{}, false); err != nil {
		t.Fatal(err)
	}
	before := s.ended(job.ID)
	paid := s.provider.Stats().Predictions
	m := s.styleManifest(s.styleRequest("k", change))
	for _, it := range m.Items {
		if it.Tile != nil && it.Tile.Shows != 0 && it.Scene != m.Grids[0].Tiles[it.Tile.Shows-1].Subject {
			t.Errorf("tile %d shows %d and is called %s", it.Tile.Tile, it.Tile.Shows, it.Scene)
		}
	}
	first.Stop()
	s.rdb.FlushAll(t.Context())
	s.start()
	after := s.style(s.styleRequest("k", change))
	if before.Succeeded() < 7 || after.Succeeded() != before.Succeeded() {
		t.Errorf("%d images after the wipe, %d before", after.Succeeded(), before.Succeeded())
	}
	s.made(paid)
}

// A spare takes the place of a tile that cannot be finished, and the manifest
// says which that was and why.
func TestASpareTakesAFailedTilesPlace(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t), fake.Fault{Kind: fake.OutputSmall, Model: replicate.DefaultEnhanceModel, Every: 1, Times: 2})
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Enhance, r.Images, r.Grids = trainset.EnhanceTile, 1, 1 })
	job := s.style(req)
	if job.State != trainset.JobSucceeded || len(job.Grids) != 1 {
		t.Fatalf("job %s (%s): %d images of %d grids", job.State, job.Reason, job.Succeeded(), len(job.Grids))
	}
	s.made(1 + 1 + 2 + 1)
	m := s.styleManifest(req)
	s.sameKeys(job, m)
	it := m.Items[0]
	uses := map[trainset.TileUse][]trainset.SetCell{}
	for _, c := range m.Grids[0].Tiles {
		uses[c.Use] = append(uses[c.Use], c)
	}
	if len(uses[trainset.TileFailed]) != 1 || len(uses[trainset.TileImage]) != 1 {
		t.Fatalf("%d tiles failed, %d are images", len(uses[trainset.TileFailed]), len(uses[trainset.TileImage]))
	}
	failed, used := uses[trainset.TileFailed][0], uses[trainset.TileImage][0]
	if used.Item != 1 || it.Tile.Tile != used.Tile || it.Width < 1024 || it.Width != it.Height || len(it.Attempts) != 1 {
		t.Errorf("the image is %d x %d of tile %d, with %d attempts; tile %d is of item %d", it.Width, it.Height, it.Tile.Tile, len(it.Attempts), used.Tile, used.Item)
	}
	if failed.Tile == used.Tile || failed.Item != 1 || !strings.Contains(failed.Why, "pixels") || len(failed.Attempts) != 2 {
		t.Errorf("tile %d, of item %d, failed with %d attempts: %q", failed.Tile, failed.Item, len(failed.Attempts), failed.Why)
	}
	for _, a := range failed.Attempts {
		if a.Outcome != string(plan.OutcomeRejected) || a.Cost == 0 {
			t.Errorf("attempt %d was %s and cost %s", a.Number, a.Outcome, a.Cost)
		}
		if _, err := s.store.Stat(t.Context(), styleLayout(req).Root()+"/"+a.File); err != nil {
			t.Error(err)
		}
	}
}
