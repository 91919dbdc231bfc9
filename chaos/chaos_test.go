//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// Whatever dies, each image is paid for once, none is lost, and every job ends.
//
// CHAOS_SEED makes another run of it, CHAOS_MINUTES a long one of at most so
// many minutes, CHAOS_REPORT a page of the result, and CHAOS_DIR keeps the
// logs. The same run with workers that do not look for what an unanswered
// create made must pay twice: else nothing was tested.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a deployment of several processes for most of a minute")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: make setup installs it")
	}
	s := scenarioOf(t)
	var control *result
	t.Run("without looking first", func(t *testing.T) {
		r := run(t, controlOf(s), true, func(log []fake.Entry) bool { return count(log, nil, nil).Twice > 0 })
		if r.Twice == 0 {
			t.Fatalf("nothing was paid twice among %d predictions, with %v: this scenario proves nothing", r.Made, r.injected)
		}
		control = &r
	})
	t.Run("as it is", func(t *testing.T) {
		r := run(t, s, false, nil)
		page := r.markdown(control)
		t.Log("\n" + page)
		if file := os.Getenv("CHAOS_REPORT"); file != "" {
			if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r.judge(t)
	})
}

// small is the scenario of every test run.
func small(seed uint64) scenario {
	s := scenario{
		seed: seed, workers: 3, users: 3, actors: 7, images: 3, styles: 2, each: 1, holds: 2,
		// A busy machine of a test run may be late; asynq alone takes 55 to 120 s.
		takeover: 25 * time.Second,
		low:      1, grace: 14 * time.Second, start: 20 * time.Second, lower: 5 * time.Second, frozen: 14 * time.Second, between: 1500 * time.Millisecond, within: 2 * time.Minute,
		blows: map[blow]int{killWorker: 2, freeze: 1, killRedis: 1, cutProvider: 2, cutRedis: 1, cutStorage: 1},
	}
	if raceDetector {
		s.actors, s.styles, s.within = 4, 1, 2*s.within
	}
	return s
}

// controlOf is the small scenario with replies that are lost: whatever else is
// slow, a client that does not look pays again for them.
func controlOf(s scenario) scenario {
	c := small(s.seed)
	c.blows = map[blow]int{killWorker: 1}
	return c
}

// goal is how long a killed worker's task may lie idle.
const goal = 15 * time.Second

// full is the scenario of make chaos: what is left of the time when the control
// run and the counting are done.
func full(seed uint64, minutes int) scenario {
	s := scenario{
		seed: seed, workers: 4, users: 10, actors: number("CHAOS_JOBS", 200), images: number("CHAOS_IMAGES", 12), styles: number("CHAOS_STYLES", 40),
		holds: 16, low: 1, grace: productionGrace, start: time.Minute, lower: productionLower, frozen: time.Minute, takeover: goal,
		within: max(time.Minute, time.Duration(minutes)*time.Minute-2*time.Minute),
		blows:  map[blow]int{killWorker: 30, freeze: 6, killRedis: 2, cutProvider: 10, cutRedis: 6, cutStorage: 6},
	}
	s.each = max(1, s.creates()/100)
	blows := 0
	for _, n := range s.blows {
		blows += n
	}
	s.between = s.within / time.Duration(2*blows) // all are dealt by half-time
	return s
}

// What the defaults of a worker are.
const (
	productionGrace = 40 * time.Second
	productionStart = 5 * time.Minute
	productionLower = time.Minute
)

func scenarioOf(t *testing.T) scenario {
	t.Helper()
	seed := uint64(number("CHAOS_SEED", 1))
	if minutes := number("CHAOS_MINUTES", 0); minutes > 0 {
		return full(seed, minutes)
	}
	return small(seed)
}

func number(variable string, byDefault int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return byDefault
}

// run carries a scenario out until every job has ended, time is up, or enough
// was seen.
func run(t *testing.T, s scenario, blind bool, enough func([]fake.Entry) bool) result {
	t.Helper()
	began := time.Now()
	x := open(t, s, blind)
	ctx, cancel := context.WithTimeout(t.Context(), s.within)
	defer cancel()
	if !until(ctx, 50*time.Millisecond, func() bool { return len(x.fleet.living()) == s.workers }) {
		t.Fatalf("the workers do not start: %s", tail(x.dir))
	}
	st := &storm{site: x, random: rand.New(rand.NewPCG(s.seed, 2)), blows: map[blow]int{}}
	blowing, calm := context.WithCancel(ctx)
	defer calm()
	ended := make(chan struct{}, 2)
	go func() { st.rage(blowing); ended <- struct{}{} }()
	go func() { st.hunt(blowing); ended <- struct{}{} }()
	if err := x.enqueue(ctx, rand.New(rand.NewPCG(s.seed, 3))); err != nil {
		t.Fatal(err)
	}
	done := until(ctx, 300*time.Millisecond, func() bool {
		if enough != nil {
			if log, err := x.provider.log(ctx); err == nil && enough(log) {
				return true
			}
		}
		return x.idle(ctx)
	})
	calm()
	<-ended
	<-ended
	x.takeovers.watch.Wait()
	if st.err != nil {
		t.Fatal(st.err)
	}
	r := x.result(t, st)
	r.took, r.complete = time.Since(began), done
	return r
}

// idle reports whether every job has ended.
func (x *site) idle(ctx context.Context) bool {
	open, err := x.ledger.OpenJobs(ctx)
	if err != nil || len(open) > 0 {
		return false
	}
	for _, id := range x.jobs {
		if r, err := x.ledger.Load(ctx, id); err != nil || !r.State.Ended() {
			return false
		}
	}
	return true
}

// result stops the workers and counts.
func (x *site) result(t *testing.T, st *storm) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	x.fleet.close()
	var log []fake.Entry
	running := func() (n int) {
		var err error
		if log, err = x.provider.log(ctx); err != nil {
			return 1
		}
		for _, e := range log {
			if e.Done.IsZero() {
				n++
			}
		}
		return n
	}
	settled, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	until(settled, 200*time.Millisecond, func() bool { return running() == 0 })
	stored, err := results(ctx, x.storage)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := x.provider.stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r := result{
		scenario: x.scenario, storage: x.storage.Describe(), states: map[trainset.JobState]int{}, givenUp: map[string]int{}, blows: st.blows,
		injected: stats.Injected, perMinute: stats.MaxPerMinute, throttled: stats.Throttled, webhooks: stats.Webhooks, requests: stats.Requests, starts: x.fleet.starts,
	}
	if x.objects != nil {
		r.storage, r.cutsStorage = "an S3 server (versitygw)", true
	} else {
		r.storage = "a folder for storage"
	}
	jobs := x.records(ctx, t, &r)
	r.account = count(log, jobs, stored)
	x.takeovers.mu.Lock()
	defer x.takeovers.mu.Unlock()
	r.tasks, r.steady, r.hampered, r.late = x.takeovers.tasks, x.takeovers.steady, x.takeovers.hampered, x.takeovers.late
	return r
}

var revision = regexp.MustCompile(`/v[0-9]+/manifest\.json$`)

// records reads the jobs, and counts their sets and how often they ended.
func (x *site) records(ctx context.Context, t *testing.T, r *result) []plan.Record {
	t.Helper()
	var all []plan.Record
	for _, id := range x.jobs {
		job, err := x.ledger.Load(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, job)
		r.states[job.State]++
		if !job.State.Ended() {
			r.unended = append(r.unended, describe(job))
		}
		for _, s := range job.Items() {
			if s.State == trainset.ItemFailed || s.State == trainset.ItemRejected {
				r.givenUp[fmt.Sprintf("%s (%q)", s.ID, s.Reason)]++
			}
		}
		events, err := x.ledger.Events(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events {
			if e.Subtask == "" && trainset.JobState(e.Type).Ended() {
				n++
			}
		}
		if n > 1 {
			r.again = append(r.again, string(id))
		}
	}
	objects, err := x.storage.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if revision.MatchString(o.Key) {
			r.sets++
		}
	}
	return all
}

// describe says what a job that does not end waits for.
func describe(r plan.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "job %s (%s) is %s:", r.ID, r.Kind, r.State)
	for _, s := range plan.Needed(r) {
		fmt.Fprintf(&b, " %s r%d", s.TaskID(""), s.Revision)
		for _, a := range r.Tries(s.Subtask) {
			fmt.Fprintf(&b, " [%s %s by %s]", a.State, a.Outcome, a.Owner)
		}
	}
	return b.String()
}

// judge fails the test where a goal was missed.
func (r result) judge(t *testing.T) {
	t.Helper()
	if !r.complete || len(r.unended) > 0 {
		t.Errorf("%d jobs did not end within %s: %s", len(r.unended), r.scenario.within, strings.Join(r.unended, "\n"))
	}
	if r.Made != r.needed() || r.Twice > 0 || len(r.Unknown) > 0 || len(r.Unjustified) > 0 {
		t.Errorf("%d predictions were made and %d needed; %d in the words of another, unknown to any job: %v, without a fault: %s",
			r.Made, r.needed(), r.Twice, r.Unknown, strings.Join(r.Unjustified, "\n"))
	}
	if len(r.Lost) > 0 {
		t.Errorf("what was made is stored nowhere: %v", r.Lost)
	}
	if wanted := r.scenario.actors + r.scenario.styles - r.states[trainset.JobFailed]; r.sets != wanted || len(r.again) > 0 {
		t.Errorf("%d sets of %d jobs; ended more than once: %v", r.sets, wanted, r.again)
	}
	if len(r.late) > 0 {
		t.Errorf("tasks of killed workers lay idle for more than %s: %s", r.scenario.takeover, strings.Join(r.late, "; "))
	}
	if r.scenario.takeover == goal { // the small run may end before all blows are dealt
		r.judgeBlows(t)
	}
	if r.throttled > 0 {
		t.Errorf("the provider's limit was exceeded: %d refused", r.throttled)
	}
}

// leastHeld is how many workers at least must die between acceptance and journal.
const leastHeld = 10

// judgeBlows fails the test where less was done to it than it tells of.
func (r result) judgeBlows(t *testing.T) {
	t.Helper()
	for b, n := range r.scenario.blows {
		if r.blows[b] < n && (b != cutStorage || r.cutsStorage) {
			t.Errorf("%s: %d times, not %d", b, r.blows[b], n)
		}
	}
	if n := r.blows[killHolding]; n < leastHeld {
		t.Errorf("%s: %d times, not %d", killHolding, n, leastHeld)
	}
}

// tail is the end of the workers' log.
func tail(dir string) string {
	b, err := os.ReadFile(dir + "/workers.log")
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-3000):])
}
