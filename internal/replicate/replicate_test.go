package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

const secret = "r8_very_secret"

// serve answers over HTTP/2 with TLS, as the provider does: the library's
// worst defect shows only there.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	c, err := New(Options{Token: secret, BaseURL: s.URL + "/v1", Transport: s.Client().Transport, CreateTimeout: time.Second, Timeout: time.Second, FetchTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answering(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const starting = `{"id":"p1","model":"o/m","status":"starting","created_at":"2026-11-23T10:00:00.5Z","input":{"seed":7}}`

func TestCreateSendsInputOnceAndReadsPrediction(t *testing.T) {
	calls := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		var body struct{ Input map[string]any }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Input["prompt"] != "x" {
			t.Errorf("body %v, %v", body, err)
		}
		if r.URL.Path != "/v1/models/o/m/predictions" || r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("Cancel-After") != "90s" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		if r.Header.Get("Prefer") != "" {
			t.Error("the create is not asynchronous")
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, starting)
	})
	p, err := c.Create(t.Context(), CreateRequest{Model: "o/m", Input: map[string]any{"prompt": "x"}, CancelAfter: 90 * time.Second})
	if err != nil || p.ID != "p1" || p.Status != StatusStarting || p.CreatedAt.Year() != 2026 || calls != 1 {
		t.Errorf("%+v after %d calls, %v", p, calls, err)
	}
}

// The error table: what each answer means, for a create and for a question.
func TestAnswersAreClassified(t *testing.T) {
	for _, c := range []struct {
		name         string
		status       int
		header, body string
		create, get  Class
		after        time.Duration
		rate         int
	}{
		{"throttled by header", 429, "7", `{"detail":"slow down"}`, ClassThrottled, ClassThrottled, 7 * time.Second, 0},
		{"throttled by text", 429, "", `{"detail":"Request was throttled. Your rate limit resets in ~30s."}`, ClassThrottled, ClassThrottled, 30 * time.Second, 0},
		{"low credit", 429, "", `{"detail":"reduced to 6 requests per minute with a burst of 1","retry_after":10}`, ClassThrottled, ClassThrottled, 10 * time.Second, 6},
		{"no credit", 402, "", `{"title":"Insufficient credit"}`, ClassCredit, ClassCredit, 0, 0},
		{"bad token", 401, "", `{"title":"Unauthenticated"}`, ClassAuth, ClassAuth, 0, 0},
		{"unknown", 404, "", `{"detail":"not found"}`, ClassNotFound, ClassNotFound, 0, 0},
		{"invalid", 422, "", `{"detail":"- input: prompt is required","invalid_fields":[{"field":"input.prompt","description":"is required"}]}`, ClassInvalid, ClassInvalid, 0, 0},
		{"moderated", 422, "", `{"detail":"The input was flagged as sensitive (E005)"}`, ClassModerated, ClassModerated, 0, 0},
		{"server error", 500, "", `{}`, ClassAmbiguous, ClassTransient, 0, 0},
		{"HTML", 502, "", `<html>Bad Gateway</html>`, ClassAmbiguous, ClassTransient, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				answering(c.status, c.header, c.body)(w, r)
			})
			start := time.Now()
			_, err := client.Create(t.Context(), CreateRequest{Model: "o/m", Input: map[string]any{"prompt": "x"}})
			check(t, err, c.create, c.status)
			var e *Error
			if errors.As(err, &e) && (e.After != c.after || e.RatePerMinute != c.rate) {
				t.Errorf("after %s, rate %d", e.After, e.RatePerMinute)
			}
			_, err = client.Get(t.Context(), "p1")
			check(t, err, c.get, c.status)
			if calls != 2 || time.Since(start) > time.Second {
				t.Errorf("%d calls in %s: something retried or slept", calls, time.Since(start))
			}
		})
	}
}

func check(t *testing.T, err error, class Class, status int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Class != class || e.Status != status {
		t.Errorf("got %v, want %s with status %d", err, class, status)
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
		t.Error("the token shows")
	}
}

func TestUnansweredCreateIsAmbiguous(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"hung":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no prediction": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); h(w, r) })
			_, err := c.Create(t.Context(), CreateRequest{Model: "o/m", Input: map[string]any{"a": 1}})
			var e *Error
			if !errors.As(err, &e) || e.Class != ClassAmbiguous {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnsentCreateIsTransient(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once: nothing listens there
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	c, err := New(Options{Token: secret, BaseURL: "http://" + ln.Addr().String() + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(t.Context(), CreateRequest{Model: "o/m", Input: map[string]any{"a": 1}})
	var e *Error
	if !errors.As(err, &e) || e.Class != ClassTransient {
		t.Errorf("got %v", err)
	}
}

func TestListFollowsAbsoluteCursorsOfItsHostOnly(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			t.Error("no token")
		}
		next := fmt.Sprintf(`"https://%s/v1/predictions?cursor=2"`, r.Host)
		if r.URL.Query().Get("cursor") == "2" {
			next = "null"
		} else if r.URL.Query().Get("created_after") != "2026-11-23T10:00:00Z" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		_, _ = fmt.Fprintf(w, `{"results":[%s],"next":%s}`, starting, next)
	})
	page, err := c.List(t.Context(), ListQuery{CreatedAfter: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)})
	if err != nil || len(page.Predictions) != 1 || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	if page, err = c.List(t.Context(), ListQuery{Cursor: page.Next}); err != nil || page.Next != "" || page.Predictions[0].Input["seed"] != 7.0 {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := c.List(t.Context(), ListQuery{Cursor: "https://elsewhere.example/v1/predictions"}); err == nil {
		t.Error("the token would go to another host")
	}
}

func TestFetchSendsNoTokenAndSeesTruncation(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token was sent to the delivery host")
		}
		switch r.URL.Path {
		case "/ok":
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, "image")
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "image")
			panic(http.ErrAbortHandler)
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	root := "https://" + c.base.Host
	var taken int64
	taking := func(_ context.Context, n int64) error { taken = n; return nil }
	data, kind, err := c.Fetch(t.Context(), root+"/ok", 5, taking)
	if err != nil || string(data) != "image" || kind != "image/png" {
		t.Errorf("%q %s %v", data, kind, err)
	}
	if taken != 5 {
		t.Errorf("room for %d bytes was asked for", taken)
	}
	for path, want := range map[string]Class{"/cut": ClassTransient, "/gone": ClassLost, "/busy": ClassTransient} {
		_, _, err := c.Fetch(t.Context(), root+path, 1000, taking)
		var e *Error
		if !errors.As(err, &e) || e.Class != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	var e *Error
	if _, _, err := c.Fetch(t.Context(), root+"/ok", 4, taking); !errors.As(err, &e) || e.Class != ClassInvalid {
		t.Errorf("too large: %v", err)
	}
}

func TestUpload(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("content")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(f)
		if string(b) != "bytes" || h.Filename != "reference.png" {
			t.Errorf("%q named %s", b, h.Filename)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"f","urls":{"get":"https://x/f"},"expires_at":"2026-11-24T10:00:00Z"}`)
	})
	f, err := c.Upload(t.Context(), "reference.png", "image/png", []byte("bytes"))
	if err != nil || f.URL != "https://x/f" || f.ExpiresAt.Day() != 24 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestPredictionsEndWithTheirReason(t *testing.T) {
	for _, c := range []struct {
		json string
		want Class
		code string
	}{
		{`{"id":"p","status":"succeeded","output":"https://x/1.png"}`, "", ""},
		{`{"id":"p","status":"succeeded","output":["https://x/1.png"]}`, "", ""},
		{`{"id":"p","status":"succeeded","output":null,"data_removed":true}`, ClassLost, ""},
		{`{"id":"p","status":"aborted"}`, ClassTransient, ""},
		{`{"id":"p","status":"canceled"}`, ClassTransient, ""},
		{`{"id":"p","status":"failed","error":"flagged as sensitive (E005) (abc)"}`, ClassModerated, "E005"},
		{`{"id":"p","status":"failed","error":"high demand (E003)"}`, ClassTransient, "E003"},
		{`{"id":"p","status":"failed","error":"out of memory E1001"}`, ClassInvalid, "E1001"},
		{`{"id":"p","status":"failed","error":"Prediction interrupted; please retry (code: PA)"}`, ClassTransient, "code: PA"},
	} {
		p, err := parsePrediction("read a prediction", []byte(c.json))
		if err != nil || !p.Terminal() {
			t.Fatalf("%s: %v", c.json, err)
		}
		var e *Error
		if err := p.Err(); (err == nil) != (c.want == "") || errors.As(err, &e) && (e.Class != c.want || e.Code != c.code) {
			t.Errorf("%s: %v", c.json, err)
		}
	}
}

func TestMatchInputKnowsItsOwn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m, err := Lookup(RoleGenerate, rapid.SampledFrom([]string{DefaultActorModel, "google/nano-banana"}).Draw(r, "model"))
		if err != nil {
			r.Fatal(err)
		}
		p := Params{Prompt: rapid.String().Draw(r, "prompt"), ReferenceURL: "https://x/f", Aspect: "16:9", Seed: rapid.Int64Range(0, 1<<31-1).Draw(r, "seed")}
		listed := func(p Params) map[string]any {
			b, _ := json.Marshal(m.Input(p))
			var row map[string]any
			if err := json.Unmarshal(b, &row); err != nil {
				r.Fatal(err)
			}
			row["go_fast"] = true // what the provider adds is not ours
			return row
		}
		sent := m.Input(p)
		if !MatchInput(sent, listed(p)) {
			r.Fatal("its own input does not match")
		}
		other := p
		other.Prompt += "!"
		if MatchInput(sent, listed(other)) || MatchInput(sent, nil) {
			r.Fatal("another input matches")
		}
		if _, seeded := sent["seed"]; seeded {
			other = p
			other.Seed++
			if MatchInput(sent, listed(other)) {
				r.Fatal("another seed matches")
			}
		}
	})
}

// The provider reports inputs in its own way. An orphan that is not recognised
// for that would be paid for a second time.
func TestMatchInputAsTheProviderWritesIt(t *testing.T) {
	const file = "https://api.replicate.com/v1/files/abc123"
	const moved = "https://replicate.delivery/pbxt/abc123/reference.png"
	seeded := map[string]any{"prompt": " a cat\n", "seed": int64(7), "input_image": file}
	judged := map[string]any{"prompt": "which?", "image_input": []string{file}, "temperature": 0}
	shown := map[string]any{"prompt": "which?", "image_input": []string{file, "https://api.replicate.com/v1/files/def456"}}
	for _, c := range []struct {
		name   string
		sent   map[string]any
		listed string
		want   bool
	}{
		{"trimmed, floats, an upload's other address", seeded, `{"prompt":"a cat","seed":7.0,"input_image":"` + moved + `","go_fast":true}`, true},
		{"an address that does not name the file, with a seed", seeded, `{"prompt":"a cat","seed":7,"input_image":"https://x.example/y"}`, true},
		{"another upload, with a seed that another job was given, too", seeded, `{"prompt":"a cat","seed":7,"input_image":"https://api.replicate.com/v1/files/def456"}`, false},
		{"another upload's content", seeded, `{"prompt":"a cat","seed":7,"input_image":"https://api.replicate.com/v1/files/def456/content"}`, false},
		{"another seed", seeded, `{"prompt":"a cat","seed":8.0,"input_image":"` + moved + `"}`, false},
		{"no address", seeded, `{"prompt":"a cat","seed":7,"input_image":null}`, false},
		{"a list of addresses", judged, `{"prompt":"which?","image_input":["` + moved + `"],"temperature":0.0}`, true},
		{"another file and no seed", judged, `{"prompt":"which?","image_input":["https://replicate.delivery/pbxt/zzz/reference.png"],"temperature":0}`, false},
		{"fewer files", judged, `{"prompt":"which?","image_input":[],"temperature":0}`, false},
		{"an example after the grid", shown, `{"prompt":"which?","image_input":["` + moved + `","https://replicate.delivery/pbxt/def456/grid.png"]}`, true},
		{"the grid without its example", shown, `{"prompt":"which?","image_input":["` + moved + `"]}`, false},
		{"an example that was not shown", judged, `{"prompt":"which?","image_input":["` + moved + `","https://replicate.delivery/pbxt/def456/grid.png"],"temperature":0}`, false},
		{"data removed", judged, `null`, false},
	} {
		var listed map[string]any
		if err := json.Unmarshal([]byte(c.listed), &listed); err != nil {
			t.Fatal(err)
		}
		if got := MatchInput(c.sent, listed); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestModelsAreKnownByName(t *testing.T) {
	for _, m := range models {
		if m.Price <= 0 || m.PriceSource == "" || m.PriceDate == "" || m.Latency <= 0 {
			t.Errorf("%s is incomplete", m.Name)
		}
	}
	m, err := Lookup(RoleGenerate, DefaultActorModel)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"prompt": "p", "input_image": "u", "aspect_ratio": "16:9", "output_format": "png", "seed": int64(3), "safety_tolerance": 2, "prompt_upsampling": false}
	if got := m.Input(Params{Prompt: "p", ReferenceURL: "u", Aspect: "16:9", Seed: 3}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("input %v", got)
	}
	var field *trainset.FieldError
	if _, err := Lookup(RoleGenerate, "x/y"); !errors.As(err, &field) || field.Field != "model" {
		t.Errorf("got %v", err)
	}
}

// A judge sees the grid first and the example second. Without one, what it is
// asked is what it was asked before there were examples.
func TestAJudgesInputHasTheGridFirst(t *testing.T) {
	input := func(images ...string) map[string]any {
		return map[string]any{"prompt": "p", "system_prompt": "s", "image_input": images, "temperature": 0, "max_completion_tokens": 2000}
	}
	want := map[string]struct {
		alone, both map[string]any
		price       float64
	}{
		"openai/gpt-4.1-mini": {input("grid"), input("grid", "example"), 0.01},
		"openai/gpt-4o-mini":  {input("grid"), input("grid", "example"), 0.02},
	}
	for _, m := range models {
		if m.Role != RoleJudge {
			continue
		}
		w, p := want[m.Name], Params{Prompt: "p", System: "s", ReferenceURL: "grid"}
		if got := m.Input(p); canonical(got) != canonical(w.alone) {
			t.Errorf("%s, a grid: %v", m.Name, got)
		}
		p.ExampleURL = "example"
		if got := m.Input(p); canonical(got) != canonical(w.both) || !m.Example || m.Price != trainset.USD(w.price) {
			t.Errorf("%s for %s, a grid and an example: %v", m.Name, m.Price, got)
		}
	}
}

func TestTokenNeverShows(t *testing.T) {
	c := serve(t, answering(500, "", ""))
	if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, secret) {
		t.Error(s)
	}
	if _, err := New(Options{Token: ""}); err == nil {
		t.Error("no token is accepted")
	}
}

func TestInterruptedQuestionStaysTheCallers(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, "p"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
