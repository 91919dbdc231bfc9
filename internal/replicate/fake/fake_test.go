package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	kontextPro = "black-forest-labs/flux-kontext-pro"
	gpt        = "openai/gpt-4.1-mini"
)

// newServer is one that the test closes. It draws in no time: how pictures look
// is the concern of a few tests only.
func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = 1
	}
	s := New(o)
	s.render.draw = sketch
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// caller asks the server without a network, as one account.
type caller struct {
	t     *testing.T
	s     *Server
	token string
}

func calling(t *testing.T, s *Server) caller { return caller{t: t, s: s, token: "r8_test"} }

type answered struct {
	status  int
	header  http.Header
	body    []byte
	aborted bool // the connection was closed instead of an answer
}

// do makes a request. Headers are given as "Name: value"; an empty value takes
// one away that is usual.
func (c caller) do(method, path string, body any, headers ...string) answered {
	c.t.Helper()
	var b []byte
	switch body := body.(type) {
	case nil:
	case string:
		b = []byte(body)
	case []byte:
		b = body
	default:
		var err error
		if b, err = json.Marshal(body); err != nil {
			c.t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, "http://fake.test"+strings.TrimPrefix(path, "http://fake.test"), bytes.NewReader(b))
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return c.send(r)
}

func (c caller) send(r *http.Request) (a answered) {
	w := httptest.NewRecorder()
	defer func() {
		if err, ok := recover().(error); ok {
			if !errors.Is(err, http.ErrAbortHandler) {
				panic(err)
			}
			a = answered{status: w.Code, header: w.Header(), body: w.Body.Bytes(), aborted: true}
		}
	}()
	c.s.ServeHTTP(w, r)
	return answered{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}

// seen is a prediction as a client reads it.
type seen struct {
	ID, Model, Version, Status, Logs, Source string
	Input                                    map[string]any
	Output                                   any
	Error                                    *string
	DataRemoved                              bool       `json:"data_removed"`
	CreatedAt                                time.Time  `json:"created_at"`
	StartedAt                                *time.Time `json:"started_at"`
	CompletedAt                              *time.Time `json:"completed_at"`
	Deadline                                 *time.Time
	Metrics                                  map[string]float64
	URLs                                     map[string]string `json:"urls"`
}

func (a answered) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v: status %d, %s", err, a.status, a.body)
	}
}

func (a answered) prediction(t *testing.T) seen {
	t.Helper()
	var p seen
	a.decode(t, &p)
	if p.ID == "" {
		t.Fatalf("no prediction: status %d, %s", a.status, a.body)
	}
	return p
}

func (a answered) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	a.decode(t, &p)
	if p.Status != a.status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, type %s, body %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return p
}

func asking(prompt string) map[string]any {
	return map[string]any{"input": map[string]any{"prompt": prompt, "aspect_ratio": "1:1"}}
}

// create asks for a prediction of an official model.
func (c caller) create(model string, body any, headers ...string) answered {
	c.t.Helper()
	return c.do(http.MethodPost, "/v1/models/"+model+"/predictions", body, headers...)
}

// made creates one that must be accepted.
func (c caller) made(model string, body any, headers ...string) seen {
	c.t.Helper()
	a := c.create(model, body, headers...)
	if a.status != http.StatusCreated && a.status != http.StatusAccepted {
		c.t.Fatalf("status %d: %s", a.status, a.body)
	}
	return a.prediction(c.t)
}

func (c caller) get(id string) seen {
	c.t.Helper()
	return c.do(http.MethodGet, "/v1/predictions/"+id, nil).prediction(c.t)
}

// fetch downloads a URL that the server gave, without a token.
func (c caller) fetch(url string) answered {
	c.t.Helper()
	c.token = ""
	return c.do(http.MethodGet, url, nil)
}

// settled lets the bubble run until only time can change anything.
func settled() { synctest.Wait() }

// after lets time pass in a bubble, and then settle.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestTokens(t *testing.T) {
	s := newServer(t, Options{Token: "r8_right"})
	for header, want := range map[string]int{
		"Bearer r8_right": 200, "Token r8_right": 200, "bearer r8_right": 200,
		"Bearer r8_wrong": 401, "Bearer ": 401, "Bearer": 401, "Basic r8_right": 401, "r8_right": 401,
	} {
		a := calling(t, s).do(http.MethodGet, "/v1/account", nil, "Authorization: "+header)
		if a.status != want {
			t.Errorf("%q: status %d", header, a.status)
		}
		if want == 401 {
			if p := a.problem(t); p.Title != "Unauthenticated" || p.Detail == "" {
				t.Errorf("%+v", p)
			}
		}
	}
	if a := calling(t, s).do(http.MethodGet, "/v1/account", nil, "Authorization: "); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
}

func TestAccountsAreApart(t *testing.T) {
	s := newServer(t, Options{})
	ours, theirs := calling(t, s), caller{t, s, "r8_other"}
	p := ours.made(kontextPro, asking("x"))
	if a := theirs.do(http.MethodGet, "/v1/predictions/"+p.ID, nil); a.status != 404 {
		t.Errorf("status %d", a.status)
	}
	if a := theirs.do(http.MethodPost, "/v1/predictions/"+p.ID+"/cancel", nil); a.status != 404 {
		t.Errorf("status %d", a.status)
	}
	var list struct{ Results []seen }
	if theirs.do(http.MethodGet, "/v1/predictions", nil).decode(t, &list); len(list.Results) != 0 {
		t.Errorf("%d rows of another account", len(list.Results))
	}
	names := map[string]bool{}
	for _, c := range []caller{ours, theirs} {
		var account struct{ Type, Username string }
		c.do(http.MethodGet, "/v1/account", nil).decode(t, &account)
		names[account.Username] = true
		if account.Type != "user" || strings.Contains(account.Username, "r8_") {
			t.Errorf("%+v", account)
		}
	}
	if len(names) != 2 {
		t.Errorf("names %v", names)
	}
	if log := s.Log(); len(log) != 1 || log[0].Account == "" || strings.Contains(log[0].Account, "r8_") {
		t.Errorf("%+v", log)
	}
}

func TestUnknownThingsAreNotFound(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for path, method := range map[string]string{
		"/v1/predictions/none": http.MethodGet, "/v1/predictions/none/cancel": http.MethodPost,
		"/v1/files/none": http.MethodGet, "/v1/files/none/download": http.MethodGet, "/v1/files/none/stream": http.MethodGet,
		"/v1/models/nobody/nothing": http.MethodGet, "/v1/models/" + kontextPro + "/versions/none": http.MethodGet,
		"/v1/streams/none": http.MethodGet, "/v1/hardware": http.MethodGet,
	} {
		if a := c.do(method, path, nil); a.status != 404 || a.problem(t).Detail == "" {
			t.Errorf("%s: status %d, %s", path, a.status, a.body)
		}
	}
	if a := c.create("nobody/nothing", asking("x")); a.status != 404 {
		t.Errorf("unknown model: %d", a.status)
	}
	if a := c.fetch("/outputs/none/out-0.png"); a.status != 404 {
		t.Errorf("unknown output: %d", a.status)
	}
	if n := c.s.Stats().Predictions; n != 0 {
		t.Errorf("%d predictions", n)
	}
}

func TestSeedRepeatsIDsAndLatencies(t *testing.T) {
	ids := func(seed uint64) (ids []string) {
		c := calling(t, newServer(t, Options{Seed: seed}))
		for range 5 {
			p := c.made(kontextPro, asking("x"), "Prefer: wait")
			c.do(http.MethodGet, "/v1/predictions", nil)
			ids = append(ids, p.ID)
		}
		return ids
	}
	a, b, other := ids(7), ids(7), ids(8)
	if strings.Join(a, " ") != strings.Join(b, " ") || strings.Join(a, " ") == strings.Join(other, " ") {
		t.Errorf("%v\n%v\n%v", a, b, other)
	}
	l := Latency{Fixed: time.Second, Spread: 0.5, Models: map[string]time.Duration{"o/m": time.Minute}}
	third := l.of("x/y", 7, 3)
	if again := l.of("x/y", 7, 3); again != third || l.of("x/y", 7, 4) == third || l.of("x/y", 8, 3) == third {
		t.Error("latencies do not follow the seed and the number")
	}
	if l.of("o/m", 1, 1) < 5*time.Second || (Latency{Fixed: time.Second}).of("o/m", 1, 1) != time.Second {
		t.Error("the model's own latency is not used, or one without spread is not exact")
	}
}

func TestCloseIsRepeatableAndRemovesFiles(t *testing.T) {
	s := newServer(t, Options{})
	c := calling(t, s)
	c.made(kontextPro, asking("x"), "Prefer: wait")
	dir := s.spool.dir
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Fatalf("%d spooled files, %v", len(entries), err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
	if a := c.create(kontextPro, asking("x")); !a.aborted {
		t.Errorf("a closed server answers %d", a.status)
	}
}

func TestNewRefusesMistakes(t *testing.T) {
	for name, o := range map[string]Options{
		"an unknown fault":    {Faults: []Fault{{Kind: "explode"}}},
		"an unknown route":    {Faults: []Fault{{Kind: Throttle, On: "creation"}}},
		"no webhook secret":   {WebhookSecret: "secret"},
		"no base64 in secret": {WebhookSecret: "whsec_!"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is accepted", name)
				}
			}()
			_ = New(o).Close()
		}()
	}
}

func TestClockSkewShowsEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Settings: Settings{ClockSkew: -3 * time.Minute}})
		a := calling(t, s).create(kontextPro, asking("x"))
		told, err := http.ParseTime(a.header.Get("Date"))
		if err != nil || time.Since(told) != 3*time.Minute {
			t.Errorf("Date %s, %v", a.header.Get("Date"), err)
		}
		if p := a.prediction(t); time.Since(p.CreatedAt) != 3*time.Minute {
			t.Errorf("created %s", p.CreatedAt)
		}
		settled()
	})
}
