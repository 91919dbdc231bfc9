package queue

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
)

// EnqueueAll hands steps of jobs to the queue in one journey. After an error some
// may have been: hand them all over again, as with Enqueue.
func (q *Queue) EnqueueAll(ctx context.Context, lots ...plan.Lot) error {
	if len(lots) == 1 && len(lots[0].Steps) == 1 {
		return q.Enqueue(ctx, lots[0].Record, lots[0].Steps[0])
	}
	kept := &keeping{UniversalClient: q.rdb, pipe: q.rdb.Pipeline()}
	client := asynq.NewClientFromRedisClient(kept)
	for _, lot := range lots {
		for _, s := range lot.Steps {
			if err := q.enqueue(ctx, client, lot.Record, s); err != nil {
				return err
			}
		}
	}
	redisconn.Exec(ctx, kept.pipe)
	i := 0
	for _, lot := range lots {
		for _, s := range lot.Steps {
			if err := q.settle(ctx, kept, i, lot.Record, s); err != nil {
				return err
			}
			i++
		}
	}
	return nil
}

// settle looks at the answer to the script of step i. Where Redis does not know
// the script, or asynq has come not to use one a task, the step is enqueued by itself.
func (q *Queue) settle(ctx context.Context, kept *keeping, i int, r plan.Record, s plan.Step) error {
	if i >= len(kept.scripts) {
		return q.Enqueue(ctx, r, s)
	}
	err := kept.scripts[i].Err()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return q.Enqueue(ctx, r, s)
	}
	if err != nil {
		return fmt.Errorf("queue: enqueueing %s: %w", s.TaskID(r.ID), err)
	}
	return nil // whether it was new or there already
}

// keeping is a connection that keeps back what enqueueing sends, for asynq has no
// way to enqueue many tasks at once: for each one script, and the queue's name.
// Asynq is told that all went well; what did is seen when the pipeline is sent.
type keeping struct {
	redis.UniversalClient

	pipe    redis.Pipeliner
	scripts []*redis.Cmd
}

// EvalSha keeps a script back and answers that the task is new.
func (k *keeping) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	k.scripts = append(k.scripts, k.pipe.EvalSha(ctx, sha, keys, args...))
	return redis.NewCmdResult(int64(1), nil)
}

// SAdd keeps back the note that there is such a queue.
func (k *keeping) SAdd(ctx context.Context, key string, members ...any) *redis.IntCmd {
	k.pipe.SAdd(ctx, key, members...)
	return redis.NewIntResult(1, nil)
}
