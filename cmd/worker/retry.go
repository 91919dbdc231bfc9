package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

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

func replaceCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var dry bool
	cmd := v.command("replace JOB ITEM...", "Make other images of some of an ended job's items", jobAndItems, func(ctx context.Context, s *site, args []string) error {
		id, err := operate.Find(ctx, args[0], s.client)
		if err != nil {
			return err
		}
		items, err := itemNumbers(args[1:])
		if err != nil {
			return err
		}
		store, err := s.storage(ctx)
		if err != nil {
			return err
		}
		done, err := operate.Replacer{Ledger: s.ledger, Store: store, Now: time.Now}.Replace(ctx, id, items, dry)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(done, func(w io.Writer) error { return writeRetried(w, done, dry) })
	})
	cmd.ValidArgsFunction = completeJobs(environ)
	cmd.Long = "Replace makes other images of items that somebody does not like, by their numbers on the contact\n" +
		"sheet. An actor's are asked for anew, each at the price of an image; a style's are taken from tiles\n" +
		"that were spare, and storage keeps which were replaced. A worker assembles the next revision of the\n" +
		"data set; the images that there were stay stored, in the revision before, and in the set where no\n" +
		"other could be made."
	cmd.Example = "  worker replace 3f2a9c41 3 7 --dry-run\n  worker replace 3f2a9c41 3 7 && enqueue watch 3f2a9c41"
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be replaced")
	return cmd
}

func jobAndItems(cmd *cobra.Command, args []string) error {
	if err := oneJob(cmd, args[:min(len(args), 1)]); err != nil {
		return err
	}
	if len(args) < 2 {
		return trainset.Invalid("item", "is missing", "give the numbers of the images to replace, as the contact sheet has them")
	}
	return nil
}

func itemNumbers(args []string) ([]int, error) {
	items := make([]int, len(args))
	for i, text := range args {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, trainset.Invalid("item", fmt.Sprintf("%q is no number", text), "give the numbers of the images to replace, as the contact sheet has them")
		}
		items[i] = n
	}
	return items, nil
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
