package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// A job whose folder somebody has removed, so that no worker can make its set, is
// deleted all the same.
func TestDeleteForcesAJobWithoutItsFolder(t *testing.T) {
	d := deploy(t, fake.Fault{Kind: fake.SlowRun, Seconds: 120, Nth: 2})
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	id, err := d.actor(t, "k", 2)
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, id, "half made", func(j trainset.Job) bool { return j.Succeeded() == 1 })
	if err := os.RemoveAll(filepath.Join(d.folder, "out", filepath.FromSlash(layout("k").Root()))); err != nil {
		t.Fatal(err)
	}
	if out, err := d.operator(t, "delete", string(id), "--yes", "--force"); err != nil {
		t.Fatal(out, err)
	}
	if job, err := d.client.Get(t.Context(), id); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("the job is still there, %s: %v", job.State, err)
	}
}
