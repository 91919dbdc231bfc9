package limit

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/redistest"
)

// metronome is a reserver with slots an interval apart, in fake time.
type metronome struct {
	interval time.Duration
	mu       sync.Mutex
	next     time.Time
	pause    time.Time
	taken    int
	errs     []error
}

func (m *metronome) reserve(context.Context) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		return 0, err
	}
	m.taken++
	at := time.Now()
	for _, t := range []time.Time{m.next, m.pause} {
		if t.After(at) {
			at = t
		}
	}
	m.next = at.Add(m.interval)
	return time.Until(at), nil
}

func (m *metronome) paused(context.Context) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, time.Until(m.pause)), nil
}

func TestMakespanIsThePhysicalLimit(t *testing.T) {
	for _, n := range []int{12, 120, 1200} {
		synctest.Test(t, func(t *testing.T) {
			m := &metronome{interval: 100 * time.Millisecond}
			g := newGate(m, zerolog.Nop())
			defer g.Close()
			start := time.Now()
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if err := g.Permit(t.Context(), "u"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if took, want := time.Since(start), time.Duration(n-1)*m.interval; took < want || took > want+max(want/100, 100*time.Millisecond) {
				t.Errorf("%d permits took %s; the limit allows %s", n, took, want)
			}
			if m.taken != n {
				t.Errorf("%d slots for %d permits", m.taken, n)
			}
		})
	}
}

func TestAnothersOnlyCallIsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&metronome{interval: 100 * time.Millisecond}, zerolog.Nop())
		defer g.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 1000 {
			go func() { _ = g.Permit(ctx, "many") }()
		}
		synctest.Wait()
		start := time.Now()
		if err := g.Permit(ctx, "one"); err != nil || time.Since(start) > 200*time.Millisecond {
			t.Errorf("waited %s, %v", time.Since(start), err)
		}
		cancel()
		synctest.Wait()
		if !g.line.empty() || len(g.line.turn) != 0 {
			t.Errorf("%d still wait after all have left", g.line.count)
		}
	})
}

func TestPauseHoldsASlotThatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metronome{interval: time.Second}
		g := newGate(m, zerolog.Nop())
		defer g.Close()
		start := time.Now()
		if err := g.Permit(t.Context(), "u"); err != nil {
			t.Fatal(err)
		}
		done := make(chan time.Duration)
		go func() { _ = g.Permit(t.Context(), "u"); done <- time.Since(start) }()
		synctest.Wait()
		m.mu.Lock()
		m.pause = start.Add(10 * time.Second) // after the second slot was reserved for 1 s
		m.mu.Unlock()
		if took := <-done; took != 10*time.Second || m.taken != 3 { // the slot that was over by then is given up
			t.Errorf("granted after %s, the slot %d", took, m.taken)
		}
	})
}

func TestOpenCircuitRefusesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := &OpenError{Class: "credit", Detail: "no credit", Remedy: "buy some"}
		m := &metronome{interval: time.Hour}
		g := newGate(m, zerolog.Nop())
		defer g.Close()
		_ = g.Permit(t.Context(), "u")
		m.errs = []error{open, open, open, open, open} // each may be the first to come
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				var got *OpenError
				if err := g.Permit(t.Context(), "u"); !errors.As(err, &got) || got.Class != "credit" {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestRedisErrorsDelayAndNeverGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metronome{interval: time.Second, errs: []error{errors.New("down"), errors.New("down")}}
		g := newGate(m, zerolog.Nop())
		defer g.Close()
		start := time.Now()
		if err := g.Permit(t.Context(), "u"); err != nil || time.Since(start) != 300*time.Millisecond || m.taken != 1 {
			t.Errorf("after %s with %d slots, %v", time.Since(start), m.taken, err)
		}
	})
}

// In any order of joining, leaving and serving, nobody is lost or served
// twice, and no user is served twice while another waits.
func TestLineIsFair(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var l line
		waiting := map[*waiter]string{}
		last := ""
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch rapid.IntRange(0, 2).Draw(r, "what") {
			case 0:
				user, w := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "user"), &waiter{}
				l.join(user, w)
				waiting[w] = user
			case 1:
				others := map[string]bool{}
				for _, u := range waiting {
					others[u] = u != last
				}
				w := l.next()
				if (w == nil) != (len(waiting) == 0) {
					r.Fatalf("%d wait, next is %v", len(waiting), w)
				}
				if w != nil {
					if waiting[w] == "" {
						r.Fatal("served who does not wait")
					}
					last = waiting[w]
					delete(waiting, w)
				}
			case 2:
				for w, u := range waiting {
					l.leave(u, w)
					delete(waiting, w)
					break
				}
			}
			if l.count != len(waiting) {
				r.Fatalf("the line counts %d of %d", l.count, len(waiting))
			}
		}
	})
}

func newAccount(rdb redis.UniversalClient, now *time.Time, perMinute int) *account {
	return &account{rdb: rdb, key: accountKey("a"), given: givenKey("a"), perMinute: perMinute, probeEvery: DefaultProbeEvery, clock: func() string { return strconv.FormatInt(now.UnixMicro(), 10) }}
}

func TestReservationsNeverExceedTheLimitInAnyMinute(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		rapid.Check(t, func(r *rapid.T) {
			ctx := context.Background()
			if err := rdb.FlushAll(ctx).Err(); err != nil {
				r.Fatal(err)
			}
			now := time.UnixMicro(1_700_000_000_000_000)
			perMinute := rapid.IntRange(1, 30).Draw(r, "per minute")
			a := newAccount(rdb, &now, perMinute)
			var slots []time.Time
			for range 60 {
				now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(r, "ms")) * time.Millisecond)
				d, err := a.reserve(ctx)
				if err != nil {
					r.Fatal(err)
				}
				slots = append(slots, now.Add(d))
			}
			for i := range slots {
				if j := i + perMinute; j < len(slots) && slots[j].Sub(slots[i]) <= time.Minute {
					r.Fatalf("%d permits within %s", perMinute+1, slots[j].Sub(slots[i]))
				}
			}
		})
	})
}

// Where many wait for long, nothing of the limit is left but the room for what
// travels: after the burst at first there is a rest of as long each minute.
func TestTheWholeLimitIsUsed(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		start := time.UnixMicro(1_700_000_000_000_000)
		now := start
		a := newAccount(rdb, &now, 600)
		const minutes = 3
		for range 600 * minutes {
			d, err := a.reserve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
		}
		if took, most := now.Sub(start), minutes*window; took > most {
			t.Errorf("the permits of %d minutes took %s", minutes, took)
		}
	})
}

func TestPauseRateAndCircuitAreShared(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		ctx, now := t.Context(), time.Now()
		a, b := newAccount(rdb, &now, 600), newAccount(rdb, &now, 600)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(a.pause(ctx, 10*time.Second, "busy"))
		must(b.pause(ctx, 2*time.Second, "less busy"))
		if d, err := b.reserve(ctx); err != nil || d != 10*time.Second {
			t.Errorf("reserved %s ahead, %v", d, err)
		}
		now = now.Add(10*time.Second + 100*time.Millisecond)
		must(a.lower(ctx, 6, time.Minute))
		first, _ := b.reserve(ctx)
		second, _ := b.reserve(ctx)
		if second-first != time.Minute/6 {
			t.Errorf("slots %s apart at six a minute", second-first)
		}
		const atOnce = 11 // those of a second, and the one of now
		for _, c := range []struct {
			after time.Duration
			most  int // of the first slots come at once
		}{{2 * time.Minute, 3}, {3 * time.Minute, atOnce}} { // the lower rate has ended a minute before, and two
			now = now.Add(c.after)
			var slots [atOnce + 1]time.Duration
			for i := range slots {
				slots[i], _ = b.reserve(ctx)
			}
			if slots[c.most-1] != 0 || slots[c.most] == 0 || slots[atOnce]-slots[atOnce-1] > time.Minute/600 {
				t.Errorf("%s after the lower rate: slots at %s", c.after, slots)
			}
		}
		must(a.open(ctx, "credit", "none left", "buy"))
		var open *OpenError
		if _, err := b.reserve(ctx); !errors.As(err, &open) || open.Class != "credit" || open.Remedy != "buy" || open.Since.Unix() != now.Unix() {
			t.Errorf("got %v", err)
		}
		now = now.Add(DefaultProbeEvery)
		if _, err := b.reserve(ctx); err != nil {
			t.Errorf("no probe: %v", err)
		}
		if _, err := b.reserve(ctx); !errors.As(err, &open) {
			t.Errorf("a second probe: %v", err)
		}
		must(b.close(ctx, false))
		if _, err := a.reserve(ctx); err != nil {
			t.Errorf("closed by a success: %v", err)
		}
		must(a.open(ctx, "operator", "paused", "resume"))
		must(b.open(ctx, "credit", "none left", "buy")) // a create that was under way is answered
		now = now.Add(time.Hour)
		must(b.close(ctx, false))
		if _, err := b.reserve(ctx); !errors.As(err, &open) {
			t.Errorf("an operator's circuit was probed or closed: %v", err)
		}
		if s, err := a.state(ctx); err != nil || s.Open == nil || s.PerMinute != 600 {
			t.Errorf("state %+v, %v", s, err)
		}
		must(b.close(ctx, true))
		if _, err := b.reserve(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestGateOnRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		g := New(rdb, "a", Options{PerMinute: 60000})
		defer g.Close()
		for range 5 {
			if err := g.Permit(t.Context(), "u"); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Open(t.Context(), "operator", "paused", "resume"); err != nil {
			t.Fatal(err)
		}
		var open *OpenError
		if err := g.Permit(t.Context(), "u"); !errors.As(err, &open) {
			t.Errorf("got %v", err)
		}
		if err := g.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := g.Permit(t.Context(), "u"); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkReserve(b *testing.B) {
	a := &account{rdb: redistest.Server(b), key: accountKey("a"), given: givenKey("a"), perMinute: 60_000, probeEvery: DefaultProbeEvery}
	for b.Loop() {
		if _, err := a.reserve(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
