package fake

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var slow = Settings{Latency: Latency{Start: time.Second, Fixed: 4 * time.Second}}

func TestPredictionRunsItsCourse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow}))
		a := c.create(kontextPro, asking("  a lighthouse "))
		p := a.prediction(t)
		if a.status != 201 || p.Status != statusStarting || p.Output != nil || p.StartedAt != nil || p.CompletedAt != nil || p.Deadline != nil {
			t.Errorf("at first: status %d, %s", a.status, a.body)
		}
		if p.Model != kontextPro || p.Version != "hidden" || p.Source != "api" || p.Input["prompt"] != "  a lighthouse " || len(p.Input) != 2 {
			t.Errorf("described: %s", a.body)
		}
		if after(time.Second - 1); c.get(p.ID).Status != statusStarting {
			t.Error("it started early")
		}
		after(1)
		if p = c.get(p.ID); p.Status != statusProcessing || p.StartedAt == nil || p.StartedAt.Sub(p.CreatedAt) != time.Second || !strings.HasPrefix(p.Logs, "Using seed: ") {
			t.Errorf("processing: %+v", p)
		}
		if after(4*time.Second - 1); c.get(p.ID).Status != statusProcessing {
			t.Error("it ended early")
		}
		after(1)
		p = c.get(p.ID)
		url, _ := p.Output.(string)
		if p.Status != statusSucceeded || p.Error != nil || p.Metrics["predict_time"] != 4 || p.Metrics["total_time"] != 5 || p.DataRemoved {
			t.Errorf("at last: %+v", p)
		}
		if got := c.fetch(url); got.status != 200 || got.header.Get("Content-Type") != "image/png" || len(got.body) == 0 {
			t.Errorf("its output: status %d, %s, %d bytes", got.status, got.header.Get("Content-Type"), len(got.body))
		}
		if urls := p.URLs; urls["get"] != "http://fake.test/v1/predictions/"+p.ID || urls["cancel"] != urls["get"]+"/cancel" || urls["web"] == "" || urls["stream"] == "" {
			t.Errorf("URLs %v", urls)
		}
		e := c.s.Log()[0]
		if e.ID != p.ID || e.Status != statusSucceeded || !e.Charged || e.Downloads != 1 || e.Prompt != "  a lighthouse " || e.Done.Sub(e.Created) != 5*time.Second || e.Started.Sub(e.Created) != time.Second {
			t.Errorf("log %+v", e)
		}
	})
}

func TestLogTellsStateOfRunningPredictions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow}))
		c.made(kontextPro, asking("x"))
		if e := c.s.Log()[0]; e.Status != statusStarting || !e.Done.IsZero() {
			t.Errorf("%+v", e)
		}
		after(time.Second)
		if e := c.s.Log()[0]; e.Status != statusProcessing || e.Started.IsZero() || e.Charged {
			t.Errorf("%+v", e)
		}
	})
}

func TestVersionsNameModels(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	esrgan := modelByName("nightmareai/real-esrgan")
	pixel := "data:image/png;base64," + pixelPNG
	image := map[string]any{"image": pixel}
	for _, x := range []struct {
		version string
		input   any
		status  int
		want    string // reported version
	}{
		{kontextPro, map[string]any{"prompt": "x"}, 201, "hidden"},
		{modelByName(kontextPro).version(), map[string]any{"prompt": "x"}, 201, modelByName(kontextPro).version()},
		{esrgan.version(), image, 201, esrgan.version()},
		{esrgan.name + ":" + esrgan.version(), image, 201, esrgan.version()},
		{esrgan.name, image, 422, ""},
		{esrgan.name + ":" + strings.Repeat("0", 64), image, 422, ""},
		{strings.Repeat("0", 64), image, 422, ""},
		{"", image, 422, ""},
	} {
		a := c.do(http.MethodPost, "/v1/predictions", map[string]any{"version": x.version, "input": x.input})
		if a.status != x.status {
			t.Errorf("%q: status %d, %s", x.version, a.status, a.body)
			continue
		}
		if x.status == 422 {
			if p := a.problem(t); p.Title != "Invalid version or not permitted" {
				t.Errorf("%q: %+v", x.version, p)
			}
		} else if p := a.prediction(t); p.Version != x.want {
			t.Errorf("%q: reported %q", x.version, p.Version)
		}
	}
	if a := c.create(esrgan.name, map[string]any{"input": image}); a.status != 404 {
		t.Errorf("a community model by name: %d", a.status)
	}
}

func TestPreferWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow}))
		for _, x := range []struct {
			prefer string
			status int
			state  string
			took   time.Duration
		}{
			{"wait", 201, statusSucceeded, 5 * time.Second},
			{"wait=60", 201, statusSucceeded, 5 * time.Second},
			{"wait=3", 202, statusProcessing, 3 * time.Second},
		} {
			start := time.Now()
			a := c.create(kontextPro, asking("x"), "Prefer: "+x.prefer)
			p := a.prediction(t)
			if a.status != x.status || p.Status != x.state || time.Since(start) != x.took || (p.Output != nil) != (x.status == 201) {
				t.Errorf("%s: status %d after %s: %s", x.prefer, a.status, time.Since(start), a.body)
			}
		}
		c.s.Configure(func(s *Settings) { s.Latency.Start = 2 * time.Minute })
		start := time.Now()
		if a := c.create(kontextPro, asking("x"), "Prefer: wait"); a.status != 202 || a.prediction(t).Status != statusStarting || time.Since(start) != time.Minute {
			t.Errorf("status %d after %s", a.status, time.Since(start))
		}
	})
}

func TestPreferWaitEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow}))
		ctx, leave := context.WithTimeout(t.Context(), 2*time.Second)
		defer leave()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://fake.test/v1/models/"+kontextPro+"/predictions", strings.NewReader(`{"input":{"prompt":"x"}}`))
		r.Header.Set("Authorization", "Bearer r8_test")
		r.Header.Set("Prefer", "wait")
		start := time.Now()
		c.send(r)
		if time.Since(start) != 2*time.Second {
			t.Errorf("it waited %s", time.Since(start))
		}
		after(3 * time.Second)
		if e := c.s.Log()[0]; e.Status != statusSucceeded {
			t.Errorf("the prediction did not go on: %+v", e)
		}
	})
}

func TestCancel(t *testing.T) {
	for name, x := range map[string]struct {
		at      time.Duration
		state   string
		charged bool
	}{
		"before it starts":  {500 * time.Millisecond, statusCanceled, false},
		"while it runs":     {2 * time.Second, statusCanceled, true},
		"after it finished": {6 * time.Second, statusSucceeded, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := calling(t, newServer(t, Options{Settings: slow}))
				id := c.made(kontextPro, asking("x")).ID
				after(x.at)
				a := c.do(http.MethodPost, "/v1/predictions/"+id+"/cancel", nil)
				p := a.prediction(t)
				if a.status != 200 || p.Status != x.state || p.CompletedAt == nil {
					t.Errorf("status %d: %s", a.status, a.body)
				}
				after(10 * time.Second)
				again := c.do(http.MethodPost, "/v1/predictions/"+id+"/cancel", nil)
				if string(again.body) != string(a.body) || string(c.do(http.MethodGet, "/v1/predictions/"+id, nil).body) != string(a.body) {
					t.Errorf("it changed:\n%s\n%s", a.body, again.body)
				}
				if e := c.s.Log()[0]; e.Status != x.state || e.Charged != x.charged {
					t.Errorf("log %+v", e)
				}
			})
		})
	}
}

func TestCancelReleasesWaitingClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Settings: slow}))
		reply := make(chan answered)
		go func() { reply <- c.create(kontextPro, asking("x"), "Prefer: wait") }()
		after(2 * time.Second)
		id := c.s.Log()[0].ID
		c.do(http.MethodPost, "/v1/predictions/"+id+"/cancel", nil)
		if a := <-reply; a.status != 201 || a.prediction(t).Status != statusCanceled {
			t.Errorf("status %d: %s", a.status, a.body)
		}
	})
}

func TestCancelAfter(t *testing.T) {
	for _, x := range []struct {
		header  string
		start   time.Duration
		state   string
		ends    time.Duration
		charged bool
	}{
		{"5s", 10 * time.Second, statusAborted, 5 * time.Second, false},
		{"5", 2 * time.Second, statusCanceled, 5 * time.Second, true},
		{"1m", 2 * time.Second, statusCanceled, time.Minute, true},
		{"1h", 2 * time.Second, statusSucceeded, 2 * time.Minute, true},
		{"1m5s", 2 * time.Second, statusCanceled, 65 * time.Second, true},
	} {
		t.Run(x.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := calling(t, newServer(t, Options{Settings: Settings{Latency: Latency{Start: x.start, Fixed: 2*time.Minute - x.start}}}))
				p := c.made(kontextPro, asking("x"), "Cancel-After: "+x.header)
				if p.Deadline == nil {
					t.Fatal("no deadline is told")
				}
				after(2 * time.Minute)
				p = c.get(p.ID)
				if p.Status != x.state || p.CompletedAt == nil || p.CompletedAt.Sub(p.CreatedAt) != x.ends || x.state != statusSucceeded && !p.Deadline.Equal(*p.CompletedAt) {
					t.Errorf("%+v", p)
				}
				if e := c.s.Log()[0]; e.Charged != x.charged || e.Status != x.state {
					t.Errorf("log %+v", e)
				}
			})
		})
	}
}

func TestHardTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := calling(t, newServer(t, Options{Faults: []Fault{{Kind: Stuck, Times: 2}}}))
		p := c.made(kontextPro, asking("x"))
		c.s.Configure(func(s *Settings) { s.HardTimeout = 2 * time.Hour }) // those that run keep theirs
		long := c.made(kontextPro, asking("x"))
		if after(30*time.Minute - 1); c.get(p.ID).Status != statusStarting {
			t.Error("it ended early")
		}
		if after(1); c.get(p.ID).Status != statusAborted || c.get(long.ID).Status != statusStarting {
			t.Errorf("%+v", c.get(p.ID))
		}
		if after(90 * time.Minute); c.get(long.ID).Status != statusAborted {
			t.Errorf("%+v", c.get(long.ID))
		}
	})
}

func TestBadHeadersMakeNothing(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for _, h := range []string{
		"Prefer: wait=0", "Prefer: wait=61", "Prefer: wait=", "Prefer: wait=x", "Prefer: wait=-1",
		"Cancel-After: 4s", "Cancel-After: 0", "Cancel-After: soon", "Cancel-After: 1m1h", "Cancel-After: -5s", "Cancel-After: 1.5m",
	} {
		if a := c.create(kontextPro, asking("x"), h); a.status != 422 || a.problem(t).Detail == "" {
			t.Errorf("%s: status %d", h, a.status)
		}
	}
	if n := c.s.Stats().Predictions; n != 0 {
		t.Errorf("%d predictions", n)
	}
}

func TestDataExpires(t *testing.T) {
	now := time.Now()
	s := newServer(t, Options{Now: func() time.Time { return now }})
	c := calling(t, s)
	p := c.made(kontextPro, asking("x"), "Prefer: wait")
	url, _ := p.Output.(string)
	now = now.Add(time.Hour - time.Microsecond)
	if got := c.get(p.ID); got.DataRemoved || got.Input["prompt"] != "x" || c.fetch(url).status != 200 {
		t.Errorf("early: %+v", got)
	}
	now = now.Add(time.Microsecond)
	gone := func(when string) {
		t.Helper()
		got := c.get(p.ID)
		if !got.DataRemoved || got.Status != statusSucceeded || len(got.Input) != 0 || got.Input == nil || got.Output != nil || got.Logs != "" || got.CompletedAt == nil {
			t.Errorf("%s: %+v", when, got)
		}
		if a := c.fetch(url); a.status != 404 {
			t.Errorf("%s: the output is still there: %d", when, a.status)
		}
	}
	gone("expired")
	path := s.byID[p.ID].outputs[0].path
	c.made(kontextPro, asking("y"), "Prefer: wait") // and with it the old data is freed
	gone("freed")
	if _, err := s.spool.put(nil); err != nil || s.outputs[p.ID] != nil {
		t.Error(err)
	}
	if _, err := openFile(path); err == nil {
		t.Error("the file is still in the spool")
	}
	if e := s.Log()[0]; e.Prompt != "x" || e.Status != statusSucceeded || e.InputDigest == "" {
		t.Errorf("the log forgot: %+v", e)
	}
}

func TestShapesOfOutputs(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	pixel := "data:image/png;base64," + pixelPNG
	one, _ := c.made(kontextPro, asking("x"), "Prefer: wait").Output.(string)
	if c.fetch(one).status != 200 {
		t.Errorf("one file: %q", one)
	}
	many, _ := c.made("qwen/qwen-image-edit-plus", map[string]any{"input": map[string]any{"prompt": "x", "image": []string{pixel}, "aspect_ratio": "1:1"}}, "Prefer: wait").Output.([]any)
	if len(many) != 1 || c.fetch(fmt.Sprint(many[0])).status != 200 {
		t.Errorf("many files: %v", many)
	}
	p := c.made(gpt, map[string]any{"input": map[string]any{"prompt": "Say hello"}}, "Prefer: wait")
	pieces, _ := p.Output.([]any)
	if len(pieces) == 0 || p.Metrics["output_token_count"] != float64(len(pieces)) {
		t.Errorf("a text: %+v", p)
	}
}

func TestStampsAreWholeMicroseconds(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	p := c.made(kontextPro, asking("x"), "Prefer: wait")
	if e := c.s.Log()[0]; !e.Created.Equal(p.CreatedAt) || !e.Done.Equal(*p.CompletedAt) {
		t.Errorf("told %s and %s, logged %s and %s", p.CreatedAt, p.CompletedAt, e.Created, e.Done)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	s := newServer(t, Options{PreEncoded: true, Settings: Settings{Latency: Latency{Fixed: time.Millisecond}}})
	const clients, each = 8, 10
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			c := caller{t, s, fmt.Sprint("r8_", n%3)}
			for i := range each {
				a := c.create(kontextPro, asking(fmt.Sprint(n, i)), "Prefer: wait")
				if a.status != 201 {
					t.Errorf("status %d: %s", a.status, a.body)
					return
				}
				c.do(http.MethodGet, "/v1/predictions", nil)
				p := a.prediction(t)
				c.do(http.MethodPost, "/v1/predictions/"+p.ID+"/cancel", nil)
				if got := c.fetch(fmt.Sprint(p.Output)); got.status != 200 {
					t.Errorf("download: %d", got.status)
				}
			}
		})
	}
	wg.Wait()
	ids, inputs := map[string]bool{}, map[string]bool{}
	for _, e := range s.Log() {
		ids[e.ID], inputs[e.InputDigest] = true, true
		if e.Status != statusSucceeded || e.Downloads != 1 {
			t.Errorf("%+v", e)
		}
	}
	stats := s.Stats()
	if len(ids) != clients*each || len(inputs) != clients*each || stats.Predictions != clients*each || stats.Charged != clients*each || stats.Requests["create"] != clients*each || stats.Requests["download"] != clients*each {
		t.Errorf("%d IDs, %d inputs, %+v", len(ids), len(inputs), stats)
	}
}
