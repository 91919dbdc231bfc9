package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/storage"
)

// ask checks what the flags ask for, sees it made, and shows what came of it.
// Problems are those that the flags alone have.
func ask(cmd *cobra.Command, environ []string, f runFlags, o order, problems []error) error {
	s, err := f.load(cmd, environ)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	c, err := o.check(ctx, s.config)
	if err := flatten(append([]error{s.checkMode(), err}, problems...)); err != nil {
		return asFlags(err)
	}
	if s.estimateOnly {
		if s.json {
			return writeJSON(s.stdout, c.estimate)
		}
		return c.estimate.write(s.stdout)
	}
	store, err := app.OpenStorage(ctx, s.config)
	if err != nil {
		return err
	}
	sub := submission{setup: s, checked: c, store: store, progress: s.progress, hints: true}
	job, err := sub.carryOut(ctx)
	if err != nil {
		return err
	}
	return s.present(ctx, store, job)
}

// submission is a checked order on its way to become a data set.
type submission struct {
	setup
	checked

	store    storage.Store
	progress func() *cli.Progress
	hints    bool // say what else may be of interest
}

func (s *submission) layout() dataset.Layout { return layoutOf(s.request) }

func layoutOf(req trainset.Request) dataset.Layout {
	return dataset.Layout{User: req.Common().User, Kind: req.Kind(), Subject: req.Subject(), Job: req.JobID()}
}

// placeOf is where a job keeps its objects.
func placeOf(job trainset.Job) dataset.Layout {
	return dataset.Layout{User: job.User, Kind: job.Kind, Subject: job.Subject, Job: job.ID}
}

// carryOut returns the job when it has ended; or, when nobody waits, as soon as
// it is queued. What ended before is not made again.
func (s *submission) carryOut(ctx context.Context) (trainset.Job, error) {
	job, found, err := s.finished(ctx)
	switch {
	case err != nil || found:
		return job, err
	case s.deployed():
		return s.submit(ctx)
	}
	return s.embed(ctx)
}

// finished reads the manifest of a job that has ended, and refuses a different
// request under its key.
func (s *submission) finished(ctx context.Context) (trainset.Job, bool, error) {
	m, found, err := readManifest(ctx, s.store, s.layout())
	if err != nil || !found {
		return trainset.Job{}, false, err
	}
	p, err := readPlan(ctx, s.store, s.layout())
	if err != nil {
		return trainset.Job{}, false, err
	}
	before, err := trainset.DecodeRequest(s.kind, p.Request)
	if err != nil {
		return trainset.Job{}, false, fmt.Errorf("reading the plan %s: %w", s.layout().Plan(), err)
	}
	if before.Fingerprint() != s.request.Fingerprint() {
		return trainset.Job{}, false, &trainset.ConflictError{
			Key: m.Key, JobID: m.JobID, Existing: before.Fingerprint(), Given: s.request.Fingerprint(),
		}
	}
	return m.Job(), m.State.Ended(), nil
}

func readManifest(ctx context.Context, store storage.Store, l dataset.Layout) (m trainset.Manifest, found bool, err error) {
	found, err = readObject(ctx, store, l.Manifest(), &m)
	return m, found, err
}

func readPlan(ctx context.Context, store storage.Store, l dataset.Layout) (p plan.Plan, err error) {
	found, err := readObject(ctx, store, l.Plan(), &p)
	if err == nil && !found {
		err = fmt.Errorf("the job's plan %s is not in storage", l.Plan())
	}
	return p, err
}

func readObject(ctx context.Context, store storage.Store, key string, into any) (found bool, err error) {
	b, err := store.Get(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading what storage has of the job: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("reading %s: %w", key, err)
	}
	return true, nil
}

// embed runs the whole system in this process until the job has ended.
func (s *submission) embed(ctx context.Context) (trainset.Job, error) {
	system, err := app.StartEmbedded(ctx, s.store, s.embedded(s.request.JobID()))
	if err != nil {
		return trainset.Job{}, err
	}
	defer system.Stop()
	// Another command may have ended the job while this one waited for its lock.
	if job, found, err := s.finished(ctx); err != nil || found {
		return job, err
	}
	if err := s.tellOthers(ctx, system); err != nil {
		return trainset.Job{}, err
	}
	if others, err := system.Others(ctx); s.hints && err == nil && len(others) > 0 {
		fmt.Fprintf(s.stderr, "%d other unfinished job(s) rest here; repeat their commands to resume them\n", len(others)) //nolint:errcheck // a hint
	}
	if err := s.upload(ctx, false); err != nil {
		return trainset.Job{}, err
	}
	c := client.FromRedis(system.Redis())
	job, err := enqueue(ctx, c, s.request)
	if err != nil {
		return job, err
	}
	return s.followEmbedded(ctx, system, s.progress(), job)
}

// followEmbedded follows a job that this process makes.
func (s setup) followEmbedded(ctx context.Context, system *app.Embedded, progress *cli.Progress, job trainset.Job) (trainset.Job, error) {
	f := follower{setup: s, client: client.FromRedis(system.Redis()), progress: progress, blocked: system.Blocked, interrupted: s.embeddedInterrupted}
	return f.follow(ctx, job)
}

// tellOthers leaves word of where the ledger of this process answers, where that
// can be asked.
func (s setup) tellOthers(ctx context.Context, system *app.Embedded) error {
	if s.simulate || s.volatileRun {
		return nil
	}
	where, err := system.Redis().ConfigGet(ctx, "unixsocket").Result()
	if err == nil {
		err = announce(ctx, s.config, where["unixsocket"])
	}
	if err != nil {
		return fmt.Errorf("telling other commands of this one: %w", err)
	}
	return nil
}

func (s setup) embedded(id trainset.JobID) app.EmbeddedOptions {
	log := cli.Logger(s.stderr, s.config.Log.Level, s.config.Log.Format)
	o := app.EmbeddedOptions{Options: app.FromConfig(s.config, log), Volatile: s.volatileRun, Job: id, State: stateFolder(s.config)}
	o.Simulated = s.simulate
	return o
}

func stateFolder(cfg config.Config) string { return filepath.Join(cfg.Storage.Out, ".trainset") }

// embeddedInterrupted says what still runs, what it costs and how to go on.
func (s setup) embeddedInterrupted(job trainset.Job) error {
	if s.simulate {
		return fmt.Errorf("interrupted with %d of %d images made, simulated: nothing was paid; repeat the command to go on", job.Succeeded(), job.Wanted)
	}
	running := 0
	for _, it := range job.Items {
		if it.State == trainset.ItemRunning {
			running++
		}
	}
	for _, g := range job.Grids {
		if g.State == trainset.ItemRunning {
			running++
		}
	}
	if running == 0 {
		return fmt.Errorf("interrupted with nothing at the provider, %d images made (%s so far); repeat the command to go on: nothing is paid twice", job.Succeeded(), job.Cost.Actual)
	}
	return fmt.Errorf("interrupted with %d of %d images made and %d at the provider, which go on and are paid for (%s so far); "+
		"repeat the command to take them over: nothing is paid twice", job.Succeeded(), job.Wanted, running, job.Cost.Actual)
}

// submit hands the job to a deployed system.
func (s *submission) submit(ctx context.Context) (trainset.Job, error) {
	c, err := client.New(s.config.Redis.URL.Reveal())
	if err != nil {
		return trainset.Job{}, err
	}
	defer c.Close() //nolint:errcheck // the command ends
	if err := s.handOver(ctx, c); err != nil {
		return trainset.Job{}, err
	}
	job, err := enqueue(ctx, c, s.request)
	if err != nil || s.noWait || job.State.Ended() {
		return job, err
	}
	f := follower{setup: s.setup, client: c, progress: s.progress(), interrupted: deployedInterrupted}
	return f.follow(ctx, job)
}

// patience is how long a Redis may take to answer the first question.
const patience = 10 * time.Second

// handOver takes the image to where the job's acceptance reads it: a bucket,
// when there is one. Without one nobody here knows whether the workers have the
// same folder, so the image goes through Redis; one that is too large for it is
// put into the folder when the user has named one, as workers that share it do.
func (s *submission) handOver(ctx context.Context, c *client.Client) error {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	known, err := c.Get(asking, s.request.JobID())
	if err == nil && known.State != trainset.JobQueued {
		return nil // accepted before
	}
	if err != nil && !errors.Is(err, trainset.ErrNotFound) {
		return noAnswer(err)
	}
	switch {
	case s.config.Storage.Bucket != "", s.namesFolder() && len(s.image) > client.MaxUpload:
		return s.upload(ctx, err == nil)
	}
	ref, err := c.Upload(ctx, s.request.JobID(), s.image)
	if err != nil {
		return renamed(err, kinds[s.kind].source)
	}
	s.request = s.order.request(ref)
	return nil
}

// namesFolder reports whether the user has said which folder storage is.
func (s setup) namesFolder() bool { return s.config.Storage.Out != config.Default().Storage.Out }

// noAnswer says why Redis has none, and what to do where that is known.
func noAnswer(err error) error {
	err = redisconn.Explain(err)
	if field, ok := errors.AsType[*trainset.FieldError](err); ok {
		return field
	}
	return fmt.Errorf("the Redis at REDIS_URL: %w", err)
}

// renamed gives a field error the name by which this command knows the field.
func renamed(err error, field string) error {
	if e, ok := errors.AsType[*trainset.FieldError](err); ok {
		return trainset.Invalid(field, e.Problem, "save it smaller, give a URL, or name the workers' storage with AWS_USER_FILES_BUCKET or TRAINSET_OUT")
	}
	return err
}

// upload puts the image into storage, unless it was taken from there before. What
// a queued job waits for is never written over: should it be another image, the
// request is about to be refused.
func (s *submission) upload(ctx context.Context, queued bool) error {
	if _, err := s.store.Stat(ctx, s.layout().Plan()); err == nil {
		return nil
	}
	err := s.store.Put(ctx, s.request.Source().Key, s.image, storage.PutOptions{ContentType: "application/octet-stream", IfAbsent: queued})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("storing the %s: %w", kinds[s.kind].source, err)
	}
	return nil
}

func enqueue(ctx context.Context, c *client.Client, req trainset.Request) (job trainset.Job, err error) {
	switch r := req.(type) {
	case trainset.ActorRequest:
		job, err = c.EnqueueActor(ctx, r)
	case trainset.StyleRequest:
		job, err = c.EnqueueStyle(ctx, r)
	default:
		return job, fmt.Errorf("%s jobs have no client", req.Kind())
	}
	if conflict, ok := errors.AsType[*trainset.ConflictError](err); ok {
		return job, conflict // without the words of those who passed it on
	}
	return job, err
}

// deployedInterrupted says that nothing was interrupted but the watching.
func deployedInterrupted(job trainset.Job) error {
	return fmt.Errorf("interrupted, but job %s goes on on the workers (%d of %d images made, %s so far); "+
		"follow it with: enqueue watch %s; stop it with: enqueue cancel %s", job.ID, job.Succeeded(), job.Wanted, job.Cost.Actual, job.ID, job.ID)
}

// announce leaves word in the state folder of where its ledger answers, so that
// other commands can ask while this one works. Commands that begin at the same
// time all do.
func announce(ctx context.Context, cfg config.Config, socket string) error {
	if b, err := os.ReadFile(socketFile(cfg)); err == nil && string(b) == socket {
		return nil
	}
	folder := storage.NewDirectory(stateFolder(cfg))
	return folder.Put(ctx, socketName, []byte(socket), storage.PutOptions{})
}

const socketName = "socket"

func socketFile(cfg config.Config) string { return filepath.Join(stateFolder(cfg), socketName) }
