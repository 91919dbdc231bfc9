package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/storage"
)

// progress draws live on a terminal, in lines elsewhere, and nowhere when the
// output is to be one JSON object.
func (s setup) progress() *cli.Progress {
	if s.json {
		return quiet()
	}
	f, ok := s.stdout.(*os.File)
	if !ok {
		return cli.NewProgress(s.stdout, cli.ProgressOptions{})
	}
	return cli.NewProgress(f, cli.TerminalOptions(f, os.Getenv))
}

func quiet() *cli.Progress { return cli.NewProgress(io.Discard, cli.ProgressOptions{}) }

// present prints a job as it stands and returns its exit code as an error.
func (s setup) present(ctx context.Context, store storage.Store, job trainset.Job) error {
	var err error
	switch {
	case s.json:
		err = writeJSON(s.stdout, job)
	case !job.State.Ended() && s.noWait:
		err = s.queued(job)
	default:
		err = cli.Summary(s.stdout, s.summary(ctx, store, job))
	}
	if err != nil {
		return err
	}
	if code := cli.ForState(job.State); code != cli.ExitSucceeded {
		return &cli.ExitError{Code: code}
	}
	return nil
}

// queued says what to do with a job that nobody waits for.
func (s setup) queued(job trainset.Job) error {
	_, err := fmt.Fprintf(s.stdout, "queued job %s\nfollow it with:    enqueue watch %s\ndownload it with:  enqueue fetch %s --out DIR\nstop it with:      enqueue cancel %s\n",
		job.ID, job.ID, job.ID, job.ID)
	if err != nil {
		return fmt.Errorf("printing the job: %w", err)
	}
	return nil
}

// summary says where the job's files are: paths, when they are in a folder
// here; else what they are called in storage, and how to get them.
func (s setup) summary(ctx context.Context, store storage.Store, job trainset.Job) cli.SummaryInfo {
	info := cli.SummaryInfo{Job: job}
	if !job.State.Ended() && s.deployed() {
		info.Follow = "enqueue watch " + string(job.ID)
	}
	out := job.Output
	if out == nil {
		return info
	}
	info.Resume = s.retryLine(ctx, store, job)
	root := placeOf(job).Root()
	at := s.place(ctx, store, out.Manifest)
	if at == nil {
		info.Folder = root + " in the storage of the workers"
		info.Fetch = fmt.Sprintf("enqueue fetch %s --out DIR", job.ID)
		return info
	}
	info.Folder, info.Manifest = at(root), at(out.Manifest)
	if out.Zip != "" {
		info.Zip, info.ContactSheet, info.Gallery = at(out.Zip), at(out.ContactSheet), at(out.Gallery)
		info.Train = trainCommand(job, info.Zip)
	}
	if _, here := store.(*storage.Directory); !here {
		info.Train = ""
		info.Fetch = fmt.Sprintf("enqueue fetch %s --out DIR", job.ID)
	}
	return info
}

// retryLine is the command that goes on with a job which has ended without all of
// its images, empty where none does.
func (s setup) retryLine(ctx context.Context, store storage.Store, job trainset.Job) string {
	if !job.State.Ended() || job.State == trainset.JobSucceeded {
		return ""
	}
	line := "enqueue retry " + string(job.ID)
	if refused, ok := errors.AsType[*trainset.FieldError](s.refused(ctx, store, job)); ok {
		limit, ok := raised[refused.Field]
		if !ok || !strings.Contains(refused.Remedy, "--"+refused.Field) {
			return "" // it has nothing left to try
		}
		line += limit
	}
	if s.out != "" {
		line += " --out " + dataset.ShellQuote(s.out)
	}
	if s.volatileRun {
		line += " --volatile"
	}
	return line
}

// raised are the flags of retry that a job needs which has come to a limit.
var raised = map[string]string{"max-cost": " --max-cost USD", "max-grids": " --max-grids N"}

// refused is what retry would say of an ended job without a higher limit, as far as
// that can be told from here.
func (s setup) refused(ctx context.Context, store storage.Store, job trainset.Job) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var known operate.Rememberer
	if s.deployed() {
		rdb, err := redisconn.Open(s.config.Redis.URL.Reveal())
		if err != nil {
			return fmt.Errorf("looking for the job: %w", err)
		}
		defer rdb.Close() //nolint:errcheck // it was only read from
		known = ledger.New(rdb, ledger.Options{})
	}
	_, err := s.raiser(known, store, placeOf(job)).Retry(ctx, job.ID, plan.Limits{}, true)
	return err
}

// trainCommand is the trainer's lines: none where captions have no trigger, for
// this trainer would put its own before each.
func trainCommand(job trainset.Job, zip string) string {
	if job.Trigger == "" {
		return ""
	}
	if job.Kind == trainset.KindStyle {
		return dataset.TrainStyleCommand(job.Trigger, job.Succeeded(), zip)
	}
	return dataset.TrainCommand(job.Trigger, job.Succeeded(), zip)
}

// place returns how to print a key, or nil when the object is not in the store
// that this command can see.
func (s setup) place(ctx context.Context, store storage.Store, key string) func(key string) string {
	if _, err := store.Stat(ctx, key); err != nil {
		return nil
	}
	if folder, ok := store.(*storage.Directory); ok {
		return folder.Path
	}
	return func(key string) string { return key + " in " + store.Describe() }
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}
