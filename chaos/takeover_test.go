//go:build unix

package chaos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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
	estates  []*estate
	looking  bool            // somebody looks after the estates
	broken   []span          // when Redis or the way to it was down
	steady   []time.Duration // how long each task lay idle while somebody was there to take over, and Redis was
	hampered time.Duration   // the longest otherwise
	tasks    int
	late     []string // what took longest, for a person
}

// estate is what a killed worker left. Only who looks after the estates changes it.
type estate struct {
	dead string
	at   time.Time
	idle map[string]heirloom // by what the task is for
}

// heirloom is a task that a killed worker had in hand, under its latest revision.
type heirloom struct {
	job      trainset.JobID
	revision int
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
		left := &estate{dead: dead, at: at, idle: map[string]heirloom{}}
		for job, ids := range held {
			if _, err := trainset.ParseJobID(string(job)); err != nil {
				continue // a task that a producer named: the job it makes has tasks of its own
			}
			for _, id := range ids {
				what := withoutRevision(id)
				left.idle[what] = heirloom{job, max(revisionOf(id), left.idle[what].revision)}
			}
		}
		t.mu.Lock()
		t.estates = append(t.estates, left)
		mine := !t.looking
		t.looking = true
		t.mu.Unlock()
		if mine {
			t.look(ctx)
		}
	})
}

// look looks after all estates together, until nothing is left of any: it must not
// take much of the processor that the workers need.
func (t *takeovers) look(ctx context.Context) {
	for n := 1; ; n++ {
		t.mu.Lock()
		t.estates = slices.DeleteFunc(t.estates, func(e *estate) bool { return len(e.idle) == 0 })
		all := slices.Clone(t.estates)
		t.looking = len(all) > 0
		t.mu.Unlock()
		if len(all) == 0 {
			return
		}
		if n%8 == 0 {
			t.dropDone(ctx, all)
		}
		t.dropTaken(ctx, all)
		if !pause(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// withoutRevision is what a task is for: "job:image.3" of "job:image.3:2".
func withoutRevision(id string) string { return id[:max(0, strings.LastIndexByte(id, ':'))] }

// revisionOf is 2 of "job:image.3:2", and 0 of what has none.
func revisionOf(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, ':')+1:])
	return n
}

// dropTaken takes out what other workers have in hand. That has a later revision:
// an earlier one is what somebody noted before, and may have died with himself.
func (t *takeovers) dropTaken(ctx context.Context, all []*estate) {
	beats, err := t.ledger.Beats(ctx)
	if err != nil {
		return
	}
	for owner := range beats {
		held, err := t.ledger.Held(ctx, owner)
		if err != nil {
			return
		}
		now := time.Now()
		for _, ids := range held {
			for _, id := range ids {
				what := withoutRevision(id)
				for _, e := range all {
					if h, is := e.idle[what]; is && e.dead != owner && revisionOf(id) > h.revision {
						t.taken(what, e, now)
					}
				}
			}
		}
	}
}

// dropDone takes out what its job no longer needs.
func (t *takeovers) dropDone(ctx context.Context, all []*estate) {
	var jobs []trainset.JobID
	for _, e := range all {
		for _, h := range e.idle {
			jobs = append(jobs, h.job)
		}
	}
	slices.Sort(jobs)
	records, err := t.ledger.LoadAll(ctx, slices.Compact(jobs)...)
	if err != nil {
		return
	}
	now := time.Now()
	needed := map[string]bool{}
	for _, r := range records {
		for _, s := range plan.Needed(r) {
			needed[withoutRevision(s.TaskID(r.ID))] = true
		}
	}
	for _, e := range all {
		for what := range e.idle {
			if !needed[what] {
				t.taken(what, e, now)
			}
		}
	}
}

// taken takes a task out of an estate.
func (t *takeovers) taken(what string, e *estate, now time.Time) {
	delete(e.idle, what)
	took := now.Sub(e.at)
	steady := t.fleet.steady(e.at, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks++
	for _, b := range t.broken {
		steady = steady && (b.from.After(now) || b.to.Before(e.at))
	}
	if took > 2*t.goal/3 {
		_, _ = fmt.Fprintf(t.fleet.log, "chaos: %s of %s, killed at %s, lay idle for %s (others steady: %t)\n", what, e.dead, e.at.UTC().Format(time.TimeOnly), took.Round(time.Millisecond), steady)
	}
	if !steady {
		t.hampered = max(t.hampered, took)
		return
	}
	if took > t.goal {
		t.late = append(t.late, what+" of "+e.dead+" after "+took.Round(time.Millisecond).String())
	}
	t.steady = append(t.steady, took)
}

// within is the time in which a share of them was taken over, and 0 for none.
func within(steady []time.Duration, share float64) time.Duration {
	if len(steady) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(steady))
	return sorted[int(share*float64(len(sorted)-1))]
}
