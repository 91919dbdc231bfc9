package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/cmd/internal/retried"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/tasks"
)

func retryCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var dry bool
	var l retried.Limits
	cmd := v.ofJob("retry", "Try again what an ended job lacks, and pay for nothing else", func(ctx context.Context, s *site, id trainset.JobID) error {
		limits, err := l.Read()
		if err != nil {
			return err
		}
		done, err := retry(ctx, s, id, limits, dry)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(done, func(w io.Writer) error { return retried.Write(w, done, dry) })
	})
	cmd.Long = "Retry takes up a job again that has ended partial, failed or canceled: the images that there are\n" +
		"none of are tried anew, with as many attempts as at first and other seeds. Images that there are\n" +
		"stay and are not paid for. A worker assembles the next revision of the data set.\n\n" +
		"A job that has ended for its cost cap, or a style's for its grids, goes on with a higher one: each is of\n" +
		"the job in all, with what it has spent and made. The storage of the workers must be set, for the plan\n" +
		"there is given the limits, too."
	cmd.Example = "  worker retry 3f2a9c41 --dry-run\n  worker retry 3f2a9c41 && enqueue watch 3f2a9c41\n" +
		"  worker retry 3f2a9c41 --max-cost 1.50 --max-grids 12"
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be tried again")
	l.Add(cmd.Flags())
	return cmd
}

// retry takes a job up again. Only for higher limits does it need storage.
func retry(ctx context.Context, s *site, id trainset.JobID, limits plan.Limits, dry bool) (done operate.Retried, err error) {
	again := operate.Raiser{Ledger: s.ledger, Grids: tasks.WithGrids}
	if limits != (plan.Limits{}) {
		if again.Store, err = s.storage(ctx); err != nil {
			return done, err
		}
	}
	return again.Retry(ctx, id, limits, dry)
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
		done, err := replace(ctx, s, id, items, dry)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(done, func(w io.Writer) error { return retried.Write(w, done, dry) })
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

// replace has other images made. Only of a style's job does it need storage.
func replace(ctx context.Context, s *site, id trainset.JobID, items []int, dry bool) (done operate.Retried, err error) {
	job, err := s.client.Get(ctx, id)
	if err != nil {
		return done, err
	}
	other := operate.Replacer{Ledger: s.ledger, Now: time.Now}
	if job.Kind == trainset.KindStyle && !dry {
		if other.Store, err = s.storage(ctx); err != nil {
			return done, err
		}
	}
	return other.Replace(ctx, id, items, dry)
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
