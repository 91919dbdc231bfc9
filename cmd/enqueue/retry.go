package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/cmd/internal/retried"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/tasks"
)

func retryCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var flags retried.Limits
	var dry bool
	cmd := v.command("retry", "Go on with an ended job that lacks images, and pay for nothing else", func(ctx context.Context, s *system, id trainset.JobID) error {
		limits, err := flags.Read()
		if err != nil {
			return err
		}
		r := retry{system: s, id: id, limits: limits, dry: dry}
		return r.run(ctx)
	})
	cmd.Long = "Retry takes up a job that has ended partial, failed or canceled: it says what is tried again and about\n" +
		"what that costs, and follows the job to its end. What there is stays and is not paid for; the set gets\n" +
		"its next revision. A job that ended for its cost cap, or a style's for its grids, goes on with a higher\n" +
		"one: each is of the job in all, with what it has spent and made. Interrupted, it goes on when it is repeated.\n\n" +
		"With REDIS_URL the workers of that Redis do the work; a higher limit then needs the storage of the workers,\n" +
		"for the plan there is given it, too. Without it, and for a job of --simulate, this process does."
	cmd.Example = "  enqueue retry 3f2a9c41 --dry-run\n  enqueue retry 3f2a9c41\n  enqueue retry 3f2a9c41 --max-cost 1.50 --max-grids 12"
	flags.Add(cmd.Flags())
	s := cmd.Flags()
	s.BoolVar(&dry, "dry-run", false, "only say what would be tried again")
	v.folderFlag(cmd)
	s.StringVar(&v.debugDir, "debug-dir", "", "keep requests, raw outputs and rejected images here")
	s.BoolVar(&v.noWait, "no-wait", false, "return as soon as the job is taken up (needs REDIS_URL)")
	s.BoolVar(&v.volatileRun, "volatile", false, "work without redis-server: a crash forgets what was paid for")
	return cmd
}

// retry is an ended job that is to be taken up again.
type retry struct {
	*system

	id     trainset.JobID
	limits plan.Limits // zero where one stays
	dry    bool
	layout dataset.Layout
}

func (r *retry) run(ctx context.Context) error {
	k, err := r.get(ctx, r.id)
	if err != nil {
		return err
	}
	r.layout = placeOf(k.job)
	if !k.live {
		if err := r.resting(k.job); err != nil {
			return err
		}
	}
	known, closing, err := r.ledger()
	if err != nil {
		return err
	}
	defer closing()
	if r.deployed() {
		return r.onWorkers(ctx, known)
	}
	done, err := r.raiser(known).Retry(ctx, r.id, r.limits, true)
	switch {
	case r.dry && err == nil:
		return r.say(done)
	case r.dry, r.volatileRun && k.live && !k.job.State.Ended(), k.job.State == trainset.JobSucceeded:
		return err
	}
	if err := r.checkMode(); err != nil {
		return err
	}
	job, err := r.here(ctx)
	if err != nil {
		return err
	}
	return r.present(ctx, r.store, job)
}

// resting refuses a job that has not ended and that nobody works on; of one that
// has, it finds out whether simulated pictures are to go on.
func (r *retry) resting(job trainset.Job) error {
	if !job.State.Ended() {
		return trainset.Invalid("job", fmt.Sprintf("%s has not ended, and nobody works on it", r.id), "repeat the command that began it: nothing is paid twice")
	}
	r.simulate = job.Simulated
	return nil
}

// ledger is the one that answers, nil where none does.
func (r *retry) ledger() (operate.Rememberer, func(), error) {
	if r.client == nil || r.simulate {
		return nil, func() {}, nil
	}
	rdb, err := redisconn.Open(r.address)
	if err != nil {
		return nil, nil, err
	}
	return ledger.New(rdb, ledger.Options{}), func() { _ = rdb.Close() }, nil // the command ends
}

func (r *retry) raiser(known operate.Rememberer) operate.Raiser {
	return r.system.raiser(known, r.store, r.layout)
}

// raiser takes a job up again in a ledger, from storage where that does not know it
// any more.
func (s setup) raiser(known operate.Rememberer, store storage.Store, l dataset.Layout) operate.Raiser {
	stored := func(ctx context.Context, _ trainset.JobID) (plan.Record, error) {
		return tasks.Recall(ctx, store, l)
	}
	if s.deployed() && s.config.Storage.Bucket == "" && !s.namesFolder() { // whatever is here need not be what the workers have
		stored = nil
	}
	return operate.Raiser{Ledger: operate.Recalling{Ledger: known, Stored: stored}, Store: store, Grids: tasks.WithGrids}
}

// onWorkers lets the workers of a deployed system go on with the job.
func (r *retry) onWorkers(ctx context.Context, l operate.Rememberer) error {
	done, err := r.raiser(l).Retry(ctx, r.id, r.limits, r.dry)
	if err != nil {
		return err
	}
	if r.dry || !r.json {
		if err := r.say(done); err != nil || r.dry {
			return err
		}
	}
	job, err := r.client.Get(ctx, r.id)
	if err == nil && !r.noWait {
		job, err = r.follower().follow(ctx, job)
	}
	if err != nil {
		return err
	}
	return r.present(ctx, r.store, job)
}

// here runs the whole system in this process until the job has ended.
func (r *retry) here(ctx context.Context) (trainset.Job, error) {
	system, err := app.StartEmbedded(ctx, r.store, r.embedded(r.id))
	if err != nil {
		return trainset.Job{}, err
	}
	defer system.Stop()
	if err := r.tellOthers(ctx, system); err != nil {
		return trainset.Job{}, err
	}
	if err := r.begin(ctx, ledger.New(system.Redis(), ledger.Options{}), system.Serves()); err != nil {
		return trainset.Job{}, err
	}
	job, err := client.FromRedis(system.Redis()).Get(ctx, r.id)
	if err != nil {
		return job, err
	}
	return r.followEmbedded(ctx, system, r.progress(), job)
}

// begin takes the job up, unless it was, by a command that was interrupted: then it
// goes on as soon as anybody serves.
func (r *retry) begin(ctx context.Context, l *ledger.Ledger, serves bool) error {
	raiser := r.raiser(l)
	rec, err := raiser.Ledger.Load(ctx, r.id)
	if err != nil {
		return err
	}
	if err := r.judged(rec); serves && err != nil {
		return err
	}
	if !rec.State.Ended() && rec.Plan != nil {
		if has(*rec.Plan, r.limits) {
			return nil
		}
		return trainset.Invalid("job", fmt.Sprintf("%s was taken up before, with other limits, and has not ended", r.id), "repeat the command without limits, and raise them after its end")
	}
	done, err := raiser.Retry(ctx, r.id, r.limits, false)
	if err != nil || r.json {
		return err
	}
	return r.say(done)
}

// judged refuses a job whose judge this process has no access to.
func (r *retry) judged(rec plan.Record) error {
	if rec.Plan == nil || rec.Plan.Style == nil || rec.Plan.Style.Judge != trainset.JudgeOpenAI || r.config.Judge.ReachesOpenAI() {
		return nil
	}
	return trainset.Invalid("OPENAI_API_KEY", "is not set, and OpenAI's API judges the grids of this job", "set it, as where the job was begun")
}

// has reports whether a job has the limits that are asked for.
func has(p plan.Plan, l plan.Limits) bool {
	return (l.MaxCost == 0 || l.MaxCost == p.MaxCost) && (l.MaxGrids == 0 || p.Style != nil && l.MaxGrids == p.Style.MaxGrids)
}

// say prints what is tried again.
func (r *retry) say(done operate.Retried) error {
	if r.json {
		return writeJSON(r.stdout, done)
	}
	return retried.Write(r.stdout, done, r.dry)
}
