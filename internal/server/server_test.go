package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

const token = "a-token-of-the-tests-0123456789"

// start is the time of the tests' clocks.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is set by the test that owns it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Now == nil {
		o.Now = newClock().now
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what a handler answered.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
	Cookies    []*http.Cookie
}

func serve(s *Server, r *http.Request) answer {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	got := w.Result()
	_ = got.Body.Close()
	return answer{got.StatusCode, got.Header, w.Body.String(), got.Cookies()}
}

// ask makes a request as a client on this machine does.
func ask(t *testing.T, s *Server, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return serve(s, r)
}

func wantStatus(t *testing.T, a answer, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, want, a.Body)
	}
}

func bearerOf(token string) string { return "Bearer " + token }

const form = "application/x-www-form-urlencoded"

// login returns the session's cookie, as a header.
func login(t *testing.T, s *Server) (cookie string) {
	t.Helper()
	r := ask(t, s, "POST", "/login", url.Values{"token": {token}, "next": {"/queues/"}}.Encode(), "Content-Type", form)
	wantStatus(t, r, http.StatusSeeOther)
	if got := r.Header.Get("Location"); got != "/queues/" {
		t.Fatalf("the login leads to %q", got)
	}
	cookies := r.Cookies
	if len(cookies) != 1 {
		t.Fatalf("got cookies %v, want one", cookies)
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

func TestOnlyTheLoopbackIsServedWithoutToken(t *testing.T) {
	for listen, loopback := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:0": true, "[::1]:80": true, "127.9.9.9:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:1": false, "192.168.1.2:80": false, "host.example:80": false,
	} {
		for _, tok := range []string{"", token} {
			_, err := New(Options{Listen: listen, Token: tok})
			if want := loopback || tok != ""; (err == nil) != want {
				t.Errorf("%s, token %q: %v, want it allowed: %t", listen, tok, err, want)
			}
			var field *trainset.FieldError
			if err != nil && (!errors.As(err, &field) || field.Field != "TRAINSET_HTTP_LISTEN" || !strings.Contains(field.Remedy, "TRAINSET_HTTP_TOKEN")) {
				t.Errorf("%s: %v does not say what to do", listen, err)
			}
		}
	}
}

func TestNewReportsEveryProblemAtOnce(t *testing.T) {
	_, err := New(Options{Listen: "nowhere", Token: "short", WebhookSecrets: []string{"whsec_", "x"}, Checks: []Check{{Name: "redis"}}})
	for _, want := range []string{"TRAINSET_HTTP_LISTEN", "TRAINSET_HTTP_TOKEN", "number 1", "number 2", "checker"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// elsewhere is a listener on an address that others can reach.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 8080} }

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestServeRefusesAnExposedListenerWithoutToken(t *testing.T) {
	ln := listen(t)
	var field *trainset.FieldError
	if err := newServer(t, Options{}).Serve(t.Context(), elsewhere{ln}); !errors.As(err, &field) {
		t.Fatalf("got %v, want a field error", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// slow is a checker that a test holds and lets go.
type slow struct{ begun, end chan struct{} }

func (c slow) Check(context.Context) error {
	close(c.begun)
	<-c.end
	return nil
}

func TestServeFinishesWhatIsUnderWayAndEnds(t *testing.T) {
	check := slow{make(chan struct{}), make(chan struct{})}
	s := newServer(t, Options{Checks: []Check{{Name: "slow", Checker: check}}, DrainTimeout: time.Minute})
	ln := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	base := "http://" + ln.Addr().String()
	if code, body := get(t, base+"/healthz"); code != http.StatusOK || !strings.Contains(body, "true") {
		t.Fatalf("healthz: %d %s", code, body)
	}
	answered := make(chan int, 1)
	go func() {
		code, _ := get(t, base+"/readyz")
		answered <- code
	}()
	<-check.begun
	cancel()
	close(check.end)
	if code := <-answered; code != http.StatusOK && code != http.StatusServiceUnavailable {
		t.Errorf("the request under way was answered %d", code)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if !s.draining.Load() {
		t.Error("the server still says that it is ready")
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	ln := listen(t)
	_ = ln.Close()
	if err := newServer(t, Options{}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestTheTokenOpensWhatIsNotOpenToAll(t *testing.T) {
	s := newServer(t, Options{Token: token, Redis: redistest.Mini(t)})
	cookie := login(t, s)
	for _, path := range []string{"/metrics", "/queues/", "/queues/api/queues", "/queues/static/js/main.5adda2da.chunk.js", "/", "/nothing"} {
		wantStatus(t, ask(t, s, "GET", path, ""), http.StatusUnauthorized)
		wantStatus(t, ask(t, s, "GET", path, "", "Cookie", cookie[:len(cookie)-4]+"AAAA"), http.StatusUnauthorized)
		want := map[string]int{"/": http.StatusSeeOther, "/nothing": http.StatusNotFound}[path]
		if want == 0 {
			want = http.StatusOK
		}
		wantStatus(t, ask(t, s, "GET", path, "", "Authorization", bearerOf(token)), want)
		wantStatus(t, ask(t, s, "GET", path, "", "Cookie", cookie), want)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		wantStatus(t, ask(t, s, "GET", path, ""), http.StatusOK)
	}
	wantStatus(t, ask(t, s, "GET", "/metrics", "", "Authorization", bearerOf("another-token-of-some-length")), http.StatusUnauthorized)
	// A wrong token is not made good by a session.
	wantStatus(t, ask(t, s, "GET", "/metrics", "", "Authorization", bearerOf("wrong"), "Cookie", cookie), http.StatusUnauthorized)
}

func TestBrowsersAreSentToTheLogin(t *testing.T) {
	s := newServer(t, Options{Token: token, Redis: redistest.Mini(t)})
	r := ask(t, s, "GET", "/queues/queues/image?status=retry", "", "Accept", "text/html,*/*")
	wantStatus(t, r, http.StatusSeeOther)
	if got, want := r.Header.Get("Location"), "/login?next="+url.QueryEscape("/queues/queues/image?status=retry"); got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
	page := ask(t, s, "GET", r.Header.Get("Location"), "").Body
	if !strings.Contains(page, `value="/queues/queues/image?status=retry"`) {
		t.Errorf("the form forgets where to go: %s", page)
	}
	r = ask(t, s, "GET", "/login?next=/metrics", "", "Cookie", login(t, s))
	wantStatus(t, r, http.StatusSeeOther)
}

func TestTheLoginLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/queues/?a=b": "/queues/?a=b", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "": "/",
		"/login?next=/login": "/", "javascript:alert(1)": "/", "/\tevil": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	c := newClock()
	s := newServer(t, Options{Token: token, Now: c.now})
	cookie := login(t, s)
	c.advance(sessionTime - time.Second)
	wantStatus(t, ask(t, s, "GET", "/metrics", "", "Cookie", cookie), http.StatusOK)
	other := newServer(t, Options{Token: token, Now: c.now})
	wantStatus(t, ask(t, other, "GET", "/metrics", "", "Cookie", cookie), http.StatusOK) // another worker's
	changed := newServer(t, Options{Token: token + "2", Now: c.now})
	wantStatus(t, ask(t, changed, "GET", "/metrics", "", "Cookie", cookie), http.StatusUnauthorized)
	c.advance(time.Second)
	wantStatus(t, ask(t, s, "GET", "/metrics", "", "Cookie", cookie), http.StatusUnauthorized)
}

func TestLogoutForgetsTheCookie(t *testing.T) {
	s := newServer(t, Options{Token: token})
	r := ask(t, s, "POST", "/logout", "", "Cookie", login(t, s))
	wantStatus(t, r, http.StatusSeeOther)
	if c := r.Cookies; len(c) != 1 || c[0].Value != "" || c[0].MaxAge >= 0 {
		t.Errorf("got %v", c)
	}
}

func TestTheCookieIsSecureBehindTLS(t *testing.T) {
	s := newServer(t, Options{Token: token})
	r := ask(t, s, "POST", "/login", "token="+token, "Content-Type", form, "X-Forwarded-Proto", "https")
	if c := r.Cookies; len(c) != 1 || !c[0].Secure {
		t.Errorf("got %v", c)
	}
}

func TestGuessingIsBounded(t *testing.T) {
	for name, guess := range map[string]func(*testing.T, *Server, string) answer{
		"bearer": func(t *testing.T, s *Server, g string) answer {
			t.Helper()
			return ask(t, s, "GET", "/metrics", "", "Authorization", bearerOf(g))
		},
		"form": func(t *testing.T, s *Server, g string) answer {
			t.Helper()
			return ask(t, s, "POST", "/login", url.Values{"token": {g}}.Encode(), "Content-Type", form)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newServer(t, Options{Token: token, Now: c.now})
			for range 20 { // right ones cost nothing
				if r := guess(t, s, token); r.StatusCode >= 400 {
					t.Fatalf("the right token got %d", r.StatusCode)
				}
			}
			for i := range wrongBurst {
				wantStatus(t, guess(t, s, "wrong "+strconv.Itoa(i)), http.StatusUnauthorized)
			}
			for _, g := range []string{"wrong again", token} { // the answer to a guess says nothing more
				r := guess(t, s, g)
				wantStatus(t, r, http.StatusTooManyRequests)
				if after, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || after < 1 || after > 6 {
					t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
				}
			}
			c.advance(wrongEvery)
			wantStatus(t, guess(t, s, "wrong"), http.StatusUnauthorized)
			wantStatus(t, guess(t, s, token), http.StatusTooManyRequests)
			c.advance(wrongEvery)
			if r := guess(t, s, token); r.StatusCode >= 400 {
				t.Errorf("after the bar was lifted the right token got %d", r.StatusCode)
			}
		})
	}
}

func TestTheThrottleForgetsAndIsBounded(t *testing.T) {
	c := newClock()
	th := newThrottle(c.now)
	from := func(i int) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = net.JoinHostPort(net.IPv4(10, 0, byte(i>>8), byte(i)).String(), "1")
		return r
	}
	for i := range 3 * maxClients {
		th.admit(from(i), false)
	}
	if len(th.clients) > maxClients+1 {
		t.Errorf("%d addresses are kept", len(th.clients))
	}
	if th.admit(from(9999), false) == 0 {
		t.Error("a crowd of addresses is not barred")
	}
	c.advance(wrongBurst * wrongEvery)
	if th.admit(from(9999), false) != 0 {
		t.Error("a newcomer is barred although everybody else's time is over")
	}
	if len(th.clients) > 2 {
		t.Errorf("%d addresses are still kept", len(th.clients))
	}
}

func TestOneNetworkIsOneClient(t *testing.T) {
	key := func(addr string) string {
		return clientOf(&http.Request{RemoteAddr: addr}).String()
	}
	if a, b := key("[2001:db8:1:2::1]:5"), key("[2001:db8:1:2:ffff::9]:6"); a != b {
		t.Errorf("%s and %s are one network", a, b)
	}
	if a, b := key("10.0.0.1:5"), key("[::ffff:10.0.0.1]:6"); a != b {
		t.Errorf("%s and %s are one address", a, b)
	}
	if a, b := key("10.0.0.1:5"), key("10.0.0.2:5"); a == b {
		t.Errorf("both are %s", a)
	}
}

func TestWithoutTokenOnlyThisMachineIsAnswered(t *testing.T) {
	s := newServer(t, Options{})
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1": 200, "[::1]:80": 200, "[::1]": 200,
		"evil.example": 403, "evil.example:8080": 403, "127.0.0.1.evil.example": 403, "": 403,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	s := newServer(t, Options{Token: token, Redis: redistest.Mini(t), DashboardWrite: true})
	cookie := login(t, s)
	const pause = "/queues/api/queues/control:pause"
	for _, from := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "http://localhost"},
		{"Sec-Fetch-Site", "same-site"},
	} {
		wantStatus(t, ask(t, s, "POST", pause, "", append(from, "Cookie", cookie)...), http.StatusForbidden)
		wantStatus(t, ask(t, s, "POST", "/login", "token="+token, append(from, "Content-Type", form)...), http.StatusForbidden)
		wantStatus(t, ask(t, s, "POST", "/logout", "", append(from, "Cookie", cookie)...), http.StatusForbidden)
	}
	for _, from := range [][]string{{"Origin", "http://localhost"}, {"Sec-Fetch-Site", "same-origin"}, {}} {
		wantStatus(t, ask(t, s, "POST", pause, "", append(from, "Cookie", cookie)...), http.StatusNoContent)
		wantStatus(t, ask(t, s, "POST", "/queues/api/queues/control:resume", "", append(from, "Cookie", cookie)...), http.StatusNoContent)
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	s := newServer(t, Options{Token: token, Redis: redistest.Mini(t)})
	for _, path := range []string{"/healthz", "/readyz", "/login", "/queues/", "/queues/api/queues", "/metrics", "/nothing", "/queues/static/js/main.5adda2da.chunk.js"} {
		h := ask(t, s, "GET", path, "", "Authorization", bearerOf(token)).Header
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"} {
			if h.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
			t.Errorf("%s: it says what it runs on", path)
		}
		if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "http") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	var logged strings.Builder
	s := newServer(t, Options{Log: zerolog.New(&logged)})
	h := s.recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x?token=hidden", nil))
	var p struct{ Status int }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 500 || p.Status != 500 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if !strings.Contains(logged.String(), "broken") || strings.Contains(logged.String(), "hidden") || strings.Contains(w.Body.String(), "broken") {
		t.Errorf("logged %s", &logged)
	}
}

func TestAnAbortedHandlerStaysAborted(t *testing.T) {
	s := newServer(t, Options{})
	h := s.recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // the value itself
			t.Error("the abort was swallowed")
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
}
