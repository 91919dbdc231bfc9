package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// Whoever asks under one key at the same time, with whichever of two machines'
// commands, gets the same job: it is queued once, and paid for once.
func TestOneKeyOfTwoProcessesIsOneJob(t *testing.T) {
	t.Parallel()
	const rounds, images = 3, 1
	rdb := redistest.Server(t)
	p := newProvided(t, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: 50 * time.Millisecond}}})
	p.environ = append(p.environ, "REDIS_URL=unix://"+rdb.Options().Addr)
	type asking struct {
		cmd            *exec.Cmd
		stdout, stderr *bytes.Buffer
	}
	var jobs []trainset.JobID
	for round := range rounds {
		var both []asking
		for range 2 {
			cmd, stdout, stderr := p.command(t, "--key", "round"+strconv.Itoa(round), "--no-wait", "--images", strconv.Itoa(images))
			both = append(both, asking{cmd, stdout, stderr})
		}
		for _, a := range both {
			if err := a.cmd.Start(); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range both {
			if err := a.cmd.Wait(); err != nil {
				t.Fatalf("%v: %s", err, a.stderr)
			}
		}
		one, other := decode(t, both[0].stdout), decode(t, both[1].stdout)
		if one.ID != other.ID || one.ID != trainset.NewJobID(defaultUser, trainset.KindActor, "round"+strconv.Itoa(round)) {
			t.Errorf("round %d: jobs %s and %s", round, one.ID, other.ID)
		}
		jobs = append(jobs, one.ID)
	}
	c := client.FromRedis(rdb)
	if known, err := c.Recent(t.Context(), "", 100); err != nil || len(known) != rounds {
		t.Errorf("%d jobs of %d keys: %v", len(known), rounds, err)
	}
	queued, err := rdb.LLen(t.Context(), "asynq:{"+trainset.QueueControl+"}:pending").Result()
	if err != nil || queued != rounds {
		t.Errorf("%d tasks of %d jobs: %v", queued, rounds, err)
	}
	w, err := app.NewWorker(rdb, storage.NewDirectory(filepath.Join(t.TempDir(), "out")), app.Options{
		Token: tokenOfTest, BaseURL: p.base, PerMinute: 6000, Version: "test", Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, id := range jobs {
		until(t, "the job has succeeded", func() bool {
			job, err := c.Get(t.Context(), id)
			return err == nil && job.State == trainset.JobSucceeded
		})
	}
	if n := p.Stats().Predictions; n != rounds*images {
		t.Errorf("the provider made %d predictions for %d images", n, rounds*images)
	}
}
