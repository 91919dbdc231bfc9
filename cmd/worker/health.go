package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
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
			cfg, err := config.LoadWorker(v.environ, ".env")
			if err != nil {
				return err
			}
			at, err := f.url(cfg)
			if err != nil {
				return err
			}
			s := site{json: v.json, stdout: cmd.OutOrStdout()}
			return f.ask(cmd.Context(), &s, at)
		},
	}
	cmd.Flags().StringVar(&f.address, "address", "", "HOST:PORT of the worker's server (default TRAINSET_HTTP_LISTEN)")
	cmd.Flags().BoolVar(&f.ready, "ready", false, "whether it can work, not only whether it lives")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 4*time.Second, "how long it may take to answer")
	v.jsonFlag(cmd)
	return cmd
}

// url is where the worker answers. One that listens everywhere listens on the
// loopback, too.
func (f *healthFlags) url(cfg config.Config) (string, error) {
	address := cmp.Or(f.address, cfg.HTTP.Listen)
	if address == "" {
		return "", trainset.Invalid("TRAINSET_HTTP_LISTEN", "is empty: the worker serves no HTTP that could be asked", "set it, or make no health check")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", trainset.Invalid("address", fmt.Sprintf("%q is no HOST:PORT", address), "write it like 127.0.0.1:8080")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	at := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/healthz"}
	if f.ready {
		at.Path = "/readyz"
	}
	return at.String(), nil
}

// health is what a worker answered, as far as it is of interest.
type health struct {
	Alive  bool `json:"alive"` // it answered
	Ready  bool `json:"ready"` // asked for with --ready
	Checks []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail,omitempty"`
		Remedy string `json:"remedy,omitempty"`
	} `json:"checks,omitempty"`
}

// mostAnswered bounds what is read of an answer.
const mostAnswered = 1 << 20

func (f *healthFlags) ask(ctx context.Context, s *site, at string) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("asking the worker: %w", err)
	}
	direct := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // whatever proxy there is for others
	resp, err := direct.Do(req)
	if err != nil {
		return fmt.Errorf("the worker does not answer: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read
	h := health{Alive: true}
	if err := json.NewDecoder(io.LimitReader(resp.Body, mostAnswered)).Decode(&h); err != nil {
		return fmt.Errorf("%s answers %s, and not as a worker does: %w", at, resp.Status, err)
	}
	if err := s.say(h, func(w io.Writer) error { return h.write(w, f.ready) }); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &cli.ExitError{Code: cli.ExitFailed}
	}
	return nil
}

// write says in a line how it is, and then what does not answer.
func (h health) write(w io.Writer, asked bool) error {
	how := "alive"
	if asked && h.Ready {
		how = "ready"
	} else if asked {
		how = "not ready"
	}
	var b strings.Builder
	fmt.Fprintln(&b, how)
	for _, c := range h.Checks {
		if !c.OK {
			fmt.Fprintf(&b, "%s: %s; %s\n", c.Name, cli.Clean(c.Detail), cli.Clean(c.Remedy))
		}
	}
	return printf(w, "%s", b.String())
}
