package paid

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/actormaker/trainset/internal/plan"
)

// spell counts how often the provider has failed in one kind of call since it last
// did what was asked, for whatever job that was.
type spell struct{ failures atomic.Int64 }

// fails counts a failure, and reports whether it is not the only one.
func (s *spell) fails() bool { return s.failures.Add(1) >= manyFailures }

func (s *spell) over() { s.failures.Store(0) }

const (
	// manyFailures in a row, of all jobs together, are the provider's, and no hiccup.
	manyFailures = 3
	// searchTakes is about how long is looked for what may have been accepted.
	searchTakes = 90 * time.Second
)

// failing counts a call that is repeated after a pause, and says what it waits for
// where the provider does nothing of the kind for anybody.
func (p *Payer) failing(ctx context.Context, a plan.Attempt, s *spell, err error, pause time.Duration) {
	if s.fails() {
		p.o.Outage(ctx, a.Job, err, pause)
	}
}
