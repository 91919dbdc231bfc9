package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
)

func workersCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command("workers", "Show which workers serve the queues", none, func(ctx context.Context, s *site, _ []string) error {
		workers, err := operate.Watcher{Ledger: s.ledger}.Watch(ctx)
		if err != nil {
			return err
		}
		return s.say(workers, func(w io.Writer) error { return writeWorkers(w, workers, time.Now()) })
	})
	cmd.Long = "Workers shows each worker of the system, where it runs, whether its provider is a real one, since when it\n" +
		"runs, how many tasks of how many jobs it has in hand, and where it keeps objects. One is live when it was seen to beat, which each does twice a second; silent is one that\n" +
		"has not within two seconds: it has died or is frozen, and a live one takes over what it has within\n" +
		"15 seconds, after which it is listed no more. Where none lives, the silent ones stay listed."
	cmd.Example = "  worker workers\n  worker workers --json | jq '.[] | select(.live | not)'"
	return cmd
}

func writeWorkers(w io.Writer, workers []operate.Worker, now time.Time) error {
	if len(workers) == 0 {
		return printf(w, "no workers\n")
	}
	t := cli.Table{Columns: []cli.Column{
		{Title: "worker"},
		{Title: "state"},
		{Title: "host"},
		{Title: "pid", Right: true},
		{Title: "version"},
		{Title: "provider"},
		{Title: "up", Right: true},
		{Title: "tasks", Right: true},
		{Title: "jobs", Right: true},
		{Title: "storage"},
	}}
	for _, one := range workers {
		state, pid, up, provider := "silent", "", "", ""
		if one.Live {
			state = "live"
		}
		if one.StartedAt != nil {
			pid, up, provider = strconv.Itoa(one.PID), cli.Duration(now.Sub(*one.StartedAt)), "real"
			if one.Simulated {
				provider = "simulated"
			}
		}
		t.Add(one.ID, state, one.Host, pid, one.Version, provider, up, strconv.Itoa(one.InHand), strconv.Itoa(one.Jobs), one.Storage)
	}
	return t.Write(w)
}

// attendance is how many workers serve the queues.
type attendance struct {
	Live   int `json:"live"`
	Silent int `json:"silent"`
}

func attendanceOf(workers []operate.Worker) (a attendance) {
	for _, one := range workers {
		if one.Live {
			a.Live++
		} else {
			a.Silent++
		}
	}
	return a
}

// String says in a sentence whether anybody takes tasks.
func (a attendance) String() string {
	switch {
	case a.Live == 0 && a.Silent == 0:
		return "none: nothing is taken from the queues until worker run is started"
	case a.Live == 0:
		return fmt.Sprintf("none live, %d silent: nothing is taken from the queues until worker run is started", a.Silent)
	case a.Silent > 0:
		return fmt.Sprintf("%d live, %d silent; see worker workers", a.Live, a.Silent)
	}
	return fmt.Sprintf("%d live", a.Live)
}
