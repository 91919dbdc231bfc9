package dataset_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/bits"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

var update = flag.Bool("update", false, "write the golden files anew")

var start = time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC)

func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// assembled makes a whole set, in the order in which it is stored.
func assembled(s dataset.Set) (trainset.Manifest, []dataset.File, error) {
	packed, err := dataset.Pack(s)
	if err != nil {
		return trainset.Manifest{}, nil, err
	}
	zipped, err := dataset.Zip(s)
	if err != nil {
		return trainset.Manifest{}, nil, err
	}
	packed = append(packed, zipped...)
	m, files, err := dataset.Describe(s, packed)
	return m, append(packed, files...), err
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// job builds the sets of the tests: a record as the ledger has it and the bytes
// that storage has.
type job struct{ dataset.Set }

func newJob(images int) *job {
	id := trainset.NewJobID("ann", trainset.KindActor, "k1")
	p := plan.Plan{
		Version: plan.Version, JobID: id, Kind: trainset.KindActor, User: "ann", Subject: "mona", Key: "k1",
		Type: "human", Sex: "female", Class: "woman", Name: "Mona <b>O'Neill</b>", Trigger: "vqbcdfg", CaptionProfile: "flux",
		CatalogVersion: "actor/1", Seed: 42, Model: "black-forest-labs/flux-kontext-pro", Price: trainset.USD(0.04),
		PriceSource: "replicate.com/black-forest-labs/flux-kontext-pro", PriceDate: "2026-11", Images: images, MaxAttempts: 5,
		Estimated: trainset.USD(0.04) * trainset.Money(images), MaxCost: trainset.USD(2),
	}
	j := &job{dataset.Set{
		Revision: 1, State: trainset.JobSucceeded, Images: map[int][]byte{}, ContactSheet: []byte("a contact sheet"),
		Tool: trainset.Tool{Name: "trainset", Version: "v0.0.0-test"}, FinishedAt: after(31.5),
	}}
	began := after(0.2)
	j.Record = plan.Record{
		ID: id, Kind: p.Kind, User: p.User, Subject: p.Subject, Key: p.Key, State: trainset.JobRunning, Plan: &p,
		Subtasks: map[plan.SubtaskID]plan.Subtask{}, Attempts: map[string]plan.Attempt{}, CreatedAt: start, StartedAt: &began,
	}
	p.Reference = plan.Reference{Key: j.layout().Reference(), SHA256: digest([]byte("reference")), Width: 512, Height: 768, Format: "jpeg"}
	for i := 1; i <= images; i++ {
		j.ask(i)
	}
	return j
}

func (j *job) layout() dataset.Layout {
	return dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: j.Record.ID}
}

func (j *job) ask(i int) {
	media := []trainset.Medium{trainset.MediumPhoto, trainset.MediumBW, trainset.MediumBW, trainset.MediumColour}
	j.Record.Subtasks[plan.ImageID(i)] = plan.Subtask{
		ID: plan.ImageID(i), Verb: plan.VerbImage, Index: i, Revision: 1, State: trainset.ItemPending,
		Ask: plan.Ask{
			Index: i, Scene: fmt.Sprintf("scene-%d", i), Medium: media[(i-1)%4], Technique: "pen and ink", Framing: []string{"close-up", "full length"}[i%2],
			Prompt: fmt.Sprintf("Prompt %d, with <script>alert('no')</script> & more.", i), Milder: fmt.Sprintf("Milder prompt %d.", i),
			Caption: fmt.Sprintf("vqbcdfg woman, drawing number %d, \"quoted\" & plain", i), MilderCaption: fmt.Sprintf("vqbcdfg woman, calm drawing number %d", i),
			Seeds: []int64{int64(100 * i), int64(100*i + 1), int64(100*i + 2)},
		},
	}
}

// try adds an ended attempt at item i.
func (j *job) try(i int, prompt string, outcome plan.Outcome, reason string) plan.Attempt {
	sub := plan.ImageID(i)
	n := len(j.Record.Tries(sub)) + 1
	begun, done := after(float64(i)+float64(10*(n-1))), after(float64(i)+float64(10*(n-1))+8.25)
	a := plan.Attempt{
		ID: plan.AttemptID(sub, n), Job: j.Record.ID, Subtask: sub, Number: n, State: plan.AttemptEnded, Outcome: outcome, Reason: reason,
		Model: j.Record.Plan.Model, Prompt: prompt, Seed: int64(100*i + n - 1), PredictionID: fmt.Sprintf("prediction%d%d", i, n),
		Input: map[string]any{
			"prompt": prompt, "seed": 1.0, "input_image": "https://files.example.com/secret?signature=s3cr3t", "aspect_ratio": "16:9",
			"output_format": "png", "safety_tolerance": 2.0, "prompt_upsampling": false, "image_input": []any{"https://files.example.com/b"},
		},
		Price: trainset.USD(0.04), Cost: trainset.USD(0.04), CreatedAt: begun, EndedAt: &done, PredictSeconds: 6.5,
	}
	if outcome == plan.OutcomeModerated {
		a.Cost = 0
	}
	j.Record.Attempts[a.ID] = a
	j.Record.Spent += a.Cost
	return a
}

// store gives an attempt an image.
func (j *job) store(i int, a plan.Attempt, key, dhash, findings string) {
	body := fmt.Appendf(nil, "the PNG of %s", a.ID)
	checks := fmt.Sprintf(`{"measures":{"dhash":"%s","std":48.5},"findings":[%s]}`, dhash, findings)
	a.Image = &plan.Image{
		Key: key, SHA256: digest(body), Bytes: len(body), Width: 1336, Height: 752,
		ProviderSHA256: digest([]byte("as sent")), Checks: json.RawMessage(checks),
	}
	j.Record.Attempts[a.ID] = a
	if a.Outcome == plan.OutcomeSucceeded {
		j.Images[i] = body
		j.settle(i, trainset.ItemSucceeded, "", a.Number)
	}
}

func (j *job) settle(i int, state trainset.ItemState, reason string, winner int) {
	s := j.Record.Subtasks[plan.ImageID(i)]
	tries := j.Record.Tries(s.ID)
	s.State, s.Reason, s.Winner, s.SettledAt = state, reason, winner, tries[len(tries)-1].EndedAt
	j.Record.Subtasks[s.ID] = s
}

func (j *job) succeed(i int, dhash, findings string) {
	a := j.try(i, j.Record.Subtasks[plan.ImageID(i)].Ask.Prompt, plan.OutcomeSucceeded, "")
	j.store(i, a, j.layout().Made(image(i), a.Number, "png"), dhash, findings)
}

func (j *job) reject(i int, detail string) {
	a := j.try(i, j.Record.Subtasks[plan.ImageID(i)].Ask.Prompt, plan.OutcomeRejected, detail)
	j.store(i, a, j.layout().Rejected(image(i), a.Number, "png"), "0000000000000000", fmt.Sprintf(`{"severity":"fail","detail":%q}`, detail))
}

// whole is a job all of whose images were made.
func whole() dataset.Set {
	j := newJob(2)
	j.succeed(1, "ffffffff00000000", "")
	j.succeed(2, "00000000ffffffff", `{"severity":"warn","detail":"a little soft: blur 170"}`)
	return j.Set
}

// short is a simulated job with an image of every fate.
func short() dataset.Set {
	j := newJob(5)
	j.Record.Plan.Simulate = true
	j.succeed(1, "ffffffff00000000", "")
	ask := j.Record.Subtasks[plan.ImageID(2)].Ask
	j.try(2, ask.Prompt, plan.OutcomeModerated, "refused: sensitive (E005)")
	j.try(2, ask.Prompt, plan.OutcomeModerated, "refused: sensitive (E005)")
	j.store(2, j.try(2, ask.Milder, plan.OutcomeSucceeded, ""), j.layout().Made(image(2), 3, "png"), "ffffffff0000000f", "")
	j.reject(3, "blank")
	j.succeed(3, "0f0f0f0f0f0f0f0f", "")
	j.reject(4, "not grey")
	j.settle(4, trainset.ItemRejected, "rejected after 1 attempt: not grey", 0)
	j.try(5, j.Record.Subtasks[plan.ImageID(5)].Ask.Prompt, plan.OutcomeInvalid, "GET https://files.example.com/secret?signature=s3cr3t with r8_TOKEN: 404")
	j.settle(5, trainset.ItemFailed, "invalid after 1 attempt: GET https://files.example.com/secret?signature=s3cr3t with r8_TOKEN: 404", 0)
	j.State, j.Reason = trainset.JobPartial, "2 of 5 images could not be made"
	return j.Set
}

// none is a job that made no image.
func none() dataset.Set {
	j := newJob(1)
	j.reject(1, "blank")
	j.settle(1, trainset.ItemRejected, "rejected after 1 attempt: blank", 0)
	j.State, j.Reason, j.ContactSheet = trainset.JobFailed, "none of 1 images could be made", nil
	return j.Set
}

func build(t *testing.T, s dataset.Set) (trainset.Manifest, map[string]dataset.File) {
	t.Helper()
	m, files, err := assembled(s)
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]dataset.File{}
	for _, f := range files {
		byKey[f.Key] = f
	}
	if len(byKey) != len(files) {
		t.Error("a key is stored twice")
	}
	return m, byKey
}

func TestGolden(t *testing.T) {
	for name, s := range map[string]dataset.Set{"succeeded": whole(), "partial": short(), "failed": none()} {
		t.Run(name, func(t *testing.T) {
			_, files := build(t, s)
			l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: s.Record.ID}
			golden(t, name+".manifest.json", body(files[l.Manifest()]))
			golden(t, name+".gallery.html", body(files[l.Gallery(1)]))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); go test -update after you have read it:\n%s", name, diff)
	}
}

func TestFilesAreWholeAndTheManifestIsLast(t *testing.T) {
	s := short()
	_, files, err := assembled(s)
	if err != nil {
		t.Fatal(err)
	}
	l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: s.Record.ID}
	want := []string{
		l.Train(1, 1), l.Caption(1, 1), l.Train(1, 2), l.Caption(1, 2), l.Train(1, 3), l.Caption(1, 3),
		l.Zip(1), l.ContactSheet(1), l.Gallery(1), l.RevisionManifest(1), l.Manifest(),
	}
	got := make([]string, len(files))
	for i, f := range files {
		got[i] = f.Key
		if err := storage.ValidKey(f.Key); err != nil {
			t.Error(err)
		}
		if len(body(f)) == 0 || f.ContentType == "" {
			t.Errorf("%s: %d bytes of %q", f.Key, len(body(f)), f.ContentType)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesInManifestsLeadToFiles(t *testing.T) {
	s := short()
	_, files := build(t, s)
	l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: s.Record.ID}
	stored := map[string]bool{l.Reference(): true}
	for key := range files {
		stored[key] = true
	}
	for _, a := range s.Record.Attempts {
		if a.Image != nil {
			stored[a.Image.Key] = true
		}
	}
	for _, key := range []string{l.Manifest(), l.RevisionManifest(1)} {
		m := decode(t, body(files[key]))
		if m.Folder != path.Dir(key) {
			t.Errorf("%s says that it is in %s", key, m.Folder)
		}
		for _, name := range names(m) {
			if !stored[path.Join(path.Dir(key), name)] {
				t.Errorf("%s names %s, which is no object", key, name)
			}
		}
	}
}

func names(m trainset.Manifest) []string {
	all := []string{m.Reference.File, m.Files.Zip.File, m.Files.ContactSheet.File, m.Files.Gallery.File}
	for _, it := range m.Items {
		if it.File != "" {
			all = append(all, it.File, it.Caption.File)
		}
		for _, a := range it.Attempts {
			if a.File != "" {
				all = append(all, a.File)
			}
		}
	}
	return all
}

func decode(t *testing.T, body []byte) trainset.Manifest {
	t.Helper()
	var m trainset.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifestHasNoSecretAndNoAddress(t *testing.T) {
	_, files := build(t, short())
	for key, f := range files {
		for _, secret := range []string{"s3cr3t", "r8_TOKEN", "https://files"} {
			if strings.Contains(string(body(f)), secret) {
				t.Errorf("%s has %q", key, secret)
			}
		}
	}
}

func TestManifestTellsTheJobAsTheLedgerDoes(t *testing.T) {
	for name, s := range map[string]dataset.Set{"succeeded": whole(), "partial": short()} {
		t.Run(name, func(t *testing.T) {
			m, files := build(t, s)
			l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: s.Record.ID}
			s.Record.State, s.Record.Reason, s.Record.Revision, s.Record.FinishedAt = s.State, s.Reason, 1, &s.FinishedAt
			s.Record.Output = &trainset.Output{Manifest: l.Manifest(), Zip: l.Zip(1), ContactSheet: l.ContactSheet(1), Gallery: l.Gallery(1)}
			want := s.Record.Job()
			for i := range want.Items {
				if it := &want.Items[i]; it.State == trainset.ItemSucceeded {
					it.File = fmt.Sprintf("v1/train/%03d.png", it.Index)
				}
				if it := &want.Items[i]; strings.Contains(it.Reason, "https:") {
					it.Reason = "invalid after 1 attempt: GET (left out) with (left out): 404"
				}
			}
			if diff := cmp.Diff(want, m.Job()); diff != "" {
				t.Errorf("built (-ledger +manifest):\n%s", diff)
			}
			if diff := cmp.Diff(want, decode(t, body(files[l.Manifest()])).Job()); diff != "" {
				t.Errorf("read (-ledger +manifest):\n%s", diff)
			}
			older := decode(t, body(files[l.RevisionManifest(1)])).Job().Output
			if older.Zip != l.Zip(1) || older.Manifest != l.RevisionManifest(1) {
				t.Errorf("the revision's manifest leads to %+v", older)
			}
		})
	}
}

func TestBuildRefusesImagesThatAreNotTheRecords(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*dataset.Set)
		want  string
	}{
		"missing": {func(s *dataset.Set) { delete(s.Images, 2) }, "image 2 was not given"},
		"unasked": {func(s *dataset.Set) { s.Images[9] = []byte("more") }, "3 images were given for 2"},
		"no winner": {func(s *dataset.Set) {
			delete(s.Record.Attempts, "image.1.1")
		}, "image 1 has no record"},
		"no plan":     {func(s *dataset.Set) { s.Record.Plan = nil }, "no plan"},
		"no revision": {func(s *dataset.Set) { s.Revision = 0 }, "revision 0"},
	} {
		s := whole()
		c.spoil(&s)
		if _, _, err := assembled(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWarningsSayWhatIsWrongWithTheSet(t *testing.T) {
	m, _ := build(t, short())
	want := []string{
		"images 1 and 2 look nearly alike (4 of 64 bits differ)",
		"the set is short: 3 of 5 images", "trainers ask for at least 10 images; this set has 3",
	}
	if diff := cmp.Diff(want, m.Warnings); diff != "" {
		t.Error(diff)
	}
	copying := short()
	copying.Record.Plan.Reference.DHashes = []string{"ffffffffffffffff", copyOf(t, m, 0)}
	if m, _ = build(t, copying); !slices.Contains(m.Warnings, "image 1 looks like a copy of the reference (0 of 64 bits differ)") {
		t.Errorf("%q", m.Warnings)
	}
	m, _ = build(t, whole())
	if diff := cmp.Diff("image 2: a little soft: blur 170", m.Warnings[0]); diff != "" {
		t.Error(diff)
	}
	j := newJob(12)
	for i := 1; i <= 12; i++ {
		j.succeed(i, fmt.Sprintf("%016x", bits.RotateLeft64(0xfff, 5*(i-1))), "") // neighbours share seven bits of twelve
	}
	if m, _ = build(t, j.Set); len(m.Warnings) != 0 || *m.Diversity.MinDHash != 10 {
		t.Errorf("a good set: %v, %d", m.Warnings, *m.Diversity.MinDHash)
	}
}

// copyOf is the hash of an image of a set.
func copyOf(t *testing.T, m trainset.Manifest, item int) string {
	t.Helper()
	var c struct {
		Measures struct {
			DHash string `json:"dhash"`
		} `json:"measures"`
	}
	if err := json.Unmarshal(m.Items[item].Checks, &c); err != nil {
		t.Fatal(err)
	}
	return c.Measures.DHash
}

func TestDiversityIsMeasuredBetweenImagesOfTheSet(t *testing.T) {
	m, _ := build(t, short())
	if *m.Diversity.MinDHash != 4 || m.Diversity.Media[trainset.MediumBW] != 2 || m.Plan.Mix[trainset.MediumBW] != 2 {
		t.Errorf("%+v %d", m.Diversity, *m.Diversity.MinDHash)
	}
	if n := m.Items[0].Nearest; n == nil || n.Index != 2 || n.Distance != 4 {
		t.Errorf("nearest to 1: %+v", n)
	}
	if m.Items[3].Nearest != nil {
		t.Error("a rejected image is near to others")
	}
	m, _ = build(t, none())
	if m.Diversity.MinDHash != nil || m.Diversity.MeanDHash != nil {
		t.Error("no pair has a distance")
	}
}

func TestCaptionFollowsThePromptThatMadeTheImage(t *testing.T) {
	m, files := build(t, short())
	l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: m.JobID}
	for index, want := range map[int]string{1: `vqbcdfg woman, drawing number 1, "quoted" & plain`, 2: "vqbcdfg woman, calm drawing number 2"} {
		if got := string(body(files[l.Caption(1, index)])); got != want {
			t.Errorf("caption %d: %q", index, got)
		}
		if got := m.Items[index-1].Caption.Text; got != want {
			t.Errorf("caption %d in the manifest: %q", index, got)
		}
	}
	if it := m.Items[1]; it.Prompt != "Milder prompt 2." || !it.Attempts[2].Milder || it.Attempts[0].Milder || *it.Seed != 202 {
		t.Errorf("item 2: %+v", it)
	}
}

// body is a file's in one piece.
func body(f dataset.File) []byte { return bytes.Join(f.Parts, nil) }
