package fake

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRateLimit(t *testing.T) {
	c, now := clocked(t, Options{Settings: Settings{RateLimit: 3}})
	for range 3 {
		c.made(kontextPro, asking("x"))
		*now = now.Add(5 * time.Second)
	}
	a := c.create(kontextPro, asking("x")) // 15 s after the first
	if p := a.problem(t); a.status != 429 || a.header.Get("Retry-After") != "45" || p.Detail != "Request was throttled. Your rate limit resets in ~45s." {
		t.Errorf("status %d, %v, %s", a.status, a.header, a.body)
	}
	if *now = now.Add(45*time.Second - 1); c.create(kontextPro, asking("x")).status != 429 {
		t.Error("it passed early")
	}
	if *now = now.Add(1); c.create(kontextPro, asking("x")).status != 201 {
		t.Error("it did not pass at the time that was told")
	}
	if s := c.s.Stats(); s.Throttled != 2 || s.Predictions != 4 || s.MaxPerMinute != 3 || s.Injected[Throttle] != 0 {
		t.Errorf("%+v", s)
	}
	if a := c.do("GET", "/v1/predictions", nil); a.status != 200 {
		t.Errorf("another route is limited: %d", a.status)
	}
}

// Whatever the times: no 60 s hold more than the limit, none that fits is
// refused, waiting as told helps, and MaxPerMinute is the truth.
func TestRateLimitHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &Server{}
		s.settings.RateLimit = rapid.IntRange(0, 6).Draw(r, "limit")
		var accepted []time.Time
		within := func(now time.Time) (n int) {
			for _, a := range accepted {
				if now.Sub(a) < time.Minute {
					n++
				}
			}
			return n
		}
		now, most := time.Unix(1e9, 0), 0
		for range rapid.IntRange(1, 40).Draw(r, "creates") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(r, "ms")) * time.Millisecond)
			full := s.settings.RateLimit > 0 && within(now) >= s.settings.RateLimit
			wait := s.throttled(now)
			if (wait > 0) != full {
				r.Fatalf("%d in the last minute, limit %d, wait %s", within(now), s.settings.RateLimit, wait)
			}
			if full {
				if later := now.Add(wait); within(later) >= s.settings.RateLimit {
					r.Fatalf("after %s there are still %d", wait, within(later))
				}
				continue
			}
			accepted = append(accepted, now)
			most = max(most, within(now))
		}
		if s.stats.MaxPerMinute != most {
			r.Fatal("most " + strconv.Itoa(most) + ", told " + strconv.Itoa(s.stats.MaxPerMinute))
		}
	})
}
