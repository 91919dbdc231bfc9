package storage_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/storage"
)

// Who waits for a command is told soon that the server takes connections and says nothing.
func TestS3SaysSoonThatTheServerIsSilent(t *testing.T) {
	s := asked(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { unanswered(r) })))
	s.AnswerWithin(50 * time.Millisecond)
	for what, try := range map[string]func() error{
		"put":    func() error { return s.Put(t.Context(), "k", nil, storage.PutOptions{}) },
		"get":    func() error { _, err := s.Get(t.Context(), "k"); return err },
		"stat":   func() error { _, err := s.Stat(t.Context(), "k"); return err },
		"list":   func() error { _, err := s.List(t.Context(), ""); return err },
		"delete": func() error { return s.Delete(t.Context(), "k") },
	} {
		failure, ok := errors.AsType[*storage.OpError](try())
		if !ok || failure.Permanent || failure.Remedy == "" || failure.Op != what || !strings.Contains(failure.Error(), bucket) {
			t.Errorf("%s: %v", what, failure)
		}
	}
}

// It is asked once, and a no is an answer.
func TestS3IsAskedOnceWhetherItAnswers(t *testing.T) {
	var heads atomic.Int32
	s := asked(t, interrupted(t, func(w http.ResponseWriter, r *http.Request) bool {
		first := r.Method == http.MethodHead && heads.Add(1) > 0
		if first {
			w.WriteHeader(http.StatusForbidden)
		}
		return first
	}))
	for range 3 {
		if _, err := s.List(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := heads.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func asked(t *testing.T, o storage.S3Options) *storage.S3 {
	t.Helper()
	s, err := storage.NewS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
