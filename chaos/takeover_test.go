//go:build unix

package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// takeovers measures how long the tasks of killed workers lay idle: from the
// kill until another worker has the task in hand, or it is no longer needed.
type takeovers struct {
	ledger *ledger.Ledger
	fleet  *fleet
	goal   time.Duration
	watch  sync.WaitGroup

	mu       sync.Mutex
	broken   []span // when Redis or the way to it was down
	tasks    int
	longest  time.Duration // while somebody was there to take over, and Redis was
	hampered time.Duration // otherwise
	late     []string      // what took longest, for a person
}

type span struct{ from, to time.Time }

// disturbed notes that Redis could not be reached for a while.
func (t *takeovers) disturbed(from, to time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = append(t.broken, span{from, to})
}

// follow watches what a dead worker held.
func (t *takeovers) follow(ctx context.Context, dead string, at time.Time) {
	t.watch.Go(func() {
		var held map[trainset.JobID][]string
		until(ctx, 100*time.Millisecond, func() (ok bool) { // Redis may be down
			var err error
			held, err = t.ledger.Held(ctx, dead)
			return err == nil
		})
		idle := map[string]trainset.JobID{}
		for job, ids := range held {
			if _, err := trainset.ParseJobID(string(job)); err != nil {
				continue // a task that a producer named: the job it makes has tasks of its own
			}
			for _, id := range ids {
				idle[withoutRevision(id)] = job
			}
		}
		for n := 0; len(idle) > 0; n++ {
			if n%8 == 7 { // it reads much, and the workers need the processor, too
				t.dropDone(ctx, dead, idle, at)
			}
			t.dropTaken(ctx, dead, idle, at)
			if !pause(ctx, 100*time.Millisecond) {
				return
			}
		}
	})
}

// withoutRevision is what a task is for: "job:image.3" of "job:image.3:2".
func withoutRevision(id string) string { return id[:max(0, strings.LastIndexByte(id, ':'))] }

// dropTaken takes out what other workers have in hand.
func (t *takeovers) dropTaken(ctx context.Context, dead string, idle map[string]trainset.JobID, at time.Time) {
	beats, err := t.ledger.Beats(ctx)
	if err != nil {
		return
	}
	for owner := range beats {
		if owner == dead {
			continue
		}
		held, err := t.ledger.Held(ctx, owner)
		if err != nil {
			return
		}
		for _, ids := range held {
			for _, id := range ids {
				t.taken(withoutRevision(id), dead, idle, at)
			}
		}
	}
}

// dropDone takes out what its job no longer needs.
func (t *takeovers) dropDone(ctx context.Context, dead string, idle map[string]trainset.JobID, at time.Time) {
	jobs := slices.Compact(slices.Sorted(maps.Values(idle)))
	records, err := t.ledger.LoadAll(ctx, jobs...)
	if err != nil {
		return
	}
	needed := map[string]bool{}
	for _, r := range records {
		for _, s := range plan.Needed(r) {
			needed[withoutRevision(s.TaskID(r.ID))] = true
		}
	}
	for what := range idle {
		if !needed[what] {
			t.taken(what, dead, idle, at)
		}
	}
}

func (t *takeovers) taken(what, dead string, idle map[string]trainset.JobID, at time.Time) {
	if _, ok := idle[what]; !ok {
		return
	}
	delete(idle, what)
	now := time.Now()
	took := now.Sub(at)
	steady := t.fleet.steady(at, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks++
	for _, b := range t.broken {
		steady = steady && (b.from.After(now) || b.to.Before(at))
	}
	if took > 2*t.goal/3 {
		_, _ = fmt.Fprintf(t.fleet.log, "chaos: %s of %s, killed at %s, lay idle for %s (others steady: %t)\n", what, dead, at.UTC().Format(time.TimeOnly), took.Round(time.Millisecond), steady)
	}
	if !steady {
		t.hampered = max(t.hampered, took)
		return
	}
	if took > t.goal {
		t.late = append(t.late, what+" of "+dead+" after "+took.Round(time.Millisecond).String())
	}
	t.longest = max(t.longest, took)
}
