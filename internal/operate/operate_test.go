package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

type finder []trainset.JobID

func (f finder) Find(_ context.Context, prefix string) ([]trainset.JobID, error) {
	var found []trainset.JobID
	for _, id := range f {
		if strings.HasPrefix(string(id), prefix) {
			found = append(found, id)
		}
	}
	return found, nil
}

func TestFind(t *testing.T) {
	const (
		one   = trainset.JobID("3f2a9c41-0000-8000-8000-000000000001")
		two   = trainset.JobID("3f2a9c41-0000-8000-8000-000000000002")
		three = trainset.JobID("aaaaaaaa-0000-8000-8000-000000000003")
		four  = trainset.JobID("bbbbbbbb-0000-8000-8000-000000000004")
	)
	known, stored := finder{one, two, three}, finder{four}
	for text, want := range map[string]trainset.JobID{
		"aaaaaaaa": three, " AAAAAAAA-0000 ": three, "3f2a9c41-0000-8000-8000-000000000002": two, "bbbbbbbb": four,
		"3f2a9c41": "", "aaaaaaa": "", "cccccccc": "", "aaaaaaaa*": "", "": "",
	} {
		got, err := operate.Find(t.Context(), text, known, stored)
		if got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
		if _, ok := errors.AsType[*trainset.FieldError](err); (want == "") != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// books is a ledger of one job.
type books struct {
	record    plan.Record
	known     bool
	deleting  bool
	forgotten []string     // user and image
	disowned  []string     // predictions
	before    func() error // a reopening; may be nil
}

func (b *books) Load(context.Context, trainset.JobID) (plan.Record, error) {
	if !b.known {
		return plan.Record{}, trainset.ErrNotFound
	}
	return b.record, nil
}

func (b *books) Deleting(context.Context, trainset.JobID) (bool, error) { return b.deleting, nil }

func (b *books) MarkDeleting(context.Context, trainset.JobID) (trainset.JobState, error) {
	if b.known && !b.record.State.Ended() {
		return b.record.State, nil
	}
	b.deleting = true
	return "", nil
}

func (b *books) Uploads(context.Context, trainset.JobID) ([]ledger.Upload, error) {
	return []ledger.Upload{{ID: "f1"}}, nil
}

func (b *books) Disown(_ context.Context, _ trainset.JobID, predictions []string) error {
	b.disowned = predictions
	return nil
}

func (b *books) Forget(_ context.Context, _ trainset.JobID, user, image string) error {
	b.known, b.forgotten = false, []string{user, image}
	return nil
}

func (b *books) Reopen(_ context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error {
	if b.before != nil {
		if err := b.before(); err != nil {
			return err
		}
	}
	if b.deleting {
		return ledger.ErrDeleting
	}
	if r.Change != b.record.Change {
		return ledger.ErrStale
	}
	b.record = r.Reopened(subs).Raised(limits)
	return nil
}

type tasks struct{ ids []string }

func (q *tasks) Forget(_ context.Context, ids []string) (int, error) {
	q.ids = ids
	return len(ids), nil
}

// failing is a store whose first deletion fails after half of it was done.
type failing struct {
	storage.Store

	failed bool
}

func (f *failing) Delete(ctx context.Context, keys ...string) error {
	if !f.failed {
		f.failed = true
		if err := f.Store.Delete(ctx, keys[:len(keys)/2]...); err != nil {
			return err
		}
		return errors.New("the network is down")
	}
	return f.Store.Delete(ctx, keys...)
}

func TestDeleteGoesOnAfterAnError(t *testing.T) {
	for _, known := range []bool{true, false} {
		store := storage.NewDirectory(t.TempDir())
		l := job("k")
		for _, key := range []string{l.Reference(), l.Plan(), l.Root() + "/items/001.1.png", l.Unwanted(1, 4), l.Manifest(), dataset.Upload(l.Job), job("other").Plan()} {
			put(t, store, key, []byte("x"))
		}
		b := &books{record: record("k"), known: known}
		b.record.Queued = map[string]bool{"t2": true, "t1": true}
		q := &tasks{}
		d := operate.Deleter{Ledger: b, Store: &failing{Store: store}, Tasks: q}
		if _, err := d.Delete(t.Context(), l.Job); err == nil || b.forgotten != nil {
			t.Fatalf("known %v: error %v, forgotten %v", known, err, b.forgotten)
		}
		if _, err := store.Stat(t.Context(), l.Plan()); err != nil {
			t.Errorf("known %v: the plan went first: %v", known, err)
		}
		done, err := d.Delete(t.Context(), l.Job)
		if err != nil || done.Ledger != known || done.Nothing() || len(done.Left) != 1 || done.NotSearched == "" {
			t.Errorf("known %v: %+v, %v", known, done, err)
		}
		left, err := store.List(t.Context(), "")
		if err != nil || len(left) != 1 || left[0].Key != job("other").Plan() {
			t.Errorf("known %v: left %+v, %v", known, left, err)
		}
		if b.forgotten == nil || b.forgotten[0] != "ada" {
			t.Errorf("known %v: forgotten for %v", known, b.forgotten)
		}
		if known && !slices.Equal(q.ids, []string{"t1", "t2"}) {
			t.Errorf("tasks %v", q.ids)
		}
	}
}

// What was paid for stays known by its ID: from the ledger or, where that has
// forgotten the job, from the receipts, before they go.
func TestDeleteKeepsTheIDsOfPredictions(t *testing.T) {
	for _, known := range []bool{true, false} {
		store := storage.NewDirectory(t.TempDir())
		l := job("k")
		for n, id := range []string{"p1", "p2", ""} {
			b, err := json.Marshal(plan.Attempt{ID: "x", PredictionID: id})
			if err != nil {
				t.Fatal(err)
			}
			put(t, store, l.Receipt(plan.Subtask{Verb: plan.VerbImage, Index: n + 1}, 1), b)
		}
		put(t, store, l.Plan(), []byte(`{"prediction_id": "of no attempt"}`))
		b := &books{known: known, record: record("k",
			plan.Attempt{ID: "image.1.1", PredictionID: "p1"}, plan.Attempt{ID: "image.2.1", PredictionID: "p2"}, plan.Attempt{ID: "image.3.1"})}
		d := operate.Deleter{Ledger: b, Store: &failing{Store: store}, Tasks: &tasks{}}
		if _, err := d.Delete(t.Context(), l.Job); err == nil || !slices.Equal(b.disowned, []string{"p1", "p2"}) {
			t.Errorf("known %v: %v, kept %v before the first object went", known, err, b.disowned)
		}
	}
}

// expired has no files any more.
type expired struct{}

func (expired) DeleteFile(context.Context, string) error { return nil }

// What cannot be seen from here is said, whether or not this host keeps debug files.
func TestDeleteSaysWhatOtherHostsMayHave(t *testing.T) {
	for _, test := range []struct {
		debug     string
		simulated bool
		want      []string
	}{
		{"", false, []string{"REPLICATE_API_TOKEN is not set", "TRAINSET_DEBUG_DIR is not set here"}},
		{filepath.Join(t.TempDir(), "none"), true, []string{"it is simulated", "other hosts; here it was "}},
	} {
		d := operate.Deleter{
			Ledger: &books{record: record("k"), known: true}, Store: storage.NewDirectory(t.TempDir()), Tasks: &tasks{}, Debug: test.debug, Simulated: test.simulated, Force: true,
		}
		done, err := d.Delete(t.Context(), job("k").Job)
		if err != nil || len(done.Left) != 1 || !strings.Contains(done.Left[0], test.want[0]) || !strings.Contains(done.NotSearched, test.want[1]) {
			t.Errorf("left %q, not searched %q, %v; want %q", done.Left, done.NotSearched, err, test.want)
		}
		d.Ledger, d.Files = &books{record: record("k"), known: true}, expired{}
		if all, err := d.Delete(t.Context(), job("k").Job); err != nil || len(all.Left) != 0 || all.Files != 1 {
			t.Errorf("with a token: %+v, %v", all, err) // scripts test whether anything is left
		}
		d.Files = nil
		if again, err := d.Delete(t.Context(), job("nobody's").Job); err != nil || !again.Nothing() || len(again.Left) != 1 || again.NotSearched != "" { // the files
			t.Errorf("of nothing: %+v, %v", again, err)
		}
	}
}

func TestDeleteRefusesWhatRuns(t *testing.T) {
	b := &books{record: record("k"), known: true}
	b.record.State = trainset.JobRunning
	_, err := operate.Deleter{Ledger: b, Store: storage.NewDirectory(t.TempDir()), Tasks: &tasks{}}.Delete(t.Context(), b.record.ID)
	if e, ok := errors.AsType[*trainset.FieldError](err); !ok || e.Field != "job" || b.forgotten != nil {
		t.Errorf("error %v, forgotten %v", err, b.forgotten)
	}
}

// listed acts when a store is listed.
type listed struct {
	storage.Store

	then func()
}

func (l listed) List(ctx context.Context, prefix string) ([]storage.Info, error) {
	l.then()
	return l.Store.List(ctx, prefix)
}

// What is taken up again between the look at a job and its deletion is not: it
// would be removed while it runs, with what it pays for.
func TestDeleteKeepsAJobFromBeingTakenUp(t *testing.T) {
	b, store := failedJob(), storage.NewDirectory(t.TempDir())
	taken := 0
	d := operate.Deleter{Ledger: b, Tasks: &tasks{}, Store: listed{store, func() {
		_, err := operate.Raiser{Ledger: b}.Retry(t.Context(), b.record.ID, plan.Limits{}, false)
		if e, ok := errors.AsType[*trainset.FieldError](err); !ok || !strings.Contains(e.Error(), "is being deleted") {
			t.Errorf("taken up again: %v", err)
		}
		taken++
	}}}
	put(t, store, job("k").Plan(), []byte("x"))
	if _, err := d.Delete(t.Context(), b.record.ID); err != nil || b.known || taken == 0 {
		t.Errorf("%v; known %v, %d tried", err, b.known, taken)
	}
}

// A job is not forgotten where another storage has what there is of it: nobody would
// find that any more. Who knows that it is gone says so, and what was begun goes on.
func TestDeleteRefusesAJobThatAnotherStorageHas(t *testing.T) {
	b := failedJob()
	d := operate.Deleter{Ledger: b, Tasks: &tasks{}, Store: storage.NewDirectory(t.TempDir())}
	_, err := d.Delete(t.Context(), b.record.ID)
	if e, ok := errors.AsType[*trainset.FieldError](err); !ok || !strings.Contains(e.Error(), "is not in") || b.deleting || !b.known {
		t.Errorf("%v; marked %v, known %v", err, b.deleting, b.known)
	}
	for name, how := range map[string]func(*operate.Deleter, *books){
		"by force":          func(d *operate.Deleter, _ *books) { d.Force = true },
		"begun before that": func(_ *operate.Deleter, b *books) { b.deleting = true },
		"not accepted":      func(_ *operate.Deleter, b *books) { b.record.Plan = nil },
	} {
		b := failedJob()
		d.Ledger = b
		mine := d
		how(&mine, b)
		if _, err := mine.Delete(t.Context(), b.record.ID); err != nil || b.known {
			t.Errorf("%s: %v; known %v", name, err, b.known)
		}
	}
}

// failedJob has an image that failed.
func failedJob() *books {
	p := plan.Plan{Images: 2, Price: trainset.USD(0.04), MaxAttempts: 2, Asks: []plan.Ask{{Index: 1}, {Index: 2}}}
	r := record("k", plan.Attempt{ID: "image.1.1", State: plan.AttemptEnded, Cost: trainset.USD(0.04)})
	r.Plan, r.State, r.Revision, r.Subtasks = &p, trainset.JobPartial, 1, map[plan.SubtaskID]plan.Subtask{}
	for _, s := range p.Subtasks() {
		s.State = trainset.ItemSucceeded
		if s.Index == 2 {
			s.State, s.Reason = trainset.ItemFailed, "why"
		}
		r.Subtasks[s.ID] = s
	}
	return &books{record: r, known: true}
}

func TestRetryReopensWhatFailed(t *testing.T) {
	b := failedJob()
	done, err := operate.Raiser{Ledger: b}.Retry(t.Context(), b.record.ID, plan.Limits{}, true)
	if err != nil || done.Revision != 2 || done.Each != trainset.USD(0.04) || len(done.Subtasks) != 1 || b.record.State != trainset.JobPartial {
		t.Fatalf("dry: %+v, %v; the job is %s", done, err, b.record.State)
	}
	if _, err := (operate.Raiser{Ledger: b}).Retry(t.Context(), b.record.ID, plan.Limits{}, false); err != nil || b.record.State != trainset.JobRunning {
		t.Errorf("%v; the job is %s", err, b.record.State)
	}
	if _, err := (operate.Raiser{Ledger: b}).Retry(t.Context(), b.record.ID, plan.Limits{}, false); err == nil {
		t.Error("a running job was tried again")
	}
}

// raiser is of a job whose plan is in storage.
func raiser(t *testing.T, b *books) operate.Raiser {
	t.Helper()
	store := storage.NewDirectory(t.TempDir())
	if b.record.Plan != nil {
		p := *b.record.Plan
		p.Request = json.RawMessage(`{"max_cost_usd":0.05}`)
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		put(t, store, job("k").Plan(), body)
	}
	return operate.Raiser{Ledger: b, Store: store, Grids: func(p plan.Plan) plan.Plan {
		for n := len(p.Asks) + 1; p.Style != nil && n <= p.Style.MaxGrids; n++ {
			p.Asks = append(p.Asks, plan.Ask{Index: n})
		}
		return p
	}}
}

// stored is the plan that storage has.
func stored(t *testing.T, o operate.Raiser) (p plan.Plan) {
	t.Helper()
	b, err := o.Store.Get(t.Context(), job("k").Plan())
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shortStyle has ended with the one grid that it may make, whose tiles are unfit.
func shortStyle() *books {
	p := plan.Plan{
		Kind: trainset.KindStyle, Images: 2, Price: trainset.USD(0.04), MaxAttempts: 2, Asks: []plan.Ask{{Index: 1}},
		Style: &plan.Style{Grids: 1, MaxGrids: 1, Judge: trainset.JudgeLocal, Enhance: trainset.EnhanceNone},
	}
	r := record("k", plan.Attempt{ID: "grid.1.1", State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded, Cost: trainset.USD(0.04), Grid: &plan.Grid{Tiles: make([]plan.Tile, 9)}})
	head := p.Head()
	r.Plan, r.State, r.Revision, r.Spent, r.Subtasks = &head, trainset.JobFailed, 1, trainset.USD(0.04), map[plan.SubtaskID]plan.Subtask{}
	for _, s := range p.Subtasks() {
		s.State, s.Winner = trainset.ItemSucceeded, 1
		r.Subtasks[s.ID] = s
	}
	return &books{record: r, known: true}
}

// Storage has what a job is allowed before the ledger has, and the request as it was.
func TestRaisedLimitsAreKept(t *testing.T) {
	limits := plan.Limits{MaxCost: trainset.USD(0.5), MaxGrids: 3}
	b := shortStyle()
	b.record.Plan.MaxCost = trainset.USD(0.05)
	o := raiser(t, b)
	id := b.record.ID
	done, err := o.Retry(t.Context(), id, limits, true)
	if err != nil || done.Grids != 1 || done.Following != trainset.USD(0.04) || done.MaxCost != limits.MaxCost || done.MaxGrids != 3 {
		t.Fatalf("dry: %+v, %v", done, err)
	}
	if p := stored(t, o); p.MaxCost != trainset.USD(0.05) || p.Style.MaxGrids != 1 || b.record.State != trainset.JobFailed {
		t.Fatalf("dry: the plan is %+v, the job %s", p, b.record.State)
	}
	failing := storagetest.NewFaulty(o.Store)
	failing.FailPut(1, errors.New("the disk is full"))
	broken := o
	broken.Store = failing
	if _, err := broken.Retry(t.Context(), id, limits, false); err == nil || b.record.State != trainset.JobFailed {
		t.Errorf("without storage: %v, the job is %s", err, b.record.State)
	}
	if _, err := o.Retry(t.Context(), id, limits, false); err != nil {
		t.Fatal(err)
	}
	p := stored(t, o)
	if p.MaxCost != limits.MaxCost || p.Style.MaxGrids != 3 || len(p.Asks) != 3 || string(p.Request) != `{"max_cost_usd":0.05}` {
		t.Errorf("stored: %+v", p)
	}
	if r := b.record; r.State != trainset.JobRunning || r.Plan.MaxCost != limits.MaxCost || r.Plan.Style.MaxGrids != 3 {
		t.Errorf("the job is %s and may cost %s", r.State, r.Plan.MaxCost)
	}
}

// Who raises one limit while another raises the other takes nothing back.
func TestLimitsThatAreRaisedAtOnceAreBothKept(t *testing.T) {
	b, other := shortStyle(), shortStyle()
	b.record.Plan.MaxCost, other.record.Plan.MaxCost = trainset.USD(0.05), trainset.USD(0.05)
	o := raiser(t, b)
	meanwhile := operate.Raiser{Ledger: other, Store: o.Store, Grids: o.Grids}
	o.Store = &interrupted{Store: o.Store, by: func() {
		if _, err := meanwhile.Retry(t.Context(), other.record.ID, plan.Limits{MaxCost: trainset.USD(2), MaxGrids: 2}, false); err != nil {
			t.Error(err)
		}
	}}
	if _, err := o.Retry(t.Context(), b.record.ID, plan.Limits{MaxCost: trainset.USD(0.5), MaxGrids: 3}, false); err != nil {
		t.Fatal(err)
	}
	if p := stored(t, o); p.MaxCost != trainset.USD(2) || p.Style.MaxGrids != 3 || len(p.Asks) != 3 {
		t.Errorf("stored: up to %s and %d grids, %d frozen", p.MaxCost, p.Style.MaxGrids, len(p.Asks))
	}
}

// interrupted is storage where somebody does something before the first put.
type interrupted struct {
	storage.Store

	by   func()
	once sync.Once
}

func (s *interrupted) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	s.once.Do(s.by)
	return s.Store.Put(ctx, key, body, o)
}

func TestLimitRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		of     func() *books
		change func(r *plan.Record)
		limits plan.Limits
		field  string
		says   string
	}{
		"it runs":           {failedJob, func(r *plan.Record) { r.State = trainset.JobRunning }, plan.Limits{MaxCost: 1}, "job", "has not ended"},
		"it succeeded":      {failedJob, func(r *plan.Record) { r.State = trainset.JobSucceeded }, plan.Limits{MaxCost: 1}, "job", "has all of its images"},
		"it was refused":    {failedJob, func(r *plan.Record) { r.Plan = nil }, plan.Limits{MaxCost: 1}, "job", "enqueue it with --new"},
		"an actor's":        {failedJob, nil, plan.Limits{MaxGrids: 12}, "max-grids", "is an actor's job"},
		"no cap":            {failedJob, nil, plan.Limits{MaxCost: 1}, "max-cost", "leave it out"},
		"the same cap":      {failedJob, func(r *plan.Record) { r.Plan.MaxCost = 90_000 }, plan.Limits{MaxCost: 90_000}, "max-cost", "$0.09 is not above the $0.09"},
		"a cap too low":     {failedJob, func(r *plan.Record) { r.Plan.MaxCost = 40_000 }, plan.Limits{MaxCost: 70_000}, "max-cost", "give a higher --max-cost"},
		"the same bound":    {shortStyle, nil, plan.Limits{MaxGrids: 1}, "max-grids", "1 is not above the 1 that"},
		"too high a bound":  {shortStyle, nil, plan.Limits{MaxGrids: 21}, "max-grids", "give 2 to 20"},
		"the highest bound": {shortStyle, func(r *plan.Record) { r.Plan.Style.MaxGrids = 20 }, plan.Limits{MaxGrids: 20}, "max-grids", "the most that a job may"},
		"no bound":          {shortStyle, nil, plan.Limits{}, "max-grids", "has made 1 of at most 1 grids; give a higher --max-grids, up to 20"},
		"the cap remains":   {shortStyle, func(r *plan.Record) { r.Plan.MaxCost = 50_000 }, plan.Limits{MaxGrids: 2}, "max-cost", "another grid with what follows from it, $0.04, does not fit"},
		"not in storage":    {shortStyle, func(r *plan.Record) { r.Subject = "another" }, plan.Limits{MaxGrids: 2}, "job", "set the storage that the workers have"},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.of()
			o := raiser(t, b)
			if c.change != nil {
				c.change(&b.record)
			}
			state := b.record.State
			_, err := o.Retry(t.Context(), b.record.ID, c.limits, false)
			if e, ok := errors.AsType[*trainset.FieldError](err); !ok || e.Field != c.field || e.Remedy == "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s to say %q", err, c.field, c.says)
			}
			if b.record.State != state {
				t.Errorf("the job is %s, and was %s", b.record.State, state)
			}
		})
	}
	_, err := raiser(t, failedJob()).Retry(t.Context(), job("k").Job, plan.Limits{MaxCost: 1, MaxGrids: 12}, false)
	if err == nil || !strings.Contains(err.Error(), "max-cost: ") || !strings.Contains(err.Error(), "max-grids: ") {
		t.Errorf("both are wrong: %v", err)
	}
}

func TestReplaceRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		items  []int
		change func(r *plan.Record)
		says   string
	}{
		"it runs": {[]int{1}, func(r *plan.Record) { r.State = trainset.JobRunning }, "has not ended"},
		"none":    {[]int{0}, nil, "0 is out of range; give 1 to"},
		"twice":   {[]int{1, 1}, nil, "named twice"},
		"without image": {[]int{1}, func(r *plan.Record) {
			r.Subtasks["image.1"] = plan.Subtask{ID: "image.1", Verb: plan.VerbImage, Index: 1, State: trainset.ItemFailed}
		}, "worker retry"},
		"it was refused": {[]int{1}, func(r *plan.Record) { r.Plan = nil }, "was refused"},
		"no money":       {[]int{1}, func(r *plan.Record) { r.Plan.MaxCost, r.Spent = 100, 90 }, "more does not fit"},
		"no seed": {[]int{1}, func(r *plan.Record) {
			s := r.Subtasks["image.1"]
			s.Ask.Seeds = []int64{1}
			r.Subtasks["image.1"] = s
		}, "every seed of its plan"},
	} {
		t.Run(name, func(t *testing.T) {
			r := plan.Record{
				ID: "j", State: trainset.JobSucceeded, Plan: &plan.Plan{Kind: trainset.KindActor, Images: 1, Model: "o/m", Price: 40, MaxAttempts: 5},
				Subtasks: map[plan.SubtaskID]plan.Subtask{"image.1": {ID: "image.1", Verb: plan.VerbImage, Index: 1, State: trainset.ItemSucceeded, Winner: 1}},
				Attempts: map[string]plan.Attempt{"image.1.1": {ID: "image.1.1", Subtask: "image.1", Number: 1, State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded}},
			}
			if c.change != nil {
				c.change(&r)
			}
			b := &books{record: r, known: true}
			p := operate.Replacer{Ledger: b, Now: time.Now} // without a store
			if _, err := p.Replace(t.Context(), "j", c.items, false); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want it to say %q", err, c.says)
			}
		})
	}
}

// A style's tile that is replaced is noted in storage before the job is taken up
// again, and no longer where it was not after all.
func TestWhatIsReplacedIsNotedFirst(t *testing.T) {
	down := errors.New("no answer")
	for name, c := range map[string]struct {
		planless bool
		reopen   func(b *books) error // before the ledger does; nil where it may
		noted    bool
		says     string // the error; empty where there is none
	}{
		"replaced":                {noted: true},
		"not known whether it is": {reopen: func(*books) error { return down }, noted: true, says: "no answer"},
		"another is replaced meanwhile": {reopen: func(b *books) error {
			b.record.State, b.record.Change = trainset.JobRunning, 7
			return nil
		}, says: "has not ended"},
		"it is replaced meanwhile": {reopen: func(b *books) error {
			b.record = b.record.Reopened(plan.Replace(b.record, []int{1}))
			b.record.Change = 7
			return nil
		}, noted: true, says: "has not ended"},
		"deleted meanwhile":   {reopen: func(b *books) error { b.known = false; return trainset.ErrNotFound }, says: "no such job"},
		"deleted just now":    {reopen: func(b *books) error { b.deleting = true; return nil }, says: "repeat worker delete"},
		"in another's bucket": {planless: true, says: "give the command the storage settings of the workers"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record("k", plan.Attempt{
				ID: "grid.1.1", State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded,
				Grid: &plan.Grid{Tiles: []plan.Tile{{DHash: "1ff", Fit: true}, {DHash: "3fe00", Fit: true}}},
			})
			r.Plan = &plan.Plan{Kind: trainset.KindStyle, Images: 1, Style: &plan.Style{Grids: 1, MaxGrids: 1, Judge: trainset.JudgeLocal, Enhance: trainset.EnhanceNone}}
			r.Subtasks = map[plan.SubtaskID]plan.Subtask{
				"grid.1": {ID: "grid.1", Verb: plan.VerbGrid, Index: 1, State: trainset.ItemSucceeded, Winner: 1, Ask: plan.Ask{Grid: 1, Tiles: make([]plan.TileAsk, 2)}},
			}
			s := r.Cut(1, 1, 1)
			s.State, s.Winner = trainset.ItemSucceeded, 1
			r.Subtasks[s.ID] = s
			store, note := storage.NewDirectory(t.TempDir()), job("k").Unwanted(1, 1)
			if !c.planless {
				put(t, store, job("k").Plan(), []byte("{}"))
			}
			b := &books{record: r, known: true}
			b.before = func() error {
				if _, err := store.Stat(t.Context(), note); err != nil {
					t.Errorf("it is not noted yet: %v", err)
				}
				if c.reopen == nil {
					return nil
				}
				return c.reopen(b)
			}
			p := operate.Replacer{Ledger: b, Store: store, Now: func() time.Time { return now }}
			if _, err := p.Replace(t.Context(), r.ID, []int{1}, false); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want it to say %q", err, c.says)
			}
			body, err := store.Get(t.Context(), note)
			if (err == nil) != c.noted {
				t.Errorf("noted: %v", err)
			}
			var u plan.Unwanted
			if c.noted && (json.Unmarshal(body, &u) != nil || u != plan.Unwanted{At: now, Item: 1, Grid: 1, Tile: 1}) {
				t.Errorf("noted: %s", body)
			}
		})
	}
}

func TestRetryRefusals(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Record){
		"has all of its images": func(r *plan.Record) { r.State = trainset.JobSucceeded },
		"nothing more can be paid": func(r *plan.Record) {
			r.Plan.MaxCost = trainset.USD(0.07)
		},
		"nothing left to try": func(r *plan.Record) {
			s := r.Subtasks["image.2"]
			s.Ask.Seeds = []int64{1}
			r.Subtasks[s.ID] = s
			r.Attempts["image.2.1"] = plan.Attempt{ID: "image.2.1", State: plan.AttemptEnded}
		},
	} {
		b := failedJob()
		spoil(&b.record)
		_, err := operate.Raiser{Ledger: b}.Retry(t.Context(), b.record.ID, plan.Limits{}, false)
		if e, ok := errors.AsType[*trainset.FieldError](err); !ok || !strings.Contains(e.Problem, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What answers a webhook that is none tells where the public URL leads to.
func TestPublicURL(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  operate.State
		remedy string
	}{
		"a worker": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/in/webhooks" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
		}, operate.OK, ""},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		}, operate.Fail, "no redirect"},
		"another server":    {http.NotFound, operate.Fail, "leads elsewhere"},
		"a login page":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, operate.Fail, "pass POST"},
		"one that takes it": {func(http.ResponseWriter, *http.Request) {}, operate.Fail, "pass POST"},
	} {
		s := httptest.NewServer(c.answer)
		checks := operate.Doctor(t.Context(), operate.PublicURL(s.URL+"/in/", "/webhooks"))
		s.Close()
		if len(checks) != 1 || checks[0].State != c.state || !strings.Contains(checks[0].Remedy, c.remedy) || operate.Failed(checks) != (c.state == operate.Fail) {
			t.Errorf("%s: %+v", name, checks)
		}
	}
}

// The address of the worker's server is free, a worker's, or somebody else's.
func TestListen(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  operate.State
		detail string
	}{
		"a worker":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"alive":true}`) }, operate.OK, "a worker serves"},
		"another server": {http.NotFound, operate.Fail, "no worker"},
		"a page":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, operate.Fail, "no worker"},
	} {
		s := httptest.NewServer(c.answer)
		checks := operate.Doctor(t.Context(), operate.Listen(s.Listener.Addr().String()))
		s.Close()
		if len(checks) != 1 || checks[0].State != c.state || !strings.Contains(checks[0].Detail, c.detail) || (c.state == operate.Fail) != (checks[0].Remedy != "") {
			t.Errorf("%s: %+v", name, checks)
		}
		free := operate.Doctor(t.Context(), operate.Listen(s.Listener.Addr().String()))
		if len(free) != 1 || free[0].State != operate.OK || !strings.Contains(free[0].Detail, "is free") {
			t.Errorf("after %s has ended: %+v", name, free)
		}
	}
	nowhere := operate.Doctor(t.Context(), operate.Listen("192.0.2.1:80"))
	if len(nowhere) != 1 || nowhere[0].State != operate.Fail || nowhere[0].Remedy == "" {
		t.Errorf("an address of another machine: %+v", nowhere)
	}
}

// A folder whose server is away ends for no context.
func TestDoctorTellsOfWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		defer close(back)
		checks := operate.Doctor(t.Context(),
			operate.Probe{Name: "disk", Look: func(context.Context) []operate.Check { <-back; return nil }},
			operate.Probe{Name: "http", Look: func(context.Context) []operate.Check { return []operate.Check{{Name: "http", State: operate.OK}} }})
		if len(checks) != 2 || checks[0].Name != "disk" || checks[0].State != operate.Fail || checks[0].Remedy == "" || checks[1].State != operate.OK {
			t.Errorf("%+v", checks)
		}
	})
}

type refusingProxy struct{}

func (refusingProxy) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the proxy refuses")
}

// What this process is told of proxies is for others than a worker on this host.
func TestListenAsksNoProxy(t *testing.T) {
	usual := http.DefaultTransport
	http.DefaultTransport = refusingProxy{}
	defer func() { http.DefaultTransport = usual }()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"alive":true}`) }))
	defer s.Close()
	if checks := operate.Doctor(t.Context(), operate.Listen(s.Listener.Addr().String())); len(checks) != 1 || checks[0].State != operate.OK {
		t.Errorf("%+v", checks)
	}
}

func TestJudge(t *testing.T) {
	noList, busy := errors.New("no list"), errors.New("503")
	for name, c := range map[string]struct {
		models []string
		err    error
		state  operate.State
		remedy string
	}{
		"a key that may":        {[]string{"other", "model"}, nil, operate.OK, ""},
		"a key that may not":    {[]string{"other"}, nil, operate.Warn, "TRAINSET_JUDGE_MODEL"},
		"a refused key":         {nil, trainset.Invalid("OPENAI_API_KEY", "was refused", "set a valid key"), operate.Fail, "set a valid key"},
		"a server of few ways":  {nil, fmt.Errorf("asking: %w", noList), operate.Unknown, "OPENAI_BASE_URL"},
		"a server that is down": {nil, busy, operate.Fail, "OPENAI_BASE_URL"},
	} {
		checks := operate.Doctor(t.Context(), operate.Judge("model", func(context.Context) ([]string, error) { return c.models, c.err }, noList))
		if len(checks) != 1 || checks[0].State != c.state || !strings.Contains(checks[0].Remedy, c.remedy) || (c.remedy == "") != (checks[0].Remedy == "") {
			t.Errorf("%s: %+v", name, checks)
		}
	}
}

func TestAFolderThatCannotBeLookedAtHasARemedy(t *testing.T) {
	checks := operate.Doctor(t.Context(), operate.Disk("disk", "/"+strings.Repeat("x", 300)))
	if len(checks) != 1 || checks[0].State != operate.Unknown || checks[0].Remedy == "" {
		t.Errorf("%+v", checks)
	}
}

type schemas map[string]replicate.Schema

func (s schemas) Schema(_ context.Context, model string) (replicate.Schema, error) {
	schema, ok := s[model]
	if !ok {
		return schema, errors.New("no such model")
	}
	return schema, nil
}

func TestModelsThatHaveChangedAreFound(t *testing.T) {
	changed := schemas{replicate.DefaultEnhanceModel: {Required: []string{"image", "license"}, Fields: map[string]replicate.Field{"image": {Type: "string"}}}}
	checks := operate.Doctor(t.Context(), operate.Models(changed, replicate.DefaultEnhanceModel, replicate.DefaultJudgeModel, "nobody/nothing"))
	if len(checks) != 3 || !strings.Contains(checks[0].Detail, "license is required now") {
		t.Fatalf("%+v", checks)
	}
	for _, c := range checks {
		if c.State != operate.Fail || c.Remedy == "" {
			t.Errorf("%+v", c)
		}
	}
}

// noSchemas is a provider that tells nothing of any model.
type noSchemas struct{ class replicate.Class }

func (n noSchemas) Schema(context.Context, string) (replicate.Schema, error) {
	return replicate.Schema{}, &replicate.Error{Class: n.class, Op: "schema"}
}

// A provider that is away is no fault of its models, and is told once.
func TestAProviderThatIsAwayIsToldOnce(t *testing.T) {
	for class, c := range map[replicate.Class]struct {
		checks int
		remedy string
	}{
		replicate.ClassTransient: {1, "status page"},
		replicate.ClassAuth:      {1, "REPLICATE_API_TOKEN"},
		replicate.ClassNotFound:  {2, "the model's page"},
	} {
		checks := operate.Doctor(t.Context(), operate.Models(noSchemas{class}, replicate.DefaultEnhanceModel, replicate.DefaultJudgeModel))
		if len(checks) != c.checks || checks[0].State != operate.Fail || !strings.Contains(checks[0].Remedy, c.remedy) {
			t.Errorf("%s: %+v", class, checks)
		}
	}
}

// Probes do not wait for each other, and their checks keep their order.
func TestDoctorAsksAllAtOnce(t *testing.T) {
	second := make(chan struct{})
	probe := func(name string, look func()) operate.Probe {
		return operate.Probe{Name: name, Look: func(context.Context) []operate.Check { look(); return []operate.Check{{Name: name}} }}
	}
	checks := operate.Doctor(t.Context(), probe("first", func() { <-second }), probe("second", func() { close(second) }), operate.Disk("disk", t.TempDir()+"/not/there/yet"))
	if len(checks) != 3 || checks[0].Name != "first" || checks[1].Name != "second" || checks[2].State == operate.Unknown {
		t.Errorf("%+v", checks)
	}
}
