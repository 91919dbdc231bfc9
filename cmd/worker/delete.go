package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
)

// deletion is how a job is to be deleted.
type deletion struct {
	yes, force bool
	wait       time.Duration
	debugDir   string
}

func deleteCommand(environ []string) *cobra.Command {
	v, d := &verb{environ: environ}, &deletion{}
	cmd := v.command("delete JOB", "Remove everything that there is of a job", oneJob, func(ctx context.Context, s *site, args []string) error {
		return d.run(ctx, s, args[0])
	})
	cmd.ValidArgsFunction = completeJobs(environ)
	cmd.Long = "Delete removes a job's objects in storage, its record, indexes and tasks in Redis, its debug files\n" +
		"and its files at the provider, and says what was removed. It cannot be undone, so it asks for --yes.\n" +
		"Each worker's host has its own debug files: those of this host go, and of others it says so. A bucket\n" +
		"that keeps versions keeps those of what was removed.\n" +
		"A job that has not ended is refused, unless --force cancels it first. What the job has cost stays in\n" +
		"its user's budget of the day. After an error, the same command goes on where it stopped."
	cmd.Example = "  worker delete 3f2a9c41\n  worker delete 3f2a9c41 --yes\n  worker delete 3f2a9c41 --yes --force"
	cmd.Flags().BoolVar(&d.yes, "yes", false, "do it; without it nothing is removed")
	cmd.Flags().BoolVar(&d.force, "force", false, "cancel a job that has not ended, wait for its end, and then delete it; also one of which the storage has nothing")
	cmd.Flags().DurationVar(&d.wait, "wait", 2*time.Minute, "how long --force waits for the job's end")
	cmd.Flags().StringVar(&d.debugDir, "debug-dir", "", "this host's folder of debug files (default TRAINSET_DEBUG_DIR)")
	return cmd
}

func (d *deletion) run(ctx context.Context, s *site, text string) error {
	if d.wait < 0 {
		return trainset.Invalid("wait", fmt.Sprintf("%s is no time to wait", d.wait), "write it like 2m")
	}
	store, err := s.storage(ctx)
	if err != nil {
		return err
	}
	id, err := operate.Find(ctx, text, s.client, operate.Stored{Store: store})
	if err != nil {
		return err
	}
	if !d.yes {
		return trainset.Invalid("yes", fmt.Sprintf("is missing: everything that there is of job %s would be removed for good, from %s and from Redis", id, store.Describe()),
			"repeat the command with --yes")
	}
	if d.force {
		if err := d.end(ctx, s, id); err != nil {
			return err
		}
	}
	deleter := operate.Deleter{Ledger: s.ledger, Store: store, Tasks: s.queue, Books: s.budget, Simulated: s.config.Provider.Simulate, Debug: s.config.DebugDir, Force: d.force}
	if d.debugDir != "" {
		deleter.Debug = d.debugDir
	}
	p, err := provider(s.config)
	if err != nil {
		return err
	}
	if p != nil {
		deleter.Files = p
	}
	done, err := deleter.Delete(ctx, id)
	if err != nil {
		return err
	}
	return s.say(done, func(w io.Writer) error { return writeDeleted(w, done) })
}

// end cancels a job and waits until it has ended: a worker must see to that,
// for what is at the provider is paid for. Where only the set is missing, and a worker
// says that it cannot make it, nobody waits for that.
func (d *deletion) end(ctx context.Context, s *site, id trainset.JobID) error {
	job, err := s.client.Get(ctx, id)
	if errors.Is(err, trainset.ErrNotFound) || err == nil && job.State.Ended() {
		return nil
	}
	if err == nil {
		err = s.client.Cancel(ctx, id)
	}
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	for job, err := range s.client.Watch(waiting, id) {
		if err == nil && job.State.Ended() {
			return nil
		}
		if err == nil && job.HeldUp != "" {
			if err := s.endWithoutSet(waiting, id); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("job %s was told to stop and has not ended within %s: does a worker run? Repeat the command when it has; nothing was removed", id, d.wait)
}

// endWithoutSet ends a canceled job that has settled. Another is left as it is.
func (s *site) endWithoutSet(ctx context.Context, id trainset.JobID) error {
	r, err := s.ledger.Load(ctx, id)
	if err != nil {
		return err
	}
	if steps := plan.Needed(r); !r.Canceled || len(steps) != 1 || steps[0].Verb != plan.VerbAssemble {
		return nil
	}
	err = s.ledger.Finish(ctx, id, ledger.Ending{State: trainset.JobCanceled, Reason: "given up without its set: " + r.HeldUp, Revision: r.Revision + 1, Change: r.Change})
	if errors.Is(err, ledger.ErrStale) {
		return nil // it goes on
	}
	return err
}

func writeDeleted(w io.Writer, d operate.Deleted) error {
	if d.Nothing() {
		return printf(w, "there is nothing of job %s\n", d.Job)
	}
	t := cli.Table{Columns: []cli.Column{{Right: true}, {}}, Indent: "  "}
	add := func(n int, what string) {
		if n > 0 {
			t.Add(fmt.Sprint(n), what)
		}
	}
	add(d.Objects, "objects, "+cli.Bytes(d.Bytes))
	add(d.Files, "files at the provider")
	add(d.Debug, "debug files")
	add(d.Tasks, "tasks")
	if d.Ledger {
		t.Add("1", "record in the ledger")
	}
	if err := printf(w, "deleted job %s:\n", d.Job); err != nil {
		return err
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, left := range d.Left {
		if err := printf(w, "left: %s\n", left); err != nil {
			return err
		}
	}
	return printf(w, "not searched: %s\n", d.NotSearched)
}
