package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"worker": main})
}

// The scripts run the command as operators do. Beside testscript's own commands
// they have:
//
//	system [FAULT...]      a Redis, a simulated provider, which fails as told, and storage, with the settings for them
//	start                  starts a worker of it
//	ask VAR KIND KEY N     enqueues a job of N images and sets a variable to its ID
//	until STATE JOB        waits until the job is in the state, or held up where that is "held"
//	died WORKER            leaves what a worker leaves that died with a task in hand
//	buried WORKER          waits until nobody misses a worker
//	upload JOB             puts an image for the job into Redis, which its request does not name
//	stray                  makes a prediction that nobody knows
//	exits CODE COMMAND...  runs a command that must exit with the code
//	predictions N          the provider was asked to make N predictions
//	files N                the provider has N files
//	json PATH VALUE        the last output is one JSON value, and has the value at the path; length is a list's
//	save NAME PATH         sets a variable to the value at the path of the last output
//	none PATTERN...        no file matches
//	keys PATTERN N         Redis has N such keys
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: make setup installs it")
	}
	s := scripts{t: t}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error { e.Setenv("GORACE", os.Getenv("GORACE")); return nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"system": s.system, "start": s.start, "ask": s.ask, "until": s.until, "died": s.died, "buried": s.buried, "upload": s.upload, "stray": s.stray, "exits": exits,
			"predictions": s.predictions, "files": s.files, "json": jsonValue, "save": save, "none": nothing, "keys": s.keys,
		},
	})
}

// scripts holds each script's deployment by its name.
type scripts struct {
	t    *testing.T // outlives the scripts
	each sync.Map
}

func (s *scripts) of(ts *testscript.TestScript) *deployment {
	d, ok := s.each.Load(ts.Name())
	if !ok {
		ts.Fatalf("no system was started")
	}
	return d.(*deployment)
}

// system takes faults as JSON objects.
func (s *scripts) system(ts *testscript.TestScript, _ bool, args []string) {
	var faults []fake.Fault
	for _, arg := range args {
		var f fake.Fault
		ts.Check(json.Unmarshal([]byte(arg), &f))
		faults = append(faults, f)
	}
	d := deploy(s.t, faults...)
	s.each.Store(ts.Name(), d)
	ts.Defer(d.stop)
	for name, value := range d.environ() {
		ts.Setenv(name, value)
	}
	ts.Setenv("FOLDER", d.folder)
}

func (s *scripts) start(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(s.of(ts).start()) }

func (s *scripts) ask(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: ask VAR KIND KEY N")
	}
	images, err := strconv.Atoi(args[3])
	ts.Check(err)
	enqueue := s.of(ts).actor
	if trainset.Kind(args[1]) == trainset.KindStyle {
		enqueue = s.of(ts).style
	}
	id, err := enqueue(s.t, args[2], images)
	ts.Check(err)
	ts.Setenv(args[0], string(id))
	ts.Setenv(args[0]+"_SHORT", string(id[:8]))
}

// patient is enough for a machine that has much else to do, with the race detector.
const patient = 4 * time.Minute

func (s *scripts) until(ts *testscript.TestScript, _ bool, args []string) {
	d, id := s.of(ts), trainset.JobID(args[1])
	var last trainset.Job
	for start := time.Now(); time.Since(start) < patient; <-time.After(10 * time.Millisecond) {
		var err error
		last, err = d.client.Get(s.t.Context(), id)
		ts.Check(err)
		if string(last.State) == args[0] || args[0] == "held" && last.HeldUp != "" {
			return
		}
	}
	ts.Fatalf("job %s is %s (%s) with %d images", id, last.State, last.Reason, last.Succeeded())
}

func (s *scripts) died(ts *testscript.TestScript, _ bool, args []string) {
	l := ledger.New(s.of(ts).rdb, ledger.Options{})
	task := string(layout("k").Job) + ":image.1:1"
	ts.Check(errors.Join(
		l.Beat(s.t.Context(), args[0]), l.Hold(s.t.Context(), args[0], []string{task}, nil),
		l.Introduce(s.t.Context(), args[0], ledger.Card{Host: "elsewhere", PID: 4711, Version: "v0", StartedAt: time.Now().Add(-time.Hour)}),
	))
}

func (s *scripts) buried(ts *testscript.TestScript, _ bool, args []string) {
	l := ledger.New(s.of(ts).rdb, ledger.Options{})
	for start := time.Now(); time.Since(start) < patient; <-time.After(10 * time.Millisecond) {
		beats, err := l.Beats(s.t.Context())
		ts.Check(err)
		if beats[args[0]] == "" {
			return
		}
	}
	ts.Fatalf("worker %s is still listed", args[0])
}

func (s *scripts) upload(ts *testscript.TestScript, _ bool, args []string) {
	_, err := s.of(ts).client.Upload(s.t.Context(), trainset.JobID(args[0]), []byte("somebody's picture"))
	ts.Check(err)
}

// stray asks the provider in the name of the account, behind everybody's back.
func (s *scripts) stray(ts *testscript.TestScript, _ bool, _ []string) {
	c, err := replicate.New(replicate.Options{Token: tokenOfTest, BaseURL: s.of(ts).base})
	ts.Check(err)
	_, err = c.Create(s.t.Context(), replicate.CreateRequest{
		Model: replicate.DefaultActorModel, Input: map[string]any{"prompt": "a picture for nobody", "seed": 7},
	})
	ts.Check(err)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

func (s *scripts) predictions(ts *testscript.TestScript, _ bool, args []string) {
	if got := s.of(ts).provider.Stats().Predictions; strconv.Itoa(got) != args[0] {
		ts.Fatalf("the provider was asked for %d predictions, not %s", got, args[0])
	}
}

func (s *scripts) files(ts *testscript.TestScript, _ bool, args []string) {
	if got := s.of(ts).provider.Stats().Files; strconv.Itoa(got) != args[0] {
		ts.Fatalf("the provider has %d files, not %s", got, args[0])
	}
}

func (s *scripts) keys(ts *testscript.TestScript, _ bool, args []string) {
	found, err := s.of(ts).rdb.Keys(s.t.Context(), args[0]).Result()
	ts.Check(err)
	if slices.Sort(found); strconv.Itoa(len(found)) != args[1] {
		ts.Fatalf("%d keys, not %s: %v", len(found), args[1], found)
	}
}

func jsonValue(ts *testscript.TestScript, _ bool, args []string) {
	if got := valueAt(ts, args[0]); got != args[1] {
		ts.Fatalf("%s is %s, not %s", args[0], got, args[1])
	}
}

func save(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], valueAt(ts, args[1])) }

// valueAt looks into the last output, which is one JSON value.
func valueAt(ts *testscript.TestScript, path string) string {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var v any
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("there is more than one JSON value")
	}
	for field := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[field]
		case []any:
			if field == "length" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(field)
			ts.Check(err)
			if i >= len(at) {
				ts.Fatalf("there are only %d at %s", len(at), path)
			}
			v = at[i]
		default:
			ts.Fatalf("%v has no %s", v, field)
		}
	}
	return fmt.Sprint(v)
}

func nothing(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 {
			ts.Fatalf("left behind: %v", found)
		}
	}
}
