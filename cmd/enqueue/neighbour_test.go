package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// verb runs another command in the same environment, and returns what it
// printed and its exit code.
func (p provided) verb(tb testing.TB, args ...string) (stdout *bytes.Buffer, code int) {
	tb.Helper()
	stdout, stderr := new(bytes.Buffer), new(bytes.Buffer)
	cmd := exec.CommandContext(tb.Context(), "enqueue", args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.environ, stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	if err != nil {
		tb.Logf("enqueue %v: %v: %s", args, err, stderr)
	}
	return stdout, cmd.ProcessState.ExitCode()
}

// Without REDIS_URL, too, one command can ask after and stop what another makes.
func TestOtherCommandsReachTheOneThatWorks(t *testing.T) {
	t.Parallel()
	needRedis(t)
	p := newProvided(t, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: 3 * time.Second}}})
	working, stdout, stderr := p.command(t, "--key", "k", "--images", "2")
	id := trainset.NewJobID(defaultUser, trainset.KindActor, "k")
	if err := working.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "predicting", func() bool { return p.Stats().Predictions == 2 })

	seen, code := p.verb(t, "status", string(id[:12]), "--json")
	if job := decode(t, seen); code != 0 || job.ID != id || job.State != trainset.JobRunning || len(job.Items) != 2 {
		t.Errorf("seen from beside, exit %d: %+v", code, job)
	}
	if _, code := p.verb(t, "cancel", string(id)); code != 0 {
		t.Errorf("canceling exits %d", code)
	}
	watched, code := p.verb(t, "watch", string(id), "--json")
	if code != cli.ExitCanceled || decode(t, watched).State != trainset.JobCanceled {
		t.Errorf("watching exits %d: %s", code, watched)
	}
	err := working.Wait()
	if got := working.ProcessState.ExitCode(); got != cli.ExitCanceled {
		t.Errorf("the canceled command exits %d, %v: %s", got, err, stderr)
	}
	if job := decode(t, stdout); job.State != trainset.JobCanceled {
		t.Errorf("it says the job is %s", job.State)
	}
}

// A batch that was killed goes on where it was, and pays for nothing twice.
func TestAKilledBatchPaysOnce(t *testing.T) {
	t.Parallel()
	needRedis(t)
	p := newProvided(t, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: 500 * time.Millisecond}}})
	portrait, err := filepath.Abs(filepath.Join("..", "..", "examples", "portrait.png"))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	for _, actor := range []string{"a", "b", "c"} {
		if err := json.NewEncoder(&file).Encode(map[string]any{"kind": "actor", "portrait": portrait, "actor": actor, "images": 2}); err != nil {
			t.Fatal(err)
		}
	}
	name := writeFile(t, "cast.jsonl", file.Bytes())
	dying, kill := context.WithCancel(t.Context())
	defer kill()
	victim := exec.CommandContext(dying, "enqueue", "batch", name)
	victim.Env = p.environ
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "predicting", func() bool { return p.Stats().Predictions >= 2 })
	kill()
	if err := victim.Wait(); err == nil {
		t.Fatal("the batch ended before it was killed")
	}
	for range 2 { // the second has nothing left to do
		stdout, code := p.verb(t, "batch", name, "--json")
		var all struct{ Rows []result }
		if err := json.Unmarshal(stdout.Bytes(), &all); err != nil || code != 0 || len(all.Rows) != 3 {
			t.Fatalf("exit %d, %v: %s", code, err, stdout)
		}
		for _, r := range all.Rows {
			if r.Job == nil || r.Job.State != trainset.JobSucceeded || r.Job.Succeeded() != 2 {
				t.Errorf("line %d: %s %+v", r.Line, r.Error, r.Job)
			}
		}
	}
	if n := p.Stats().Predictions; n != 6 {
		t.Errorf("the provider made %d predictions for 6 images", n)
	}
}

// Commands that begin at once all say where their ledger answers, each without
// the other's being in its way.
func TestCommandsAnnounceAtOnce(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	for range 8 {
		cfg.Storage.Out = t.TempDir()
		var announcing errgroup.Group
		for range 16 {
			announcing.Go(func() error { return announce(t.Context(), cfg, "/run/redis.sock") })
		}
		if err := announcing.Wait(); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(socketFile(cfg)); err != nil || string(b) != "/run/redis.sock" {
			t.Errorf("the word left is %q, %v", b, err)
		}
	}
}
