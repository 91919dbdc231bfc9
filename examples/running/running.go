// Package running gives the examples' tests a running system: Redis, a worker,
// storage, and the simulated provider in the real one's place.
//
// It must not know what the examples do with it.
package running

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// System is one whose worker runs until its test ends.
type System struct {
	RedisAddr string // host:port
	// Files is the address at which its storage can be read, Pictures that of the
	// pictures in examples.
	Files, Pictures string

	provider *fake.Server
}

// Start starts a system. Its tests are in folders of examples.
func Start(t *testing.T) *System {
	t.Helper()
	rdb := redistest.Mini(t)
	out := t.TempDir()
	s := &System{RedisAddr: rdb.Options().Addr, Files: serve(t, out), Pictures: serve(t, filepath.Join("..", "..", "examples"))}
	s.provider = fake.New(fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: 50 * time.Millisecond}}, Seed: 1, PreEncoded: true})
	server := httptest.NewServer(s.provider)
	t.Cleanup(func() { server.Close(); _ = s.provider.Close() })
	w, err := app.NewWorker(rdb, storage.NewDirectory(out), app.Options{
		Token: "token", BaseURL: server.URL + "/v1", PerMinute: 6000, Version: "test",
		AllowPrivateHosts: true, // the pictures are served from this machine
		Log:               zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return s
}

// Getenv is the environment of a program that reaches the system.
func (s *System) Getenv(name string) string {
	if name == "REDIS_URL" {
		return "redis://" + s.RedisAddr + "/0"
	}
	return ""
}

// Predictions is how many the provider has made.
func (s *System) Predictions() int { return s.provider.Stats().Predictions }

func serve(t *testing.T, folder string) string {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	return server.URL
}

// Get reads a picture or another object that a test was told the address of.
func Get(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// Picture reads a png that a test was told the address of, and returns its size.
func Picture(t *testing.T, address string) image.Config {
	t.Helper()
	status, body := Get(t, address)
	c, err := png.DecodeConfig(bytes.NewReader(body))
	if status != http.StatusOK || err != nil {
		t.Errorf("%s: %s: %v", address, http.StatusText(status), err)
	}
	return c
}
