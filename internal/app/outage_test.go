package app_test

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// full is storage that stores nothing of an image while it is full.
type full struct {
	storage.Store

	is atomic.Bool
}

func (f *full) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	if f.is.Load() && strings.Contains(key, "/items/") {
		return &storage.OpError{Op: "put", Key: key, Store: f.Describe(), Remedy: "free some space", Err: syscall.ENOSPC}
	}
	return f.Store.Put(ctx, key, body, o)
}

// A job says that it waits for storage, for the provider, or for a queue that is
// paused, and what to do about it.
func TestAJobSaysWhatFails(t *testing.T) {
	t.Run("storage", func(t *testing.T) {
		t.Parallel() // it mostly waits
		s := quickSystem(t, redistest.Any(t))
		store := &full{Store: s.store}
		store.is.Store(true)
		s.startOn(store)
		id := s.enqueue(s.request("k", 2))
		s.heldUp(id, "free some space")
		store.is.Store(false)
		s.until(id, "goes on", func(j trainset.Job) bool { return j.HeldUp == "" })
		if job := s.ended(id); job.State != trainset.JobSucceeded {
			t.Errorf("job %s: %s", job.State, job.Reason)
		}
		s.made(2)
	})
	t.Run("provider", func(t *testing.T) {
		t.Parallel() // it mostly waits
		s := quickSystem(t, redistest.Any(t))
		s.options.BaseURL = "http://" + refusing(t) + "/v1"
		s.start()
		s.heldUp(s.enqueue(s.request("k", 2)), "see its status page")
	})
	for on, c := range map[string]struct {
		kind fake.Kind
		why  string
	}{
		"create":   {fake.Throttle, "no more calls for now (status 429)"},
		"get":      {fake.BadGateway, "the provider fails (status 502)"},
		"download": {fake.BadGateway, "the provider fails (status 502)"},
	} {
		t.Run("provider of "+on, func(t *testing.T) {
			t.Parallel() // it mostly waits
			s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: c.kind, On: on, Every: 1, Times: 8})
			s.start()
			id := s.enqueue(s.request("k", 2))
			s.heldUp(id, c.why)
			s.ended(id)
			if job := s.until(id, "is no longer held up", func(j trainset.Job) bool { return j.HeldUp == "" }); job.State != trainset.JobSucceeded {
				t.Errorf("job %s: %s", job.State, job.Reason)
			}
			s.made(2)
		})
	}
	t.Run("queue", func(t *testing.T) {
		t.Parallel() // it mostly waits
		s := quickSystem(t, redistest.Server(t))
		if _, err := queue.New(s.rdb, nil).Pause(t.Context(), queue.Image); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.heldUp(s.enqueue(s.request("k", 2)), "worker resume image")
	})
}
