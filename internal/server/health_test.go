package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/limit"
)

type readiness struct {
	Ready   bool
	Checks  []checkResult
	Blocked *blocked
}

func readyz(t *testing.T, s *Server) (int, readiness) {
	t.Helper()
	r := ask(t, s, "GET", "/readyz", "")
	var got readiness
	if err := json.Unmarshal([]byte(r.Body), &got); err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, got
}

// limits is what a test says is in force.
type limits struct {
	state limit.State
	err   error
}

func (l limits) State(context.Context) (limit.State, error) { return l.state, l.err }

func failing(err error) CheckerFunc { return func(context.Context) error { return err } }

func TestReadyzNamesWhatFails(t *testing.T) {
	s := newServer(t, Options{Checks: []Check{
		{Name: "redis", Checker: failing(nil)},
		{Name: "storage", Remedy: "start it", Checker: failing(errors.New("GET https://u:pw@host/b?X-Amz-Signature=abc: refused"))},
		{Name: "provider", Remedy: "unused", Checker: failing(trainset.Invalid("REPLICATE_API_TOKEN", "is refused", "make a new one"))},
	}})
	code, got := readyz(t, s)
	want := readiness{Checks: []checkResult{
		{Name: "worker", OK: true},
		{Name: "redis", OK: true},
		{Name: "storage", Detail: "GET https://[redacted]@host/b?[redacted] refused", Remedy: "start it"},
		{Name: "provider", Detail: "REPLICATE_API_TOKEN: is refused; make a new one", Remedy: "make a new one"},
	}}
	if diff := cmp.Diff(want, got); diff != "" || code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", code, diff)
	}
}

func TestADrainingWorkerIsNotReady(t *testing.T) {
	s := newServer(t, Options{Checks: []Check{{Name: "redis", Checker: failing(nil)}}})
	if code, got := readyz(t, s); code != http.StatusOK || !got.Ready {
		t.Fatalf("at first: %d %+v", code, got)
	}
	s.Drain()
	code, got := readyz(t, s)
	if code != http.StatusServiceUnavailable || got.Ready || got.Checks[0].OK || got.Checks[0].Remedy == "" {
		t.Errorf("%d %+v", code, got)
	}
	wantStatus(t, ask(t, s, "GET", "/healthz", ""), http.StatusOK)
}

func TestWhatBlocksWorkIsNamedAndLeavesTheWorkerReady(t *testing.T) {
	since := start.Add(-time.Minute)
	for name, tc := range map[string]struct {
		state limit.State
		want  *blocked
	}{
		"nothing":  {},
		"circuit":  {limit.State{Paused: time.Second, Open: &limit.OpenError{Class: "credit", Detail: "402", Remedy: "add credit", Since: since}}, &blocked{"credit", "402", "add credit", &since}},
		"throttle": {limit.State{Paused: 12 * time.Second, Reason: "429"}, &blocked{"throttled", "the provider throttles: 429", "none is needed: calls go on in 12s", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			code, got := readyz(t, newServer(t, Options{Limits: limits{state: tc.state}}))
			if diff := cmp.Diff(tc.want, got.Blocked); diff != "" || code != http.StatusOK || !got.Ready {
				t.Errorf("%d %s", code, diff)
			}
		})
	}
	code, got := readyz(t, newServer(t, Options{Limits: limits{err: errors.New("redis is gone")}}))
	if code != http.StatusOK || got.Blocked != nil {
		t.Errorf("%d %+v", code, got)
	}
}

func TestAPanickingCheckFails(t *testing.T) {
	s := newServer(t, Options{Checks: []Check{{Name: "odd", Checker: CheckerFunc(func(context.Context) error { panic("broken") })}}})
	if code, got := readyz(t, s); code != http.StatusServiceUnavailable || !strings.Contains(got.Checks[1].Detail, "broken") {
		t.Errorf("%d %+v", code, got)
	}
}

func TestAResultHoldsForAWhile(t *testing.T) {
	c := newClock()
	var calls atomic.Int32
	var fails atomic.Bool
	s := newServer(t, Options{Now: c.now, Checks: []Check{{Name: "redis", Every: time.Minute, Checker: CheckerFunc(func(context.Context) error {
		calls.Add(1)
		if fails.Load() {
			return errors.New("down")
		}
		return nil
	})}}})
	step := func(after time.Duration, wantCode int, wantCalls int32) {
		t.Helper()
		c.advance(after)
		if code, _ := readyz(t, s); code != wantCode || calls.Load() != wantCalls {
			t.Errorf("%d after %d calls, want %d after %d", code, calls.Load(), wantCode, wantCalls)
		}
	}
	step(0, 200, 1)
	fails.Store(true)
	step(time.Minute-1, 200, 1)
	step(1, 503, 2)
	fails.Store(false)
	step(recheckSoon-1, 503, 2)
	step(1, 200, 3) // a failure is looked at again sooner
}

func TestManyProbesMakeOneCheckAndAHangingOneIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		s := newServer(t, Options{Now: time.Now, Limits: limits{state: limit.State{Paused: time.Second}}, Checks: []Check{
			{Name: "deaf", Checker: CheckerFunc(func(context.Context) error {
				calls.Add(1)
				<-release // whatever the context says, as with a folder whose server is away
				return nil
			})},
			{Name: "redis", Checker: failing(nil)},
		}})
		began := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if code, got := readyz(t, s); code != http.StatusServiceUnavailable || !strings.Contains(got.Checks[1].Detail, "in time") || !got.Checks[2].OK || got.Blocked == nil {
					t.Errorf("%d %+v", code, got)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != readyTimeout {
			t.Errorf("the answer took %s", took)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d checks were made", n)
		}
		close(release)
		synctest.Wait()
		if code, _ := readyz(t, s); code != http.StatusOK {
			t.Errorf("after it answered: %d", code)
		}
	})
}
