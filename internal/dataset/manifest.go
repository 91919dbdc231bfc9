package dataset

import (
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// manifest records the set for a reader in folder; files are those made so far.
func (s Set) manifest(folder string, files []File) trainset.Manifest {
	r, p := s.Record, s.Record.Plan
	m := trainset.Manifest{
		Schema: trainset.ManifestSchema, JobID: r.ID, Kind: r.Kind, State: s.State, Revision: s.Revision,
		Simulated: p.Simulate, User: r.User, Key: r.Key, Folder: folder, Tool: s.Tool,
		CreatedAt: r.CreatedAt.UTC(), StartedAt: utc(r.StartedAt), FinishedAt: s.FinishedAt.UTC(), Reason: clean(s.Reason),
		Subject: trainset.SetSubject{
			ID: r.Subject, Type: p.Type, Sex: p.Sex, Class: p.Class, Name: p.Name, Trigger: p.Trigger, CaptionProfile: p.CaptionProfile,
		},
		Reference: trainset.SetReference{
			File: relative(folder, p.Reference.Key), SHA256: p.Reference.SHA256,
			Width: p.Reference.Width, Height: p.Reference.Height, Format: p.Reference.Format,
		},
		Plan: wanted(r), Models: s.models(), Items: s.setItems(folder), Grids: s.grids(folder),
		Cost:  trainset.Cost{Estimated: p.Estimated, Actual: r.Spent, Cap: p.MaxCost},
		Files: s.setFiles(folder, files),
	}
	m.Diversity, m.Timings = diversity(m), timings(m)
	m.Warnings = warnings(m, p.Reference)
	return m
}

// wanted is what was asked for.
func wanted(r plan.Record) trainset.SetPlan {
	p := r.Plan
	w := trainset.SetPlan{Images: p.Images, CatalogVersion: p.CatalogVersion, Seed: p.Seed}
	if st := p.Style; st != nil {
		w.Style = &trainset.SetStyle{Grids: st.Grids, MaxGrids: st.MaxGrids, Judge: st.Judge, Enhance: st.Enhance}
		return w
	}
	w.Mix = map[trainset.Medium]int{}
	for _, s := range r.Subtasks {
		w.Mix[s.Ask.Medium]++
	}
	return w
}

func (s Set) setItems(folder string) []trainset.SetItem {
	items := make([]trainset.SetItem, 0, len(s.Record.Subtasks))
	for _, sub := range s.items {
		items = append(items, s.item(folder, sub))
	}
	near := nearest(items)
	for i := range items {
		if n, ok := near[items[i].Index]; ok {
			items[i].Nearest = &n
		}
	}
	return items
}

func (s Set) item(folder string, sub plan.Subtask) trainset.SetItem {
	ask := sub.Ask
	it := trainset.SetItem{
		Index: sub.Index, State: sub.State, Reason: clean(sub.Reason), Scene: ask.Scene, Medium: ask.Medium,
		Technique: ask.Technique, Framing: ask.Framing, Prompt: ask.Prompt, Category: ask.Category,
		Tile: s.tile(ask.Grid, ask.Tile), Attempts: []trainset.SetAttempt{}, SettledAt: utc(sub.SettledAt),
	}
	if len(ask.Seeds) > 0 {
		it.Seed = &ask.Seeds[0]
	}
	for _, a := range s.Record.Tries(sub.ID) {
		it.Attempts = append(it.Attempts, attempt(folder, sub, a))
		it.Cost += a.Cost
		describe(&it, a)
	}
	if len(it.Attempts) > 0 {
		it.StartedAt = it.Attempts[0].CreatedAt
	}
	if it.StartedAt != nil && it.SettledAt != nil {
		it.Seconds = seconds(it.SettledAt.Sub(*it.StartedAt))
	}
	if win, ok := winner(s.Record, sub); ok {
		s.picture(&it, folder, ask, win)
	}
	return it
}

// describe keeps what was asked and found by an attempt: of several the last,
// unless another one won.
func describe(it *trainset.SetItem, a plan.Attempt) {
	if a.Prompt != "" { // empty where its record was lost, and where a tile was cut out
		it.Prompt, it.Seed = a.Prompt, &a.Seed
	}
	if a.Image != nil {
		it.Checks = a.Image.Checks
	}
}

func (s Set) picture(it *trainset.SetItem, folder string, ask plan.Ask, win plan.Attempt) {
	layout := s.layout()
	describe(it, win)
	it.File = relative(folder, layout.Train(s.Revision, it.Index))
	it.Caption = &trainset.SetCaption{
		Text: caption(ask, win), Origin: "template", File: relative(folder, layout.Caption(s.Revision, it.Index)),
	}
	it.PredictionID, it.SHA256 = win.PredictionID, win.Image.SHA256
	if win.Model != "" { // else its grid's came from the provider
		it.ProviderSHA256 = win.Image.ProviderSHA256
	}
	it.Bytes, it.Width, it.Height = win.Image.Bytes, win.Image.Width, win.Image.Height
	it.DigitalSourceType = trainset.DigitalSourceType
}

func attempt(folder string, sub plan.Subtask, a plan.Attempt) trainset.SetAttempt {
	t := trainset.SetAttempt{
		Number: a.Number, Outcome: string(a.Outcome), Reason: clean(a.Reason), Milder: milder(sub.Ask, a),
		PredictionID: a.PredictionID, Estimate: a.Price, Cost: a.Cost, PredictSeconds: a.PredictSeconds, EndedAt: utc(a.EndedAt),
	}
	if sub.Verb != plan.VerbImage && a.Model != "" {
		t.Role = roleOf(sub.Verb)
	}
	if len(sub.Ask.Seeds) > 0 {
		t.Seed = &a.Seed
	}
	if !a.CreatedAt.IsZero() {
		t.CreatedAt = utc(&a.CreatedAt)
	}
	if a.Image != nil {
		t.File = relative(folder, a.Image.Key)
	}
	return t
}

func timings(m trainset.Manifest) trainset.Timings {
	t := trainset.Timings{Total: seconds(m.FinishedAt.Sub(m.CreatedAt))}
	for _, g := range m.Grids {
		t.Slowest = max(t.Slowest, g.Seconds)
		for _, a := range g.Attempts {
			t.Sequential += spent(a)
		}
	}
	for _, it := range m.Items {
		chain := it.Seconds
		if it.Tile != nil {
			chain += m.Grids[it.Tile.Grid-1].Seconds
		}
		t.Slowest = max(t.Slowest, thousandths(chain))
		t.Sequential += it.Seconds
	}
	t.Sequential = thousandths(t.Sequential)
	return t
}

// spent is how long an attempt took; 0 where that is not known.
func spent(a trainset.SetAttempt) float64 {
	if a.CreatedAt == nil || a.EndedAt == nil {
		return 0
	}
	return seconds(a.EndedAt.Sub(*a.CreatedAt))
}

func (s Set) setFiles(folder string, files []File) trainset.SetFiles {
	layout := s.layout()
	var sf trainset.SetFiles
	for _, f := range files {
		named := &trainset.SetFile{File: relative(folder, f.Key), SHA256: f.sum, Bytes: f.size()}
		switch f.Key {
		case layout.Zip(s.Revision):
			sf.Zip = named
		case layout.ContactSheet(s.Revision):
			sf.ContactSheet = named
		case layout.Gallery(s.Revision):
			sf.Gallery = named
		}
	}
	return sf
}

// relative names a key as seen from a folder: both lie below the job's root.
func relative(folder, key string) string {
	from, to := strings.Split(folder, "/"), strings.Split(key, "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func thousandths(f float64) float64 { return math.Round(f*1000) / 1000 }

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// private is what reasons, which quote errors, must not carry into a data set
// that is shared: addresses, which may be signed, and tokens.
var private = regexp.MustCompile(`(https?://|data:)[^\s"']+|\br8_\w+`)

func clean(reason string) string { return private.ReplaceAllString(reason, "(left out)") }
