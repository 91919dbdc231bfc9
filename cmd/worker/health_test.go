package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/redistest"
)

// asking returns what health prints and its exit code.
func asking(t *testing.T, listen string, args ...string) (string, int, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), append([]string{"health"}, args...), []string{"TRAINSET_HTTP_LISTEN=" + listen}, &out, io.Discard)
	return out.String(), cli.ExitCode(err), err
}

func TestHealthIsWhatTheWorkerAnswers(t *testing.T) {
	ready, blocked := true, ""
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"alive":true}`) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprintf(w, `{"ready":%t,"checks":[{"name":"worker","ok":true},{"name":"redis","ok":%t,"detail":"is away","remedy":"start it"}]%s}`, ready, ready, blocked)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	at := server.Listener.Addr().String()
	for _, test := range []struct {
		ready bool
		args  []string
		said  string
		code  int
	}{
		{true, nil, "alive\n", 0},
		{true, []string{"--ready"}, "ready\n", 0},
		{false, nil, "alive\n", 0},
		{false, []string{"--ready"}, "not ready\nredis: is away; start it\n", 1},
	} {
		ready = test.ready
		if said, code, err := asking(t, at, test.args...); said != test.said || code != test.code {
			t.Errorf("ready %t, %v: %q, exit code %d, %v", test.ready, test.args, said, code, err)
		}
	}
	ready, blocked = true, `,"blocked":{"class":"operator","detail":"the bill","remedy":"worker resume --spending"}`
	if said, code, err := asking(t, at, "--ready"); said != "ready\nblocked (operator): the bill; worker resume --spending\n" || code != 0 {
		t.Errorf("blocked: %q, exit code %d, %v", said, code, err)
	}
	if said, _, err := asking(t, at, "--ready", "--json"); err != nil || !strings.Contains(said, `"class": "operator"`) {
		t.Errorf("blocked, as JSON: %s, %v", said, err)
	}
	ready, blocked = false, ""
	if said, _, err := asking(t, at, "--ready", "--json"); err == nil || !strings.Contains(said, `"alive": true,`) || !strings.Contains(said, `"ready": false`) {
		t.Errorf("as JSON: %s, %v", said, err)
	}
}

func TestHealthNeedsTime(t *testing.T) {
	for _, timeout := range []string{"0", "-1s"} {
		if _, code, err := asking(t, redistest.FreeAddress(t), "--timeout", timeout); code != cli.ExitInput || !strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: exit code %d, %v", timeout, code, err)
		}
	}
}

func TestHealthOfNoWorker(t *testing.T) {
	nobody := redistest.FreeAddress(t)
	if _, code, err := asking(t, nobody); code != 1 || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("exit code %d, %v", code, err)
	}
	if _, code, err := asking(t, ""); code != 2 || !strings.Contains(err.Error(), "TRAINSET_HTTP_LISTEN: is empty") {
		t.Errorf("without a server: exit code %d, %v", code, err)
	}
	if _, code, err := asking(t, nobody, "--address", "nowhere"); code != 2 {
		t.Errorf("at no address: exit code %d, %v", code, err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if _, code, err := asking(t, other.Listener.Addr().String()); code != 1 || !strings.Contains(err.Error(), "not as a worker does") {
		t.Errorf("of another program: exit code %d, %v", code, err)
	}
}

// Those who may ask need not have the worker's token, nor may they read all that
// it has.
func TestHealthLooksAtNoOtherSetting(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(".env", 0o700); err != nil { // cannot be read, by root neither
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"alive":true}`) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	if said, code, err := asking(t, "0.0.0.0:"+port); code != 0 || said != "alive\n" {
		t.Errorf("%q, exit code %d, %v", said, code, err)
	}
	if _, code, err := asking(t, "nowhere"); code != 2 || !strings.Contains(err.Error(), "TRAINSET_HTTP_LISTEN") {
		t.Errorf("at no address: exit code %d, %v", code, err)
	}
}

// Many a program answers 200 with some JSON.
func TestHealthOfAnotherProgram(t *testing.T) {
	for body, args := range map[string][]string{`{"status":"UP"}`: nil, `{"alive":true,"status":"UP"}`: {"--ready"}, `{"alive":false}`: nil, `{"ready":false}`: {"--ready"}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		said, code, err := asking(t, server.Listener.Addr().String(), args...)
		server.Close()
		if code != 1 || said != "" && !strings.HasPrefix(said, "not ") {
			t.Errorf("%s: %q, exit code %d, %v", body, said, code, err)
		}
	}
}
