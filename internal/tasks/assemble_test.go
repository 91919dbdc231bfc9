package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// madeJob is an actor's job all of whose images are made and stored, by another
// worker: its set is to be assembled.
type madeJob struct {
	t     *testing.T
	h     *Handlers
	plan  plan.Plan
	store storage.Store
	keys  []string // of its images
}

func newMadeJob(t *testing.T, images int) *madeJob {
	t.Helper()
	j := &madeJob{t: t, store: storage.NewDirectory(t.TempDir())}
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	j.h = New(l, j.store, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k"}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
	if _, _, err := l.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	j.plan = plan.Plan{
		JobID: req.JobID(), User: "ada", Kind: trainset.KindActor, Subject: "zara", Images: images, MaxAttempts: 5,
		Request: json.RawMessage("{}"), Model: replicate.DefaultActorModel,
	}
	for i := range images {
		j.plan.Asks = append(j.plan.Asks, plan.Ask{Index: i + 1, Medium: trainset.MediumPhoto})
	}
	j.put(layoutOfPlan(j.plan).Plan(), []byte("{}"))
	subs := j.plan.Subtasks()
	var attempts []plan.Attempt
	for i, s := range subs {
		a := j.won(s, byte(i))
		attempts = append(attempts, a)
		subs[i] = s.Settled([]plan.Attempt{a}, trainset.ItemSucceeded, "", 1)
	}
	if _, err := l.Begin(t.Context(), j.plan, subs, attempts); err != nil {
		t.Fatal(err)
	}
	return j
}

// won is the attempt that made the image of a subtask, which it stores.
func (j *madeJob) won(s plan.Subtask, shade byte) plan.Attempt {
	img := image.NewNRGBA(image.Rect(0, 0, 16, 9))
	img.Set(0, 0, color.NRGBA{R: shade, A: 255}) // no two have one digest
	body, key := encoded(j.t, img), layoutOfPlan(j.plan).Made(s, 1, "png")
	j.put(key, body)
	j.keys = append(j.keys, key)
	return plan.Attempt{
		ID: plan.AttemptID(s.ID, 1), Job: j.plan.JobID, Subtask: s.ID, Number: 1, User: "ada", Model: j.plan.Model,
		State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded,
		Image: &plan.Image{Key: key, SHA256: sum(body), Bytes: len(body), Width: 16, Height: 9},
	}
}

func (j *madeJob) put(key string, body []byte) {
	j.t.Helper()
	if err := j.store.Put(j.t.Context(), key, body, storage.PutOptions{}); err != nil {
		j.t.Fatal(err)
	}
}

func (j *madeJob) get(key string) []byte {
	j.t.Helper()
	body, err := j.store.Get(j.t.Context(), key)
	if err != nil {
		j.t.Fatal(err)
	}
	return body
}

func (j *madeJob) cancel() {
	j.t.Helper()
	if err := j.h.ledger.Cancel(j.t.Context(), j.plan.JobID); err != nil {
		j.t.Fatal(err)
	}
}

// assemble carries out the task of the job's set.
func (j *madeJob) assemble(h *Handlers) (plan.Record, error) {
	j.t.Helper()
	r := j.record()
	problem := h.assemble(j.t.Context(), taskOf(j.t, queue.Payload{Job: r.ID, Revision: r.AssembleRevision}))
	return j.record(), problem
}

func (j *madeJob) record() plan.Record {
	j.t.Helper()
	r, err := j.h.ledger.Load(j.t.Context(), j.plan.JobID)
	if err != nil {
		j.t.Fatal(err)
	}
	return r
}

// manifest is the current one.
func (j *madeJob) manifest() (m trainset.Manifest) {
	j.t.Helper()
	if err := json.Unmarshal(j.get(layoutOfPlan(j.plan).Manifest()), &m); err != nil {
		j.t.Fatal(err)
	}
	return m
}

// heldUp makes sure that the job waits, and tells those who watch why.
func (j *madeJob) heldUp(want string) {
	j.t.Helper()
	r, err := j.assemble(j.h)
	if !blocked(err) || r.State.Ended() || !strings.Contains(r.HeldUp, want) {
		j.t.Errorf("the job is %s, held up: %q, not %q: %v", r.State, r.HeldUp, want, err)
	}
}

// A job says that an image has other bytes than were stored, and what to do, and
// ends once they are back.
func TestAJobSaysThatAnImageIsAnother(t *testing.T) {
	j := newMadeJob(t, 2)
	was := j.get(j.keys[1])
	j.put(j.keys[1], append(was, 0))
	j.heldUp("the image of item 2 is gone from storage, which has other bytes under its key: put " + j.keys[1] + " back into the ")
	j.put(j.keys[1], was)
	if r, err := j.assemble(j.h); err != nil || r.State != trainset.JobSucceeded {
		t.Errorf("the job is %s: %v", r.State, err)
	}
}

// A canceled one ends without it, and its manifest says why.
func TestACanceledJobEndsWithoutAnImageThatIsAnother(t *testing.T) {
	j := newMadeJob(t, 2)
	j.put(j.keys[1], append(j.get(j.keys[1]), 0))
	j.cancel()
	r, err := j.assemble(j.h)
	if err != nil || r.State != trainset.JobCanceled || r.Revision != 1 {
		t.Fatalf("the job is %s (%s), v%d: %v", r.State, r.Reason, r.Revision, err)
	}
	items := j.manifest().Items
	if items[0].File == "" || items[1].File != "" || !strings.Contains(items[1].Reason, "its image is gone, worker replace makes another: storage has other bytes") {
		t.Errorf("the manifest has %q, and of the other says %q", items[0].File, items[1].Reason)
	}
}

// before is storage that first does something, once, when an object is stored.
type before struct {
	storage.Store

	key  string
	do   func()
	once sync.Once
}

func (b *before) PutParts(ctx context.Context, key string, parts [][]byte, o storage.PutOptions) error {
	if key == b.key {
		b.once.Do(b.do)
	}
	return b.Store.PutParts(ctx, key, parts, o)
}

// slow is another worker, which something happens to before it has stored the last
// that is in the folder of the first set.
func (j *madeJob) slow(do func()) *Handlers {
	return j.slowAt(layoutOfPlan(j.plan).RevisionManifest(1), do)
}

// slowAt is another worker, which something happens to before it stores an object.
func (j *madeJob) slowAt(key string, do func()) *Handlers {
	store := &before{Store: j.store, key: key, do: do}
	return New(j.h.ledger, store, nil, nil, j.h.queue, Options{Owner: "slow", Log: zerolog.Nop()})
}

// A worker that is held up while it assembles writes no manifest over that of a
// later set.
func TestASlowAssemblerLeavesALaterSetAlone(t *testing.T) {
	j := newMadeJob(t, 2)
	slow := j.slow(func() {
		r, err := j.assemble(j.h)
		if err == nil {
			err = j.h.ledger.Reopen(t.Context(), r, nil, plan.Limits{})
		}
		if err == nil {
			_, err = j.assemble(j.h)
		}
		if err != nil {
			t.Error(err)
		}
	})
	r, err := j.assemble(slow)
	if err != nil || r.State != trainset.JobSucceeded || r.Revision != 2 {
		t.Fatalf("the job is %s, v%d: %v", r.State, r.Revision, err)
	}
	if m := j.manifest(); m.Revision != 2 {
		t.Errorf("the manifest is of set %d", m.Revision)
	}
}

// Nor does one that is held up right before it stores the manifest, where nobody looks
// any more at how the job is, whether there was one before or not.
func TestALateManifestReplacesNoLaterOne(t *testing.T) {
	for _, sets := range []int{0, 1} {
		j := newMadeJob(t, 2)
		again := func() error {
			r, err := j.assemble(j.h)
			if err == nil {
				err = j.h.ledger.Reopen(t.Context(), r, nil, plan.Limits{})
			}
			return err
		}
		for range sets {
			if err := again(); err != nil {
				t.Fatal(err)
			}
		}
		slow := j.slowAt(layoutOfPlan(j.plan).Manifest(), func() {
			err := again()
			if err == nil {
				_, err = j.assemble(j.h)
			}
			if err != nil {
				t.Error(err)
			}
		})
		r, err := j.assemble(slow)
		if err != nil || r.State != trainset.JobSucceeded || r.Revision != sets+2 {
			t.Fatalf("the job is %s, v%d: %v", r.State, r.Revision, err)
		}
		if m := j.manifest(); m.Revision != sets+2 {
			t.Errorf("the manifest is of set %d, not %d", m.Revision, sets+2)
		}
	}
}

// Two that assemble the same set both come to its end, and so does one whose server
// does not know its own versions again.
func TestAManifestIsStoredWhateverTheServerSaysOfVersions(t *testing.T) {
	j := newMadeJob(t, 2)
	slow := j.slowAt(layoutOfPlan(j.plan).Manifest(), func() { j.put(layoutOfPlan(j.plan).Manifest(), []byte("{}")) })
	if r, err := j.assemble(slow); err != nil || r.State != trainset.JobSucceeded || j.manifest().Revision != 1 {
		t.Errorf("beside another: the job is %s: %v", r.State, err)
	}
	j = newMadeJob(t, 2)
	j.put(layoutOfPlan(j.plan).Manifest(), []byte("{}"))
	h := New(j.h.ledger, forgetful{j.store}, nil, nil, j.h.queue, Options{Owner: "me", Log: zerolog.Nop()})
	if r, err := j.assemble(h); err != nil || r.State != trainset.JobSucceeded || j.manifest().Revision != 1 {
		t.Errorf("versions that are not known again: the job is %s: %v", r.State, err)
	}
}

// forgetful is storage that says that every object has changed.
type forgetful struct{ storage.Store }

func (f forgetful) PutParts(ctx context.Context, key string, parts [][]byte, o storage.PutOptions) error {
	if o.IfVersion != "" {
		return storage.ErrChanged
	}
	return f.Store.PutParts(ctx, key, parts, o)
}

// No manifest says that a set is whole which lacks what has changed meanwhile: that is
// assembled again.
func TestASetThatLacksSomethingHasNoManifest(t *testing.T) {
	j := newMadeJob(t, 2)
	slow := j.slow(func() {
		if err := j.h.ledger.Grow(t.Context(), j.record(), nil); err != nil {
			t.Error(err)
		}
	})
	r, err := j.assemble(slow)
	if err != nil || r.State.Ended() || len(r.Queued) != 1 {
		t.Fatalf("the job is %s, %v are queued: %v", r.State, r.Queued, err)
	}
	if _, err := j.store.Stat(t.Context(), layoutOfPlan(j.plan).Manifest()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("there is a manifest: %v", err)
	}
}

// A job of which storage has nothing says so, and waits for it, canceled or not: the
// storage may be another one.
func TestAJobSaysThatItsFolderIsGone(t *testing.T) {
	j := newMadeJob(t, 2)
	away := map[string][]byte{}
	for _, key := range append(j.keys, layoutOfPlan(j.plan).Plan()) {
		away[key] = j.get(key)
		if err := j.store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	why := "pictures are missing from storage, and so is " + layoutOfPlan(j.plan).Plan()
	j.heldUp(why)
	j.cancel()
	j.heldUp(why)
	for key, body := range away {
		j.put(key, body)
	}
	if r, err := j.assemble(j.h); err != nil || r.State != trainset.JobSucceeded {
		t.Errorf("the job is %s (%s): %v", r.State, r.Reason, err)
	}
}
