package fake

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// requestFaults are those that answer instead of the server, or around it.
var requestFaults = map[Kind]struct {
	fault   Fault
	status  int
	aborted bool
	header  string // Retry-After
	says    string
	took    time.Duration
}{
	Throttle:          {fault: Fault{Seconds: 7}, status: 429, header: "7", says: "resets in ~7s"},
	ThrottleBody:      {fault: Fault{Seconds: 30}, status: 429, says: "resets in ~30s"},
	ThrottleLowCredit: {fault: Fault{Seconds: 10}, status: 429, header: "10", says: "reduced to 6 requests per minute"},
	Credit:            {status: 402, says: "insufficient credit"},
	Unauthorized:      {status: 401, says: "valid authentication token"},
	NotFound:          {status: 404, says: "could not be found"},
	ServerError:       {status: 500, says: "Internal Server Error"},
	BadGateway:        {status: 502, says: "<html>"},
	EOF:               {aborted: true},
	Hang:              {fault: Fault{Seconds: 9}, aborted: true, took: 9 * time.Second},
	Slow:              {fault: Fault{Seconds: 3}, status: 201, says: "starting", took: 3 * time.Second},
}

func TestRequestFaults(t *testing.T) {
	for kind, want := range requestFaults {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want.fault.Kind = kind
				c := calling(t, newServer(t, Options{Faults: []Fault{want.fault}}))
				start := time.Now()
				a := c.create(kontextPro, asking("x"))
				if a.aborted != want.aborted || !a.aborted && a.status != want.status || a.header.Get("Retry-After") != want.header || !strings.Contains(string(a.body), want.says) || time.Since(start) != want.took {
					t.Errorf("after %s: %+v, %s", time.Since(start), a, a.body)
				}
				if made := c.s.Stats().Predictions; made != 0 && kind != Slow {
					t.Errorf("%d predictions", made)
				}
				if got := c.s.Stats().Injected[kind]; got != 1 {
					t.Errorf("injected %d", got)
				}
				if a := c.create(kontextPro, asking("x")); a.status != 201 {
					t.Errorf("the next one: %d", a.status)
				}
				settled()
			})
		})
	}
}

// replyFaults strike when the prediction exists.
var replyFaults = map[Kind]struct {
	fault   Fault
	status  int
	aborted bool
	took    time.Duration
}{
	HoldReply:        {fault: Fault{Seconds: 20}, status: 201, took: 20 * time.Second},
	ServerErrorAfter: {status: 500},
	BadGatewayAfter:  {status: 502},
	EOFAfter:         {aborted: true},
}

func TestReplyFaultsLoseNoPrediction(t *testing.T) {
	for kind, want := range replyFaults {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want.fault.Kind = kind
				c := calling(t, newServer(t, Options{Faults: []Fault{want.fault}}))
				start := time.Now()
				a := c.create(kontextPro, asking("x"))
				if a.aborted != want.aborted || !a.aborted && a.status != want.status || time.Since(start) != want.took {
					t.Errorf("after %s: %+v, %s", time.Since(start), a, a.body)
				}
				settled()
				log := c.s.Log()
				if len(log) != 1 || log[0].Status != statusSucceeded || !log[0].Charged || log[0].Faults[0] != kind {
					t.Fatalf("log %+v", log)
				}
				if p := c.get(log[0].ID); p.Status != statusSucceeded || p.Input["prompt"] != "x" {
					t.Errorf("%+v", p)
				}
			})
		})
	}
}

func TestHeldRepliesEndWithClientOrServer(t *testing.T) {
	for name, leave := range map[string]func(s *Server, client context.CancelFunc){
		"client": func(_ *Server, client context.CancelFunc) { client() },
		"server": func(s *Server, _ context.CancelFunc) { _ = s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := calling(t, newServer(t, Options{Faults: []Fault{{Kind: HoldReply}}}))
				ctx, cancel := context.WithCancel(t.Context())
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://fake.test/v1/models/"+kontextPro+"/predictions", strings.NewReader(`{"input":{"prompt":"x"}}`))
				r.Header.Set("Authorization", "Bearer r8_test")
				reply := make(chan answered)
				go func() { reply <- c.send(r) }()
				settled()
				if c.s.Stats().Injected[HoldReply] != 1 || c.s.Stats().Predictions != 1 {
					t.Errorf("%+v", c.s.Stats())
				}
				leave(c.s, cancel)
				if a := <-reply; !a.aborted {
					t.Errorf("it was answered: %d", a.status)
				}
				cancel()
			})
		})
	}
}

func TestEarlyProcessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow, Faults: []Fault{{Kind: EarlyProcessing, Times: -1}}}))
		start := time.Now()
		a := c.create(kontextPro, asking("x"), "Prefer: wait")
		if p := a.prediction(t); a.status != 202 || p.Status != statusProcessing || p.Output != nil || p.CompletedAt != nil || time.Since(start) != time.Second {
			t.Errorf("status %d after %s: %s", a.status, time.Since(start), a.body)
		}
		if a := c.create(kontextPro, asking("x")); a.status != 201 || a.prediction(t).Status != statusStarting {
			t.Errorf("without Prefer: %d", a.status)
		}
		c.s.Configure(func(s *Settings) { s.Latency = Latency{} })
		if a := c.create(kontextPro, asking("x"), "Prefer: wait"); a.status != 202 || a.prediction(t).Status != statusProcessing {
			t.Errorf("one that ends at once: %d, %s", a.status, a.body)
		}
		c.s.ClearFaults()
		for _, kind := range []Kind{EarlyProcessing, Abort} {
			if err := c.s.Inject(Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
		}
		if a := c.create(kontextPro, asking("x"), "Prefer: wait"); a.status != 201 || a.prediction(t).Status != statusAborted {
			t.Errorf("one that never starts: %d, %s", a.status, a.body)
		}
		after(10 * time.Second)
	})
}

// runFaults are judged by the prediction that comes of them.
var runFaults = map[Kind]func(c caller, p seen) bool{
	Abort: func(_ caller, p seen) bool { return p.Status == statusAborted && p.StartedAt == nil },
	Stuck: func(_ caller, p seen) bool { return p.Status == statusStarting },
	SlowRun: func(_ caller, p seen) bool {
		return p.Status == statusSucceeded && p.Metrics["predict_time"] == 100
	},
	OutputNull: func(_ caller, p seen) bool {
		return p.Status == statusSucceeded && p.Output == nil && p.Input["prompt"] == "x"
	},
	OutputString: func(_ caller, p seen) bool { text, ok := p.Output.(string); return ok && text != "" },
	OutputArray: func(c caller, p seen) bool {
		list, ok := p.Output.([]any)
		return ok && c.fetch(fmt.Sprint(list...)).status == 200
	},
	OutputObject: func(c caller, p seen) bool {
		object, ok := p.Output.(map[string]any)
		return ok && c.fetch(fmt.Sprint(object["output"])).status == 200
	},
	DataRemoved: func(_ caller, p seen) bool {
		return p.Status == statusSucceeded && p.DataRemoved && p.Output == nil && len(p.Input) == 0
	},
	DownloadExpired: func(c caller, p seen) bool {
		return c.fetch(fmt.Sprint(p.Output)).status == 404 && c.fetch(fmt.Sprint(p.Output)).status == 200
	},
	DownloadCut: func(c caller, p seen) bool {
		a := c.fetch(fmt.Sprint(p.Output))
		whole := c.fetch(fmt.Sprint(p.Output))
		return a.aborted && a.header.Get("Content-Length") == fmt.Sprint(len(whole.body)) && len(a.body) == len(whole.body)/2 && whole.status == 200
	},
	DownloadSlow: func(c caller, p seen) bool {
		start := time.Now()
		a := c.fetch(fmt.Sprint(p.Output))
		return a.status == 200 && time.Since(start) == 100*time.Second
	},
}

func TestRunFaults(t *testing.T) {
	for kind, holds := range runFaults {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := calling(t, newServer(t, Options{Faults: []Fault{{Kind: kind, Seconds: 100}}}))
				model, input := kontextPro, asking("x")
				if kind == OutputString { // the others have this shape anyway
					model, input = gpt, map[string]any{"input": map[string]any{"prompt": "x"}}
				}
				id := c.made(model, input).ID
				after(2 * time.Minute)
				if p := c.get(id); !holds(c, p) {
					t.Errorf("%+v", p)
				}
				if c.s.Stats().Injected[kind] != 1 || c.s.Log()[0].Faults[0] != kind {
					t.Errorf("%+v, %+v", c.s.Stats(), c.s.Log())
				}
				if usual := c.made(model, input, "Prefer: wait"); holds(c, usual) {
					t.Errorf("the next one is the same: %+v", usual)
				}
			})
		})
	}
}

func TestFailuresHaveTheirCode(t *testing.T) {
	for code, want := range map[string]struct {
		says    string
		started bool
	}{
		"": {"(E004)", true}, "E003": {"high demand", true}, "E004": {"temporarily unavailable", true},
		"E005": {"flagged as sensitive", true}, "E6716": {"E6716", false}, "E9243": {"E9243", false},
		"PA": {"(code: PA)", true}, "E1001": {"out of memory", true}, "E7777": {"(E7777)", true},
	} {
		c := calling(t, newServer(t, Options{Faults: []Fault{{Kind: Fail, Code: code}}}))
		p := c.made(kontextPro, asking("x"), "Prefer: wait")
		if p.Status != statusFailed || p.Error == nil || !strings.Contains(*p.Error, want.says) || p.Output != nil || (p.StartedAt != nil) != want.started {
			t.Errorf("%q: %+v", code, p)
		}
		if e := c.s.Log()[0]; e.Charged || e.Status != statusFailed {
			t.Errorf("%q: log %+v", code, e)
		}
	}
}

// Every kind is in a test: of this file, of webhooks or of what is drawn.
func TestEveryKindIsTested(t *testing.T) {
	tested := map[Kind]bool{
		Fail: true, EarlyProcessing: true,
		WebhookDrop: true, WebhookDuplicate: true, WebhookForged: true, WebhookLate: true, WebhookOutOfOrder: true,
	}
	for kind := range requestFaults {
		tested[kind] = true
	}
	for kind := range replyFaults {
		tested[kind] = true
	}
	for kind := range runFaults {
		tested[kind] = true
	}
	for kind := range flaws {
		tested[kind] = true
	}
	for kind := range stages {
		if !tested[kind] {
			t.Errorf("%s is not tested", kind)
		}
	}
}

func TestFaultsOnTheirRoute(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	p := c.made(kontextPro, asking("x"), "Prefer: wait")
	url, _ := p.Output.(string)
	routes := map[string]func() answered{
		"create": func() answered { return c.create(kontextPro, asking("x")) },
		"get":    func() answered { return c.do(http.MethodGet, "/v1/predictions/"+p.ID, nil) },
		"list":   func() answered { return c.do(http.MethodGet, "/v1/predictions", nil) },
		"cancel": func() answered { return c.do(http.MethodPost, "/v1/predictions/"+p.ID+"/cancel", nil) },
		"upload": func() answered { return c.upload("a.png", "image/png", []byte("x"), nil) },
		"file":   func() answered { return c.do(http.MethodGet, "/v1/files", nil) },
		"account": func() answered {
			return c.do(http.MethodGet, "/v1/account", nil)
		},
		"model":    func() answered { return c.do(http.MethodGet, "/v1/models/"+kontextPro, nil) },
		"secret":   func() answered { return c.do(http.MethodGet, "/v1/webhooks/default/secret", nil) },
		"download": func() answered { return c.fetch(url) },
		"stream":   func() answered { return c.fetch(p.URLs["stream"]) },
	}
	for route := range routes {
		for _, on := range []string{route, "*"} {
			if err := c.s.Inject(Fault{Kind: BadGateway, On: on}); err != nil {
				t.Fatal(err)
			}
			for other, ask := range routes {
				if other == route || on == "*" {
					continue
				}
				if a := ask(); a.status >= 300 {
					t.Errorf("a fault on %s hit %s: %d", on, other, a.status)
				}
			}
			before := c.s.Stats().Requests[route]
			if a := routes[route](); a.status != 502 {
				t.Errorf("a fault on %s did not hit: %d", on, a.status)
			}
			if a := routes[route](); a.status >= 300 {
				t.Errorf("%s after the fault: %d, %s", route, a.status, a.body)
			}
			if got := c.s.Stats().Requests[route] - before; got != 2 {
				t.Errorf("%s counted %d requests, not 2", route, got)
			}
		}
	}
}

func TestFaultsChooseByModelPromptAndNumber(t *testing.T) {
	hit := func(t *testing.T, f Fault, prompts ...string) (hit []int) {
		f.Kind = Credit
		c := calling(t, newServer(t, Options{Faults: []Fault{f}}))
		for i, prompt := range prompts {
			if c.create(kontextPro, asking(prompt)).status == 402 {
				hit = append(hit, i+1)
			}
		}
		return hit
	}
	many := strings.Split(strings.Repeat("x", 9), "")
	for _, x := range []struct {
		fault   Fault
		prompts []string
		want    string
	}{
		{Fault{}, many, "[1]"},
		{Fault{Nth: 4}, many, "[4]"},
		{Fault{Times: 3}, many, "[1 2 3]"},
		{Fault{Times: -1}, many, "[1 2 3 4 5 6 7 8 9]"},
		{Fault{Nth: 2, Every: 3, Times: -1}, many, "[2 5 8]"},
		{Fault{Nth: 2, Every: 2, Times: 2}, many, "[2 4]"},
		{Fault{Prompt: "CHARCOAL", Times: -1}, []string{"a photo", "a charcoal sketch", "Charcoal!"}, "[2 3]"},
		{Fault{Prompt: "sketch", Nth: 2}, []string{"a sketch", "a photo", "one more sketch"}, "[3]"},
		{Fault{Model: kontextPro}, many, "[1]"},
		{Fault{Model: "openai/gpt-4.1-mini", Times: -1}, many, "[]"},
	} {
		if got := fmt.Sprint(hit(t, x.fault, x.prompts...)); got != x.want {
			t.Errorf("%+v hit %s, not %s", x.fault, got, x.want)
		}
	}
}

// However the numbers are set: hits are Times at most, Every apart, and the
// first is the Nth.
func TestFaultsCount(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := armed{Fault: Fault{
			Nth: rapid.IntRange(0, 5).Draw(r, "nth"), Every: rapid.IntRange(0, 4).Draw(r, "every"), Times: rapid.IntRange(-1, 5).Draw(r, "times"),
		}}
		var hits []int
		for n := 1; n <= 40; n++ {
			if f.strikes() {
				hits = append(hits, n)
			}
		}
		apart, most := max(f.Every, 1), max(f.Times, 1)
		if f.Times < 0 {
			most = 40
		}
		first := max(f.Nth, 1)
		if want := min(most, (40-first)/apart+1); len(hits) != want || hits[0] != first {
			r.Fatalf("%+v: hits %v, want %d from %d", f.Fault, hits, want, first)
		}
		for i := range hits[1:] {
			if hits[i+1]-hits[i] != apart {
				r.Fatalf("%+v: hits %v", f.Fault, hits)
			}
		}
	})
}
