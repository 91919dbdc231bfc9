package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
)

func cancelCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command("cancel", "Stop a job: nothing more is begun, what was made stays", cancelJob)
	cmd.Long = "Cancel stops a job. No new prediction is begun, those at the provider are canceled and used where\n" +
		"they had succeeded, what was made stays and is assembled. A job that has ended is left as it is."
	cmd.Example = "  enqueue cancel 3f2a9c41\n  enqueue cancel 3f2a9c41 && enqueue watch 3f2a9c41"
	v.folderFlag(cmd)
	return cmd
}

func cancelJob(ctx context.Context, s *system, id trainset.JobID) error {
	k, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("job %s has ended already: %s", id, k.job.State)
	switch {
	case k.job.State.Ended():
	case !k.live:
		return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("job %s rests, so there is nothing to stop: it goes on only when the command that began it is repeated", id)}
	default:
		if err := s.client.Cancel(ctx, id); err != nil {
			return err
		}
		if k.job, err = s.client.Get(ctx, id); err != nil {
			return err
		}
		said = fmt.Sprintf("job %s is being canceled: %d of %d images are made, %s so far; no new prediction is begun",
			id, k.job.Succeeded(), k.job.Wanted, k.job.Cost.Actual)
	}
	if s.json {
		return writeJSON(s.stdout, k.job)
	}
	_, err = fmt.Fprintln(s.stdout, said)
	return err //nolint:wrapcheck // the terminal has gone
}
