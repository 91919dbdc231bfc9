package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// provided is a simulated provider that outlives the commands that use it.
type provided struct {
	*fake.Server

	base    string // its address
	out     string // where the data sets are
	environ []string
}

func newProvided(tb testing.TB, o fake.Options) provided {
	tb.Helper()
	o.PreEncoded, o.Plain = true, true // what is counted is what is asked for, not what it shows
	s := fake.New(o)
	server := httptest.NewServer(s)
	tb.Cleanup(func() { server.Close(); _ = s.Close() })
	base, out := server.URL+"/v1", filepath.Join(tb.TempDir(), "out")
	return provided{Server: s, base: base, out: out, environ: append(os.Environ(),
		"REPLICATE_BASE_URL="+base, "REPLICATE_API_TOKEN="+tokenOfTest, "TRAINSET_OUT="+out)}
}

// command is the command as a process of its own.
func (p provided) command(tb testing.TB, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	tb.Helper()
	return p.process(tb, ofActor(args...)...)
}

// ofActor is what makes a command's arguments an actor's job of the example.
func ofActor(args ...string) []string {
	return append([]string{"actor", "--portrait", filepath.Join("..", "..", "examples", "portrait.png"), "--json"}, args...)
}

// process is the command as a process of its own, with any arguments.
func (p provided) process(tb testing.TB, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	tb.Helper()
	cmd = exec.CommandContext(tb.Context(), "enqueue", args...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.environ, stdout, stderr
	return cmd, stdout, stderr
}

func needRedis(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		tb.Skip("redis-server is not installed: make setup installs it")
	}
}

// until waits for something that another process brings about.
func until(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	for start := time.Now(); !happened(); <-time.After(2 * time.Millisecond) {
		if time.Since(start) > 4*time.Minute {
			tb.Fatalf("%s: not within four minutes", what)
		}
	}
}

func TestKilledCommandPaysOnce(t *testing.T) {
	needRedis(t)
	second := fake.Settings{Latency: fake.Latency{Fixed: time.Second}}
	for name, c := range map[string]struct {
		images  int
		options fake.Options
		kill    func(*fake.Server) bool
	}{
		"after the first prediction was begun": {
			4,
			fake.Options{Settings: second},
			func(s *fake.Server) bool { return s.Stats().Predictions >= 1 },
		},
		"in mid-prediction": {
			12,
			fake.Options{Settings: second},
			func(s *fake.Server) bool { return s.Stats().Predictions >= 12 },
		},
		"while images are stored": {
			6,
			fake.Options{Settings: second},
			func(s *fake.Server) bool { return s.Stats().Requests["download"] >= 3 },
		},
		"between the provider's acceptance and the journal": {
			12,
			fake.Options{Settings: second, Faults: []fake.Fault{{Kind: fake.HoldReply, Nth: 4}}},
			func(s *fake.Server) bool { return s.Stats().Injected[fake.HoldReply] == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvided(t, c.options)
			args := ofActor("--images", strconv.Itoa(c.images))
			p.killed(t, name, c.kill, args)
			job := p.finish(t, args)
			if job.State != trainset.JobSucceeded || job.Succeeded() != c.images {
				t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
			}
			if n := p.Stats().Predictions; n != c.images {
				t.Errorf("the provider made %d predictions for %d images", n, c.images)
			}
		})
	}
}

// killed runs a command and kills it as soon as it is time.
func (p provided) killed(tb testing.TB, when string, now func(*fake.Server) bool, args []string) {
	tb.Helper()
	victim, _, stderr := p.process(tb, args...)
	if err := victim.Start(); err != nil {
		tb.Fatal(err)
	}
	until(tb, when, func() bool { return now(p.Server) })
	if err := victim.Process.Kill(); err != nil {
		tb.Fatal(err)
	}
	if err := victim.Wait(); err == nil {
		tb.Fatalf("the command ended before it was killed: %s", stderr)
	}
}

// finish runs a command to its end.
func (p provided) finish(tb testing.TB, args []string) trainset.Job {
	tb.Helper()
	cmd, stdout, stderr := p.process(tb, args...)
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%v: %s", err, stderr)
	}
	return decode(tb, stdout)
}

func decode(tb testing.TB, stdout *bytes.Buffer) trainset.Job {
	tb.Helper()
	var job trainset.Job
	if err := json.Unmarshal(stdout.Bytes(), &job); err != nil {
		tb.Fatalf("%v: %s", err, stdout)
	}
	return job
}

// Two commands for one job at once are one job.
func TestTwoCommandsAtOncePayOnce(t *testing.T) {
	t.Parallel()
	needRedis(t)
	p := newProvided(t, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: 300 * time.Millisecond}}})
	first, firstOut, firstErr := p.command(t)
	second, secondOut, secondErr := p.command(t)
	for _, cmd := range []*exec.Cmd{first, second} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("%v: %s", err, firstErr)
	}
	if err := second.Wait(); err != nil {
		t.Fatalf("%v: %s", err, secondErr)
	}
	if a, b := decode(t, firstOut), decode(t, secondOut); a.ID != b.ID {
		t.Errorf("they were jobs %s and %s", a.ID, b.ID)
	}
	if n := p.Stats().Predictions; n != 12 {
		t.Errorf("the provider made %d predictions for 12 images", n)
	}
}
