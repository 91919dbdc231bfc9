// Package limit is what all workers share about how much may be asked of the
// provider: permits at the account's rate, pauses, and a circuit that is open
// while asking is no use.
//
// It must not know jobs, nor the provider's HTTP: its callers translate what
// they were told into pauses, rates and circuits.
package limit

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/wait"
)

// DefaultPerMinute is the provider's documented limit of creates.
const DefaultPerMinute = 600

// DefaultProbeEvery is how often an open circuit lets one call through to see
// whether it may close.
const DefaultProbeEvery = 30 * time.Second

// burst is the time whose permits may be given at once after a rest: the provider
// allows bursts, and a job asks for a dozen predictions together. It also lets a
// pump that the machine wakes late take the next slots sooner. After the provider
// has named a lower rate, late is all that is caught up.
//
// window is the minute in which no more permits are given than the provider allows,
// with some room: it counts creates as they arrive, some of which travel longer
// than others.
const (
	burst  = time.Second
	late   = 250 * time.Millisecond
	window = time.Minute + 250*time.Millisecond
)

// Options adjust a Gate.
type Options struct {
	PerMinute  int           // permits a minute and account, over all workers; DefaultPerMinute when 0
	ProbeEvery time.Duration // DefaultProbeEvery when 0; whole seconds
	Log        zerolog.Logger
}

// OpenError says that calls must not be made, why, and what to do about it.
type OpenError struct {
	Class  string // "credit", "auth" or "operator"
	Detail string
	Remedy string
	Since  time.Time
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("nothing is asked of the provider since %s: %s; %s", e.Since.Format(time.TimeOnly), e.Detail, e.Remedy)
}

// Blocked tells it from errors that pass by themselves.
func (*OpenError) Blocked() bool { return true }

// reserver takes slots; the gate's pump is tested without Redis.
type reserver interface {
	// reserve returns how long to wait for the slot it took, or *OpenError.
	reserve(ctx context.Context) (time.Duration, error)
	// paused returns how long everybody must still wait.
	paused(ctx context.Context) (time.Duration, error)
}

// Gate hands out permits. It is safe for concurrent use.
type Gate struct {
	slots reserver
	redis *account
	log   zerolog.Logger

	ctx    context.Context // ends the pump
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	line    line
	pumping bool
}

// New makes the gate of an account over an open connection, which stays the caller's.
func New(rdb redis.UniversalClient, name string, o Options) *Gate {
	if o.PerMinute == 0 {
		o.PerMinute = DefaultPerMinute
	}
	if o.ProbeEvery == 0 {
		o.ProbeEvery = DefaultProbeEvery
	}
	a := &account{rdb: rdb, key: accountKey(name), given: givenKey(name), perMinute: o.PerMinute, probeEvery: o.ProbeEvery}
	g := newGate(a, o.Log)
	g.redis = a
	return g
}

func newGate(r reserver, log zerolog.Logger) *Gate {
	g := &Gate{slots: r, log: log}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Permit blocks until a call may be made, in turn with the other users. It
// fails with *OpenError while the circuit is open, or with the context's error.
func (g *Gate) Permit(ctx context.Context, user string) error {
	w := &waiter{granted: make(chan error, 1)}
	g.mu.Lock()
	g.line.join(user, w)
	if !g.pumping {
		g.pumping = true
		g.wg.Go(g.pump)
	}
	g.mu.Unlock()
	select {
	case err := <-w.granted:
		return err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		g.line.leave(user, w)
		return context.Cause(ctx)
	case <-g.ctx.Done():
		return context.Canceled
	}
}

// pump serves the waiters of this process until there are none: it takes one
// slot, waits for it, and only then picks who gets it. A worker that dies
// strands at most one slot.
func (g *Gate) pump() {
	for failures := 0; g.waiting(); {
		err := g.slot()
		if g.ctx.Err() != nil {
			return
		}
		switch open := (*OpenError)(nil); {
		case asOpen(err, &open):
			g.refuse(open)
		case err != nil: // Redis does not answer: nobody is let through without a slot
			g.log.Warn().Err(err).Msg("no permit could be reserved: trying again")
			if wait.For(g.ctx, min(100*time.Millisecond<<min(failures, 6), 5*time.Second)) != nil {
				return
			}
			failures++
			continue
		default:
			g.grant()
		}
		failures = 0
	}
}

// slot reserves a slot and waits for it. One that is over by then, for a pause began
// meanwhile or the machine was late, is given up for another: slots are counted
// by when they are.
func (g *Gate) slot() error {
	for {
		d, err := g.slots.reserve(g.ctx)
		if err != nil || d <= 0 {
			return err
		}
		due := time.Now().Add(d)
		if err := wait.For(g.ctx, d); err != nil {
			return err
		}
		inTime := time.Since(due) <= late
		paused, err := g.slots.paused(g.ctx)
		if err != nil || paused <= 0 && inTime {
			return err
		}
	}
}

// waiting reports whether anybody is; where nobody is, the pump has ended.
func (g *Gate) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pumping = !g.line.empty() && g.ctx.Err() == nil
	return g.pumping
}

func (g *Gate) grant() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := g.line.next(); w != nil {
		w.granted <- nil
	}
}

// refuse tells everybody who waits that the circuit is open.
func (g *Gate) refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for w := g.line.next(); w != nil; w = g.line.next() {
		w.granted <- err
	}
}

// Close ends the gate: those who wait are told that it is over.
func (g *Gate) Close() {
	g.cancel()
	g.wg.Wait()
}

// Pause keeps every worker from calling for d from now; the longer pause counts.
func (g *Gate) Pause(ctx context.Context, d time.Duration, reason string) error {
	return g.redis.pause(ctx, d, reason)
}

// LowerRate keeps to fewer permits a minute for d.
func (g *Gate) LowerRate(ctx context.Context, perMinute int, d time.Duration) error {
	return g.redis.lower(ctx, perMinute, d)
}

// Open keeps every worker from calling until a probe has Succeeded or, for
// class "operator", until Resume.
func (g *Gate) Open(ctx context.Context, class, detail, remedy string) error {
	return g.redis.open(ctx, class, detail, remedy)
}

// Resume lets calls through again, whoever stopped them.
func (g *Gate) Resume(ctx context.Context) error { return g.redis.close(ctx, true) }

// Succeeded says that a call went through, which closes a circuit that waits
// for a probe; one that an operator opened stays open.
func (g *Gate) Succeeded(ctx context.Context) error { return g.redis.close(ctx, false) }

// State is what keeps calls waiting.
type State struct {
	Paused    time.Duration // how long still
	Reason    string        // of the pause
	PerMinute int           // in force
	Waiting   int           // in this process
	Open      *OpenError    // nil while closed
}

// State reads what is in force.
func (g *Gate) State(ctx context.Context) (State, error) {
	s, err := g.redis.state(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Waiting = g.line.count
	return s, err
}

// account is the shared state of one account in Redis.
type account struct {
	rdb        redis.UniversalClient
	key, given string
	perMinute  int
	probeEvery time.Duration
	clock      func() string // microseconds, or nil for Redis's own clock; tests only
}

func (a *account) now() string {
	if a.clock == nil {
		return ""
	}
	return a.clock()
}

func (a *account) reserve(ctx context.Context) (time.Duration, error) {
	reply, err := reserveScript.Run(ctx, a.rdb, []string{a.key, a.given}, a.perMinute, int(a.probeEvery.Seconds()), a.now(), window.Microseconds(), burst.Microseconds(), late.Microseconds()).Slice()
	if err != nil {
		return 0, fmt.Errorf("limit: reserving a slot: %w", err)
	}
	if code, _ := reply[0].(int64); code == codeOpen {
		return 0, openError(reply[1:])
	}
	return micros(reply[1]), nil
}

func openError(fields []any) *OpenError {
	text := func(i int) string { s, _ := fields[i].(string); return s }
	since, _ := strconv.ParseInt(text(3), 10, 64)
	return &OpenError{Class: text(0), Detail: text(1), Remedy: text(2), Since: time.Unix(since, 0)}
}

func micros(v any) time.Duration {
	s, _ := v.(string)
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Duration(n) * time.Microsecond
}

func (a *account) paused(ctx context.Context) (time.Duration, error) {
	d, _, err := a.inForce(ctx)
	return d, err
}

// inForce returns how long the pause still lasts and the lowered rate, or 0.
func (a *account) inForce(ctx context.Context) (pause time.Duration, lowered int, err error) {
	v, err := inForceScript.Run(ctx, a.rdb, []string{a.key}, a.now()).Slice()
	if err != nil {
		return 0, 0, fmt.Errorf("limit: reading the limits: %w", err)
	}
	rate, _ := v[1].(int64)
	return micros(v[0]), int(rate), nil
}

func (a *account) pause(ctx context.Context, d time.Duration, reason string) error {
	if err := pauseScript.Run(ctx, a.rdb, []string{a.key}, d.Microseconds(), reason, a.now()).Err(); err != nil {
		return fmt.Errorf("limit: pausing: %w", err)
	}
	return nil
}

func (a *account) lower(ctx context.Context, perMinute int, d time.Duration) error {
	if perMinute < 1 {
		return fmt.Errorf("limit: %d permits a minute", perMinute)
	}
	if err := lowerScript.Run(ctx, a.rdb, []string{a.key}, perMinute, d.Microseconds(), a.now()).Err(); err != nil {
		return fmt.Errorf("limit: lowering the rate: %w", err)
	}
	return nil
}

func (a *account) open(ctx context.Context, class, detail, remedy string) error {
	if err := openScript.Run(ctx, a.rdb, []string{a.key}, class, detail, remedy, int(a.probeEvery.Seconds()), a.now()).Err(); err != nil {
		return fmt.Errorf("limit: opening the circuit: %w", err)
	}
	return nil
}

func (a *account) close(ctx context.Context, operators bool) error {
	if err := closeScript.Run(ctx, a.rdb, []string{a.key}, operators).Err(); err != nil {
		return fmt.Errorf("limit: closing the circuit: %w", err)
	}
	return nil
}

func (a *account) state(ctx context.Context) (State, error) {
	s := State{PerMinute: a.perMinute}
	paused, lowered, err := a.inForce(ctx)
	if err != nil {
		return s, err
	}
	h, err := a.rdb.HMGet(ctx, a.key, "class", "detail", "remedy", "since", "pause_reason").Result()
	if err != nil {
		return s, fmt.Errorf("limit: reading the limits: %w", err)
	}
	if s.Paused = paused; paused > 0 {
		s.Reason, _ = h[4].(string)
	}
	if h[0] != nil {
		s.Open = openError(h[:4])
	}
	if lowered > 0 {
		s.PerMinute = min(s.PerMinute, lowered)
	}
	return s, nil
}
