package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redistest"
)

// A worker with other storage than those that live would scatter sets over both. One
// that reaches the same by another path is welcome, and so is any once they have ended.
func TestAWorkerWithOtherStorageDoesNotStart(t *testing.T) {
	s := quickSystem(t, redistest.Server(t))
	first, other := s.config(), s.config()
	other.Storage.Out = t.TempDir()
	stop := serving(t, first)

	down := failedStart(t, other)
	if down.Part != "storage" || down.Field != "TRAINSET_OUT" || !strings.Contains(down.Remedy, "stop all of them first") {
		t.Errorf("%+v", down)
	}
	for _, folder := range []string{first.Storage.Out, other.Storage.Out} {
		if !strings.Contains(down.Problem, folder) {
			t.Errorf("%q does not name %s", down.Problem, folder)
		}
	}

	mounted := s.config()
	mounted.Storage.Out = filepath.Join(t.TempDir(), "mounted")
	if err := os.Symlink(first.Storage.Out, mounted.Storage.Out); err != nil {
		t.Fatal(err)
	}
	serving(t, mounted)()
	stop()
	serving(t, other)()
}

// serving runs a worker until stop is called.
func serving(t *testing.T, cfg config.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- app.RunDeployed(ctx, cfg, zerolog.Nop(), func(string) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
