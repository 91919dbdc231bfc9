package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
)

// Whoever resumes one thing learns what keeps work waiting besides.
func TestResumeSaysWhatItLeaves(t *testing.T) {
	node := redistest.Start(t)
	environ := []string{"REDIS_URL=redis://" + node.Addr, "REPLICATE_API_TOKEN=r8_ours"}
	cfg, err := config.Load(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	gate := limit.New(node.Client(t), app.AccountOf(cfg), limit.Options{})
	defer gate.Close()
	if err := gate.Pause(t.Context(), 4*time.Minute, "too many requests"); err != nil {
		t.Fatal(err)
	}
	left := regexp.MustCompile(`another \d+ min \d+ s`)
	const theProviders = "still paused: spending, for another TIME, which the provider asked for and no resume shortens: too many requests"
	for _, c := range []struct{ args, still string }{
		{"pause image", ""},
		{"pause --spending", ""},
		{"resume control", "still paused: the queue image; worker resume image lets it go on\n" +
			"still stopped: spending (operator): an operator paused it; worker resume --spending lets it go on"},
		{"resume image", "still stopped: spending (operator): an operator paused it; worker resume --spending lets it go on"},
		{"resume --spending", theProviders},
		{"resume", theProviders},
	} {
		var out strings.Builder
		if err := run(t.Context(), strings.Fields(c.args), environ, &out, io.Discard); err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
		still := slices.DeleteFunc(strings.Split(out.String(), "\n"), func(line string) bool { return !strings.HasPrefix(line, "still ") })
		if got := left.ReplaceAllString(strings.Join(still, "\n"), "another TIME"); got != c.still {
			t.Errorf("%s: it says\n%s\nnot\n%s", c.args, got, c.still)
		}
	}
}
