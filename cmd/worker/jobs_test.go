package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
)

// lines hands on each line that is written.
type lines struct{ to chan string }

func (l lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l.to <- line
	}
	return len(b), nil
}

// Watching says each change once, and ends when it is told to.
func TestWatchingJobs(t *testing.T) {
	d := deploy(t)
	one, err := d.actor(t, "one", 1)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name, value := range d.environ() {
		environ = append(environ, name+"="+value)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, ended := lines{make(chan string, 100)}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"jobs", "--watch"}, environ, said, io.Discard) }()
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(one)+" actor ada zara queued") {
		t.Errorf("at first: %q", line)
	}
	if err := d.client.Cancel(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(one)+" actor ada zara canceled") {
		t.Errorf("after it was canceled: %q", line)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestShortIDsTellListedJobsApart(t *testing.T) {
	jobs := []trainset.Job{
		{ID: "3f2a9c41-0000-8000-8000-000000000001"}, {ID: "3f2a9c41-0100-8000-8000-000000000001"}, {ID: "aaaaaaaa-0000-8000-8000-000000000001"},
	}
	for i, want := range []string{"3f2a9c41-00", "3f2a9c41-01", "aaaaaaaa"} {
		if got := short(jobs[i].ID, jobs); got != want {
			t.Errorf("job %d is %s, not %s", i, got, want)
		}
	}
}
