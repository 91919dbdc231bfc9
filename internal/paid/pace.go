package paid

import (
	"slices"
	"sync"
	"time"

	"github.com/actormaker/trainset/internal/replicate"
)

// Pace says when to poll. The provider answers a bounded number of questions
// a second, which all of an account's workers share, and of each all predictions
// that may be done; and it is no use to ask before a model usually answers.
type Pace struct {
	// PerSecond is the account's budget of questions; 40 when 0.
	PerSecond float64

	mu      sync.Mutex
	workers int // that share it; 1 when 0
	waiting int
	seen    map[string][]time.Duration // by model, the latest last
}

const (
	pollAtLeast = 75 * time.Millisecond
	paceMemory  = 50 // latencies kept a model
	paceLearnt  = 5  // latencies before they are believed
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

// Every returns the time between questions about one prediction.
func (p *Pace) Every() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	budget := p.PerSecond
	if budget == 0 {
		budget = 40
	}
	return max(pollAtLeast, time.Duration(float64(p.waiting*max(p.workers, 1))/budget*float64(time.Second)))
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
