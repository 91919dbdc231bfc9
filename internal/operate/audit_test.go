package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

const model = replicate.DefaultActorModel

var (
	now   = time.Now().UTC().Truncate(time.Second)
	since = now.Add(-24 * time.Hour)
)

// jobs is a ledger of records.
type jobs map[trainset.JobID]plan.Record

// OpenPages has the newest, twice: a page may repeat what another had.
func (j jobs) OpenPages(context.Context) iter.Seq2[[]trainset.JobID, error] {
	ids := j.newest()
	return pages([]trainset.JobID{ids[0], ids[0]}, []trainset.JobID{ids[0]})
}

func (j jobs) RecentPages(context.Context, string) iter.Seq2[[]trainset.JobID, error] {
	return pages(slices.Collect(slices.Chunk(j.newest(), 2))...)
}

func (j jobs) newest() []trainset.JobID {
	ids := []trainset.JobID{job("expired").Job} // still in the index
	return append(ids, slices.SortedFunc(maps.Keys(j), func(a, b trainset.JobID) int { return j[b].CreatedAt.Compare(j[a].CreatedAt) })...)
}

func pages(all ...[]trainset.JobID) iter.Seq2[[]trainset.JobID, error] {
	return func(yield func([]trainset.JobID, error) bool) {
		for _, ids := range all {
			if !yield(ids, nil) {
				return
			}
		}
	}
}

// Disowned is of a job that was deleted.
func (j jobs) Disowned(context.Context, func(string) bool) (map[string]trainset.JobID, error) {
	return map[string]trainset.JobID{"of-deleted": job("deleted").Job, "by-attempt": job("deleted").Job}, nil
}

// DeletedJobs has one that storage has something of, one that was asked for again.
func (j jobs) DeletedJobs(_ context.Context, wanted func(trainset.JobID) bool) (map[trainset.JobID]bool, error) {
	deleted := map[trainset.JobID]bool{}
	for _, key := range []string{"deleted", "again", "gone"} {
		if id := job(key).Job; wanted(id) {
			deleted[id] = true
		}
	}
	return deleted, nil
}

func (j jobs) LoadAll(_ context.Context, ids ...trainset.JobID) (records []plan.Record, err error) {
	for _, id := range ids {
		if r, ok := j[id]; ok {
			records = append(records, r)
		}
	}
	return records, nil
}

// account lists predictions in pages of two, without their inputs.
type account []replicate.Prediction

func (a account) List(_ context.Context, q replicate.ListQuery) (replicate.Page, error) {
	from := 0
	if q.Cursor != "" {
		_, _ = fmt.Sscan(q.Cursor, &from)
	}
	to := min(from+2, len(a))
	var page replicate.Page
	for _, p := range a[from:to] {
		p.Input = nil
		page.Predictions = append(page.Predictions, p)
	}
	if to < len(a) {
		page.Next = fmt.Sprint(to)
	}
	return page, nil
}

func (a account) Get(_ context.Context, id string) (replicate.Prediction, error) {
	for _, p := range a {
		if p.ID == id {
			return p, nil
		}
	}
	return replicate.Prediction{}, fmt.Errorf("there is no %s", id)
}

func predicted(id string, ago time.Duration, status replicate.Status) replicate.Prediction {
	return replicate.Prediction{ID: id, Model: model, Status: status, CreatedAt: now.Add(-ago), Input: map[string]any{"prompt": id}}
}

func job(key string) dataset.Layout {
	return dataset.Layout{User: "ada", Kind: trainset.KindActor, Subject: "zara", Job: trainset.NewJobID("ada", trainset.KindActor, key)}
}

func record(key string, attempts ...plan.Attempt) plan.Record {
	l := job(key)
	r := plan.Record{ID: l.Job, Kind: l.Kind, User: l.User, Subject: l.Subject, State: trainset.JobSucceeded, Plan: &plan.Plan{}, Attempts: map[string]plan.Attempt{}}
	for _, a := range attempts {
		a.CreatedAt = now.Add(-time.Hour)
		r.Attempts[a.ID], r.Spent = a, r.Spent+a.Cost
	}
	return r
}

func put(t *testing.T, s storage.Store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, body, storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func audit(t *testing.T, a operate.Auditor) operate.Books {
	t.Helper()
	a.Now = func() time.Time { return now }
	b, err := a.Audit(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A prediction is known by an attempt, by the receipt of a job that the ledger
// has forgotten, by the attempt that waits for its ID, or as a deleted job's.
func TestAuditKnowsPredictionsInFourWays(t *testing.T) {
	store := storage.NewDirectory(t.TempDir())
	forgotten, sub := job("forgotten"), plan.Subtask{Verb: plan.VerbImage, Index: 1}
	receipt, err := json.Marshal(plan.Attempt{ID: "image.1.1", PredictionID: "by-receipt", State: plan.AttemptEnded})
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, forgotten.Receipt(sub, 1), receipt)
	put(t, store, forgotten.Manifest(), []byte("{}"))
	ledger := jobs{job("k").Job: record("k",
		plan.Attempt{ID: "image.1.1", PredictionID: "by-attempt", State: plan.AttemptEnded, Cost: trainset.USD(0.04)},
		plan.Attempt{ID: "image.2.1", State: plan.AttemptIntent, Model: model, Input: map[string]any{"prompt": "in-flight"}, Cost: trainset.USD(0.04)},
	)}
	other := predicted("of-somebody", time.Hour, replicate.StatusSucceeded)
	other.Model = "somebody/else"
	free := predicted("failed", 3*time.Hour, replicate.StatusFailed)
	b := audit(t, operate.Auditor{Ledger: ledger, Store: store, Provider: account{
		predicted("in-flight", time.Second, replicate.StatusStarting), predicted("by-attempt", time.Minute, replicate.StatusSucceeded), other,
		predicted("by-receipt", 2*time.Hour, replicate.StatusSucceeded), free, predicted("unknown", 4*time.Hour, replicate.StatusSucceeded),
		predicted("of-deleted", 5*time.Hour, replicate.StatusSucceeded), predicted("before", 25*time.Hour, replicate.StatusSucceeded),
	}})
	if b.Listed != 7 || b.Others != 1 || len(b.Unknown) != 2 || b.Unknown[0].ID != "failed" || b.Unknown[1].ID != "unknown" {
		t.Errorf("%d listed, %d of others, unknown %+v", b.Listed, b.Others, b.Unknown)
	}
	if len(b.Deleted) != 1 || b.Deleted[0].ID != "of-deleted" || b.Deleted[0].Job != job("deleted").Job || b.Costs.Deleted != trainset.USD(0.04) {
		t.Errorf("of deleted jobs: %+v, %s", b.Deleted, b.Costs.Deleted)
	}
	if b.Costs.Unknown != trainset.USD(0.04) || b.Costs.Spent != trainset.USD(0.08) || b.Costs.Attempts != 2 {
		t.Errorf("costs %+v", b.Costs)
	}
	if b.Clean() || len(b.Orphans)+len(b.Missing)+len(b.Wrong) > 0 {
		t.Errorf("found %+v", b)
	}
}

func TestAuditOfObjectsAndTotals(t *testing.T) {
	store := storage.NewDirectory(t.TempDir())
	lost, there := job("k").Root()+"/items/001.1.png", job("k").Root()+"/items/002.1.png"
	put(t, store, there, []byte("picture"))
	put(t, store, job("nobody").Root()+"/items/001.1.png", []byte("picture"))
	put(t, store, job("finished").Manifest(), []byte("{}")) // its record has expired
	put(t, store, job("finished").Unwanted(1, 4), []byte("{}"))
	put(t, store, "holiday/beach.png", []byte("not ours"))
	put(t, store, dataset.Upload(job("soon").Job), []byte("about to be enqueued"))
	r := record("k", plan.Attempt{ID: "image.1.1", Image: &plan.Image{Key: lost}, Cost: 5}, plan.Attempt{ID: "image.2.1", Image: &plan.Image{Key: there}})
	r.Spent = 7
	b := audit(t, operate.Auditor{Ledger: jobs{r.ID: r}, Store: store})
	if len(b.Orphans) != 1 || b.Orphans[0] != (operate.Orphans{Folder: job("nobody").Root(), Objects: 1, Bytes: 7}) {
		t.Errorf("orphans %+v", b.Orphans)
	}
	if len(b.Missing) != 1 || b.Missing[0] != (operate.Missing{Job: r.ID, Attempt: "image.1.1", Key: lost}) {
		t.Errorf("missing %+v", b.Missing)
	}
	if len(b.Wrong) != 1 || b.Wrong[0] != (operate.Discrepancy{Job: r.ID, Total: 7, Attempts: 5}) {
		t.Errorf("wrong %+v", b.Wrong)
	}
	if len(b.Skipped) != 1 {
		t.Errorf("without a token: %v", b.Skipped)
	}
	// An upload that nobody has enqueued for long is nobody's.
	now := now.Add(2 * time.Hour)
	later, err := operate.Auditor{Ledger: jobs{r.ID: r}, Store: store, Now: func() time.Time { return now }}.Audit(t.Context(), since)
	if err != nil || len(later.Orphans) != 2 {
		t.Errorf("two hours later: %+v, %v", later.Orphans, err)
	}
}

// What an audit does not look at it says.
// What is left of a deleted job is found, however much looks like one that is kept.
func TestAuditFindsWhatIsLeftOfDeletedJobs(t *testing.T) {
	store := storage.NewDirectory(t.TempDir())
	left := job("deleted")
	put(t, store, left.Manifest(), []byte("{}"))
	put(t, store, left.Plan(), []byte("{}"))
	put(t, store, dataset.Upload(left.Job), []byte("reference"))
	put(t, store, job("again").Manifest(), []byte("{}"))
	put(t, store, job("finished").Manifest(), []byte("{}"))
	r := record("again")
	b := audit(t, operate.Auditor{Ledger: jobs{r.ID: r}, Store: store})
	want := []operate.Orphans{{Job: left.Job, Folder: left.Root(), Objects: 2, Bytes: 4}, {Job: left.Job, Folder: dataset.Upload(left.Job), Objects: 1, Bytes: 9}}
	if !slices.Equal(b.Left, want) || len(b.Orphans) > 0 || b.Clean() {
		t.Errorf("left %+v, of nobody %+v", b.Left, b.Orphans)
	}
	if remedy := b.Left[0].Remedy(); remedy != "worker delete "+string(left.Job)+" --yes" {
		t.Error(remedy)
	}
}

func TestAuditSaysWhatItSkips(t *testing.T) {
	skipped := func(a operate.Auditor, since time.Time) operate.Books {
		t.Helper()
		a.Store, a.Now = storage.NewDirectory(t.TempDir()), func() time.Time { return now }
		b, err := a.Audit(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := skipped(operate.Auditor{Ledger: jobs{}, Provider: account{}}, since); len(b.Skipped) != 0 {
		t.Errorf("nothing is left out: %q", b.Skipped)
	}
	if b := skipped(operate.Auditor{Ledger: jobs{}, Simulated: true}, since); len(b.Skipped) != 1 || strings.Contains(b.Skipped[0], "TOKEN") || !strings.Contains(b.Skipped[0], "simulated") {
		t.Errorf("without a provider: %q", b.Skipped)
	}
	// A job that was deleted so long ago that nobody knows is no finding.
	old := account{predicted("of-deleted-long-ago", 40*24*time.Hour, replicate.StatusSucceeded)}
	b := skipped(operate.Auditor{Ledger: jobs{}, Provider: old}, now.Add(-60*24*time.Hour))
	if len(b.Unknown) != 0 || len(b.Skipped) != 1 || !strings.Contains(b.Skipped[0], "more than 30 days ago") || !b.Since.Equal(now.Add(-30*24*time.Hour)) {
		t.Errorf("before what is kept: %+v", b)
	}
}

func TestAuditOfMoreJobsThanItReads(t *testing.T) {
	store, ledger := storage.NewDirectory(t.TempDir()), jobs{}
	for i := range 4 {
		r := record(fmt.Sprint(i), plan.Attempt{ID: "image.1.1", PredictionID: fmt.Sprint(i), Cost: 4})
		r.CreatedAt = now.Add(-time.Duration(i) * time.Hour)
		ledger[r.ID] = r
	}
	refused := ledger[job("3").Job]
	refused.State, refused.Attempts, refused.Spent = trainset.JobFailed, nil, 0
	ledger[refused.ID] = refused
	put(t, store, dataset.Upload(refused.ID), []byte("is kept as long as the job may be tried again"))
	a := operate.Auditor{Ledger: ledger, Provider: account{}, Store: store, Most: 3, Now: func() time.Time { return now.Add(2 * time.Hour) }}
	b, err := a.Audit(t.Context(), since)
	if err != nil || len(b.Skipped) != 1 || !strings.Contains(b.Skipped[0], "2 jobs that are older than the 3 newest") {
		t.Errorf("%q, %v", b.Skipped, err)
	}
	if b.Jobs != 2 || b.Costs.Attempts != 2 || !b.Clean() {
		t.Errorf("%+v", b)
	}
}

// shifting is a ledger of which, whenever records are read, an old job is gone and
// a new one there.
type shifting struct {
	*ledger.Ledger

	t     *testing.T
	goes  []trainset.JobID
	reads map[trainset.JobID]int
}

func (s *shifting) LoadAll(ctx context.Context, ids ...trainset.JobID) ([]plan.Record, error) {
	records, err := s.Ledger.LoadAll(ctx, ids...)
	for _, r := range records {
		s.reads[r.ID]++
	}
	if n := len(s.goes); n > 0 {
		if err := s.Forget(ctx, s.goes[n-1], "ada", ""); err != nil {
			s.t.Error(err)
		}
		s.goes = s.goes[:n-1]
		asked(ctx, s.t, s.Ledger, fmt.Sprint("comes ", n))
	}
	return records, err
}

func asked(ctx context.Context, t *testing.T, l *ledger.Ledger, key string) trainset.JobID {
	t.Helper()
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", key, "https://example.com/zara.png"
	r, _, err := l.Create(ctx, req.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// While jobs come and go, each that stays is looked at once, and Redis is asked for
// no more than a page at a time.
func TestAuditReadsTheLedgerInPages(t *testing.T) {
	rdb := redistest.Server(t)
	l := &shifting{Ledger: ledger.New(rdb, ledger.Options{}), t: t, reads: map[trainset.JobID]int{}}
	var stays []trainset.JobID
	for i := range 1500 {
		if id := asked(t.Context(), t, l.Ledger, fmt.Sprint(i)); i%20 == 0 {
			l.goes = append(l.goes, id)
		} else {
			stays = append(stays, id)
			if i%3 == 0 { // it has ended
				err := errors.Join(l.Finish(t.Context(), id, ledger.Ending{State: trainset.JobFailed, Reason: "why"}), l.Close(t.Context(), id))
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	replies := &redistest.Replies{}
	rdb.AddHook(replies)
	store := storage.NewDirectory(t.TempDir())
	put(t, store, dataset.Upload(stays[0]), []byte("of a job"))
	put(t, store, dataset.Upload(job("nobody").Job), []byte("of none"))
	b, err := operate.Auditor{Ledger: l, Store: store, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }}.Audit(t.Context(), time.Now())
	if err != nil || len(b.Orphans) != 1 || b.Orphans[0].Folder != dataset.Upload(job("nobody").Job) || b.Jobs != len(l.reads) {
		t.Errorf("%+v, %v", b, err)
	}
	for _, id := range stays {
		if l.reads[id] != 1 {
			t.Errorf("%s was read %d times", id, l.reads[id])
		}
	}
	if most := replies.Most(); most > 520 {
		t.Errorf("one command returned %d", most)
	}
}
