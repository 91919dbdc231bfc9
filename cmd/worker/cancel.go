package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
)

func cancelCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.ofJob("cancel", "Stop a job: nothing more is begun, what was made stays", cancelJob)
	cmd.Long = "Cancel stops a job, on whichever workers it runs. No new prediction is begun, those at the\n" +
		"provider are canceled and used where they had succeeded, what was made stays and is assembled.\n" +
		"A job that has ended is left as it is."
	cmd.Example = "  worker cancel 3f2a9c41\n  worker jobs --user ada --state queued --json | jq -r '.[].job_id' | xargs -n1 worker cancel"
	return cmd
}

// canceling is what became of the wish.
type canceling struct {
	Job   trainset.JobID    `json:"job_id"`
	State trainset.JobState `json:"state"` // when it was asked
	Asked bool              `json:"asked"` // false where the job had ended already
}

func cancelJob(ctx context.Context, s *site, id trainset.JobID) error {
	job, err := s.client.Get(ctx, id)
	if err != nil {
		return unknown(id, err)
	}
	done := canceling{Job: id, State: job.State, Asked: !job.State.Ended()}
	if done.Asked {
		if err := s.client.Cancel(ctx, id); err != nil {
			return err
		}
	}
	return s.say(done, func(w io.Writer) error {
		if !done.Asked {
			return printf(w, "job %s has ended already: %s\n", id, job.State)
		}
		return printf(w, "job %s is being canceled: %d of %d images are made, %s so far\n", id, job.Succeeded(), job.Wanted, job.Cost.Actual)
	})
}

// unknown says what to do about a job that the ledger does not know.
func unknown(id trainset.JobID, err error) error {
	if errors.Is(err, trainset.ErrNotFound) {
		return trainset.Invalid("job", fmt.Sprintf("the ledger does not know %s", id), "see worker jobs; what storage has of it is shown by: enqueue status "+string(id))
	}
	return err
}
