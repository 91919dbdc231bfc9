package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// The image that a queued job waits for in a bucket is not written over by a
// request of the same key for another image, which is refused.
func TestAQueuedJobKeepsItsImage(t *testing.T) {
	t.Parallel()
	store, c := storage.NewDirectory(t.TempDir()), client.FromRedis(redistest.Mini(t))
	hand := func(image string) (*submission, error) {
		var s submission
		s.config.Storage.Bucket, s.store, s.image, s.kind = "a bucket", store, []byte(image), trainset.KindActor
		var r trainset.ActorRequest
		r.User, r.Actor, r.Key = "ada", "zara", "k"
		r.Portrait = trainset.Reference{Key: "uploads/" + string(r.JobID()), SHA256: digestOf(image)}
		s.request = r
		if err := s.handOver(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		_, err := enqueue(t.Context(), c, r)
		return &s, err
	}
	first, err := hand("one portrait")
	if err != nil {
		t.Fatal(err)
	}
	var conflict *trainset.ConflictError
	if _, err := hand("another"); !errors.As(err, &conflict) {
		t.Errorf("another image under the same key: %v", err)
	}
	if b, err := store.Get(t.Context(), first.request.Source().Key); err != nil || string(b) != "one portrait" {
		t.Errorf("the queued job's image is %q, %v", b, err)
	}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
