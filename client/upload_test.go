package client_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestUploadedBytesArriveWithTheirReference(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		c, l, req := client.FromRedis(rdb), ledger.New(rdb, ledger.Options{}), request("k")
		image := bytes.Repeat([]byte("some picture"), client.MaxUpload/12)
		ref, err := c.Upload(t.Context(), req.JobID(), image)
		if err != nil {
			t.Fatal(err)
		}
		req.Portrait = ref
		job, err := c.EnqueueActor(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		// What a worker does with it.
		if !ledger.InInbox(job.ID, ref) {
			t.Fatalf("the reference %+v is of no inbox", ref)
		}
		got, err := l.Inbox(t.Context(), job.ID, ref.SHA256)
		if err != nil || !bytes.Equal(got, image) {
			t.Fatalf("%d bytes arrived of %d: %v", len(got), len(image), err)
		}
		if err := l.DropInbox(t.Context(), job.ID, ref.SHA256); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Inbox(t.Context(), job.ID, ref.SHA256); !errors.Is(err, trainset.ErrNotFound) {
			t.Errorf("after it was dropped: %v", err)
		}
	})
}

// asked is a request for a set of so many images whose portrait was uploaded.
func asked(t *testing.T, c *client.Client, images int, portrait string) trainset.ActorRequest {
	t.Helper()
	req := request("k")
	req.Images = images
	var err error
	if req.Portrait, err = c.Upload(t.Context(), req.JobID(), []byte(portrait)); err != nil {
		t.Fatal(err)
	}
	return req
}

// A program that is run again hands the image over again, which nobody reads.
func TestNothingStaysOfAnUploadForAJobThatWasAccepted(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		c, l, ctx := client.FromRedis(rdb), ledger.New(rdb, ledger.Options{}), t.Context()
		req := asked(t, c, 4, "a portrait")
		job, err := c.EnqueueActor(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		p := plan.Plan{JobID: job.ID, User: "ada", Kind: trainset.KindActor, Images: 4, Request: json.RawMessage("{}")}
		if _, err := l.Begin(ctx, p, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := l.DropInbox(ctx, job.ID, req.Portrait.SHA256); err != nil {
			t.Fatal(err)
		}
		again, err := c.EnqueueActor(ctx, asked(t, c, 4, "a portrait"))
		if err != nil || again.ID != job.ID {
			t.Fatalf("%+v, %v", again, err)
		}
		if _, err := l.Inbox(ctx, job.ID, req.Portrait.SHA256); !errors.Is(err, trainset.ErrNotFound) {
			t.Errorf("the portrait is in Redis again: %v", err)
		}
	})
}

// A conflict leaves nothing of its own, and what the job waits for.
func TestConflictsDropOnlyWhatTheJobDoesNotWaitFor(t *testing.T) {
	rdb := redistest.Mini(t)
	c, l, ctx := client.FromRedis(rdb), ledger.New(rdb, ledger.Options{}), t.Context()
	first := asked(t, c, 4, "a portrait")
	job, err := c.EnqueueActor(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []trainset.ActorRequest{asked(t, c, 4, "another portrait"), asked(t, c, 5, "a portrait")} {
		var conflict *trainset.ConflictError
		if _, err := c.EnqueueActor(ctx, other); !errors.As(err, &conflict) {
			t.Fatalf("error %v", err)
		}
		if got, err := l.Inbox(ctx, job.ID, first.Portrait.SHA256); err != nil || string(got) != "a portrait" {
			t.Errorf("the job's own: %q, %v", got, err)
		}
		if other.Portrait == first.Portrait {
			continue
		}
		if _, err := l.Inbox(ctx, job.ID, other.Portrait.SHA256); !errors.Is(err, trainset.ErrNotFound) {
			t.Errorf("that of the conflict: %v", err)
		}
	}
	// One that was refused may be tried again.
	if err := l.Finish(ctx, job.ID, ledger.Ending{State: trainset.JobFailed, Reason: "portrait: is too small"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EnqueueActor(ctx, asked(t, c, 4, "a portrait")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Inbox(ctx, job.ID, first.Portrait.SHA256); err != nil {
		t.Errorf("that of the refused job: %v", err)
	}
}

// Whoever uploads before user and key are set names a job that will never be.
func TestAnUploadForAnotherJobIsRefused(t *testing.T) {
	rdb := redistest.Mini(t)
	c := client.FromRedis(rdb)
	ref, err := c.Upload(t.Context(), trainset.ActorRequest{}.JobID(), []byte("a portrait"))
	if err != nil {
		t.Fatal(err)
	}
	actor, style := request("k"), trainset.StyleRequest{Options: request("k").Options, Style: "ink", Image: ref}
	actor.Portrait = ref
	_, errActor := c.EnqueueActor(t.Context(), actor)
	_, errStyle := c.EnqueueStyle(t.Context(), style)
	for field, err := range map[string]error{"portrait": errActor, "image": errStyle} {
		var fe *trainset.FieldError
		if !errors.As(err, &fe) || fe.Field != field || fe.Problem != "was uploaded for another job" || !strings.Contains(fe.Remedy, "user and key") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if ids, err := c.Recent(t.Context(), "", 10); err != nil || len(ids) != 0 {
		t.Errorf("enqueued are %v, %v", ids, err)
	}
}

func TestUploadRefusesWhatNobodyCouldUse(t *testing.T) {
	rdb := redistest.Mini(t)
	for _, c := range []struct {
		field string
		job   trainset.JobID
		image []byte
	}{
		{"image", request("k").JobID(), make([]byte, client.MaxUpload+1)},
		{"image", request("k").JobID(), nil},
		{"job", "", []byte("a portrait")},
		{"job", "k", []byte("a portrait")},
	} {
		_, err := client.FromRedis(rdb).Upload(t.Context(), c.job, c.image)
		var field *trainset.FieldError
		if !errors.As(err, &field) || field.Field != c.field || field.Remedy == "" {
			t.Errorf("%d bytes for job %q: error %v names no field %s and remedy", len(c.image), c.job, err, c.field)
		}
	}
	if keys := rdb.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("it left %v behind", keys)
	}
}

func TestEqualStyleRequestsAreOneJob(t *testing.T) {
	rdb := redistest.Mini(t)
	c := client.FromRedis(rdb)
	var req trainset.StyleRequest
	req.User, req.Style, req.Key = "ada", "gouache", "k"
	req.Image.URL = "https://example.com/gouache.png"
	for range 2 {
		job, err := c.EnqueueStyle(t.Context(), req)
		if err != nil || job.Kind != trainset.KindStyle || job.ID != req.JobID() {
			t.Fatalf("job %+v: %v", job, err)
		}
	}
	tasks := pending(t, rdb)
	if len(tasks) != 1 || tasks[0].Type != trainset.TaskStyleGenerate {
		t.Fatalf("%d tasks were enqueued", len(tasks))
	}
	got, err := trainset.DecodeRequest(trainset.KindStyle, tasks[0].Payload)
	if err != nil || got.Fingerprint() != req.Fingerprint() {
		t.Errorf("the task carries %s: %v", tasks[0].Payload, err)
	}
}

func TestFindTellsJobsByTheirBeginning(t *testing.T) {
	c := client.FromRedis(redistest.Mini(t))
	ids := map[string]trainset.JobID{}
	for _, key := range []string{"a", "b", "c"} {
		job, err := c.EnqueueActor(t.Context(), request(key))
		if err != nil {
			t.Fatal(err)
		}
		ids[key] = job.ID
	}
	found, err := c.Find(t.Context(), string(ids["b"][:8]))
	if err != nil || len(found) != 1 || found[0] != ids["b"] {
		t.Errorf("found %v, wanted %s: %v", found, ids["b"], err)
	}
	if all, err := c.Find(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("found %v: %v", all, err)
	}
	if none, err := c.Recent(t.Context(), "bob", 10); err != nil || len(none) != 0 {
		t.Errorf("another user's jobs: %v, %v", none, err)
	}
}
