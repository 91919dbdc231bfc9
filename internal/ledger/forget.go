package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// deletionLasts is how long a job that is being deleted is not taken up again, if
// the deletion neither ends nor is repeated.
const deletionLasts = 24 * time.Hour

// A server that is full refuses what may need memory only as the first write of a
// script, for it cannot stop in the middle of one. So that deleting makes room there, too,
// whatever it notes is written by a script that has removed something before.

// deleteScript marks a job that has ended, or that has no record, as being deleted.
// ARGV: now, expiry in seconds.
// Returns {1}, {0, state} when it goes on.
var deleteScript = redis.NewScript(lua + `
local state = redis.call('HGET', job, 'state')
if state and not ended[state] then return {0, state} end
redis.call('DEL', deleting)
redis.call('SET', deleting, ARGV[1], 'EX', ARGV[2])
return {1}
`)

// MarkDeleting keeps a job from being created, read back or taken up again until
// Forget, so that what is read of it after that is all that there is to remove. It
// returns the state of one that goes on and is not to be deleted, else none. It
// may be repeated.
func (l *Ledger) MarkDeleting(ctx context.Context, id trainset.JobID) (going trainset.JobState, err error) {
	reply, err := l.run(ctx, "deleting", deleteScript, id, stamp(l.now()), int(deletionLasts.Seconds()))
	if err != nil || changed(reply) {
		return "", err
	}
	state, _ := reply[1].(string)
	return trainset.JobState(state), nil
}

// Deleting reports whether a job is marked by MarkDeleting, and not yet forgotten.
func (l *Ledger) Deleting(ctx context.Context, id trainset.JobID) (bool, error) {
	n, err := l.rdb.Exists(ctx, deletingKey(id)).Result()
	if err != nil {
		return false, fmt.Errorf("ledger: deleting of job %s: %w", id, err)
	}
	return n > 0, nil
}

// Forget removes every trace of a job but what its user has spent today and
// what Disown has noted. User
// and image are those of its request, and empty where nobody knows them any
// more; image is the digest of one that may lie in the inbox, as those of other
// requests under the job's key may, which go with it. It leaves the
// index of recent jobs last, so that a Forget which failed halfway is found,
// and may be repeated; after that the mark of MarkDeleting, so that what is created
// anew keeps its place there. It does not ask whether the job has ended.
func (l *Ledger) Forget(ctx context.Context, id trainset.JobID, user, image string) error {
	inbox, err := l.inboxKeys(ctx, id, image)
	if err != nil {
		return err
	}
	salvaged, err := l.salvageKeys(ctx, id)
	if err != nil {
		return err
	}
	keys := append(jobKeys(id), uploadsKey(id), adriftKey(id), heldUpKey(id))
	keys = append(append(keys, inbox...), salvaged...)
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
		func(p redis.Pipeliner) { p.Del(ctx, deletingKey(id)) },
	}
	for _, step := range steps {
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { step(p); return nil })
		if err != nil {
			return fmt.Errorf("ledger: forgetting job %s: %w", id, err)
		}
	}
	if user == "" {
		return nil
	}
	_, err = l.recount(ctx, user)
	return err
}

// disownScript notes whose predictions were, and forgets what was noted long ago.
// KEYS: those of deleted jobs. ARGV: now and how long they are kept, in milliseconds,
// then the predictions, each with its job.
// Returns 1.
var disownScript = redis.NewScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (ARGV[1] - ARGV[2]))
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)

// Disown notes that predictions were a deleted job's, for as long as the ledger
// keeps the records of ended ones: what the provider still lists was known and
// paid for, though nothing else here tells of it. It keeps IDs and no more. Call
// it before anything is deleted; it may be repeated.
func (l *Ledger) Disown(ctx context.Context, id trainset.JobID, predictions []string) error {
	if len(predictions) == 0 {
		return nil
	}
	now := l.now().UnixMilli()
	args := []any{now, l.keep.Milliseconds()}
	for _, p := range predictions {
		args = append(args, p+" "+string(id))
	}
	if err := disownScript.Run(ctx, l.rdb, []string{deletedKey}, args...).Err(); err != nil {
		return fmt.Errorf("ledger: noting the predictions of job %s: %w", id, err)
	}
	return nil
}

// Disowned returns those of the wanted predictions that were a deleted job's, each
// with its job.
func (l *Ledger) Disowned(ctx context.Context, wanted func(prediction string) bool) (map[string]trainset.JobID, error) {
	since := strconv.FormatInt(l.now().Add(-l.keep).UnixMilli(), 10)
	disowned := map[string]trainset.JobID{}
	for members, err := range l.byScore(ctx, redis.ZRangeArgs{Key: deletedKey, Start: since, Stop: "+inf"}, pageSize) {
		if err != nil {
			return nil, fmt.Errorf("ledger: reading the predictions of deleted jobs: %w", err)
		}
		for _, m := range members {
			if prediction, job, _ := strings.Cut(m, " "); wanted(prediction) {
				disowned[prediction] = trainset.JobID(job)
			}
		}
	}
	return disowned, nil
}
