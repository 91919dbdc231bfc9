package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// styleOf is what makes a command's arguments a small style's job, which takes two
// grids.
func styleOf(limit string, more ...string) []string {
	return append([]string{
		"style", "--image", filepath.Join("..", "..", "examples", "style.png"), "--key", "k", "--json",
		"--images", "10", "--grids", "1", "--max-grids", "2", "--enhance", "none", "--max-cost", limit,
	}, more...)
}

// A style that its cap has stopped goes on with a higher one, and comes to the same
// for the same as if it had had that from the beginning: with the ledger of the
// folder, and with storage alone.
func TestAStoppedCommandGoesOn(t *testing.T) {
	needRedis(t)
	whole := newProvided(t, fake.Options{Seed: 1})
	want := whole.finish(t, styleOf("1"))
	if want.State != trainset.JobSucceeded || len(want.Grids) != 2 {
		t.Fatalf("with a high cap: %s, %d grids", want.State, len(want.Grids))
	}
	for name, lose := range map[string]bool{"with its ledger": false, "with storage alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvided(t, fake.Options{Seed: 1})
			stdout, code := p.verb(t, styleOf("0.06")...)
			before := decode(t, stdout)
			if code != cli.ExitPartial || len(before.Grids) != 1 {
				t.Fatalf("exit %d: %s with %d grids", code, before.State, len(before.Grids))
			}
			if lose {
				if err := os.RemoveAll(filepath.Join(p.out, ".trainset")); err != nil {
					t.Fatal(err)
				}
			}
			if _, code := p.verb(t, "retry", string(before.ID), "--max-cost", "0.06"); code != cli.ExitInput {
				t.Errorf("with the cap that it had: exit %d", code)
			}
			p.askedOnce(t, 2)
			after := p.finish(t, []string{"retry", string(before.ID[:8]), "--max-cost", "1", "--json"})
			if after.State != want.State || after.Cost.Actual != want.Cost.Actual || len(after.Grids) != len(want.Grids) || after.Revision != 2 {
				t.Errorf("%s, v%d, %d grids for %s; from the beginning %s, %d grids for %s", after.State, after.Revision,
					len(after.Grids), after.Cost.Actual, want.State, len(want.Grids), want.Cost.Actual)
			}
			p.askedOnce(t, len(whole.Log()))
			p.shows(t, after)
			for i, it := range before.Items {
				if it.State == trainset.ItemSucceeded && after.Items[i].Scene != it.Scene {
					t.Errorf("image %d is another", it.Index)
				}
			}
		})
	}
}

// An actor's images that could not be made are tried again, alone; a command that
// is killed on the way goes on when it is repeated.
func TestFailedImagesAreTriedAgain(t *testing.T) {
	needRedis(t)
	for name, lose := range map[string]bool{"with its ledger": false, "with storage alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvided(t, fake.Options{
				Settings: fake.Settings{Latency: fake.Latency{Fixed: 500 * time.Millisecond}},
				Faults:   []fake.Fault{{Kind: fake.Fail, Code: "E1001", Nth: 2}},
			})
			args := ofActor("--images", "2")
			stdout, code := p.verb(t, args...)
			before := decode(t, stdout)
			if code != cli.ExitPartial || before.Succeeded() != 1 {
				t.Fatalf("exit %d: %s with %d images", code, before.State, before.Succeeded())
			}
			if lose {
				if err := os.RemoveAll(filepath.Join(p.out, ".trainset")); err != nil {
					t.Fatal(err)
				}
			}
			paid := p.Stats().Predictions
			again := []string{"retry", string(before.ID), "--json"}
			p.killed(t, "predicting", func(s *fake.Server) bool { return s.Stats().Predictions > paid }, again)
			after := p.finish(t, again)
			if after.State != trainset.JobSucceeded || after.Revision != 2 || after.Cost.Actual != before.Cost.Actual+trainset.USD(0.04) {
				t.Errorf("%s, v%d, for %s after %s", after.State, after.Revision, after.Cost.Actual, before.Cost.Actual)
			}
			p.askedOnce(t, paid+1)
		})
	}
}
