// Command enqueue asks for data sets: it submits jobs, follows them, fetches
// what they made and cancels them. Without REDIS_URL it runs the whole system
// in its own process.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		cli.PrintError(os.Stderr, err)
	}
	os.Exit(cli.ExitCode(err))
}

// run is the whole command; tests call it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:          "enqueue",
		Short:        "Turn one image into a LoRA training set",
		Long:         long(),
		Example:      "  enqueue actor --simulate --portrait examples/portrait.png\n  enqueue style --image mosaic.jpg --estimate\n  enqueue status 3f2a9c41",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(commands(environ)...) //nolint:contextcheck // cobra hands it over
	cli.Strict(root)
	return root.ExecuteContext(ctx) //nolint:wrapcheck // says what failed
}

func commands(environ []string) []*cobra.Command {
	all := []*cobra.Command{
		actorCommand(environ), styleCommand(environ), batchCommand(environ),
		statusCommand(environ), watchCommand(environ), fetchCommand(environ), cancelCommand(environ), retryCommand(environ),
	}
	for _, cmd := range all {
		cmd.Long += "\n\n" + cli.ExitCodesLine(cli.ExitCodes())
	}
	return all
}

func long() string {
	var b strings.Builder
	b.WriteString("Enqueue asks for data sets, follows their jobs, fetches what they made.\n\n" +
		"With REDIS_URL the workers of that Redis do the work. Without it the whole system\n" +
		"runs in this process, its state in OUT/.trainset, and so it does for --simulate.\n\n")
	_ = cli.WriteExitCodes(&b) // a strings.Builder takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

// oneArgument demands exactly one, and says what it is.
func oneArgument(field, remedy string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return trainset.Invalid(field, "is missing", remedy)
		case len(args) > 1:
			return trainset.Invalid("arguments", fmt.Sprintf("%q is not expected", args[1]), remedy)
		}
		return nil
	}
}
