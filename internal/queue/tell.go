package queue

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// tellScript keeps what came of a task that is there. One that was withdrawn or deleted
// while somebody had it would come back without an end, and nothing of its name could
// be queued any more.
//
// KEYS: the task. ARGV: the result. Returns 1.
var tellScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'result', ARGV[1]) end
return 1`)

// Tell keeps what came of the task whose context this is, for as long as the queue
// shows the task. Asynq's own way to it does not look whether there is one.
func (q *Queue) Tell(ctx context.Context, result []byte) error {
	id, inHand := asynq.GetTaskID(ctx)
	name, _ := asynq.GetQueueName(ctx)
	if !inHand {
		return nil
	}
	if err := tellScript.Run(ctx, q.rdb, []string{keyOf(name, "t:") + id}, result).Err(); err != nil {
		return fmt.Errorf("queue: telling what came of %s: %w", id, err)
	}
	return nil
}
