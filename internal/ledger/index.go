package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// Due returns up to n open jobs whose next check has come, the longest due first.
func (l *Ledger) Due(ctx context.Context, n int) ([]trainset.JobID, error) {
	due := l.due()
	due.Count = int64(n)
	ids, err := l.rdb.ZRangeArgs(ctx, due).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading due jobs: %w", err)
	}
	return jobIDs(ids), nil
}

// DueAsked is Due of the jobs that somebody waits for, however many are due besides:
// it reads on until it has found n, or all.
func (l *Ledger) DueAsked(ctx context.Context, n int) ([]trainset.JobID, error) {
	var found []trainset.JobID
	for ids, err := range l.byScore(ctx, l.due(), pageSize) {
		if err != nil {
			return nil, fmt.Errorf("ledger: reading due jobs: %w", err)
		}
		asked, err := l.asked(ctx, jobIDs(ids))
		if err != nil {
			return nil, err
		}
		found = append(found, asked...)
		if len(found) >= n {
			return found[:n], nil
		}
	}
	return found, nil
}

// due is the range of the open index whose checks have come.
func (l *Ledger) due() redis.ZRangeArgs {
	return redis.ZRangeArgs{Key: openKey, ByScore: true, Start: "-inf", Stop: strconv.FormatInt(l.now().UnixMilli(), 10)}
}

// OpenJobs returns every job that has not ended, for those who know that they are
// few.
func (l *Ledger) OpenJobs(ctx context.Context) ([]trainset.JobID, error) {
	var open []trainset.JobID
	for ids, err := range l.OpenPages(ctx) {
		if err != nil {
			return nil, err
		}
		open = append(open, ids...)
	}
	slices.Sort(open)
	return slices.Compact(open), nil
}

// CountOpen returns how many jobs have not ended.
func (l *Ledger) CountOpen(ctx context.Context) (int, error) {
	n, err := l.rdb.ZCard(ctx, openKey).Result()
	if err != nil {
		return 0, fmt.Errorf("ledger: counting open jobs: %w", err)
	}
	return int(n), nil
}

// Recent returns up to n jobs, the newest first; those of one user when user
// is not empty.
func (l *Ledger) Recent(ctx context.Context, user string, n int) ([]trainset.JobID, error) {
	recent := []trainset.JobID{}
	if n < 1 {
		return recent, nil
	}
	for ids, err := range l.recentPages(ctx, user, min(n, pageSize)) {
		if err != nil {
			return nil, err
		}
		recent = append(recent, ids[:min(len(ids), n-len(recent))]...)
		if len(recent) == n {
			break
		}
	}
	return recent, nil
}

func jobIDs(ids []string) []trainset.JobID {
	out := make([]trainset.JobID, len(ids))
	for i, id := range ids {
		out[i] = trainset.JobID(id)
	}
	return out
}

// CheckAt schedules the next check of an open job.
func (l *Ledger) CheckAt(ctx context.Context, id trainset.JobID, at time.Time) error {
	err := l.rdb.ZAddXX(ctx, openKey, redis.Z{Score: float64(at.UnixMilli()), Member: string(id)}).Err()
	if err != nil {
		return fmt.Errorf("ledger: scheduling job %s: %w", id, err)
	}
	return nil
}

// Close takes a job that has ended, or that does not exist, out of the open index.
// One that was taken up again meanwhile stays in it, before and after: out of it,
// nobody would look after it.
func (l *Ledger) Close(ctx context.Context, id trainset.JobID) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	if open, err := l.goingOn(ctx, id); len(open) > 0 || err != nil {
		return err
	}
	return l.takeOut(ctx, openKey, []trainset.JobID{id}, l.goingOn)
}

// lastsFor bounds what the end of a caller's context does not interrupt.
const lastsFor = 5 * time.Second

// lasting is a context for what must not be left half done.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastsFor)
}

// takeOut takes jobs out of an index. Those that belong in it by now, for they were
// taken up or asked for again meanwhile and found themselves still in it, are entered
// anew.
func (l *Ledger) takeOut(ctx context.Context, key string, ids []trainset.JobID, belong func(context.Context, ...trainset.JobID) ([]trainset.JobID, error)) error {
	entries := make([]any, len(ids))
	for i, id := range ids {
		entries[i] = string(id)
	}
	if err := l.rdb.ZRem(ctx, key, entries...).Err(); err != nil {
		return fmt.Errorf("ledger: taking %d jobs out of %s, the first %s: %w", len(ids), key, ids[0], err)
	}
	again, err := belong(ctx, ids...)
	if err != nil {
		return err
	}
	_, err = l.enter(ctx, key, again...)
	return err
}

// enter enters jobs in an index at this moment, and returns how many were not in it.
func (l *Ledger) enter(ctx context.Context, key string, ids ...trainset.JobID) (missing int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	now, entries := float64(l.now().UnixMilli()), make([]redis.Z, len(ids))
	for i, id := range ids {
		entries[i] = redis.Z{Score: now, Member: string(id)}
	}
	entered, err := l.rdb.ZAddNX(ctx, key, entries...).Result()
	if err != nil {
		return 0, fmt.Errorf("ledger: entering %d jobs in %s, the first %s: %w", len(ids), key, ids[0], err)
	}
	return int(entered), nil
}

// ReenterLost enters in the open index what goes on and is not in it, to be checked
// at once, and returns how many jobs that were: nobody would look after them. A
// process that died between two writes, or a Redis that went back to an older state,
// may have left them so.
func (l *Ledger) ReenterLost(ctx context.Context) (lost int, err error) {
	for ids, err := range l.RecentPages(ctx, "") {
		if err != nil {
			return lost, err
		}
		open, err := l.goingOn(ctx, ids...)
		if err != nil {
			return lost, err
		}
		missing, err := l.enter(ctx, openKey, open...)
		if err != nil {
			return lost, err
		}
		lost += missing
	}
	return lost, nil
}

// goingOn returns those of the jobs that exist and have not ended, in one journey.
func (l *Ledger) goingOn(ctx context.Context, ids ...trainset.JobID) ([]trainset.JobID, error) {
	var open func() []trainset.JobID
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		open = askWhichGoOn(ctx, p, ids)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the states of %d jobs, the first %s: %w", len(ids), ids[0], err)
	}
	return open(), nil
}

// askWhichGoOn asks in a pipeline which of the jobs exist and have not ended. Call
// what it returns when that was carried out.
func askWhichGoOn(ctx context.Context, p redis.Pipeliner, ids []trainset.JobID) func() []trainset.JobID {
	states := make([]*redis.SliceCmd, len(ids))
	for i, id := range ids {
		states[i] = p.HMGet(ctx, jobKey(id), "state") // unlike HGET, no error where there is none
	}
	return func() (open []trainset.JobID) {
		for i, id := range ids {
			state, exists := states[i].Val()[0].(string)
			if exists && !trainset.JobState(state).Ended() {
				open = append(open, id)
			}
		}
		return open
	}
}

// LockSweep makes owner the only sweeper for d, or reports that another is.
func (l *Ledger) LockSweep(ctx context.Context, owner string, d time.Duration) (bool, error) {
	return l.lock(ctx, sweepKey, owner, d)
}

// LockTidy makes owner the only one who tidies for d, or reports that another has
// lately.
func (l *Ledger) LockTidy(ctx context.Context, owner string, d time.Duration) (bool, error) {
	return l.lock(ctx, tidyKey, owner, d)
}

func (l *Ledger) lock(ctx context.Context, key, owner string, d time.Duration) (bool, error) {
	ok, err := l.rdb.SetNX(ctx, key, owner, d).Result()
	if err != nil {
		return false, fmt.Errorf("ledger: locking %s: %w", key, err)
	}
	return ok, nil
}

// Ask notes for d that somebody waits for the job. Where jobs must not run
// unasked, only asked ones are swept.
func (l *Ledger) Ask(ctx context.Context, id trainset.JobID, d time.Duration) error {
	if err := l.rdb.Set(ctx, askedKey(id), 1, d).Err(); err != nil {
		return fmt.Errorf("ledger: asking for job %s: %w", id, err)
	}
	return nil
}

// asked returns those of the jobs that somebody waits for.
func (l *Ledger) asked(ctx context.Context, ids []trainset.JobID) ([]trainset.JobID, error) {
	asked, err := l.having(ctx, askedKey, ids)
	if err != nil {
		return nil, fmt.Errorf("ledger: who asks for %d jobs, the first %s: %w", len(ids), ids[0], err)
	}
	return asked, nil
}

// having returns those of the jobs that have a key of a kind, in one journey.
func (l *Ledger) having(ctx context.Context, key func(trainset.JobID) string, ids []trainset.JobID) (have []trainset.JobID, err error) {
	there := make([]*redis.IntCmd, len(ids))
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			there[i] = p.Exists(ctx, key(id))
		}
		return nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // its callers say what they looked for
	}
	for i, id := range ids {
		if there[i].Val() == 1 {
			have = append(have, id)
		}
	}
	return have, nil
}

// others are the jobs that are not among those.
func others(ids, those []trainset.JobID) []trainset.JobID {
	return slices.DeleteFunc(slices.Clone(ids), func(id trainset.JobID) bool { return slices.Contains(those, id) })
}
