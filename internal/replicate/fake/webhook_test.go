package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	upstream "github.com/replicate/replicate-go"
)

// received is one webhook at the receiver.
type received struct {
	at     time.Time
	header http.Header
	body   []byte
	seen
}

// receiver stands where the network would be: the bubble stays closed.
type receiver struct {
	mu     sync.Mutex
	got    []received
	answer func(n int) (int, error) // to the n-th, from 1
}

func (v *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	x := received{at: time.Now(), header: r.Header, body: body}
	if err := json.Unmarshal(body, &x.seen); err != nil || r.Method != http.MethodPost || r.Header.Get("Authorization") != "" {
		return nil, fmt.Errorf("%s with %v: %w", r.Method, r.Header, err)
	}
	v.got = append(v.got, x)
	status := http.StatusOK
	if v.answer != nil {
		if status, err = v.answer(len(v.got)); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://elsewhere.test/"}}, Body: http.NoBody, Request: r}, nil
}

func (v *receiver) all() []received {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.got)
}

func (v *receiver) states() (s []string) {
	for _, x := range v.all() {
		s = append(s, x.Status)
	}
	return s
}

func hooked(t *testing.T, o Options) (caller, *receiver) {
	t.Helper()
	s := newServer(t, o)
	v := &receiver{}
	s.hooks.Transport = v
	return calling(t, s), v
}

func withHook(events ...string) map[string]any {
	body := asking("x")
	body["webhook"] = "https://receiver.test/hook?job=7"
	if events != nil {
		body["webhook_events_filter"] = events
	}
	return body
}

func TestWebhooksByFilter(t *testing.T) {
	for _, x := range []struct {
		events []string
		want   []string
	}{
		{nil, []string{statusProcessing, statusSucceeded}}, // output and completed
		{[]string{"completed"}, []string{statusSucceeded}},
		{[]string{"start"}, []string{statusProcessing}},
		{[]string{"start", "logs", "output", "completed"}, []string{statusProcessing, statusProcessing, statusProcessing, statusSucceeded}},
	} {
		t.Run(strings.Join(x.events, " "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, v := hooked(t, Options{Settings: slow})
				id := c.made(kontextPro, withHook(x.events...)).ID
				after(time.Minute)
				if !slices.Equal(v.states(), x.want) {
					t.Fatalf("%v", v.states())
				}
				for _, got := range v.all() {
					if got.ID != id || got.Input["prompt"] != "x" || got.header.Get("Content-Type") != "application/json" {
						t.Errorf("%s", got.body)
					}
				}
				last := v.all()[len(x.want)-1]
				if final := c.do(http.MethodGet, "/v1/predictions/"+id, nil); last.Status == statusSucceeded && strings.TrimSpace(string(final.body)) != string(last.body) {
					t.Errorf("the terminal one is not the prediction:\n%s\n%s", final.body, last.body)
				}
				if x.events == nil && v.all()[0].Output == nil {
					t.Errorf("output without one: %s", v.all()[0].body)
				}
				if n := c.s.Stats().Webhooks; n != len(x.want) {
					t.Errorf("counted %d", n)
				}
			})
		})
	}
}

func TestWebhooksOfOtherEndings(t *testing.T) {
	for state, end := range map[string]func(c caller, id string){
		statusFailed:   func(caller, string) {},
		statusCanceled: func(c caller, id string) { c.do(http.MethodPost, "/v1/predictions/"+id+"/cancel", nil) },
		statusAborted:  func(caller, string) {},
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := map[string][]Fault{statusFailed: {{Kind: Fail}}, statusAborted: {{Kind: Abort}}}
				c, v := hooked(t, Options{Settings: slow, Faults: faults[state]})
				id := c.made(kontextPro, withHook()).ID
				end(c, id)
				after(time.Minute)
				if !slices.Equal(v.states(), []string{state}) {
					t.Errorf("%v", v.states())
				}
			})
		})
	}
}

// The worked example of the Standard Webhooks specification, which Replicate's
// signatures follow.
func TestSignatureOfTheSpecification(t *testing.T) {
	h := http.Header{}
	sign(h, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		delivery{id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: []byte(`{"test": 2432232314}`)}, time.Unix(1614265330, 0))
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s", got)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("%v", h)
	}
}

// valid asks Replicate's own library, with the secret that the API gives.
func (x received) valid(t *testing.T, c caller) bool {
	t.Helper()
	var secret upstream.WebhookSigningSecret
	c.do(http.MethodGet, "/v1/webhooks/default/secret", nil).decode(t, &secret)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://receiver.test/", bytes.NewReader(x.body))
	r.Header = x.header
	ok, err := upstream.ValidateWebhookRequest(r, secret)
	if err != nil {
		t.Error(err)
	}
	return ok
}

func TestWebhooksAreSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, v := hooked(t, Options{})
		c.made(kontextPro, withHook("completed"))
		c.s.ClearFaults()
		settled()
		if err := c.s.Inject(Fault{Kind: WebhookForged}); err != nil {
			t.Fatal(err)
		}
		c.made(kontextPro, withHook("completed"))
		settled()
		if len(v.all()) != 2 || !v.all()[0].valid(t, c) || v.all()[1].valid(t, c) {
			t.Errorf("%d webhooks", len(v.all()))
		}
		if v.all()[0].header.Get("webhook-timestamp") != fmt.Sprint(time.Now().Unix()) {
			t.Errorf("%v", v.all()[0].header)
		}
	})
}

func TestTerminalWebhooksAreRepeatedForAMinute(t *testing.T) {
	for name, x := range map[string]struct {
		answer func(n int) (int, error)
		want   []int // seconds after the first
	}{
		"refused":        {func(int) (int, error) { return 0, errors.New("connection refused") }, []int{0, 1, 3, 7, 15, 31, 60}},
		"failing":        {func(int) (int, error) { return 503, nil }, []int{0, 1, 3, 7, 15, 31, 60}},
		"gone":           {func(int) (int, error) { return 404, nil }, []int{0, 1, 3, 7, 15, 31, 60}},
		"back again":     {func(n int) (int, error) { return map[bool]int{true: 500, false: 204}[n < 3], nil }, []int{0, 1, 3}},
		"moved":          {func(int) (int, error) { return 301, nil }, []int{0}},
		"well":           {nil, []int{0}},
		"well, with 202": {func(int) (int, error) { return 202, nil }, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, v := hooked(t, Options{})
				v.answer = x.answer
				c.made(kontextPro, withHook("completed"))
				after(10 * time.Minute)
				var at []int
				got := v.all()
				for _, r := range got {
					at = append(at, int(r.at.Sub(got[0].at).Seconds()))
					if r.header.Get("webhook-id") != got[0].header.Get("webhook-id") || !r.valid(t, c) || !bytes.Equal(r.body, got[0].body) {
						t.Errorf("it is not the same webhook: %v", r.header)
					}
				}
				if !slices.Equal(at, x.want) {
					t.Errorf("sent at %v", at)
				}
			})
		})
	}
}

func TestOtherWebhooksAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, v := hooked(t, Options{Settings: slow})
		v.answer = func(int) (int, error) { return 500, nil }
		c.made(kontextPro, withHook("start", "output", "logs"))
		after(10 * time.Minute)
		if len(v.all()) != 3 {
			t.Errorf("%v", v.states())
		}
	})
}

func TestWebhookFaults(t *testing.T) {
	start := []string{statusProcessing}
	for kind, want := range map[Kind][]string{
		WebhookDrop:       nil,
		WebhookDuplicate:  {statusProcessing, statusProcessing, statusSucceeded, statusSucceeded},
		WebhookOutOfOrder: append([]string{statusSucceeded}, start...),
		WebhookLate:       append(start, statusSucceeded),
	} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, v := hooked(t, Options{Settings: slow, Faults: []Fault{{Kind: kind, Seconds: 20}}})
				p := c.made(kontextPro, withHook("start", "completed"))
				after(10 * time.Minute)
				if !slices.Equal(v.states(), want) {
					t.Fatalf("%v", v.states())
				}
				got := v.all()
				switch kind { //nolint:exhaustive // two kinds show in more than the order
				case WebhookLate:
					if late := got[1].at.Sub(*c.get(p.ID).CompletedAt); late < 20*time.Second {
						t.Errorf("late by %s", late)
					}
				case WebhookDuplicate:
					if got[0].header.Get("webhook-id") != got[1].header.Get("webhook-id") || got[1].header.Get("webhook-id") == got[2].header.Get("webhook-id") {
						t.Error("the IDs are not those of duplicates")
					}
				}
			})
		})
	}
}

func TestClosingStopsWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, v := hooked(t, Options{})
		v.answer = func(int) (int, error) { return 500, nil }
		c.made(kontextPro, withHook())
		settled()
		if err := c.s.Close(); err != nil {
			t.Fatal(err)
		}
		n := len(v.all())
		if after(time.Hour); len(v.all()) != n || n == 0 {
			t.Errorf("%d webhooks, then %d", n, len(v.all()))
		}
	})
}

// Over a real socket, and with the redirect that is not followed.
func TestWebhooksReachALoopbackServer(t *testing.T) {
	got, followed := make(chan *http.Request, 1), false
	mux := http.NewServeMux()
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/followed", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/followed", func(http.ResponseWriter, *http.Request) { followed = true })
	mux.HandleFunc("/hook", func(_ http.ResponseWriter, r *http.Request) { got <- r })
	server := httptest.NewServer(mux)
	defer server.Close()
	c := calling(t, newServer(t, Options{AllowLoopbackWebhooks: true}))
	for _, path := range []string{"/moved", "/hook?job=7"} {
		body := withHook("completed")
		body["webhook"] = server.URL + path
		c.made(kontextPro, body)
	}
	if r := <-got; r.URL.RawQuery != "job=7" || r.Header.Get("webhook-id") == "" {
		t.Errorf("%s %v", r.URL, r.Header)
	}
	if err := c.s.Close(); err != nil {
		t.Error(err)
	}
	if server.Close(); followed {
		t.Error("the redirect was followed")
	}
}
