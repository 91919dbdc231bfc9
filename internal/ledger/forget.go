package ledger

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// Forget removes every trace of a job but what its user has spent today. User
// and image are those of its request, and empty where nobody knows them any
// more; image is the digest of one that may lie in the inbox. It leaves the
// index of recent jobs last, so that a Forget which failed halfway is found,
// and may be repeated. It does not ask whether the job has ended.
func (l *Ledger) Forget(ctx context.Context, id trainset.JobID, user, image string) error {
	keys := append(jobKeys(id), uploadsKey(id))
	if image != "" {
		keys = append(keys, inboxKey(id, image))
	}
	steps := []func(redis.Pipeliner){
		func(p redis.Pipeliner) {
			p.ZRem(ctx, openKey, string(id))
			p.Del(ctx, askedKey(id))
			if user != "" {
				p.ZRem(ctx, userKey(user), string(id))
				p.ZRem(ctx, admittedKey(user), string(id))
				p.ZRem(ctx, waitingKey(user), string(id))
			}
		},
		func(p redis.Pipeliner) { p.Del(ctx, keys...) },
		func(p redis.Pipeliner) { p.ZRem(ctx, recentKey, string(id)) },
	}
	for _, step := range steps {
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { step(p); return nil })
		if err != nil {
			return fmt.Errorf("ledger: forgetting job %s: %w", id, err)
		}
	}
	return nil
}
