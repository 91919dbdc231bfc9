package ledger

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

func admittedKey(user string) string { return "trainset:admitted:" + user } // zset: running job -> when it was let in, unix ms
func waitingKey(user string) string  { return "trainset:waiting:" + user }  // zset: job that waits for its turn -> creation, unix ms

// admitScript lets a job in if its user has fewer than so many running.
//
// KEYS: the user's admitted jobs. ARGV: job ID, most jobs or 0 for no bound, now in ms.
// Returns 1 when the job is in, else 0.
var admitScript = redis.NewScript(`
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
local most = tonumber(ARGV[2])
if most > 0 and redis.call('ZCARD', KEYS[1]) >= most then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
`)

// Admit lets a job run if its user has fewer than most running; else it enters
// the user's queue, whose first is let in when one of them ends. A job that was
// let in stays so until Depart.
func (l *Ledger) Admit(ctx context.Context, user string, id trainset.JobID, most int) (bool, error) {
	now := l.now().UnixMilli()
	in, err := admitScript.Run(ctx, l.rdb, []string{admittedKey(user)}, string(id), most, now).Int()
	if err != nil {
		return false, fmt.Errorf("ledger: admitting job %s: %w", id, err)
	}
	if in == 1 {
		err = l.rdb.ZRem(ctx, waitingKey(user), string(id)).Err()
	} else {
		err = l.rdb.ZAddNX(ctx, waitingKey(user), redis.Z{Score: float64(now), Member: string(id)}).Err()
	}
	if err != nil {
		return false, fmt.Errorf("ledger: admitting job %s: %w", id, err)
	}
	return in == 1, nil
}

// Depart makes room for another job of the user, and returns the one whose
// turn it is, or an empty ID.
func (l *Ledger) Depart(ctx context.Context, user string, id trainset.JobID) (trainset.JobID, error) {
	var first *redis.StringSliceCmd
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, admittedKey(user), string(id))
		p.ZRem(ctx, waitingKey(user), string(id))
		first = p.ZRange(ctx, waitingKey(user), 0, 0)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("ledger: making room after job %s: %w", id, err)
	}
	if len(first.Val()) == 0 {
		return "", nil
	}
	return trainset.JobID(first.Val()[0]), nil
}
