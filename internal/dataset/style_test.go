package dataset_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// fate is how an attempt of a style's job ends, and what it made.
type fate struct {
	outcome   plan.Outcome
	reason    string
	grid      *plan.Grid
	judgement *plan.Judgement
	side      int // px, of a picture
	findings  string
}

// styleJob plays a style's job with the plan's own rules: only what is made of
// each attempt is decided by the test.
type styleJob struct {
	dataset.Set
	plan    plan.Plan
	decide  func(s plan.Subtask, try int) fate
	stopped func() bool // asked before every subtask: whether the job is canceled now
	clock   time.Time
}

// stylePlan is one that a worker would freeze.
func stylePlan(images int, style plan.Style) plan.Plan {
	id := trainset.NewJobID("ann", trainset.KindStyle, "k2")
	style.Factor = 1
	if style.Judge != trainset.JudgeLocal {
		style.JudgeModel = plan.Priced{Name: "openai/gpt-4.1-mini", Price: trainset.USD(0.01), Source: "replicate.com/openai/gpt-4.1-mini", Date: "2026-11"}
	}
	if style.Enhance != trainset.EnhanceNone {
		style.EnhanceModel = plan.Priced{Name: "topazlabs/image-upscale", Price: trainset.USD(0.05), Source: "replicate.com/topazlabs/image-upscale", Date: "2026-11"}
		style.Factor = 4
	}
	p := plan.Plan{
		Version: plan.Version, JobID: id, Kind: trainset.KindStyle, User: "ann", Subject: "linocut", Key: "k2", Class: "style", Name: "Linocut & ink",
		Trigger: "qvzxlin", CaptionProfile: "style", CatalogVersion: generate.CatalogVersion, Seed: 7, Model: "black-forest-labs/flux-kontext-pro",
		Price: trainset.USD(0.04), PriceSource: "replicate.com/black-forest-labs/flux-kontext-pro", PriceDate: "2026-11",
		Images: images, MaxAttempts: 5, Estimated: trainset.USD(0.3), Style: &style,
	}
	for n := 1; n <= style.MaxGrids; n++ {
		subjects := generate.Grid(p.Seed, n)
		a := plan.Ask{
			Index: n, Grid: n, Scene: fmt.Sprintf("grid-%d", n), Prompt: fmt.Sprintf("Grid %d, <nine> squares", n), Milder: fmt.Sprintf("Milder grid %d", n),
			Seeds: []int64{int64(1000 * n), int64(1000*n + 1), int64(1000*n + 2), int64(1000*n + 3), int64(1000*n + 4)},
		}
		for _, s := range subjects {
			a.Tiles = append(a.Tiles, plan.TileAsk{
				Subject: s.ID, Category: string(s.Category), Content: s.Content, Caption: generate.StyleCaption(trainset.ProfileStyle, p.Trigger, s),
			})
		}
		p.Asks = append(p.Asks, a)
	}
	return p
}

func newStyleJob(p plan.Plan, decide func(plan.Subtask, int) fate) *styleJob {
	j := &styleJob{plan: p, decide: decide, clock: after(1), stopped: func() bool { return false }}
	j.Revision, j.Images, j.ContactSheet = 1, map[int][]byte{}, []byte("a contact sheet")
	j.Tool = trainset.Tool{Name: "trainset", Version: "v0.0.0-test"}
	began, head := after(0.2), p.Head()
	head.Reference = plan.Reference{Key: j.layout().Reference(), SHA256: digest([]byte("reference")), Width: 768, Height: 768, Format: "png"}
	j.Record = plan.Record{
		ID: p.JobID, Kind: p.Kind, User: p.User, Subject: p.Subject, Key: p.Key, State: trainset.JobRunning, Plan: &head,
		Subtasks: map[plan.SubtaskID]plan.Subtask{}, Attempts: map[string]plan.Attempt{}, CreatedAt: start, StartedAt: &began,
	}
	return j
}

func (j *styleJob) layout() dataset.Layout {
	return dataset.Layout{User: "ann", Kind: trainset.KindStyle, Subject: "linocut", Job: j.plan.JobID}
}

// play carries the job to its end.
func (j *styleJob) play() dataset.Set {
	for add := j.plan.Subtasks(); len(add) > 0; {
		for _, s := range add {
			j.Record.Subtasks[s.ID] = s
		}
		for _, s := range add {
			j.subtask(s)
		}
		g := plan.Grow(j.Record)
		add = g.Subtasks
		if g.Grids > 0 {
			add = append(add, j.plan.GridSubtasks(j.Record.Grids()+1, j.Record.Grids()+g.Grids)...)
		}
	}
	j.State, j.Reason = j.Record.Outcome()
	j.FinishedAt = j.clock
	return j.Set
}

func (j *styleJob) subtask(s plan.Subtask) {
	for {
		tries := j.Record.Tries(s.ID)
		next, stop := plan.NextAttempt(s, tries, j.plan.MaxAttempts)
		if j.Record.Canceled = j.Record.Canceled || j.stopped(); stop == nil && j.Record.Canceled {
			stop = &plan.Stop{State: trainset.ItemCanceled, Reason: "canceled before it was asked for"}
		}
		if stop != nil {
			now := j.clock
			s.State, s.Reason, s.Winner, s.SettledAt = stop.State, stop.Reason, stop.Winner, &now
			j.Record.Subtasks[s.ID] = s
			return
		}
		j.attempt(s, next)
	}
}

func (j *styleJob) attempt(s plan.Subtask, next *plan.Try) {
	f := j.decide(s, next.Number)
	model := j.plan.Buys(s.Verb)
	begun := j.clock
	j.clock = j.clock.Add(1500 * time.Millisecond)
	done := j.clock
	a := plan.Attempt{
		ID: plan.AttemptID(s.ID, next.Number), Job: j.Record.ID, Subtask: s.ID, Number: next.Number, State: plan.AttemptEnded, Outcome: f.outcome,
		Reason: f.reason, Model: model.Name, Price: model.Price, Prompt: next.Prompt, Seed: next.Seed, CreatedAt: begun, EndedAt: &done,
		Grid: f.grid, Judgement: f.judgement,
	}
	if model.Name != "" {
		a.PredictionID, a.PredictSeconds = "prediction-"+a.ID, 1.25
		a.Input = j.input(s, a)
		if f.outcome != plan.OutcomeModerated {
			a.Cost = model.Price
		}
	}
	j.store(s, &a, f)
	j.Record.Attempts[a.ID] = a
	j.Record.Spent += a.Cost
}

// input is what a worker sends: addresses expire, and OpenAI is named a key.
func (j *styleJob) input(s plan.Subtask, a plan.Attempt) map[string]any {
	const address = "https://files.example.com/secret?signature=s3cr3t"
	switch s.Verb {
	case plan.VerbJudge:
		if j.plan.Style.Judge == trainset.JudgeOpenAI {
			return map[string]any{"prompt": "which?", "image": j.layout().Made(plan.Subtask{Verb: plan.VerbGrid, Ask: plan.Ask{Index: s.Ask.Grid}}, 1, "png")}
		}
		return map[string]any{"prompt": "which?", "system_prompt": "You judge.", "image_input": []any{address}, "temperature": 0.0}
	case plan.VerbEnhance, plan.VerbTile:
		return map[string]any{"image": address, "upscale_factor": "4x"}
	default:
		return map[string]any{"prompt": a.Prompt, "seed": float64(a.Seed), "input_image": address, "aspect_ratio": "1:1"}
	}
}

func (j *styleJob) store(s plan.Subtask, a *plan.Attempt, f fate) {
	if f.outcome != plan.OutcomeSucceeded && f.outcome != plan.OutcomeRejected {
		return
	}
	body, ext := fmt.Appendf(nil, "what %s made", a.ID), "png"
	if s.Verb == plan.VerbJudge {
		ext = "txt"
	}
	key := j.layout().Made(s, a.Number, ext)
	if f.outcome == plan.OutcomeRejected {
		key = j.layout().Rejected(s, a.Number, ext)
	}
	a.Image = &plan.Image{Key: key, SHA256: digest(body), Bytes: len(body), Width: f.side, Height: f.side, ProviderSHA256: digest([]byte(a.PredictionID))}
	if s.Verb == plan.VerbTile {
		tile := j.Record.Attempts[plan.AttemptID(plan.GridID(s.Ask.Grid), j.Record.Subtasks[plan.GridID(s.Ask.Grid)].Winner)].Grid.Tiles[s.Ask.Tile-1]
		a.Image.Checks = json.RawMessage(fmt.Sprintf(`{"measures":{"dhash":%q,"std":51.5},"findings":[%s]}`, tile.DHash, f.findings))
		if f.outcome == plan.OutcomeSucceeded {
			j.Images[s.Index] = body
		}
	}
}

// nine is a grid whose tiles are all fit and all different.
func nine(n int) *plan.Grid {
	g := &plan.Grid{Width: 1024, Height: 1024, Confidence: 0.9}
	for i := range 9 {
		left, top := 8+i%3*342, 8+i/3*342
		g.Tiles = append(g.Tiles, plan.Tile{
			Box: [4]int{left, top, left + 324, top + 324}, Method: "gutter", Confidence: 0.9, Fit: true, Reason: "no fault was measured",
			DHash: digest(fmt.Appendf(nil, "tile %d of grid %d", i+1, n))[:16],
		})
	}
	return g
}

// all judges every tile to be good, but for those that are named.
func all(bad map[int]string) *plan.Judgement {
	j := &plan.Judgement{By: "openai/gpt-4.1-mini"}
	for tile := 1; tile <= 9; tile++ {
		v := plan.Verdict{Tile: tile, Unique: true, Fit: true, Reason: "clear"}
		if why, is := bad[tile]; is {
			v.Fit, v.Reason = false, why
		}
		j.Verdicts = append(j.Verdicts, v)
	}
	return j
}

// good is how everything goes well.
func good(s plan.Subtask) fate {
	f := fate{outcome: plan.OutcomeSucceeded}
	switch s.Verb {
	case plan.VerbGrid:
		f.side, f.grid = 1024, nine(s.Index)
	case plan.VerbJudge:
		f.judgement = all(nil)
	case plan.VerbEnhance:
		f.side = 4096
	default:
		f.side = 1296
	}
	return f
}

// wholeStyle succeeds, though not all went well: a grid was refused once, a
// judge talked nonsense, a tile could not be finished and a spare took its place.
func wholeStyle() dataset.Set {
	p := stylePlan(12, plan.Style{Grids: 2, MaxGrids: 4, Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceGrid})
	var lost plan.SubtaskID
	return newStyleJob(p, func(s plan.Subtask, try int) fate {
		f := good(s)
		switch {
		case s.ID == "grid.1" && try == 1:
			return fate{outcome: plan.OutcomeRejected, reason: "no 3 x 3 grid: no boundaries were seen", side: 1024}
		case s.ID == "grid.1":
			f.grid.Tiles[6].DHash = f.grid.Tiles[0].DHash
			f.grid.Tiles[4].Fit, f.grid.Tiles[4].Reason = false, "blank or nearly so"
		case s.ID == "judge.1":
			f.judgement = all(map[int]string{3: "text across <the> tile", 7: "cropped at the top"})
			f.judgement.Verdicts[3].Shows, f.judgement.Verdicts[7].Shows = 8, 4 // the model swapped them
		case s.ID == "grid.2":
			f.grid.Confidence, f.grid.Tiles[0].Confidence, f.grid.Tiles[0].Method = 0.3, 0.3, "thirds"
			f.grid.Tiles[8].DHash = nine(1).Tiles[1].DHash
		case s.ID == "judge.2":
			return fate{outcome: plan.OutcomeRejected, reason: "the judge's answer: has no verdicts, see https://files.example.com/secret?signature=s3cr3t"}
		case s.Verb == plan.VerbTile && (lost == "" || lost == s.ID):
			lost = s.ID
			return fate{outcome: plan.OutcomeRejected, reason: "its shorter side has 900 pixels, fewer than 1024", side: 900}
		case s.Verb == plan.VerbTile && s.Index == 3:
			f.findings = `{"check":"border","severity":"warn","detail":"it has an even border 3 pixels wide"}`
		}
		return f
	}).play()
}

// shortStyle is simulated, without enlargement, and runs out of grids.
func shortStyle() dataset.Set {
	p := stylePlan(12, plan.Style{Grids: 2, MaxGrids: 3, Judge: trainset.JudgeLocal, Enhance: trainset.EnhanceNone})
	p.Simulate = true
	return newStyleJob(p, func(s plan.Subtask, _ int) fate {
		f := good(s)
		switch {
		case s.ID == "grid.2":
			return fate{outcome: plan.OutcomeModerated, reason: "refused: sensitive (E005)"}
		case s.ID == "grid.3":
			for i := range f.grid.Tiles {
				f.grid.Tiles[i].DHash = nine(1).Tiles[i].DHash
			}
		case s.Verb == plan.VerbTile:
			f.side = 324
		}
		return f
	}).play()
}

// noStyle got no grid at all.
func noStyle() dataset.Set {
	p := stylePlan(2, plan.Style{Grids: 1, MaxGrids: 1, Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceTile})
	s := newStyleJob(p, func(plan.Subtask, int) fate {
		return fate{outcome: plan.OutcomeInvalid, reason: "input_image: is too large"}
	}).play()
	s.ContactSheet = nil
	return s
}

func TestGoldenStyle(t *testing.T) {
	for name, s := range map[string]dataset.Set{"style-succeeded": wholeStyle(), "style-partial": shortStyle(), "style-failed": noStyle()} {
		t.Run(name, func(t *testing.T) {
			_, files := build(t, s)
			l := dataset.Layout{User: "ann", Kind: trainset.KindStyle, Subject: "linocut", Job: s.Record.ID}
			golden(t, name+".manifest.json", body(files[l.Manifest()]))
			golden(t, name+".gallery.html", body(files[l.Gallery(1)]))
		})
	}
}

func TestStyleManifestTellsTheJobAsTheLedgerDoes(t *testing.T) {
	for name, s := range map[string]dataset.Set{"succeeded": wholeStyle(), "partial": shortStyle()} {
		t.Run(name, func(t *testing.T) {
			m, files := build(t, s)
			l := dataset.Layout{User: "ann", Kind: trainset.KindStyle, Subject: "linocut", Job: s.Record.ID}
			s.Record.State, s.Record.Reason, s.Record.Revision, s.Record.FinishedAt = s.State, s.Reason, 1, &s.FinishedAt
			s.Record.Output = &trainset.Output{Manifest: l.Manifest(), Zip: l.Zip(1), ContactSheet: l.ContactSheet(1), Gallery: l.Gallery(1)}
			want := s.Record.Job()
			for i := range want.Items {
				if it := &want.Items[i]; it.State == trainset.ItemSucceeded {
					it.File = fmt.Sprintf("v1/train/%03d.png", it.Index)
				}
			}
			if diff := gocmp.Diff(want, m.Job()); diff != "" {
				t.Errorf("built (-ledger +manifest):\n%s", diff)
			}
			got := decode(t, body(files[l.Manifest()])).Job()
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("read (-ledger +manifest):\n%s", diff)
			}
			if got.Wanted != 12 || got.Succeeded() != len(s.Images) || len(got.Grids) != s.Record.Grids() {
				t.Errorf("%d of %d images, %d grids", got.Succeeded(), got.Wanted, len(got.Grids))
			}
		})
	}
}

func TestTilesSayWhatBecameOfThem(t *testing.T) {
	m, _ := build(t, wholeStyle())
	for _, c := range []struct {
		grid, tile int
		use        trainset.TileUse
		why        string
	}{
		{1, 3, trainset.TileUnfit, "text across <the> tile"},
		{1, 5, trainset.TileUnfit, "blank or nearly so"},
		{1, 7, trainset.TileUnfit, "cropped at the top"},
		{2, 9, trainset.TileDuplicate, "it looks like image"},
	} {
		cell := m.Grids[c.grid-1].Tiles[c.tile-1]
		if cell.Use != c.use || !strings.Contains(cell.Why, c.why) {
			t.Errorf("grid %d tile %d: %s, %s", c.grid, c.tile, cell.Use, cell.Why)
		}
	}
	var lost trainset.SetCell
	for _, c := range m.Grids[0].Tiles {
		if c.Use == trainset.TileFailed {
			lost = c
		}
	}
	if len(lost.Attempts) != 2 || lost.Attempts[0].File != fmt.Sprintf("rejected/001-%d.1.png", lost.Tile) || lost.Attempts[0].Reason == "" {
		t.Errorf("the tile that a spare replaced: %+v", lost)
	}
	replaced := m.Items[lost.Item-1]
	if replaced.State != trainset.ItemSucceeded || replaced.Tile.Tile == lost.Tile && replaced.Tile.Grid == lost.Grid {
		t.Errorf("its item: %+v", replaced)
	}
	if g := m.Grids[0]; g.Attempts[0].File != "rejected/grids-001.1.png" || g.Attempts[0].Reason == "" || g.File != "grids/001.2.png" ||
		g.Enhanced.File != "grids/001.enhanced.1.png" || g.Fit != 7 || g.Judge != "openai/gpt-4.1-mini" || g.Seed != 1001 {
		t.Errorf("grid 1: %+v", g)
	}
	if g := m.Grids[1]; g.Judge != plan.LocalJudge || g.JudgeReason != "rejected after 2 attempts: the judge's answer: has no verdicts, see (left out)" {
		t.Errorf("grid 2: %+v", g)
	}
}

func TestStyleWarnings(t *testing.T) {
	m, _ := build(t, wholeStyle())
	unsure := slices.IndexFunc(m.Items, func(it trainset.SetItem) bool { return it.Tile.Grid == 2 && it.Tile.Tile == 1 }) + 1
	want := []string{
		"image 3: it has an even border 3 pixels wide",
		"grid 2 was judged by local measures, which cannot see what a tile shows: rejected after 2 attempts: the judge's answer: has no verdicts, see (left out)",
		fmt.Sprintf("image %d was cut where boundaries were not clearly seen: look at the edges", unsure),
	}
	if diff := gocmp.Diff(want, m.Warnings); diff != "" {
		t.Error(diff)
	}
	m, _ = build(t, shortStyle())
	want = []string{
		"grids 1 and 3 were judged by local measures, which cannot see what a tile shows: as was asked",
		"9 images have less than 1024 px on a side, down to 324 px: nothing was enlarged, as was asked",
		"the set is short: 9 of 12 images", "trainers ask for at least 10 images; this set has 9",
	}
	if diff := gocmp.Diff(want, m.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestWarnsOfAGridThatCouldNotBeEnlarged(t *testing.T) {
	p := stylePlan(9, plan.Style{Grids: 2, MaxGrids: 2, Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceGrid})
	m, _ := build(t, newStyleJob(p, func(s plan.Subtask, _ int) fate {
		if s.ID == "enhance.1" {
			return fate{outcome: plan.OutcomeRejected, reason: "the enlargement has 1024 x 1024 pixels", side: 1024}
		}
		return good(s)
	}).play())
	want := "grid 1 was of no use: its grid was not enlarged: rejected after 2 attempts: the enlargement has 1024 x 1024 pixels"
	if !slices.Contains(m.Warnings, want) || m.Grids[0].Enhanced != nil || m.Grids[0].Tiles[0].Use != trainset.TileFailed {
		t.Errorf("%q, %+v", m.Warnings, m.Grids[0])
	}
}

// A tile that is the example is left out, and the manifest says so.
func TestATileThatCopiesTheExampleIsNoImage(t *testing.T) {
	p := stylePlan(8, plan.Style{Grids: 1, MaxGrids: 1, Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceGrid})
	j := newStyleJob(p, func(s plan.Subtask, _ int) fate { return good(s) })
	j.Record.Plan.Reference.DHashes = []string{nine(1).Tiles[3].DHash}
	m, _ := build(t, j.play())
	if c := m.Grids[0].Tiles[3]; c.Use != trainset.TileDuplicate || c.Why != "it copies the example (0 of 64 bits differ)" {
		t.Errorf("%s: %s", c.Use, c.Why)
	}
	if m.Grids[0].Tiles[8].Use != trainset.TileImage {
		t.Errorf("the last tile: %s, %s", m.Grids[0].Tiles[8].Use, m.Grids[0].Tiles[8].Why)
	}
}

func TestWarnsOfFewCategories(t *testing.T) {
	p := stylePlan(8, plan.Style{Grids: 1, MaxGrids: 1, Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceGrid})
	for i := range p.Asks[0].Tiles {
		p.Asks[0].Tiles[i].Category = []string{"people", "animals", "nature"}[i%3]
	}
	m, _ := build(t, newStyleJob(p, func(s plan.Subtask, _ int) fate { return good(s) }).play())
	if want := "the images show 3 of 7 categories; a style is learnt apart from what it shows from 6"; !slices.Contains(m.Warnings, want) {
		t.Errorf("%q", m.Warnings)
	}
	if diff := gocmp.Diff(map[string]int{"people": 3, "animals": 3, "nature": 2}, m.Diversity.Categories); diff != "" {
		t.Error(diff)
	}
}

func TestModelsOfAStyleAreNamedOnceEach(t *testing.T) {
	type named struct {
		Role, Provider string
		Params         map[string]any
	}
	generated := named{"generate", "replicate", map[string]any{"aspect_ratio": "1:1"}}
	enlarged := named{"enhance", "replicate", map[string]any{"upscale_factor": "4x"}}
	for name, c := range map[string]struct {
		style plan.Style
		want  []named
	}{
		"replicate": {
			plan.Style{Judge: trainset.JudgeReplicate, Enhance: trainset.EnhanceGrid},
			[]named{generated, {"judge", "replicate", map[string]any{"system_prompt": "You judge.", "temperature": 0.0}}, enlarged},
		},
		"openai": {
			plan.Style{Judge: trainset.JudgeOpenAI, Enhance: trainset.EnhanceTile},
			[]named{generated, {"judge", "openai", map[string]any{}}, enlarged},
		},
		"local": {plan.Style{Judge: trainset.JudgeLocal, Enhance: trainset.EnhanceNone}, []named{generated}},
	} {
		c.style.Grids, c.style.MaxGrids = 2, 2
		m, _ := build(t, newStyleJob(stylePlan(4, c.style), func(s plan.Subtask, _ int) fate { return good(s) }).play())
		var got []named
		for _, model := range m.Models {
			got = append(got, named{model.Role, model.Provider, model.Params})
			if model.Price == 0 || model.PriceSource == "" || model.PriceDate == "" || model.Name == "" {
				t.Errorf("%s: %+v", name, model)
			}
		}
		if diff := gocmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestAnyStyleRecordHasAManifest plays jobs in which anything may happen to any
// attempt, and checks what must hold of all manifests.
func TestAnyStyleRecordHasAManifest(t *testing.T) {
	schema := manifestSchema(t)
	rapid.Check(t, func(r *rapid.T) {
		j := anyStyleJob(r)
		s := j.play()
		if len(s.Images) == 0 {
			s.ContactSheet = nil
		}
		m, files, err := assembled(s)
		if err != nil {
			r.Fatal(err)
		}
		stored := map[string]bool{j.layout().Reference(): true}
		for _, a := range s.Record.Attempts {
			if a.Image != nil {
				stored[a.Image.Key] = true
			}
		}
		for _, f := range files {
			stored[f.Key] = true
		}
		checkFiles(r, schema, files, stored)
		checkMoney(r, m)
		checkTiles(r, m)
	})
}

// anyStyleJob draws a job's settings and how every attempt ends.
func anyStyleJob(r *rapid.T) *styleJob {
	most := rapid.IntRange(1, 4).Draw(r, "most grids")
	p := stylePlan(rapid.IntRange(1, 24).Draw(r, "images"), plan.Style{
		Grids: rapid.IntRange(1, most).Draw(r, "grids"), MaxGrids: most,
		Judge:   rapid.SampledFrom([]trainset.Judge{trainset.JudgeReplicate, trainset.JudgeOpenAI, trainset.JudgeLocal}).Draw(r, "judge"),
		Enhance: rapid.SampledFrom([]trainset.Enhance{trainset.EnhanceGrid, trainset.EnhanceTile, trainset.EnhanceNone}).Draw(r, "enhance"),
	})
	p.Simulate = rapid.Bool().Draw(r, "simulated")
	j := newStyleJob(p, func(s plan.Subtask, _ int) fate { return anyFate(r, s) })
	left := rapid.IntRange(0, 120).Draw(r, "subtasks until it is canceled")
	j.stopped = func() bool { left--; return left == 0 }
	return j
}

func anyFate(r *rapid.T, s plan.Subtask) fate {
	outcomes := []plan.Outcome{
		plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeRejected, plan.OutcomeModerated,
		plan.OutcomeFailed, plan.OutcomeInvalid, plan.OutcomeLost, plan.OutcomeCanceled,
	}
	f := good(s)
	if f.outcome = rapid.SampledFrom(outcomes).Draw(r, "outcome of "+string(s.ID)); f.outcome != plan.OutcomeSucceeded {
		return fate{outcome: f.outcome, reason: "GET https://files.example.com/secret?signature=s3cr3t: no", side: f.side}
	}
	if f.grid != nil {
		for i := range f.grid.Tiles {
			t := &f.grid.Tiles[i]
			t.Fit = rapid.IntRange(0, 3).Draw(r, "fit") > 0
			t.DHash = fmt.Sprintf("%016x", uint64(0xffff)<<rapid.SampledFrom([]int{0, 3, 12, 24, 36, 48}).Draw(r, "hash"))
			t.Confidence = rapid.Float64Range(0, 1).Draw(r, "confidence")
			f.grid.Confidence = min(f.grid.Confidence, t.Confidence)
		}
	}
	if f.judgement != nil {
		f.judgement.Verdicts = rapid.Permutation(f.judgement.Verdicts).Draw(r, "verdicts")[:rapid.IntRange(7, 9).Draw(r, "said")]
		for i := range f.judgement.Verdicts {
			f.judgement.Verdicts[i].Fit = rapid.Bool().Draw(r, "judged fit")
		}
	}
	return f
}

func manifestSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := schemas.Files.ReadFile(schemas.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemas.Manifest, doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile(schemas.Manifest)
}

// checkFiles makes sure that manifests are valid and lead to objects, and that
// nothing has a secret.
func checkFiles(r *rapid.T, schema *jsonschema.Schema, files []dataset.File, stored map[string]bool) {
	for _, f := range files {
		if err := storage.ValidKey(f.Key); err != nil {
			r.Fatal(err)
		}
		if strings.Contains(string(body(f)), "s3cr3t") {
			r.Fatalf("%s has a signed address", f.Key)
		}
		if path.Base(f.Key) != "manifest.json" {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body(f))))
		if err != nil {
			r.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			r.Fatalf("%s: %v", f.Key, err)
		}
		named := 0
		eachFile(v, func(name string) {
			if named++; !stored[path.Join(path.Dir(f.Key), name)] {
				r.Fatalf("%s names %s, which is no object", f.Key, name)
			}
		})
		if named == 0 {
			r.Fatalf("%s names no file", f.Key)
		}
	}
}

// eachFile visits every file that a manifest names, wherever it does.
func eachFile(v any, visit func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if name, ok := e.(string); ok && k == "file" {
				visit(name)
			}
			eachFile(e, visit)
		}
	case []any:
		for _, e := range v {
			eachFile(e, visit)
		}
	}
}

// checkMoney makes sure that every cent is accounted for, once.
func checkMoney(r *rapid.T, m trainset.Manifest) {
	var total trainset.Money
	for _, it := range m.Items {
		total += it.Cost
	}
	for _, g := range m.Grids {
		total += g.Cost
		for _, c := range g.Tiles {
			for _, a := range c.Attempts {
				total += a.Cost
			}
		}
	}
	if total != m.Cost.Actual {
		r.Fatalf("items and grids cost %s, the job %s", total, m.Cost.Actual)
	}
}

// checkTiles makes sure that the images and the grids say the same of tiles,
// and that what is no image of the set has a reason.
func checkTiles(r *rapid.T, m trainset.Manifest) {
	images := map[int]trainset.SetTile{}
	for _, it := range m.Items {
		if it.File != "" {
			images[it.Index] = *it.Tile
		}
	}
	for _, g := range m.Grids {
		if !slices.IsSortedFunc(g.Tiles, func(a, b trainset.SetCell) int { return cmp.Compare(a.Tile, b.Tile) }) {
			r.Fatalf("the tiles of grid %d are out of order", g.Index)
		}
		for _, c := range g.Tiles {
			if c.Use != trainset.TileImage {
				continue
			}
			if images[c.Item] != c.SetTile {
				r.Fatalf("image %d is %+v, by its grid %+v", c.Item, images[c.Item], c.SetTile)
			}
			delete(images, c.Item)
		}
	}
	if len(images) > 0 {
		r.Fatalf("no grid has the images %v", slices.Sorted(maps.Keys(images)))
	}
}
