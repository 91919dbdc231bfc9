// Package redistest gives tests a Redis: a real redis-server of the test's own
// where one is installed, and miniredis.
package redistest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Each runs a test on miniredis and on a real server; the latter is skipped,
// saying so, where redis-server is not installed.
func Each(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { test(t, Mini(t)) })
	t.Run("redis-server", func(t *testing.T) { test(t, Server(t)) })
}

// Mini is an in-process miniredis, whose keys expire as time passes.
func Mini(tb testing.TB) *redis.Client {
	tb.Helper()
	m := miniredis.RunT(tb)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	ended := make(chan struct{})
	go Tick(m, ended)
	tb.Cleanup(func() { // before the server, which would wait for it
		close(ended)
		_ = rdb.Close()
	})
	return rdb
}

// Any is a redis-server where one is installed, which is quicker than miniredis
// while the race detector watches, and miniredis elsewhere.
func Any(tb testing.TB) *redis.Client {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		return Mini(tb)
	}
	return Server(tb)
}

// Tick lets time pass for a miniredis, which leaves that to its user, until ended
// is closed.
func Tick(m *miniredis.Miniredis, ended <-chan struct{}) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ended:
			return
		case <-t.C:
			m.FastForward(time.Second)
		}
	}
}

// Server is a redis-server on a unix socket below the test's own folder.
func Server(tb testing.TB) *redis.Client {
	tb.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Skip("redis-server is not installed: make setup installs it")
	}
	dir, err := os.MkdirTemp("", "redis") //nolint:usetesting // a test's own folder has too long a name for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), bin, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir, "--loglevel", "warning")
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, PoolSize: 50})
	tb.Cleanup(func() { _ = rdb.Close() })
	for start := time.Now(); rdb.Ping(tb.Context()).Err() != nil; {
		if time.Since(start) > 20*time.Second {
			tb.Fatal("redis-server does not answer")
		}
		<-time.After(5 * time.Millisecond)
	}
	return rdb
}
