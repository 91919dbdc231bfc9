package tasks

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// The image of a refused job goes when the job can be tried no more; one that a
// producer has just stored anew does not.
func TestImagesOfRefusedJobsGoWithTheirRecords(t *testing.T) {
	rdb, folder := redistest.Mini(t), t.TempDir()
	store, now := storage.NewDirectory(folder), time.Now()
	l := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }})
	tidier := Tidier{Handlers: New(l, store, nil, nil, nil, Options{Owner: "me", Log: zerolog.Nop(), Now: func() time.Time { return now }})}
	job := func(key string, expired bool) trainset.JobID {
		req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: key}, Actor: "zara"}.WithDefaults()
		req.Portrait.Key = dataset.Upload(req.JobID())
		if err := store.Put(t.Context(), req.Portrait.Key, []byte("a portrait"), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.Create(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(t.Context(), req.JobID(), ledger.Ending{State: trainset.JobFailed, Reason: "portrait: is too small"}); err != nil {
			t.Fatal(err)
		}
		if expired {
			rdb.Del(t.Context(), "trainset:{"+string(req.JobID())+"}:job")
		}
		return req.JobID()
	}
	expired, again, kept := job("expired", true), job("again", true), job("kept", false)
	now = now.Add(31 * 24 * time.Hour)
	fresh := filepath.Join(folder, dataset.Upload(again))
	if err := os.Chtimes(fresh, now, now); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds that it has just been done
		if err := tidier.tidy(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[trainset.JobID]bool{expired: false, again: true, kept: true} {
		_, err := store.Stat(t.Context(), dataset.Upload(id))
		if there := err == nil; there != want {
			t.Errorf("the image of job %s is there: %t, %v", id, there, err)
		}
	}
	if ids, err := l.Recent(t.Context(), "", 10); err != nil || len(ids) != 1 || ids[0] != kept {
		t.Errorf("listed are %v, %v", ids, err)
	}
}

// A job that the sweeper does not know of is brought back to it, and an operator
// is told once of how many that were.
func TestJobsThatTheSweeperLostAreLookedAfterAgain(t *testing.T) {
	rdb, log := redistest.Any(t), bytes.Buffer{}
	now := time.Now()
	clock := func() time.Time { return now }
	l := ledger.New(rdb, ledger.Options{Now: clock})
	tidier := Tidier{Handlers: New(l, nil, nil, nil, nil, Options{Owner: "me", Log: zerolog.New(&log), Now: clock})}
	create := func(key string) trainset.JobID {
		req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: key}, Actor: "zara"}.WithDefaults()
		if _, _, err := l.Create(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		return req.JobID()
	}
	lost := create("lost")
	create("known")
	if err := rdb.ZRem(t.Context(), "trainset:open", string(lost)).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := tidier.tidy(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		rdb.Del(t.Context(), "trainset:tidy") // an hour later
	}
	if due, err := l.Due(t.Context(), 10); err != nil || !slices.Equal(due, []trainset.JobID{lost}) {
		t.Errorf("due: %v, %v", due, err)
	}
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 1 || !strings.Contains(lines[0], `"level":"warn","jobs":1,`) {
		t.Errorf("the log says %q", lines)
	}
}
