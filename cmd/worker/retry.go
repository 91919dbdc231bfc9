package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
)

func retryCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var dry bool
	cmd := v.ofJob("retry", "Try again what an ended job lacks, and pay for nothing else", func(ctx context.Context, s *site, id trainset.JobID) error {
		done, err := operate.Retry(ctx, s.ledger, id, dry)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(done, func(w io.Writer) error { return writeRetried(w, done, dry) })
	})
	cmd.Long = "Retry takes up a job again that has ended partial, failed or canceled: the images that there are\n" +
		"none of are tried anew, with as many attempts as at first and other seeds. Images that there are\n" +
		"stay and are not paid for. A worker assembles the next revision of the data set."
	cmd.Example = "  worker retry 3f2a9c41 --dry-run\n  worker retry 3f2a9c41 && enqueue watch 3f2a9c41"
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be tried again")
	return cmd
}

func writeRetried(w io.Writer, r operate.Retried, dry bool) error {
	t := cli.Table{Columns: []cli.Column{
		{Title: "again"}, {Title: "was"}, {Title: "tries", Right: true}, {Title: "a try", Right: true}, {Title: "reason"},
	}, Indent: "  "}
	for _, s := range r.Subtasks {
		t.Add(string(s.Subtask), string(s.Was), strconv.Itoa(s.Attempts), s.Price.String(), s.Reason)
	}
	said := "is tried again"
	if dry {
		said = "would be tried again"
	}
	what := fmt.Sprintf("%d subtasks, %s if each takes one attempt", len(r.Subtasks), r.Each)
	if len(r.Subtasks) == 0 {
		what = "from where it was stopped"
	}
	if err := printf(w, "job %s %s: %s; its next data set is v%d\n", r.Job, said, what, r.Revision); err != nil {
		return err
	}
	if t.Len() == 0 {
		return nil
	}
	return t.Write(w)
}
