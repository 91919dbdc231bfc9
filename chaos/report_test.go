//go:build unix

package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// result is what a run came to.
type result struct {
	account

	scenario  scenario
	storage   string
	states    map[trainset.JobState]int
	unended   []string
	givenUp   map[string]int // why items have no image
	sets      int            // manifests of assembled revisions
	again     []string
	blows     map[blow]int
	injected  map[fake.Kind]int
	perMinute int
	throttled int
	webhooks  int
	requests  map[string]int // by route
	starts    int            // of workers

	cutsStorage bool // there is a line to storage that can be cut

	tasks    int
	steady   []time.Duration
	hampered time.Duration
	late     []string
	took     time.Duration
	complete bool // nothing ran any more when it was counted
}

// markdown is the result for people.
func (r result) markdown(control *result) string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format, a...) }
	s := r.scenario
	p("# Chaos run\n\n")
	p("`make chaos` writes this page. It runs %d worker processes, a redis-server that writes each command to disk, %s and the\n", s.workers, r.storage)
	p("simulated provider as a process of its own over TLS and HTTP/2, with Toxiproxy between them, and counts from the\n")
	p("provider's own log. Seed %d; %d actor jobs of %d images, %d style jobs, %d users; %s.\n\n", s.seed, s.actors, s.images, s.styles, s.users, r.took.Round(time.Second))
	p("| measure | result | goal |\n|---|---|---|\n")
	p("| jobs ended | %s of %d | all |\n", listed(r.states), s.actors+s.styles)
	p("| sets assembled | %d, %d jobs ended more than once | one a job |\n", r.sets, len(r.again))
	p("| predictions made | %d | |\n", r.Made)
	p("| predictions needed | %d = %d wanted outputs + %d that faults brought to nothing | |\n", r.needed(), r.Wanted, r.Forced)
	p("| **amplification** | **%.3f** | 1.000 |\n", r.amplification())
	p("| asked for twice in the same words | %d | 0 |\n", r.Twice)
	p("| paid images lost | %d | 0 |\n", len(r.Lost))
	p("| longest takeover | %.1f s, of %d tasks of killed workers | 15 s |\n", within(r.steady, 1).Seconds(), r.tasks)
	p("| half of them, 99 of 100 | within %.1f s, %.1f s | |\n", within(r.steady, .5).Seconds(), within(r.steady, .99).Seconds())
	hampered := "of none"
	if r.hampered > 0 {
		hampered = fmt.Sprintf("%.1f s", r.hampered.Seconds())
	}
	p("| the same while Redis was down or nobody else had run throughout | %s | |\n", hampered)
	p("| creates in any minute, refused by the provider's own limit of 600 | %d, %d | 600, 0 |\n", r.perMinute, r.throttled)
	if control != nil {
		p("| control: the same without a look before a create is repeated | %d of %d predictions paid twice | more than 0 |\n", control.Twice, control.Made)
	}
	if len(r.givenUp) > 0 {
		p("\nItems without an image, whose attempts were all struck: %s.\n", listed(r.givenUp))
	}
	p("\nThe takeover's clock runs from the SIGKILL until another worker has the task in hand. An output that is needed again is\n")
	p("one whose prediction the provider's log shows struck by a fault that leaves nothing to use; %d were refused by a check\n", r.Rejected)
	p("without one. A frozen worker was stopped for %s.", s.frozen)
	if s.grace != productionGrace {
		p(" An unanswered create was looked for %s, in production %s.", s.grace, productionGrace)
	}
	if s.start != productionStart {
		p(" A prediction had %s to start, in production %s.", s.start, productionStart)
	}
	if s.lower != productionLower {
		p(" A lower limit was believed for %s, in production %s.", s.lower, productionLower)
	}
	p(" Scenes are flat squares of the models' sizes, and every check applies to them.")
	p("\n\n## What was done to it\n\n| blow | times |\n|---|---|\n")
	for _, k := range slices.Sorted(maps.Keys(r.blows)) {
		p("| %s | %d |\n", k, r.blows[k])
	}
	p("\nWorkers were started %d times; %d webhooks were sent. The provider was asked: %s.\n\n| fault at the provider | times |\n|---|---|\n", r.starts, r.webhooks, listed(r.requests))
	for _, k := range slices.Sorted(maps.Keys(r.injected)) {
		p("| `%s` | %d |\n", k, r.injected[k])
	}
	return b.String()
}

func listed[K ~string](n map[K]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[k], string(k)))
	}
	return strings.Join(parts, ", ")
}
