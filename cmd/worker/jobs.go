package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/wait"
)

// jobFilter says which jobs are listed.
type jobFilter struct {
	user, state, kind string
	limit             int
	watch             bool
}

var (
	jobStates = []trainset.JobState{
		trainset.JobQueued, trainset.JobRunning, trainset.JobSucceeded, trainset.JobPartial, trainset.JobFailed, trainset.JobCanceled,
	}
	jobKinds = []trainset.Kind{trainset.KindActor, trainset.KindStyle}
)

func jobsCommand(environ []string) *cobra.Command {
	v, f := &verb{environ: environ}, &jobFilter{}
	cmd := v.command("jobs", "List jobs, the newest first", none, func(ctx context.Context, s *site, _ []string) error {
		if err := f.check(s.json); err != nil {
			return err
		}
		if f.watch {
			return f.follow(ctx, s)
		}
		jobs, err := f.list(ctx, s.ledger, s.queue)
		if err != nil {
			return err
		}
		return s.say(jobs, func(w io.Writer) error { return writeJobs(w, jobs, time.Now()) })
	})
	cmd.Long = "Jobs lists the jobs that the ledger knows, the newest first. Those that have ended stay for 30 days.\n" +
		"The reason of one that has not is what holds it up: a queue that is paused, spending that is stopped.\n" +
		"With --watch the list is shown anew every second; where the output is no terminal, a job is a\n" +
		"line whenever it has changed. It goes on when Redis was away. Ctrl-C ends the watching."
	cmd.Example = "  worker jobs\n  worker jobs --state running,queued --watch\n  worker jobs --user ada --kind style --json | jq -r '.[].job_id'"
	cmd.Flags().StringVar(&f.user, "user", "", "of this user only")
	cmd.Flags().StringVar(&f.state, "state", "", "in these states only, separated by commas: "+strings.Join(names(jobStates), ", "))
	cmd.Flags().StringVar(&f.kind, "kind", "", "of this kind only: actor or style")
	cmd.Flags().IntVar(&f.limit, "limit", 20, "at most so many")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "show them again and again")
	complete(cmd, "state", jobStates...)
	complete(cmd, "kind", jobKinds...)
	return cmd
}

func (f *jobFilter) check(json bool) error {
	var problems []error
	for _, state := range f.states() {
		problems = append(problems, oneOf("state", string(state), names(jobStates)))
	}
	if f.kind != "" {
		problems = append(problems, oneOf("kind", f.kind, names(jobKinds)))
	}
	if f.limit < 1 || f.limit > lookBack {
		problems = append(problems, trainset.Invalid("limit", fmt.Sprintf("%d is out of range", f.limit), fmt.Sprintf("give 1 to %d", lookBack)))
	}
	if f.watch && json {
		problems = append(problems, trainset.Invalid("watch", "never ends, and --json prints one value", "leave one of them out"))
	}
	return errors.Join(problems...)
}

func oneOf(field, value string, allowed []string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return trainset.Invalid(field, fmt.Sprintf("%q is unknown", value), "use "+strings.Join(allowed, ", "))
}

func (f *jobFilter) states() []trainset.JobState {
	var all []trainset.JobState
	for s := range strings.SplitSeq(f.state, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, trainset.JobState(s))
		}
	}
	return all
}

func (f *jobFilter) wants(kind trainset.Kind, user string, state trainset.JobState) bool {
	states := f.states()
	return (f.kind == "" || string(kind) == f.kind) && (f.user == "" || user == f.user) && (len(states) == 0 || slices.Contains(states, state))
}

// unended reports whether only jobs are wanted that have not ended.
func (f *jobFilter) unended() bool {
	states := f.states()
	return len(states) > 0 && !slices.ContainsFunc(states, trainset.JobState.Ended)
}

const (
	// lookBack bounds how many jobs are looked at for those that are wanted.
	lookBack = 10_000
	// outlinesAtOnce and jobsAtOnce bound one journey to Redis.
	outlinesAtOnce, jobsAtOnce = 500, 50
)

// list reads the jobs that are wanted, the newest first. Only they are read whole.
func (f *jobFilter) list(ctx context.Context, l *ledger.Ledger, q *queue.Queue) ([]trainset.Job, error) {
	ids, err := f.find(ctx, l)
	if err != nil {
		return nil, err
	}
	jobs, paused := []trainset.Job{}, q.Paused(ctx)
	for some := range slices.Chunk(ids, jobsAtOnce) {
		records, err := l.LoadAll(ctx, some...)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if f.wants(r.Kind, r.User, r.State) { // still
				r.HeldUp = paused.HeldUp(r)
				jobs = append(jobs, r.Job())
			}
		}
	}
	return jobs, nil
}

// find names the jobs that are wanted, the newest first.
func (f *jobFilter) find(ctx context.Context, l *ledger.Ledger) ([]trainset.JobID, error) {
	switch {
	case f.unended():
		return f.newestOpen(ctx, l)
	case f.kind != "" || f.state != "":
		ids, err := l.Recent(ctx, f.user, lookBack)
		if err != nil {
			return nil, err
		}
		found, err := f.among(ctx, l, ids, f.limit)
		return idsOf(found), err
	}
	return l.Recent(ctx, f.user, f.limit)
}

// newestOpen goes through all open jobs, which have no order, and keeps the newest
// that are wanted.
func (f *jobFilter) newestOpen(ctx context.Context, l *ledger.Ledger) ([]trainset.JobID, error) {
	var newest []ledger.Outline
	for ids, err := range l.OpenPages(ctx) {
		if err != nil {
			return nil, err
		}
		found, err := f.among(ctx, l, ids, len(ids))
		if err != nil {
			return nil, err
		}
		newest = append(newest, found...)
		slices.SortFunc(newest, func(a, b ledger.Outline) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		newest = slices.CompactFunc(newest, func(a, b ledger.Outline) bool { return a.ID == b.ID }) // a page may repeat some
		newest = newest[:min(len(newest), f.limit)]
	}
	return idsOf(newest), nil
}

// among returns the first of these jobs that are wanted, as many as are asked for.
func (f *jobFilter) among(ctx context.Context, l *ledger.Ledger, ids []trainset.JobID, most int) (found []ledger.Outline, err error) {
	for some := range slices.Chunk(ids, outlinesAtOnce) {
		outlines, err := l.Outlines(ctx, some...)
		if err != nil {
			return nil, err
		}
		for _, o := range outlines {
			if len(found) < most && f.wants(o.Kind, o.User, o.State) {
				found = append(found, o)
			}
		}
		if len(found) == most {
			break
		}
	}
	return found, nil
}

func idsOf(outlines []ledger.Outline) []trainset.JobID {
	ids := make([]trainset.JobID, len(outlines))
	for i, o := range outlines {
		ids[i] = o.ID
	}
	return ids
}

// follow shows the list until the context ends, which is how watching ends. While
// Redis does not answer it waits, and says so once.
func (f *jobFilter) follow(ctx context.Context, s *site) error {
	show := inLines(s.stdout)
	if file, ok := s.stdout.(*os.File); ok && cli.TerminalOptions(file, os.Getenv).Terminal {
		show = func(jobs []trainset.Job) error { return redraw(s.stdout, jobs) }
	}
	for away := false; ctx.Err() == nil; {
		began := time.Now()
		jobs, err := f.list(ctx, s.ledger, s.queue)
		rest := time.Second
		switch {
		case ctx.Err() != nil: // the watching was ended
		case err == nil:
			away, rest = false, max(rest, lookingAtMost*time.Since(began))
			if err := show(jobs); err != nil {
				return err
			}
		case !away:
			away = true
			if err := printf(s.stderr, "still watching: %s\n", cli.Clean(err.Error())); err != nil {
				return err
			}
		}
		_ = wait.For(ctx, rest) // the loop asks the context
	}
	return nil
}

// lookingAtMost is how much longer than a look the rest after it is at least: Redis
// is asked for no more than a tenth of the time, however many jobs there are.
const lookingAtMost = 9

// inLines prints each change as a line.
func inLines(w io.Writer) func([]trainset.Job) error {
	said := map[trainset.JobID]string{}
	return func(jobs []trainset.Job) error { return changes(w, jobs, said) }
}

func redraw(w io.Writer, jobs []trainset.Job) error {
	var b strings.Builder
	b.WriteString("\x1b[H\x1b[2J")
	if err := writeJobs(&b, jobs, time.Now()); err != nil {
		return err
	}
	return printf(w, "%s", b.String())
}

// changes prints a line for each job that has changed since it was last said.
func changes(w io.Writer, jobs []trainset.Job, said map[trainset.JobID]string) error {
	for i := len(jobs) - 1; i >= 0; i-- { // the newest last, as in a log
		job := jobs[i]
		line := fmt.Sprintf("job %s %s %s %s %s %d of %d images %s", job.ID, job.Kind, job.User, job.Subject, job.State, job.Succeeded(), job.Wanted, job.Cost.Actual)
		if job.HeldUp != "" {
			line += ", held up: " + job.HeldUp
		}
		if said[job.ID] == line {
			continue
		}
		said[job.ID] = line
		if err := printf(w, "%s\n", cli.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

func writeJobs(w io.Writer, jobs []trainset.Job, now time.Time) error {
	if len(jobs) == 0 {
		return printf(w, "no jobs\n")
	}
	t := cli.Table{Columns: []cli.Column{
		{Title: "job"},
		{Title: "kind"},
		{Title: "user"},
		{Title: "subject"},
		{Title: "state"},
		{Title: "images", Right: true},
		{Title: "cost", Right: true},
		{Title: "age", Right: true},
		{Title: "set"},
		{Title: "reason"},
	}}
	for _, job := range jobs {
		set := ""
		if job.Revision > 0 {
			set = fmt.Sprintf("v%d", job.Revision)
		}
		t.Add(short(job.ID, jobs), string(job.Kind), job.User, job.Subject, stateOf(job), fmt.Sprintf("%d/%d", job.Succeeded(), job.Wanted),
			job.Cost.Actual.String(), cli.Duration(now.Sub(job.CreatedAt)), set, cmp.Or(job.Reason, job.HeldUp))
	}
	return t.Write(w)
}

func stateOf(job trainset.Job) string {
	if job.Simulated {
		return string(job.State) + " (simulated)"
	}
	return string(job.State)
}

// short is the shortest beginning of an ID that the other commands take and
// that is no other listed job's.
func short(id trainset.JobID, jobs []trainset.Job) string {
	n := operate.LeastPrefix
	for _, other := range jobs {
		for other.ID != id && n < len(id) && strings.HasPrefix(string(other.ID), string(id[:n])) {
			n++
		}
	}
	return string(id[:n])
}
