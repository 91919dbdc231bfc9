package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
)

func watchCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command("watch", "Show a job's progress until it has ended", watchJob)
	cmd.Long = "Watch shows a job's progress until it has ended; the exit code is that of its state. Ctrl-C\n" +
		"ends the watching, not the job."
	cmd.Example = "  enqueue watch 3f2a9c41\n  enqueue watch 3f2a9c41 --json > job.json"
	v.folderFlag(cmd)
	return cmd
}

func watchJob(ctx context.Context, s *system, id trainset.JobID) error {
	k, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	if !k.job.State.Ended() && !k.live {
		return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("job %s has not ended. %s", id, s.resting())}
	}
	if !k.job.State.Ended() {
		if k.job, err = s.follower().follow(ctx, k.job); err != nil {
			return err
		}
	}
	return s.present(ctx, s.store, k.job)
}

func (s *system) follower() follower {
	f := follower{setup: s.setup, client: s.client, progress: s.progress(), interrupted: deployedInterrupted}
	if !s.deployed() {
		f.interrupted = func(job trainset.Job) error {
			return fmt.Errorf("interrupted, but the command that makes job %s goes on", job.ID)
		}
		f.lost = func(job trainset.Job, _ error) error {
			return fmt.Errorf("the command that made job %s has ended before it; repeat that one to resume: nothing is paid twice", job.ID)
		}
	}
	return f
}
