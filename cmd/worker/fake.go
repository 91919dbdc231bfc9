package main

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

func fakeCommand() *cobra.Command {
	var listen, token string
	var latency, start time.Duration
	cmd := &cobra.Command{
		Use:     "fake-replicate",
		Short:   "Serve the simulated provider by hand",
		Long:    "Fake-replicate serves Replicate's HTTP API below /v1: point REPLICATE_BASE_URL, or any client of the provider's, at it.\nIts log and switches are below /_fake/.",
		Example: "  worker fake-replicate --listen 127.0.0.1:8091 --latency 2s\n  REPLICATE_BASE_URL=http://127.0.0.1:8091/v1 REPLICATE_API_TOKEN=any enqueue actor --portrait me.png",
		Args:    none, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(takes("latency", latency), takes("start", start)); err != nil {
				return err
			}
			var lc net.ListenConfig
			ln, err := lc.Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return fmt.Errorf("listening: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "serving http://%s/v1\n", ln.Addr()) //nolint:errcheck // the terminal has gone
			s := fake.New(fake.Options{
				Token: token, AllowLoopbackWebhooks: true,
				Settings: fake.Settings{Latency: fake.Latency{Start: start, Fixed: latency}},
			})
			return fake.Serve(cmd.Context(), ln, s)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8091", "address to serve at")
	cmd.Flags().StringVar(&token, "token", "", "the only bearer token to accept (default: any)")
	cmd.Flags().DurationVar(&latency, "latency", 2*time.Second, "how long a prediction runs")
	cmd.Flags().DurationVar(&start, "start", 0, "how long a prediction takes to start")
	return cmd
}

// takes refuses a time that no prediction can take.
func takes(flag string, d time.Duration) error {
	if d < 0 {
		return trainset.Invalid(flag, fmt.Sprintf("%s is no time that a prediction can take", d), "write it like 2s, or 0s for none")
	}
	return nil
}
