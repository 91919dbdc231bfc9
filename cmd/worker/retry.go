package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/tasks"
)

func retryCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var dry bool
	var l limitFlags
	cmd := v.ofJob("retry", "Try again what an ended job lacks, and pay for nothing else", func(ctx context.Context, s *site, id trainset.JobID) error {
		done, err := l.retry(ctx, s, id, dry)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(done, func(w io.Writer) error { return writeRetried(w, done, dry) })
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
	l.add(cmd)
	return cmd
}

// limitFlags raise the limits of a job.
type limitFlags struct {
	given    *pflag.FlagSet
	maxCost  string
	maxGrids int
}

func (l *limitFlags) add(cmd *cobra.Command) {
	l.given = cmd.Flags()
	l.given.StringVar(&l.maxCost, "max-cost", "", "most that the job may spend in all, in US dollars; more than it may now")
	l.given.IntVar(&l.maxGrids, "max-grids", 0, fmt.Sprintf("most grids that a style's job may make in all, up to %d; more than it may now", trainset.MaxGrids))
}

// limits are those that the flags ask for, with everything that is wrong in them
// alone.
func (l *limitFlags) limits() (limits plan.Limits, err error) {
	var problems []error
	if l.given.Changed("max-cost") {
		if limits.MaxCost, err = trainset.ParseMoney(l.maxCost); err != nil || limits.MaxCost <= 0 {
			problems = append(problems, trainset.Invalid("max-cost", fmt.Sprintf("%q is no amount above zero", l.maxCost), "write US dollars, like 1.50"))
		}
	}
	if limits.MaxGrids = l.maxGrids; l.given.Changed("max-grids") && l.maxGrids < 1 {
		problems = append(problems, trainset.Invalid("max-grids", fmt.Sprintf("%d is out of range", l.maxGrids), fmt.Sprintf("give up to %d", trainset.MaxGrids)))
	}
	return limits, errors.Join(problems...)
}

// retry takes a job up again. Only for higher limits does it need storage.
func (l *limitFlags) retry(ctx context.Context, s *site, id trainset.JobID, dry bool) (operate.Retried, error) {
	limits, err := l.limits()
	if err != nil {
		return operate.Retried{}, err
	}
	again := operate.Raiser{Ledger: s.ledger, Grids: tasks.WithGrids}
	if limits != (plan.Limits{}) {
		if again.Store, err = s.storage(ctx); err != nil {
			return operate.Retried{}, err
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
	if err := printf(w, "job %s %s: %s; its next data set is v%d\n", r.Job, said, whatFollows(r), r.Revision); err != nil {
		return err
	}
	if r.MaxCost > 0 {
		if err := printf(w, "  it may spend %s in all\n", r.MaxCost); err != nil {
			return err
		}
	}
	if r.MaxGrids > 0 {
		if err := printf(w, "  it may make %d grids in all\n", r.MaxGrids); err != nil {
			return err
		}
	}
	if t.Len() == 0 {
		return nil
	}
	return t.Write(w)
}

// whatFollows says what a job goes on with, and for how much.
func whatFollows(r operate.Retried) string {
	what := fmt.Sprintf("%d subtasks, %s if each takes one attempt", len(r.Subtasks), r.Each)
	if len(r.Subtasks) == 0 {
		what = "from where it was stopped"
	}
	switch {
	case r.Grids > 0:
		what += fmt.Sprintf(", about %s more for grids, %d if they turn out as planned", r.Following, r.Grids)
	case r.Following > 0:
		what += fmt.Sprintf(", about %s more for what follows", r.Following)
	}
	return what
}
