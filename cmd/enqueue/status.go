package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
)

func statusCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command("status", "Show how a job stands", showStatus)
	cmd.Long = "Status shows a job as it stands, from the ledger or, when the ledger does not know it any\n" +
		"more, from its manifest in storage. The exit code is that of the job's state; a job that has\n" +
		"not ended exits with 0."
	cmd.Example = "  enqueue status 3f2a9c41\n  enqueue status 3f2a9c41 --json | jq .state"
	v.folderFlag(cmd)
	return cmd
}

func showStatus(ctx context.Context, s *system, id trainset.JobID) error {
	k, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	if err := s.present(ctx, s.store, k.job); err != nil || k.live || s.json || k.job.State.Ended() {
		return err
	}
	_, err = fmt.Fprintln(s.stdout, s.resting())
	return err //nolint:wrapcheck // the terminal has gone
}

// resting says what is to be done with a job that nobody works on.
func (s *system) resting() string {
	if s.client == nil {
		return "No command works on it now: repeat the one that began it to resume it. Nothing is paid twice."
	}
	return "The ledger does not know it: repeat the command that began it to resume it. Nothing is paid twice."
}
