package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actormaker/trainset"
)

// secret is in every URL that tests fetch, and must be in no error.
const secret = "X-Signature=hunter2"

// server serves one handler and counts what it is asked.
func server(t *testing.T, h http.HandlerFunc) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func signed(address string) string { return address + "/a/portrait.png?" + secret }

// only permits one server: it stands for the public internet.
func only(t *testing.T, address string) func(netip.AddrPort) bool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	allowed := netip.MustParseAddrPort(u.Host)
	return func(a netip.AddrPort) bool { return a == allowed }
}

func field(t *testing.T, err error, want string) {
	t.Helper()
	var f *trainset.FieldError
	if !errors.As(err, &f) {
		t.Fatalf("%v is no field error", err)
	}
	if f.Field != "portrait" || f.Problem == "" || f.Remedy == "" {
		t.Errorf("field %q, problem %q, remedy %q", f.Field, f.Problem, f.Remedy)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q repeats what is secret", err)
	}
}

func TestFetchURLReadsTheBody(t *testing.T) {
	var referer, agent string
	body := bytes.Repeat([]byte("picture"), 1000)
	final, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		referer, agent = r.Referer(), r.UserAgent()
		_, _ = w.Write(body)
	})
	first, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, final+"/moved?"+secret, http.StatusFound)
	})
	got, err := FetchURL(t.Context(), signed(first), Options{Field: "portrait", AllowPrivateHosts: true})
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if referer != "" {
		t.Errorf("the second host learns %q", referer)
	}
	if !strings.HasPrefix(agent, "trainset") {
		t.Errorf("it calls itself %q", agent)
	}
}

func TestFetchURLRefusesURLs(t *testing.T) {
	for from, want := range map[string]string{
		"ftp://example.org/x.png?" + secret:              "http",
		"file:///etc/passwd?" + secret:                   "http",
		"https://?" + secret:                             "host",
		"https:///x.png?" + secret:                       "host",
		"https://joe:hunter2@example.org/x.png":          "password",
		"https://hunter2@example.org/x.png":              "password",
		"https://example.org/%zz?" + secret:              "is not percent-encoded; write a percent sign in it as %25",
		"https://example.org/100%.jpg?" + secret:         "is not percent-encoded",
		"https://exa mple.org/?" + secret:                "cannot be read",
		"https://[::1/x.png?" + secret:                   "cannot be read",
		"javascript://example.org/%0aalert(1)?" + secret: "http",
	} {
		_, err := FetchURL(t.Context(), from, Options{Field: "portrait"})
		field(t, err, want)
	}
}

func TestFetchURLStaysOutsideTheNetwork(t *testing.T) {
	address, asked := server(t, func(http.ResponseWriter, *http.Request) {})
	port := address[strings.LastIndex(address, ":"):]
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1.2.3", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
		"169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]",
	} {
		_, err := FetchURL(t.Context(), signed("http://"+host+port), Options{Field: "portrait"})
		field(t, err, "ALLOW_PRIVATE_HOSTS")
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the server inside was asked %d times", n)
	}
}

func TestFetchURLFollowsNoRedirectInside(t *testing.T) {
	inside, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("keys")) })
	_, port, _ := strings.Cut(strings.TrimPrefix(inside, "http://"), ":")
	for _, to := range []string{inside, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port} {
		outside, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to+"/?"+secret, http.StatusTemporaryRedirect)
		})
		_, err := FetchURL(t.Context(), signed(outside), Options{Field: "portrait", permit: only(t, outside)})
		field(t, err, "ALLOW_PRIVATE_HOSTS")
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the server inside was asked %d times", n)
	}
}

func TestFetchURLSaysWhatWentWrong(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	to := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		}
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"gone":               {status(http.StatusNotFound), "status 404"},
		"forbidden":          {status(http.StatusForbidden), "signed"},
		"overloaded":         {status(http.StatusServiceUnavailable), "later"},
		"not changed":        {status(http.StatusNotModified), "status 304"},
		"nothing":            {status(http.StatusNoContent), "status 204"},
		"empty":              {status(http.StatusOK), "empty"},
		"redirect to a file": {to("file:///etc/passwd?" + secret), "http"},
		"redirect to secret": {to("https://joe:hunter2@example.org/"), "password"},
		"redirect nowhere":   {to("https://exa mple.org/?" + secret), "URL"},
		"endless redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x?"+secret, http.StatusFound)
		}, "5"},
		"too long, as it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2000000")
		}, "1.907 MB"},
		"too long, unsaid": {func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(make([]byte, 70_000))
		}, "more than"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		}, "breaks the answer off"},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "longer than 200ms"},
		"slow in the middle": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "longer than 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := server(t, c.serve)
			o := Options{Field: "portrait", MaxBytes: 64 << 10, AllowPrivateHosts: true}
			if strings.HasPrefix(name, "slow") {
				o.Timeout = 200 * time.Millisecond
			}
			data, err := FetchURL(t.Context(), signed(address), o)
			if data != nil {
				t.Errorf("there are %d bytes beside the error", len(data))
			}
			field(t, err, c.want)
			var away *AwayError
			if is := errors.As(err, &away); is != (name == "overloaded" || name == "broken off") {
				t.Errorf("away: %v, %v", is, err)
			}
		})
	}
}

func TestFetchURLFollowsFiveRedirects(t *testing.T) {
	for n, ok := range map[int]bool{5: true, 6: false} {
		var hops atomic.Int64
		address, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			if hops.Add(1) > int64(n) {
				_, _ = io.WriteString(w, "picture")
				return
			}
			http.Redirect(w, r, fmt.Sprintf("/%d", hops.Load()), http.StatusFound)
		})
		_, err := FetchURL(t.Context(), signed(address), Options{Field: "portrait", AllowPrivateHosts: true})
		if (err == nil) != ok {
			t.Errorf("%d redirects: %v", n, err)
		}
	}
}

func TestFetchURLDistrustsCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := FetchURL(t.Context(), signed(s.URL), Options{Field: "portrait", AllowPrivateHosts: true})
	field(t, err, "certificate")
}

func TestFetchURLSaysThatNobodyAnswers(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := FetchURL(t.Context(), signed(s.URL), Options{Field: "portrait", AllowPrivateHosts: true})
	field(t, err, "cannot be reached: connection refused")
}

func TestFetchURLUsesNoProxy(t *testing.T) {
	client, closeIdle := Options{}.withDefaults().client()
	defer closeIdle()
	if tr, ok := client.Transport.(*http.Transport); !ok || tr.Proxy != nil {
		t.Error("it asks the environment for a proxy, which would connect past the address check")
	}
}

func TestFetchURLEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("the worker stops")
	address, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(stopped)
		<-r.Context().Done()
	})
	_, err := FetchURL(ctx, signed(address), Options{Field: "portrait", AllowPrivateHosts: true})
	var f *trainset.FieldError
	if !errors.Is(err, stopped) || errors.As(err, &f) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.0.1": true, "100.128.0.1": true,
		"192.169.0.1": true, "2606:4700::1111": true, "2a00:1450::1": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,
		"2002:808:808::1": true,

		"127.0.0.1": false, "127.255.255.254": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.254": false, "0.0.0.0": false,
		"0.1.2.3": false, "255.255.255.255": false, "240.0.0.1": false, "224.0.0.1": false, "198.18.0.1": false, "192.0.0.192": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "fec0::1": false,
		"ff02::1": false, "2001::1": false, "2001:db8::1": false, "100::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::10.0.0.1": false,
		"64:ff9b::a00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2002:a00:1::1": false, "2002:7f00:1::": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v, want %v", address, got, want)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}
