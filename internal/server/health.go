package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/limit"
)

// An orchestrator's probe waits for about as long as readyTimeout. A check
// ends before, so that its own reason is told.
const (
	readyTimeout = 3 * time.Second
	checkTimeout = 2500 * time.Millisecond
)

// Checker tries something that work depends on. A *trainset.FieldError in its
// error has the remedy. It may be called while it still runs, and heeds its context.
type Checker interface {
	Check(ctx context.Context) error
}

// CheckerFunc is a function as a Checker.
type CheckerFunc func(ctx context.Context) error

// Check calls it.
func (f CheckerFunc) Check(ctx context.Context) error { return f(ctx) }

// Check is one dependency of the worker.
type Check struct {
	Name    string // "redis"
	Remedy  string // what to do when it fails, where the error does not say
	Checker Checker
	// Every is how long a good result holds, so that probes cost little; 10 s
	// when 0. A bad one is looked at again after 2 s.
	Every time.Duration
}

const (
	checkEvery  = 10 * time.Second
	recheckSoon = 2 * time.Second
)

func checkChecks(checks []Check) error {
	for _, c := range checks {
		if c.Name == "" || c.Checker == nil {
			return fmt.Errorf("server: a check needs a name and a checker: %+v", c)
		}
	}
	return nil
}

// Limits says what keeps calls waiting; *limit.Gate does.
type Limits interface {
	State(ctx context.Context) (limit.State, error)
}

// Jobs counts the jobs that have not ended, and lists the workers that serve them,
// each with its count; *ledger.Ledger does.
type Jobs interface {
	CountOpen(ctx context.Context) (int, error)
	Beats(ctx context.Context) (map[string]string, error)
}

// checkResult is a check in the answer of /readyz.
type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// blocked is why work does not move although everything answers.
type blocked struct {
	Class  string     `json:"class"` // credit, auth, operator or throttled
	Detail string     `json:"detail"`
	Remedy string     `json:"remedy"`
	Since  *time.Time `json:"since,omitempty"`
}

// healthz says that the process lives. It asks nobody: a dependency that is down
// is no reason to restart.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, "application/json", http.StatusOK, struct {
		Alive bool `json:"alive"`
	}{true})
}

// readyz says whether this worker can work: 503 when a dependency does not
// answer or the worker is stopping. A circuit that is open, a pause of the
// provider's and one of the operator's leave it ready: the worker is as it
// should be, taking it out of service or replacing it would help nobody, and
// the webhooks that end what is under way come through the same door. The answer
// names them in "blocked".
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	var why *blocked
	var asking sync.WaitGroup
	asking.Go(func() { why, _ = s.blocked.get(ctx) }) // beside the checks, one of which may take all the time
	checks := s.check(ctx)
	asking.Wait()
	ready, status := true, http.StatusOK
	for _, c := range checks {
		ready = ready && c.OK
	}
	if !ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, "application/json", status, struct {
		Ready   bool          `json:"ready"`
		Checks  []checkResult `json:"checks"`
		Blocked *blocked      `json:"blocked,omitempty"`
	}{ready, checks, why})
}

// check asks all at once; the first result is the worker's own.
func (s *Server) check(ctx context.Context) []checkResult {
	results := make([]checkResult, 1+len(s.probes))
	results[0] = checkResult{Name: "worker", OK: true}
	if s.draining.Load() {
		results[0] = checkResult{Name: "worker", Detail: "it is stopping and begins nothing new", Remedy: "none is needed: another worker goes on with its work"}
	}
	var wg sync.WaitGroup
	for i, p := range s.probes {
		wg.Go(func() { results[i+1] = p.result(ctx) })
	}
	wg.Wait()
	return results
}

// blockedHolds bounds how often the open route reads the limits.
const blockedHolds = time.Second

// whatBlocks returns nil where nothing blocks, or it cannot be known: whether
// Redis answers is a check of its own.
func (s *Server) whatBlocks(ctx context.Context) (*blocked, time.Duration) {
	state, err := stateOf(ctx, s.o.Limits)
	switch {
	case err != nil:
		return nil, blockedHolds
	case state.Open != nil:
		since := state.Open.Since.UTC()
		return &blocked{state.Open.Class, redactText(state.Open.Detail), state.Open.Remedy, &since}, blockedHolds
	case state.Paused > 0:
		remedy := fmt.Sprintf("none is needed: calls go on in %s", state.Paused.Round(time.Second))
		return &blocked{"throttled", "the provider throttles: " + redactText(state.Reason), remedy, nil}, blockedHolds
	}
	return nil, blockedHolds
}

// stateOf reads the limits; where there are none, nothing is in force.
func stateOf(ctx context.Context, l Limits) (state limit.State, err error) {
	if l == nil {
		return state, nil
	}
	err = safely(func() (err error) { state, err = l.State(ctx); return err })
	return state, err
}

// newProbe is a check that is made for all who ask at once.
func newProbe(c Check, now func() time.Time) *probe {
	if c.Every == 0 {
		c.Every = checkEvery
	}
	p := &probe{Check: c}
	p.shared = shared[checkResult]{ask: p.try, timeout: checkTimeout, now: now}
	return p
}

type probe struct {
	Check
	shared shared[checkResult]
}

func (p *probe) result(ctx context.Context) checkResult {
	r, ok := p.shared.get(ctx)
	if !ok {
		return p.failed(errors.New("it does not answer in time"))
	}
	return r
}

func (p *probe) try(ctx context.Context) (checkResult, time.Duration) {
	if err := safely(func() error { return p.Checker.Check(ctx) }); err != nil {
		return p.failed(err), min(p.Every, recheckSoon)
	}
	return checkResult{Name: p.Name, OK: true}, p.Every
}

func (p *probe) failed(err error) checkResult {
	r := checkResult{Name: p.Name, Detail: redactText(err.Error()), Remedy: p.Remedy}
	if field := (*trainset.FieldError)(nil); errors.As(err, &field) && field.Remedy != "" {
		r.Remedy = field.Remedy
	}
	return r
}
