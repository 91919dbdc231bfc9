package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// Auditor compares what the provider, the ledger and storage know. It changes
// nothing.
type Auditor struct {
	// Provider lists the account's predictions; nil where there is no token.
	Provider interface {
		List(ctx context.Context, q replicate.ListQuery) (replicate.Page, error)
		Get(ctx context.Context, id string) (replicate.Prediction, error)
	}
	Ledger interface {
		OpenJobs(ctx context.Context) ([]trainset.JobID, error)
		Recent(ctx context.Context, user string, n int) ([]trainset.JobID, error)
		Load(ctx context.Context, id trainset.JobID) (plan.Record, error)
		Disowned(ctx context.Context) (map[string]trainset.JobID, error)
	}
	Store storage.Store
	Now   func() time.Time
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

// Orphans are objects in a folder of a job that nobody knows.
type Orphans struct {
	Folder  string `json:"folder"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

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
	Missing []Missing     `json:"attempts_without_object"`
	Wrong   []Discrepancy `json:"wrong_totals"`
	Costs   Costs         `json:"costs"`
	Skipped []string      `json:"skipped"` // what could not be looked at, and why
}

// Clean reports whether nothing was found.
func (b Books) Clean() bool {
	return len(b.Unknown)+len(b.Orphans)+len(b.Missing)+len(b.Wrong) == 0
}

// lookBack bounds how many jobs the ledger is asked about.
const lookBack = 10_000

// Audit compares the books since a time. The provider is listed first, and the
// ledger read after it: what was journalled meanwhile is known.
func (a Auditor) Audit(ctx context.Context, since time.Time) (Books, error) {
	b := Books{
		Since: since.UTC(), Deleted: []Prediction{}, Unknown: []Prediction{}, Orphans: []Orphans{}, Missing: []Missing{}, Wrong: []Discrepancy{}, Skipped: []string{},
	}
	rows, err := a.list(ctx, since)
	if err != nil {
		return b, err
	}
	objects, err := a.Store.List(ctx, "")
	if err != nil {
		return b, fmt.Errorf("auditing storage: %w", err)
	}
	jobs, err := a.jobs(ctx)
	if err != nil {
		return b, err
	}
	b.Jobs, b.Stored, b.Listed = len(jobs), len(objects), len(rows)
	known, err := a.known(ctx, jobs, objects, since)
	if err != nil {
		return b, err
	}
	if a.Provider == nil {
		b.Skipped = append(b.Skipped, "the provider's predictions: REPLICATE_API_TOKEN is not set")
	}
	if err := a.unknown(ctx, &b, rows, known); err != nil {
		return b, err
	}
	b.orphans(objects, jobs, a.Now())
	b.costs(jobs)
	return b, a.missing(ctx, &b, objects, jobs)
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

// jobs reads every job that the ledger knows.
func (a Auditor) jobs(ctx context.Context) (map[trainset.JobID]plan.Record, error) {
	open, err := a.Ledger.OpenJobs(ctx)
	if err != nil {
		return nil, fmt.Errorf("auditing the ledger: %w", err)
	}
	recent, err := a.Ledger.Recent(ctx, "", lookBack)
	if err != nil {
		return nil, fmt.Errorf("auditing the ledger: %w", err)
	}
	jobs := make(map[trainset.JobID]plan.Record, len(recent))
	for _, id := range append(open, recent...) {
		if _, read := jobs[id]; read {
			continue
		}
		r, err := a.Ledger.Load(ctx, id)
		if errors.Is(err, trainset.ErrNotFound) {
			continue // expired, or deleted just now
		}
		if err != nil {
			return nil, fmt.Errorf("auditing the ledger: %w", err)
		}
		jobs[id] = r
	}
	return jobs, nil
}

// knowledge is what is known of predictions.
type knowledge struct {
	ids     map[string]bool
	asks    []plan.Attempt // whose create has not been answered yet
	deleted map[string]trainset.JobID
}

// known collects the predictions of the ledger's attempts and, where the ledger
// has forgotten a job, of the receipts in storage.
func (a Auditor) known(ctx context.Context, jobs map[trainset.JobID]plan.Record, objects []storage.Info, since time.Time) (knowledge, error) {
	k := knowledge{ids: map[string]bool{}}
	var err error
	if k.deleted, err = a.Ledger.Disowned(ctx); err != nil {
		return k, fmt.Errorf("auditing the ledger: %w", err)
	}
	for _, r := range jobs {
		for _, t := range r.Attempts {
			k.ids[t.PredictionID] = true
			if t.PredictionID == "" && t.State == plan.AttemptIntent {
				k.asks = append(k.asks, t)
			}
		}
	}
	for _, o := range objects {
		l, _ := place(o.Key)
		if _, inLedger := jobs[l.Job]; inLedger || o.ModTime.Before(since) {
			continue
		}
		t, err := receipt(ctx, a.Store, o.Key)
		if err != nil {
			return k, fmt.Errorf("auditing: %w", err)
		}
		k.ids[t.PredictionID] = true
	}
	return k, nil
}

// unknown finds the predictions of our models that nobody knows, or that were
// a deleted job's.
func (a Auditor) unknown(ctx context.Context, b *Books, rows []replicate.Prediction, k knowledge) error {
	for _, p := range rows {
		if k.ids[p.ID] {
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
// plan or manifest. Objects that are nowhere near a job are not ours.
func (b *Books) orphans(objects []storage.Info, jobs map[trainset.JobID]plan.Record, now time.Time) {
	known := map[string]bool{}
	for _, r := range jobs {
		known[dataset.Layout{User: r.User, Kind: r.Kind, Subject: r.Subject, Job: r.ID}.Root()] = true
	}
	found := map[string]Orphans{}
	for _, o := range objects {
		folder := ""
		if l, ok := place(o.Key); ok {
			folder = l.Root()
			known[folder] = known[folder] || o.Key == l.Plan() || o.Key == l.Manifest()
		} else if id, ok := strings.CutPrefix(o.Key, dataset.Upload("")); ok {
			folder = o.Key
			_, known[folder] = jobs[trainset.JobID(id)]
			known[folder] = known[folder] || now.Sub(o.ModTime) < dataset.UploadGrace
		} else {
			continue
		}
		f := found[folder]
		found[folder] = Orphans{Folder: folder, Objects: f.Objects + 1, Bytes: f.Bytes + o.Size}
	}
	for _, folder := range slices.Sorted(maps.Keys(found)) {
		if !known[folder] {
			b.Orphans = append(b.Orphans, found[folder])
		}
	}
}

// missing finds what attempts say that they stored and storage does not have.
// What was stored since the objects were listed is asked for by itself.
func (a Auditor) missing(ctx context.Context, b *Books, objects []storage.Info, jobs map[trainset.JobID]plan.Record) error {
	stored := make(map[string]bool, len(objects))
	for _, o := range objects {
		stored[o.Key] = true
	}
	for _, r := range jobs {
		for _, t := range r.Attempts {
			if t.Image == nil || stored[t.Image.Key] {
				continue
			}
			_, err := a.Store.Stat(ctx, t.Image.Key)
			switch {
			case errors.Is(err, storage.ErrNotFound):
				b.Missing = append(b.Missing, Missing{r.ID, t.ID, t.Image.Key})
			case err != nil:
				return fmt.Errorf("auditing storage: %w", err)
			}
		}
	}
	slices.SortFunc(b.Missing, func(x, y Missing) int { return cmp.Compare(x.Key, y.Key) })
	return nil
}

// costs adds up what attempts cost, and compares the totals of their jobs.
func (b *Books) costs(jobs map[trainset.JobID]plan.Record) {
	for _, r := range jobs {
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
	slices.SortFunc(b.Wrong, func(x, y Discrepancy) int { return cmp.Compare(x.Job, y.Job) })
}
