package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// Auditor compares what the provider, the ledger and storage know. It changes
// nothing.
type Auditor struct {
	// Provider lists the account's predictions; nil where there is no token, or
	// where it is simulated.
	Provider interface {
		List(ctx context.Context, q replicate.ListQuery) (replicate.Page, error)
		Get(ctx context.Context, id string) (replicate.Prediction, error)
	}
	Ledger interface {
		OpenPages(ctx context.Context) iter.Seq2[[]trainset.JobID, error] // a job may come twice
		RecentPages(ctx context.Context, user string) iter.Seq2[[]trainset.JobID, error]
		LoadAll(ctx context.Context, ids ...trainset.JobID) ([]plan.Record, error)
		Disowned(ctx context.Context, wanted func(prediction string) bool) (map[string]trainset.JobID, error)
		DeletedJobs(ctx context.Context, wanted func(trainset.JobID) bool) (map[trainset.JobID]bool, error)
	}
	Store     storage.Store
	Simulated bool          // why there is no provider
	Keep      time.Duration // how long the ledger keeps what it knows; 30 days when 0
	Most      int           // jobs that are looked at; the 10,000 newest when 0
	Now       func() time.Time
}

func (a Auditor) withDefaults() Auditor {
	a.Keep, a.Most = cmp.Or(a.Keep, ledger.Keep), cmp.Or(a.Most, 10_000)
	return a
}

// Prediction is one that the provider made and that is in no record here.
type Prediction struct {
	Job     trainset.JobID   `json:"job_id,omitempty"` // that was deleted
	ID      string           `json:"prediction_id"`
	Model   string           `json:"model"`
	Status  replicate.Status `json:"status"`
	Created time.Time        `json:"created_at"`
	Price   trainset.Money   `json:"price_usd"` // at list prices; 0 where it made nothing
}

// Orphans are objects in a folder of a job that nobody knows, or that was deleted.
type Orphans struct {
	Job     trainset.JobID `json:"job_id,omitempty"` // that was deleted
	Folder  string         `json:"folder"`
	Objects int            `json:"objects"`
	Bytes   int64          `json:"bytes"`
}

// Remedy is the command that removes what is left of a deleted job.
func (o Orphans) Remedy() string { return fmt.Sprintf("worker delete %s --yes", o.Job) }

// Missing is an object that the ledger names and storage does not have.
type Missing struct {
	Job     trainset.JobID `json:"job_id"`
	Attempt string         `json:"attempt"`
	Key     string         `json:"key"`
}

// Discrepancy is a job whose total differs from the sum of its attempts.
type Discrepancy struct {
	Job      trainset.JobID `json:"job_id"`
	Total    trainset.Money `json:"total_usd"`
	Attempts trainset.Money `json:"attempts_usd"`
}

// Costs are those of the attempts that began in the period.
type Costs struct {
	Attempts int            `json:"attempts"`
	Paid     int            `json:"paid"` // attempts that cost something
	Spent    trainset.Money `json:"spent_usd"`
	Unknown  trainset.Money `json:"unknown_usd"` // of predictions that nobody knows
	Deleted  trainset.Money `json:"deleted_usd"` // of the predictions of deleted jobs, at list prices
}

// Books are what an audit found.
type Books struct {
	Since  time.Time `json:"since"`
	Jobs   int       `json:"jobs"`    // that the ledger knows
	Stored int       `json:"objects"` // in storage
	// Listed counts the provider's predictions in the period, Others those of
	// models that are none of ours: somebody else uses the account, too.
	Listed int `json:"predictions"`
	Others int `json:"other_predictions"`

	Deleted []Prediction  `json:"deleted_predictions"` // of jobs that were deleted: no finding
	Unknown []Prediction  `json:"unknown_predictions"`
	Orphans []Orphans     `json:"objects_without_job"`
	Left    []Orphans     `json:"objects_of_deleted_jobs"`
	Missing []Missing     `json:"attempts_without_object"`
	Wrong   []Discrepancy `json:"wrong_totals"`
	Costs   Costs         `json:"costs"`
	Skipped []string      `json:"skipped"` // what could not be looked at, and why
}

// Clean reports whether nothing was found.
func (b Books) Clean() bool {
	return len(b.Unknown)+len(b.Orphans)+len(b.Left)+len(b.Missing)+len(b.Wrong) == 0
}

// Audit compares the books since a time, or since the ledger keeps what it knows.
// The provider is listed first, and the ledger read after it: what was journalled
// meanwhile is known.
func (a Auditor) Audit(ctx context.Context, since time.Time) (Books, error) {
	a = a.withDefaults()
	b := Books{Deleted: []Prediction{}, Unknown: []Prediction{}, Orphans: []Orphans{}, Left: []Orphans{}, Missing: []Missing{}, Wrong: []Discrepancy{}, Skipped: []string{}}
	if kept := a.Now().Add(-a.Keep); since.Before(kept) {
		since = kept
		b.skip("predictions and costs of more than %d days ago: the ledger does not keep longer what it knows of jobs that have ended or were deleted", a.Keep/(24*time.Hour))
	}
	b.Since = since.UTC()
	rows, err := a.list(ctx, since)
	if err != nil {
		return b, err
	}
	objects, err := a.Store.List(ctx, "")
	if err != nil {
		return b, fmt.Errorf("auditing storage: %w", err)
	}
	k, err := a.known(ctx, &b, rows, objects)
	if err != nil {
		return b, err
	}
	b.Stored, b.Listed = len(objects), len(rows)
	if err := a.receipts(ctx, k, objects, since); err != nil {
		return b, err
	}
	switch {
	case a.Provider != nil:
	case a.Simulated:
		b.skip("the provider's predictions: the provider is simulated, and costs nothing")
	default:
		b.skip("the provider's predictions: REPLICATE_API_TOKEN is not set")
	}
	if err := a.unknown(ctx, &b, rows, k); err != nil {
		return b, err
	}
	b.orphans(objects, k, a.Now())
	if err := a.left(ctx, &b); err != nil {
		return b, err
	}
	return b, a.missing(ctx, &b, k)
}

func (b *Books) skip(format string, args ...any) {
	b.Skipped = append(b.Skipped, fmt.Sprintf(format, args...))
}

// list reads the provider's predictions since a time, the newest first.
func (a Auditor) list(ctx context.Context, since time.Time) ([]replicate.Prediction, error) {
	if a.Provider == nil {
		return nil, nil
	}
	var rows []replicate.Prediction
	for q := (replicate.ListQuery{CreatedAfter: since}); ; {
		page, err := a.Provider.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("auditing the provider: %w", err)
		}
		for _, p := range page.Predictions {
			if !p.CreatedAt.Before(since) {
				rows = append(rows, p)
			}
		}
		last := len(page.Predictions) - 1
		if page.Next == "" || last >= 0 && page.Predictions[last].CreatedAt.Before(since) {
			return rows, nil
		}
		q.Cursor = page.Next
	}
}

// knowledge is what the ledger and receipts know. Of the ledger's records it keeps
// no more than the comparing needs: there may be many.
type knowledge struct {
	jobs        map[trainset.JobID]bool // whose records were read
	listed      map[trainset.JobID]bool // that storage has something of, with whether the ledger lists the job
	removed     map[trainset.JobID]bool // of these that were deleted, and that the ledger does not list
	folders     map[string]bool         // of the jobs
	predictions map[string]bool         // that the provider lists, with whether they are known
	stored      map[string]bool         // keys of objects
	asks        []plan.Attempt          // whose create has not been answered yet
	missing     []Missing               // images that attempts say they stored
	deleted     map[string]trainset.JobID
}

// wanting is what there is to know of.
func wanting(rows []replicate.Prediction, objects []storage.Info) *knowledge {
	k := &knowledge{
		jobs: map[trainset.JobID]bool{}, listed: map[trainset.JobID]bool{}, folders: map[string]bool{},
		predictions: make(map[string]bool, len(rows)), stored: make(map[string]bool, len(objects)),
	}
	for _, p := range rows {
		k.predictions[p.ID] = false
	}
	for _, o := range objects {
		k.stored[o.Key] = true
		if id, ok := jobOf(o.Key); ok {
			k.listed[id] = false
		}
	}
	return k
}

// jobsAtOnce is how many records are read, and held, at a time.
const jobsAtOnce = 50

// known reads what the ledger knows, and adds up what its jobs cost.
func (a Auditor) known(ctx context.Context, b *Books, rows []replicate.Prediction, objects []storage.Info) (*knowledge, error) {
	k := wanting(rows, objects)
	if err := a.look(ctx, b, k); err != nil {
		return nil, fmt.Errorf("auditing the ledger: %w", err)
	}
	b.Jobs = len(k.jobs)
	slices.SortFunc(b.Wrong, func(x, y Discrepancy) int { return cmp.Compare(x.Job, y.Job) })
	return k, nil
}

// look reads the records of all open jobs and of the newest others. What else the
// ledger lists it only notes.
func (a Auditor) look(ctx context.Context, b *Books, k *knowledge) (err error) {
	for ids, err := range a.Ledger.OpenPages(ctx) {
		if err == nil {
			err = a.read(ctx, b, k, ids)
		}
		if err != nil {
			return err
		}
	}
	seen := 0
	for ids, err := range a.Ledger.RecentPages(ctx, "") {
		if err == nil {
			err = a.read(ctx, b, k, ids[:max(0, min(len(ids), a.Most-seen))])
		}
		if err != nil {
			return err
		}
		k.list(ids)
		seen += len(ids)
	}
	if more := seen - a.Most; more > 0 {
		b.skip("%d jobs that are older than the %d newest: of those that have ended only what is in storage was looked at", more, a.Most)
	}
	if k.deleted, err = a.Ledger.Disowned(ctx, func(id string) bool { _, made := k.predictions[id]; return made }); err != nil {
		return err
	}
	k.removed, err = a.Ledger.DeletedJobs(ctx, func(id trainset.JobID) bool {
		listed, stored := k.listed[id]
		return stored && !listed && !k.jobs[id]
	})
	return err
}

// read learns from the records of jobs, of each once, however often it is named.
func (a Auditor) read(ctx context.Context, b *Books, k *knowledge, ids []trainset.JobID) error {
	for some := range slices.Chunk(ids, jobsAtOnce) {
		some = slices.DeleteFunc(slices.Clone(some), func(id trainset.JobID) bool { return k.jobs[id] })
		records, err := a.Ledger.LoadAll(ctx, some...) // without those that have expired, or were deleted just now
		if err != nil {
			return err
		}
		for _, r := range records {
			if !k.jobs[r.ID] {
				k.learn(r)
				b.cost(r)
			}
		}
	}
	return nil
}

// list notes that there may be records of jobs.
func (k *knowledge) list(ids []trainset.JobID) {
	for _, id := range ids {
		if _, stored := k.listed[id]; stored {
			k.listed[id] = true
		}
	}
}

func (k *knowledge) learn(r plan.Record) {
	k.jobs[r.ID] = true
	k.folders[layoutOf(r).Root()] = true
	for _, t := range r.Attempts {
		if _, made := k.predictions[t.PredictionID]; made {
			k.predictions[t.PredictionID] = true
		}
		if t.PredictionID == "" && t.State == plan.AttemptIntent {
			k.asks = append(k.asks, t)
		}
		if t.Image != nil && !k.stored[t.Image.Key] {
			k.missing = append(k.missing, Missing{r.ID, t.ID, t.Image.Key})
		}
	}
}

// receipts adds the predictions of jobs that the ledger has forgotten.
func (a Auditor) receipts(ctx context.Context, k *knowledge, objects []storage.Info, since time.Time) error {
	for _, o := range objects {
		if l, _ := place(o.Key); k.jobs[l.Job] || o.ModTime.Before(since) {
			continue
		}
		t, err := receipt(ctx, a.Store, o.Key)
		if err != nil {
			return fmt.Errorf("auditing: %w", err)
		}
		k.predictions[t.PredictionID] = true
	}
	return nil
}

// unknown finds the predictions of our models that nobody knows, or that were
// a deleted job's.
func (a Auditor) unknown(ctx context.Context, b *Books, rows []replicate.Prediction, k *knowledge) error {
	for _, p := range rows {
		if k.predictions[p.ID] {
			continue
		}
		m, err := replicate.Find(p.Model)
		if err != nil {
			b.Others++
			continue
		}
		asked, err := a.asked(ctx, p, k.asks)
		if err != nil {
			return err
		}
		if asked {
			continue
		}
		u := Prediction{Job: k.deleted[p.ID], ID: p.ID, Model: p.Model, Status: p.Status, Created: p.CreatedAt}
		if !p.Terminal() || p.Status == replicate.StatusSucceeded || p.Status == replicate.StatusCanceled && !p.StartedAt.IsZero() {
			u.Price = m.Price
		}
		if u.Job != "" {
			b.Costs.Deleted += u.Price
			b.Deleted = append(b.Deleted, u)
			continue
		}
		b.Costs.Unknown += u.Price
		b.Unknown = append(b.Unknown, u)
	}
	return nil
}

// asked reports whether a prediction is of an attempt whose worker does not
// know its ID yet. It will find it; it is not unknown.
func (a Auditor) asked(ctx context.Context, p replicate.Prediction, asks []plan.Attempt) (bool, error) {
	for _, t := range asks {
		if t.Model != p.Model {
			continue
		}
		if p.Input == nil && !p.DataRemoved { // lists may leave inputs out
			var err error
			if p, err = a.Provider.Get(ctx, p.ID); err != nil {
				return false, fmt.Errorf("auditing the provider: %w", err)
			}
		}
		if replicate.MatchInput(t.Input, p.Input) {
			return true, nil
		}
	}
	return false, nil
}

// orphans finds the folders of jobs that neither the ledger knows nor their own
// plan or manifest, and those of jobs that were deleted, whatever is in them.
// Objects that are nowhere near a job are not ours.
func (b *Books) orphans(objects []storage.Info, k *knowledge, now time.Time) {
	known := maps.Clone(k.folders)
	found := map[string]Orphans{}
	for _, o := range objects {
		folder := ""
		if l, ok := place(o.Key); ok {
			folder = l.Root()
			known[folder] = known[folder] || o.Key == l.Plan() || o.Key == l.Manifest()
		} else if id, ok := strings.CutPrefix(o.Key, dataset.Upload("")); ok {
			folder = o.Key
			known[folder] = k.jobs[trainset.JobID(id)] || k.listed[trainset.JobID(id)] || now.Sub(o.ModTime) < dataset.UploadGrace
		} else {
			continue
		}
		f := found[folder]
		id, _ := jobOf(o.Key)
		found[folder] = Orphans{Job: id, Folder: folder, Objects: f.Objects + 1, Bytes: f.Bytes + o.Size}
	}
	for _, folder := range slices.Sorted(maps.Keys(found)) {
		f := found[folder]
		switch {
		case k.removed[f.Job]:
			b.Left = append(b.Left, f)
		case !known[folder]:
			f.Job = ""
			b.Orphans = append(b.Orphans, f)
		}
	}
}

// left keeps of the folders of deleted jobs those that are still there: a job may
// have been deleted while its objects were listed.
func (a Auditor) left(ctx context.Context, b *Books) error {
	still := b.Left[:0]
	for _, f := range b.Left {
		objects, err := a.Store.List(ctx, f.Folder)
		if err != nil {
			return fmt.Errorf("auditing storage: %w", err)
		}
		if len(objects) > 0 {
			still = append(still, f)
		}
	}
	b.Left = still
	return nil
}

// jobOf reads off an object's key which job it is of: one in the job's folder, or
// the image that was uploaded for it.
func jobOf(key string) (trainset.JobID, bool) {
	if l, ok := place(key); ok {
		return l.Job, true
	}
	id, ok := strings.CutPrefix(key, dataset.Upload(""))
	return trainset.JobID(id), ok
}

// missing finds what attempts say that they stored and storage does not have.
// What was stored since the objects were listed is asked for by itself.
func (a Auditor) missing(ctx context.Context, b *Books, k *knowledge) error {
	for _, m := range k.missing {
		_, err := a.Store.Stat(ctx, m.Key)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			b.Missing = append(b.Missing, m)
		case err != nil:
			return fmt.Errorf("auditing storage: %w", err)
		}
	}
	slices.SortFunc(b.Missing, func(x, y Missing) int { return cmp.Compare(x.Key, y.Key) })
	return nil
}

// cost adds what a job's attempts cost, and compares it with the job's total.
func (b *Books) cost(r plan.Record) {
	sum := trainset.Money(0)
	for _, t := range r.Attempts {
		sum += t.Cost
		if t.CreatedAt.Before(b.Since) || r.Plan == nil || r.Plan.Simulate {
			continue
		}
		b.Costs.Attempts++
		b.Costs.Spent += t.Cost
		if t.Cost > 0 {
			b.Costs.Paid++
		}
	}
	if sum != r.Spent {
		b.Wrong = append(b.Wrong, Discrepancy{r.ID, r.Spent, sum})
	}
}
