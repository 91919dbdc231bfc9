package paid

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/wait"
)

// Verdict is what a look for a prediction came to.
type Verdict int

const (
	// FoundPrediction: the provider has it.
	FoundPrediction Verdict = iota + 1
	// FoundAbsent: the provider certainly does not have it.
	FoundAbsent
	// FoundJournalled: another handler has journalled its ID meanwhile.
	FoundJournalled
	// FoundElsewhere: it was asked for under another account, and is not in the list
	// of ours; only the other's list could prove that there is none.
	FoundElsewhere
	// FoundTooLate: inputs vanish at the provider; nothing can be learnt any more.
	FoundTooLate
)

// Found is a verdict, with the prediction where there is one.
type Found struct {
	Verdict    Verdict
	Prediction replicate.Prediction
}

// Lister lists the account's predictions, the newest first.
type Lister interface {
	List(ctx context.Context, q replicate.ListQuery) (replicate.Page, error)
	Get(ctx context.Context, id string) (replicate.Prediction, error)
}

// Attempts reads what the journal knows of a job: an attempt, and which
// predictions are taken.
type Attempts interface {
	Attempt(ctx context.Context, job trainset.JobID, id string) (plan.Attempt, error)
	Predictions(ctx context.Context, job trainset.JobID) (map[string]bool, error)
}

// Search finds orphans: it lists the account's predictions and compares
// inputs. However many look at once, they share each listing.
type Search struct {
	lister   Lister
	attempts Attempts
	o        SearchOptions

	mu   sync.Mutex // held while listing, so that others wait for its result
	last listing

	reading sync.Mutex                      // held while reading a row, likewise
	whole   map[string]replicate.Prediction // what was read of the listed ones
}

// SearchOptions adjust a Search.
type SearchOptions struct {
	Grace    time.Duration // from intent to when absence counts: the create's timeout + 30 s; 40 s when 0
	Skew     time.Duration // of clocks that are kept right; 2 minutes when 0
	Apart    time.Duration // from any worker's clock to the provider's at most; 10 minutes when 0
	Lifetime time.Duration // how long inputs can be compared; 50 minutes when 0
	Interval time.Duration // between listings; 2 s when 0
	Account  string        // whose predictions are listed; any when empty
}

// NewSearch makes a Search.
func NewSearch(l Lister, a Attempts, o SearchOptions) *Search {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&o.Grace, 40*time.Second)
	set(&o.Skew, 2*time.Minute)
	set(&o.Apart, 10*time.Minute)
	set(&o.Lifetime, 50*time.Minute)
	set(&o.Interval, 2*time.Second)
	return &Search{lister: l, attempts: a, o: o, whole: map[string]replicate.Prediction{}}
}

// span is a part of the provider's time. Without an end it lasts.
type span struct{ from, to time.Time }

func (s span) has(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || !t.After(s.to))
}

func (s span) covers(other span) bool {
	return !s.from.After(other.from) && (s.to.IsZero() || !other.to.IsZero() && !other.to.After(s.to))
}

// query asks for a second more at both ends: whether the provider counts a bound
// itself, and parts of a second, it does not say.
func (s span) query() replicate.ListQuery {
	q := replicate.ListQuery{CreatedAfter: s.from.Add(-time.Second)}
	if !s.to.IsZero() {
		q.CreatedBefore = s.to.Add(time.Second)
	}
	return q
}

// asked is when an attempt was asked for at the latest, for a look that began at
// a time. The clock of who journalled the intent may have been ahead of ours, but
// it was journalled before we looked for what became of it.
func asked(a plan.Attempt, began time.Time) time.Time {
	if a.IntentAt.After(began) {
		return began
	}
	return a.IntentAt
}

// counted is when an attempt's absence begins to count, for a look that began at a
// time. An intent of another worker is dated by a clock that may be behind ours, so
// what it says has passed of the grace may not have. But it was journalled before we
// looked: the grace is over when it has passed since then, or when the intent is so
// old that both clocks together do not explain it.
func (s *Search) counted(a plan.Attempt, began time.Time) time.Time {
	if !a.TakenOver {
		return asked(a, began).Add(s.o.Grace)
	}
	since, old := began.Add(s.o.Grace), a.IntentAt.Add(s.o.Grace+2*s.o.Apart)
	if old.Before(since) {
		return old
	}
	return since
}

// span is when an attempt's prediction was created if it was, for a look that
// began at a time. The intent may be dated by a clock that was ahead of the
// provider's, for which it begins earlier, or behind, for which it ends later. What
// is to prove absence covers all that clocks may differ by; as long as it may still
// come, a look at what clocks that are kept right allow will do, which is far fewer
// rows. The end is left open while it is to come. An intent that lies further ahead
// of us than clocks that are kept right does not say when it was: then it may have
// been whenever inputs could still be compared.
func (s *Search) span(a plan.Attempt, began, now time.Time, proof bool) span {
	if a.IntentAt.Sub(began) > s.o.Skew {
		return span{from: began.Add(-s.o.Lifetime - s.o.Apart)} // nor when it was not: ours may be behind
	}
	before := s.o.Skew
	if proof {
		before = s.o.Apart
	}
	at := asked(a, began)
	of := span{at.Add(-before), at.Add(s.o.Grace + s.o.Apart)}
	if of.to.After(now) {
		of.to = time.Time{}
	}
	return of
}

// listing is one complete reading of the account's predictions.
type listing struct {
	started time.Time
	span    span
	rows    []replicate.Prediction
}

// complete is how many whole listings without a prediction prove that there is none.
const complete = 2

// elsewhere reports whether an attempt was asked for under another account. It may
// be the same one under another token: then our list has its prediction.
func (s *Search) elsewhere(a plan.Attempt) bool {
	return a.Account != "" && s.o.Account != "" && a.Account != s.o.Account
}

// Find implements Finder. It returns as soon as a listing has the prediction,
// and its absence only after the grace and two complete listings; of an attempt
// under another account that it is not ours to know, after one.
func (s *Search) Find(ctx context.Context, a plan.Attempt) (Found, error) {
	began := time.Now()
	counted := s.counted(a, began) // what is listed after this
	for clean, failures := 0, 0; ; {
		now := time.Now()
		if age(a, began) > s.o.Lifetime {
			return Found{Verdict: FoundTooLate}, nil
		}
		if j, err := s.attempts.Attempt(ctx, a.Job, a.ID); err != nil {
			return Found{}, fmt.Errorf("reading the journal: %w", err)
		} else if j.Version != a.Version {
			return Found{Verdict: FoundJournalled}, nil
		}
		proof := now.After(counted) || s.elsewhere(a)
		created := s.span(a, began, now, proof)
		l, err := s.list(ctx, created, now.Add(-time.Second))
		pause := s.o.Interval
		if err != nil {
			pause = max(pause, backoff(failures))
			failures++
		} else {
			pred, ok, err := s.match(ctx, a, created, l.rows)
			if err != nil {
				return Found{}, err
			}
			if ok {
				return Found{Verdict: FoundPrediction, Prediction: pred}, nil
			}
			if s.elsewhere(a) {
				return Found{Verdict: FoundElsewhere}, nil
			}
			if proof && l.started.After(counted) {
				counted = l.started
				clean++
			}
			if clean == complete {
				return Found{Verdict: FoundAbsent}, nil
			}
		}
		if err := wait.For(ctx, pause); err != nil {
			return Found{}, err
		}
	}
}

// list returns a complete listing of a span that was started no earlier than a
// time.
func (s *Search) list(ctx context.Context, of span, notBefore time.Time) (listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.started.Before(notBefore) && s.last.span.covers(of) {
		return s.last, nil
	}
	l := listing{started: time.Now(), span: of}
	q := of.query()
	for {
		page, err := s.lister.List(ctx, q)
		if err != nil {
			return listing{}, fmt.Errorf("listing predictions: %w", err)
		}
		l.rows = append(l.rows, page.Predictions...)
		if page.Next == "" || reaches(page.Predictions, of.from) {
			break
		}
		q.Cursor = page.Next
	}
	s.last = l
	s.forget(l.rows)
	return l, nil
}

// forget drops what is listed no more.
func (s *Search) forget(listed []replicate.Prediction) {
	s.reading.Lock()
	defer s.reading.Unlock()
	kept := make(map[string]replicate.Prediction, len(s.whole))
	for _, row := range listed {
		if p, ok := s.whole[row.ID]; ok {
			kept[row.ID] = p
		}
	}
	s.whole = kept
}

// read returns a prediction with its input, which never changes: it is asked
// for once, however many look and however often.
func (s *Search) read(ctx context.Context, id string) (replicate.Prediction, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if p, ok := s.whole[id]; ok {
		return p, nil
	}
	p, err := s.lister.Get(ctx, id)
	if err != nil {
		return p, fmt.Errorf("reading a prediction: %w", err)
	}
	if p.Input != nil {
		s.whole[id] = p
	}
	return p, nil
}

// reaches reports whether a page, newest first, ends before a time.
func reaches(rows []replicate.Prediction, back time.Time) bool {
	return len(rows) > 0 && rows[len(rows)-1].CreatedAt.Before(back)
}

// match finds the attempt's prediction among rows of its span that no attempt of
// its job has taken. Rows without input are fetched whole.
func (s *Search) match(ctx context.Context, a plan.Attempt, created span, rows []replicate.Prediction) (replicate.Prediction, bool, error) {
	taken, err := s.attempts.Predictions(ctx, a.Job)
	if err != nil {
		return replicate.Prediction{}, false, fmt.Errorf("reading the journal: %w", err)
	}
	for _, row := range rows {
		if taken[row.ID] || !created.has(row.CreatedAt) || row.Model != "" && row.Model != a.Model {
			continue
		}
		if row.Input == nil && !row.DataRemoved {
			if row, err = s.read(ctx, row.ID); err != nil {
				return replicate.Prediction{}, false, err
			}
		}
		if replicate.MatchInput(a.Input, row.Input) {
			return row, true, nil
		}
	}
	return replicate.Prediction{}, false, nil
}
