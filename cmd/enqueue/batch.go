package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/storage"
)

func batchCommand(environ []string) *cobra.Command {
	var f runFlags
	var user string
	var parallel int
	cmd := &cobra.Command{
		Use:   "batch FILE.jsonl|FILE.csv",
		Short: "Make the data sets that a file lists",
		Long: "Batch makes a data set for each row of a file: a JSON object a line, or CSV whose header names\n" +
			"the columns. The names are those of the requests' JSON:\n\n  " + wrapped(fieldNames(), 90, "\n  ") + "\n\n" +
			"kind is actor or style; portrait (of an actor) and image (of a style) are URLs, or paths as\n" +
			"seen from the file. All rows are checked before the first is begun: when anything is wrong,\n" +
			"everything that is wrong is said with its line, and nothing is begun. Then one row that fails\n" +
			"stops no other. Repeating the command resumes what is unfinished and spends nothing on the rest.\n\n" +
			"It exits with 1 when a row has failed, else with 3 when one is partial, else with 0.",
		Example: "  enqueue batch cast.csv --estimate\n  enqueue batch cast.jsonl --parallel 4\n  REDIS_URL=redis://queue:6379/0 enqueue batch cast.csv --no-wait",
		Args:    oneArgument("file", "give a .jsonl or .csv file"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"jsonl", "ndjson", "csv"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.load(cmd, environ)
			if err != nil {
				return err
			}
			b := batch{setup: s, user: user, parallel: parallel}
			return b.run(cmd.Context(), args[0])
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&user, "user", defaultUser, "who asks, in rows that do not say")
	cmd.Flags().IntVar(&parallel, "parallel", 8, "how many jobs to have in hand at once, 1 to 100")
	return cmd
}

// batch is a file of orders on its way.
type batch struct {
	setup

	user     string
	parallel int
	store    storage.Store

	mu sync.Mutex // of the output
}

// task is a row that was checked, and what came of it.
type task struct {
	line    int
	checked checked
	job     trainset.Job
	err     error
}

func (b *batch) run(ctx context.Context, file string) error {
	tasks, err := b.check(ctx, file)
	if err != nil {
		return err
	}
	if err := b.announceTotal(tasks); err != nil || b.estimateOnly {
		return err
	}
	if b.store, err = app.OpenStorage(ctx, b.config); err != nil {
		return err
	}
	if err := b.carryOut(ctx, tasks); err != nil {
		return err
	}
	return b.report(ctx, tasks)
}

// check reads the file and checks every row; whatever is wrong is reported at
// once.
func (b *batch) check(ctx context.Context, file string) ([]*task, error) {
	problems := []error{b.checkMode()}
	if b.parallel < 1 || b.parallel > 100 {
		problems = append(problems, trainset.Invalid("parallel", fmt.Sprintf("%d is out of range", b.parallel), "give 1 to 100"))
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, errors.Join(append(problems, trainset.Invalid("file", err.Error(), "check the path"))...)
	}
	defer in.Close() //nolint:errcheck // it was only read
	rows, err := readRows(file, in)
	problems = append(problems, err)
	tasks, err := b.checkRows(ctx, rows)
	return tasks, errors.Join(append(problems, err)...)
}

// checkRows reads and checks every row's image, a few at a time, and forgets it
// again: a batch may have more of them than fit into memory. A row that has
// something wrong has no task.
func (b *batch) checkRows(ctx context.Context, rows []row) ([]*task, error) {
	tasks := make([]*task, len(rows))
	problems := make([]error, len(rows))
	var g errgroup.Group
	g.SetLimit(4)
	for i, r := range rows {
		g.Go(func() error {
			o := r.order
			o.options.Simulate = b.simulate
			if o.options.User == "" {
				o.options.User = b.user
			}
			if kinds[o.kind].source == "" {
				return nil // of no kind: that was said
			}
			c, err := o.check(ctx, b.config)
			problems[i] = inLine(r.line, err)
			if err == nil && !r.wrong {
				c.image = nil
				tasks[i] = &task{line: r.line, checked: c}
			}
			return nil
		})
	}
	_ = g.Wait() // none fails: problems are collected
	return tasks, errors.Join(errors.Join(problems...), twice(tasks))
}

// inLine gives each of joined errors the line.
func inLine(line int, err error) error {
	var all []error
	for _, leaf := range leavesOf(err) {
		all = append(all, atLine(line, leaf))
	}
	return errors.Join(all...)
}

// twice finds rows that name the same job, of those that name one at all: without
// what was refused in them, rows are alike that are not.
func twice(tasks []*task) error {
	var problems []error
	first := map[trainset.JobID]int{}
	for _, t := range tasks {
		if t == nil {
			continue
		}
		id := t.checked.request.JobID()
		if at, ok := first[id]; ok {
			problems = append(problems, atLine(t.line, trainset.Invalid("key", fmt.Sprintf("this is the same job as line %d", at), "leave one out, or give each a key of its own")))
			continue
		}
		first[id] = t.line
	}
	return errors.Join(problems...)
}

// total is what all rows take together.
type total struct {
	Jobs   int `json:"jobs"`
	Images int `json:"images"`
	amount
	Notes []string `json:"notes,omitempty"` // each that an estimate has, once
}

func totalOf(tasks []*task) total {
	t := total{Jobs: len(tasks)}
	for _, one := range tasks {
		t.Images += one.checked.estimate.Images
		t.Cost += one.checked.estimate.Cost
		t.ListPrice += one.checked.estimate.ListPrice
		t.Simulated = one.checked.estimate.Simulated // of all or none: it is the command's flag
		t.Notes = append(t.Notes, one.checked.estimate.Notes...)
	}
	slices.Sort(t.Notes)
	t.Notes = slices.Compact(t.Notes)
	return t
}

// announceTotal says what the batch will take. JSON has it in the one object
// that is printed at the end.
func (b *batch) announceTotal(tasks []*task) error {
	t := totalOf(tasks)
	switch {
	case b.json && b.estimateOnly:
		return writeJSON(b.stdout, t)
	case b.json:
		return nil
	}
	_, err := fmt.Fprintf(b.stdout, "%d jobs, %d images, about %s at list prices\n%s", t.Jobs, t.Images, t.amount, oneALine(t.Notes))
	return err //nolint:wrapcheck // the terminal has gone
}

func oneALine(of []string) string {
	if len(of) == 0 {
		return ""
	}
	return strings.Join(of, "\n") + "\n"
}

// carryOut makes all data sets, some at a time. What one fails by is kept with
// it.
func (b *batch) carryOut(ctx context.Context, tasks []*task) error {
	if !b.deployed() && !b.simulate && !b.volatileRun {
		// One system for all: each row's own joins it, and leaves when it has ended.
		system, err := app.StartEmbedded(ctx, b.store, b.embedded(trainset.NewJobID(b.user, "batch", "")))
		if err != nil {
			return err
		}
		defer system.Stop()
	}
	var g errgroup.Group
	g.SetLimit(b.parallel)
	for _, t := range tasks {
		g.Go(func() error {
			t.job, t.err = b.one(ctx, t)
			return b.said(ctx, t)
		})
	}
	return g.Wait() //nolint:wrapcheck // the terminal has gone
}

// one carries out a row. Its image is read again: if it is another one by now,
// the key that was derived from it would be wrong.
func (b *batch) one(ctx context.Context, t *task) (trainset.Job, error) {
	if ctx.Err() != nil {
		return trainset.Job{}, context.Cause(ctx)
	}
	c := t.checked
	image, err := c.load(ctx, b.config)
	if err != nil {
		return trainset.Job{}, err
	}
	if digest(image) != c.request.Source().SHA256 {
		return trainset.Job{}, trainset.Invalid(kinds[c.kind].source, "has changed since it was checked", "repeat the command")
	}
	c.image = image
	s := submission{setup: b.setup, checked: c, store: b.store, progress: quiet}
	return s.carryOut(ctx)
}

// said prints a row's end as it comes; after an interruption there is one word
// for all.
func (b *batch) said(ctx context.Context, t *task) error {
	if b.json || ctx.Err() != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := fmt.Fprintf(b.stdout, "line %d: %s %s %s\n", t.line, t.checked.kind, t.checked.subject, cli.Clean(t.outcome()))
	return err //nolint:wrapcheck // the terminal has gone
}

// outcome is what came of a row, in words.
func (t *task) outcome() string {
	switch {
	case t.err != nil:
		return "failed: " + t.err.Error()
	case !t.job.State.Ended():
		return string(t.job.State)
	}
	return fmt.Sprintf("%s: %d of %d images, %s", t.job.State, t.job.Succeeded(), t.job.Wanted, t.job.Cost.Actual)
}

// result is a row as JSON shows it.
type result struct {
	Line  int            `json:"line"`
	JobID trainset.JobID `json:"job_id"`
	Error string         `json:"error,omitempty"`
	Job   *trainset.Job  `json:"job,omitempty"`
}

// report prints what came of each row, and returns the worst as the exit code.
func (b *batch) report(ctx context.Context, tasks []*task) error {
	var err error
	if b.json {
		err = b.reportJSON(tasks)
	} else {
		err = b.reportTable(tasks)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return &cli.ExitError{Code: cli.ExitInterrupted, Err: b.interrupted(tasks)}
	}
	if code := worst(tasks); code != cli.ExitSucceeded {
		return &cli.ExitError{Code: code}
	}
	return nil
}

func (b *batch) reportJSON(tasks []*task) error {
	all := struct {
		total
		Rows []result `json:"rows"`
	}{total: totalOf(tasks), Rows: []result{}}
	for _, t := range tasks {
		r := result{Line: t.line, JobID: t.checked.request.JobID()}
		if t.err != nil {
			r.Error = t.err.Error()
		} else {
			r.Job = &t.job
		}
		all.Rows = append(all.Rows, r)
	}
	return writeJSON(b.stdout, all)
}

func (b *batch) reportTable(tasks []*task) error {
	table := cli.Table{Columns: []cli.Column{{Title: "line", Right: true}, {Title: "kind"}, {Title: "subject"}, {Title: "state"}, {Title: "images", Right: true}, {Title: "cost", Right: true}, {Title: "job"}, {Title: "reason"}}}
	for _, t := range tasks {
		o := t.checked.order
		cells := []string{strconv.Itoa(t.line), string(o.kind), o.subject, "failed", "", "", string(t.checked.request.JobID()), ""}
		if t.err != nil {
			cells[7] = t.err.Error()
		} else {
			cells[3], cells[7] = string(t.job.State), t.job.Reason
			cells[4] = fmt.Sprintf("%d of %d", t.job.Succeeded(), t.checked.estimate.Images)
			cells[5] = t.job.Cost.Actual.String()
		}
		table.Add(cells...)
	}
	if _, err := fmt.Fprintln(b.stdout); err != nil {
		return err //nolint:wrapcheck // the terminal has gone
	}
	return table.Write(b.stdout)
}

// interrupted says what becomes of the rest.
func (b *batch) interrupted(tasks []*task) error {
	ended := 0
	for _, t := range tasks {
		if t.err == nil && t.job.State.Ended() {
			ended++
		}
	}
	switch {
	case b.simulate:
		return fmt.Errorf("interrupted with %d of %d jobs ended; they are simulated, nothing was paid; repeat the command to resume the rest", ended, len(tasks))
	case b.deployed():
		return fmt.Errorf("interrupted with %d of %d jobs ended; those that were queued go on on the workers; repeat the command to queue the rest and follow all", ended, len(tasks))
	}
	return fmt.Errorf("interrupted with %d of %d jobs ended; what is at the provider goes on and is paid for; repeat the command to resume the rest: nothing is paid twice", ended, len(tasks))
}

// worst is the exit code of a batch: failed, else partial, else succeeded.
func worst(tasks []*task) int {
	code := cli.ExitSucceeded
	for _, t := range tasks {
		switch {
		case t.err != nil, t.job.State == trainset.JobFailed, t.job.State == trainset.JobCanceled:
			return cli.ExitFailed
		case t.job.State == trainset.JobPartial:
			code = cli.ExitPartial
		}
	}
	return code
}

// wrapped breaks text at spaces.
func wrapped(text string, width int, newline string) string {
	out, column := "", 0
	for i, word := range strings.Fields(text) {
		if i > 0 && column+1+len(word) > width {
			out, column = out+newline, 0
		} else if i > 0 {
			out, column = out+" ", column+1
		}
		out, column = out+word, column+len(word)
	}
	return out
}
