package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

const workersKey = "trainset:workers" // hash: worker -> beats so far

func heldKey(worker string) string { return "trainset:held:" + worker } // set: task IDs in hand

// Beat says that a worker lives. Whoever sees its count stand still for long
// enough, while Redis answers, may take over what it holds.
func (l *Ledger) Beat(ctx context.Context, worker string) error {
	if err := l.rdb.HIncrBy(ctx, workersKey, worker, 1).Err(); err != nil {
		return fmt.Errorf("ledger: beating: %w", err)
	}
	return nil
}

// Beats returns every worker's count.
func (l *Ledger) Beats(ctx context.Context) (map[string]string, error) {
	beats, err := l.rdb.HGetAll(ctx, workersKey).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the workers: %w", err)
	}
	return beats, nil
}

// Hold notes that a worker has a task in hand, Release that it no longer has.
func (l *Ledger) Hold(ctx context.Context, worker, taskID string) error {
	if err := l.rdb.SAdd(ctx, heldKey(worker), taskID).Err(); err != nil {
		return fmt.Errorf("ledger: holding %s: %w", taskID, err)
	}
	return nil
}

// Release undoes Hold.
func (l *Ledger) Release(ctx context.Context, worker, taskID string) error {
	if err := l.rdb.SRem(ctx, heldKey(worker), taskID).Err(); err != nil {
		return fmt.Errorf("ledger: releasing %s: %w", taskID, err)
	}
	return nil
}

// Held returns the tasks that a worker had in hand, by job.
func (l *Ledger) Held(ctx context.Context, worker string) (map[trainset.JobID][]string, error) {
	ids, err := l.rdb.SMembers(ctx, heldKey(worker)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading what %s held: %w", worker, err)
	}
	held := make(map[trainset.JobID][]string)
	for _, id := range ids {
		job, _, _ := strings.Cut(id, ":")
		held[trainset.JobID(job)] = append(held[trainset.JobID(job)], id)
	}
	return held, nil
}

// Bury forgets a worker that has ended, one way or the other.
func (l *Ledger) Bury(ctx context.Context, worker string) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, heldKey(worker))
		p.HDel(ctx, workersKey, worker)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: forgetting %s: %w", worker, err)
	}
	return nil
}

// Winner reads the attempt that made a subtask's result, with the subtask;
// trainset.ErrNotFound where it has none.
func (l *Ledger) Winner(ctx context.Context, id trainset.JobID, sub plan.SubtaskID) (plan.Subtask, plan.Attempt, error) {
	w, err := l.Subtask(ctx, id, sub)
	if err != nil {
		return plan.Subtask{}, plan.Attempt{}, err
	}
	if w.Subtask.State != trainset.ItemSucceeded {
		return w.Subtask, plan.Attempt{}, fmt.Errorf("ledger: the result of %s of job %s: %w", sub, id, trainset.ErrNotFound)
	}
	a, err := l.Attempt(ctx, id, plan.AttemptID(sub, w.Subtask.Winner))
	return w.Subtask, a, err
}
