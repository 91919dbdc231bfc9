package paid

import (
	"slices"
	"sync"
	"time"

	"github.com/actormaker/trainset/internal/replicate"
)

// Pace says when to poll. The provider answers a bounded number of questions
// a second, which all of an account's workers share, and of each all predictions
// that may be done; and it is no use to ask before a model usually answers. What
// was not asked lately is saved: who waits for few predictions, or knows when they
// end, asks more often than the budget has it for as long as that lasts.
type Pace struct {
	// PerSecond is the account's budget of questions; 40 when 0.
	PerSecond float64

	mu      sync.Mutex
	workers int // that share it; 1 when 0
	waiting int
	asked   time.Time                  // the last question
	spent   time.Duration              // of mostSaved: as long as the budget takes for what was asked beyond it
	seen    map[string][]time.Duration // by model, the latest last
}

const (
	pollAtLeast = 75 * time.Millisecond // between questions within the budget
	hurry       = 3                     // times as often, with what is saved
	mostSaved   = 10 * time.Second      // of the budget: with its questions a minute has 2800
	hurryFor    = 30 * time.Second      // that a prediction is asked about
	paceMemory  = 50                    // latencies kept a model
	paceLearnt  = 5                     // latencies before they are believed
)

// Enter counts a prediction that is polled until the returned function is called.
func (p *Pace) Enter() (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting--
	}
}

// First returns how long to wait before the first question about a prediction of
// an age: until four in five of the model's take longer.
func (p *Pace) First(model string, age time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := slices.Sorted(slices.Values(p.seen[model]))
	if len(seen) < paceLearnt {
		return 0
	}
	return max(0, seen[len(seen)/5]-age)
}

// Share says how many workers share the budget.
func (p *Pace) Share(workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = workers
}

// Next notes a question about a prediction, of which others have been asked for a
// time, and returns the time until the next one.
func (p *Pace) Next(polled time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	budget := p.PerSecond
	if budget == 0 {
		budget = 40
	}
	each := time.Duration(float64(max(p.workers, 1)) / budget * float64(time.Second))
	now := time.Now()
	if !p.asked.IsZero() {
		p.spent = max(0, p.spent-now.Sub(p.asked))
	}
	p.asked, p.spent = now, p.spent+each
	every := max(pollAtLeast, time.Duration(p.waiting)*each)
	if over := p.spent - mostSaved; over > 0 { // the first questions about others are not waited for
		return every + over
	}
	if polled > hurryFor {
		return every
	}
	return every / hurry
}

// Observe learns from a prediction that ended well.
func (p *Pace) Observe(model string, pred replicate.Prediction) {
	if pred.Status != replicate.StatusSucceeded || pred.CreatedAt.IsZero() || pred.CompletedAt.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = make(map[string][]time.Duration)
	}
	seen := append(p.seen[model], pred.CompletedAt.Sub(pred.CreatedAt))
	p.seen[model] = seen[max(0, len(seen)-paceMemory):]
}
