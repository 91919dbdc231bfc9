// Command worker serves the queues, and has the verbs of those who operate the
// system.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

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
		Use:          "worker",
		Short:        "Serve and operate a trainset system",
		Long:         long(),
		Example:      "  worker run\n  worker doctor\n  worker jobs --state running --watch\n  worker retry 3f2a9c41",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(commands(environ)...) //nolint:contextcheck // each takes the context that ExecuteContext gives it
	cli.Strict(root)
	return root.ExecuteContext(ctx) //nolint:wrapcheck // says what failed
}

func commands(environ []string) []*cobra.Command {
	all := []*cobra.Command{
		runCommand(environ), healthCommand(environ), doctorCommand(environ), jobsCommand(environ), jobCommand(environ), retryCommand(environ), replaceCommand(environ),
		cancelCommand(environ), deleteCommand(environ), queuesCommand(environ), workersCommand(environ), pauseCommand(environ), resumeCommand(environ),
		auditCommand(environ), fakeCommand(),
	}
	for _, cmd := range all {
		cmd.Long += "\n\n" + cli.ExitCodesLine(exitCodes)
	}
	return all
}
