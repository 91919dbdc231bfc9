package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/cli"
)

// follower shows a job until it has ended, is interrupted, or cannot go on
// before somebody acts.
type follower struct {
	setup

	client   *client.Client
	progress *cli.Progress
	// blocked says why nothing is being made; nil where nobody here can tell.
	blocked func(context.Context) error
	// interrupted says what becomes of the job when its watcher leaves.
	interrupted func(trainset.Job) error
	// lost says what it means when the ledger has not answered for a while; where
	// it is nil, it is waited for.
	lost func(trainset.Job, error) error
}

// news is what watching brought: the job, or why it could not be read.
type news struct {
	job trainset.Job
	err error
}

// silence is how long the ledger may be away before it is worth a word: one
// that restarts is back sooner.
const silence = 10 * time.Second

func (f follower) follow(ctx context.Context, job trainset.Job) (trainset.Job, error) {
	defer f.progress.Close()
	f.progress.Update(job)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	updates := f.watch(watching, job.ID)
	tick := time.NewTicker(cli.TickEvery)
	defer tick.Stop()
	checked := time.Now()
	var away absence
	for {
		select {
		case <-ctx.Done():
			return job, f.leave(job)
		case n, open := <-updates:
			switch {
			case !open && ctx.Err() != nil:
				return job, f.leave(job)
			case !open:
				return job, nil
			case errors.Is(n.err, trainset.ErrNotFound):
				return job, fmt.Errorf("the job is gone: %w", n.err)
			case n.err != nil:
				if err := f.unanswered(&away, job, n.err); err != nil {
					return job, err
				}
			default:
				away, job = absence{}, n.job
				f.progress.Update(job)
			}
		case now := <-tick.C:
			f.progress.Tick()
			if f.blocked == nil || now.Sub(checked) < time.Second {
				continue
			}
			checked = now
			if err := f.blocked(ctx); err != nil {
				return job, &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("%w; nothing is lost: repeat the command to resume job %s", err, job.ID)}
			}
		}
	}
}

// watch sends what the client sees until the job has ended.
func (f follower) watch(ctx context.Context, id trainset.JobID) <-chan news {
	updates := make(chan news)
	go func() {
		defer close(updates)
		for job, err := range f.client.Watch(ctx, id) {
			select {
			case updates <- news{job, err}:
			case <-ctx.Done():
				return
			}
			if errors.Is(err, trainset.ErrNotFound) {
				return
			}
		}
	}()
	return updates
}

func (f follower) leave(job trainset.Job) error {
	return &cli.ExitError{Code: cli.ExitInterrupted, Err: f.interrupted(job)}
}

// absence is how long the ledger has not answered, and whether that was said.
type absence struct {
	since time.Time
	said  bool
}

func (f follower) unanswered(a *absence, job trainset.Job, err error) error {
	now := time.Now()
	if a.since.IsZero() {
		a.since = now
	}
	switch {
	case now.Sub(a.since) < silence:
		return nil
	case f.lost != nil:
		return f.lost(job, err)
	case !a.said:
		a.said = true
		fmt.Fprintf(f.stderr, "still waiting: %s\n", cli.Clean(noAnswer(err).Error())) //nolint:errcheck // the terminal has gone
	}
	return nil
}
