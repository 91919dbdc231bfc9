package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/operate"
)

// healthFlags say which worker is asked what.
type healthFlags struct {
	address string
	ready   bool
	timeout time.Duration
}

func healthCommand(environ []string) *cobra.Command {
	v, f := &verb{environ: environ}, &healthFlags{}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask the worker on this host whether it lives, or is ready",
		Long: "Health asks the HTTP server of the worker on this host, at TRAINSET_HTTP_LISTEN, whether its process\n" +
			"lives (/healthz) or, with --ready, whether all that it depends on answers (/readyz), and exits with 1\n" +
			"when it does not. It is what a container without a shell has for its health check.",
		Example: "  worker health\n  worker health --ready --json | jq '.checks[] | select(.ok | not)'",
		Args:    none, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.timeout <= 0 {
				return trainset.Invalid("timeout", fmt.Sprintf("%s is no time to wait", f.timeout), "write it like 4s")
			}
			address, err := f.where(v.environ)
			if err != nil {
				return err
			}
			s := site{json: v.json, stdout: cmd.OutOrStdout()}
			return f.ask(cmd.Context(), &s, address)
		},
	}
	cmd.Flags().StringVar(&f.address, "address", "", "HOST:PORT of the worker's server (default TRAINSET_HTTP_LISTEN)")
	cmd.Flags().BoolVar(&f.ready, "ready", false, "whether it can work, not only whether it lives")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 4*time.Second, "how long it may take to answer")
	v.jsonFlag(cmd)
	return cmd
}

// where the worker listens: of all settings this alone is looked at, for who asks
// need not be who may read the others.
func (f *healthFlags) where(environ []string) (string, error) {
	if f.address != "" {
		return f.address, nil
	}
	address, err := config.Listen(environ, ".env")
	if err == nil && address == "" {
		err = trainset.Invalid("TRAINSET_HTTP_LISTEN", "is empty: the worker serves no HTTP that could be asked", "set it, or make no health check")
	}
	return address, err
}

func (f *healthFlags) ask(ctx context.Context, s *site, address string) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	h, err := operate.AskHealth(ctx, address, f.ready)
	if err != nil {
		return err
	}
	if err := s.say(h, func(w io.Writer) error { return writeHealth(w, h, f.ready) }); err != nil {
		return err
	}
	if !h.Alive || f.ready && !h.Ready {
		return &cli.ExitError{Code: cli.ExitFailed}
	}
	return nil
}

// writeHealth says in a line how it is, and then what does not answer or keeps work waiting.
func writeHealth(w io.Writer, h operate.Health, ready bool) error {
	how, good := "alive", h.Alive
	if ready {
		how, good = "ready", h.Ready
	}
	if !good {
		how = "not " + how
	}
	var b strings.Builder
	fmt.Fprintln(&b, how)
	for _, c := range h.Checks {
		if !c.OK {
			fmt.Fprintf(&b, "%s: %s; %s\n", c.Name, cli.Clean(c.Detail), cli.Clean(c.Remedy))
		}
	}
	if h.Blocked != nil {
		fmt.Fprintf(&b, "blocked (%s): %s; %s\n", cli.Clean(h.Blocked.Class), cli.Clean(h.Blocked.Detail), cli.Clean(h.Blocked.Remedy))
	}
	return printf(w, "%s", b.String())
}
