package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

const (
	usersKey = "trainset:users" // zset: user -> creation of the oldest job in the user's list, unix ms
	tidyKey  = "trainset:tidy"  // string with expiry: who tidies
)

// tidyAtOnce bounds what is looked at in one journey to Redis.
const tidyAtOnce = 500

// Tidy takes the jobs out of the lists of recent ones whose records have expired:
// the lists cannot expire by themselves while there is a newer job. Expired is told
// of each such job before that, and again should it fail. A job that has not ended
// stays, however old it is.
func (l *Ledger) Tidy(ctx context.Context, expired func(context.Context, []trainset.JobID) error) error {
	if err := l.tidyList(ctx, recentKey, expired); err != nil {
		return err
	}
	return l.eachOld(ctx, usersKey, func(users []string) (left int, err error) {
		for _, user := range users {
			if err := l.tidyList(ctx, userKey(user), nil); err != nil {
				return 0, err
			}
			is, err := l.recount(ctx, user)
			if err != nil {
				return 0, err
			}
			if is {
				left++
			}
		}
		return left, nil
	})
}

// tidyList takes the expired jobs out of one list.
func (l *Ledger) tidyList(ctx context.Context, key string, expired func(context.Context, []trainset.JobID) error) error {
	return l.eachOld(ctx, key, func(ids []string) (left int, err error) {
		listed := jobIDs(ids)
		recorded, err := l.recorded(ctx, listed...)
		if err != nil || len(recorded) == len(listed) {
			return len(ids), err
		}
		gone := others(listed, recorded)
		if expired != nil {
			if err := expired(ctx, gone); err != nil {
				return 0, err
			}
		}
		return len(recorded), l.takeOut(ctx, key, gone, l.recorded)
	})
}

// eachOld goes through the members of a set whose time is longer ago than records
// of ended jobs are kept. See says how many of those it was given are left.
func (l *Ledger) eachOld(ctx context.Context, key string, see func(members []string) (left int, err error)) error {
	until := "(" + strconv.FormatInt(l.now().Add(-l.keep).UnixMilli(), 10)
	for at := 0; ; {
		members, err := l.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: key, ByScore: true, Start: "-inf", Stop: until, Offset: int64(at), Count: tidyAtOnce,
		}).Result()
		if err != nil {
			return fmt.Errorf("ledger: reading what is old in %s: %w", key, err)
		}
		left, err := see(members)
		if err != nil {
			return err
		}
		if len(members) < tidyAtOnce {
			return nil
		}
		at += left
	}
}

// recorded returns those of the jobs that have a record: the others' have expired.
func (l *Ledger) recorded(ctx context.Context, ids ...trainset.JobID) ([]trainset.JobID, error) {
	recorded, err := l.having(ctx, jobKey, ids)
	if err != nil {
		return nil, fmt.Errorf("ledger: looking for records that have expired: %w", err)
	}
	return recorded, nil
}

// recountScript notes how old a user's oldest job is.
// KEYS: the users. ARGV: the user, when the job was made.
// Returns 1.
var recountScript = redis.NewScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
`)

// recount notes how old the oldest job in a user's list is, and reports whether
// that still is old; of a user without jobs nothing is noted any more.
func (l *Ledger) recount(ctx context.Context, user string) (old bool, err error) {
	oldest, err := l.rdb.ZRangeWithScores(ctx, userKey(user), 0, 0).Result()
	if err == nil && len(oldest) == 0 {
		err = l.rdb.ZRem(ctx, usersKey, user).Err()
	} else if err == nil {
		old = oldest[0].Score < float64(l.now().Add(-l.keep).UnixMilli())
		err = recountScript.Run(ctx, l.rdb, []string{usersKey}, user, oldest[0].Score).Err()
	}
	if err != nil {
		return false, fmt.Errorf("ledger: noting how old %s's jobs are: %w", user, err)
	}
	return old, nil
}
