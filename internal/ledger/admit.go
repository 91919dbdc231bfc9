package ledger

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

func admittedKey(user string) string { return "trainset:admitted:" + user } // zset: running job -> when it was let in, unix ms
func waitingKey(user string) string  { return "trainset:waiting:" + user }  // zset: job that waits for its turn -> creation, unix ms

// looked is how many of a user's admitted jobs a refused one has looked at, those
// that were let in first: one that keeps its place without need stays while others
// come and go, and so is among them in the end.
const looked = 8

// admitScript lets a job in if its user has fewer than so many running.
//
// KEYS: the user's admitted jobs. ARGV: job ID, most jobs or 0 for no bound, now in
// ms, how many admitted jobs to name.
// Returns {1} when the job is in, else {0, those that were let in first...}.
var admitScript = redis.NewScript(`
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {1} end
local most = tonumber(ARGV[2])
if most > 0 and redis.call('ZCARD', KEYS[1]) >= most then
  return {0, unpack(redis.call('ZRANGE', KEYS[1], 0, ARGV[4] - 1))}
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return {1}
`)

// Admit lets a job run if its user has fewer than most running; else it enters
// the user's queue, whose first is let in when one of them ends. A job that was
// let in stays so until Depart. Should it have been let in after that, as a slow
// worker may do, the next one that is refused takes its place.
func (l *Ledger) Admit(ctx context.Context, user string, id trainset.JobID, most int) (bool, error) {
	in, first, err := l.letIn(ctx, user, id, most)
	if err == nil && !in {
		in, err = l.replace(ctx, user, id, most, first)
	}
	if err != nil || !in {
		return false, err
	}
	if err := l.rdb.ZRem(ctx, waitingKey(user), string(id)).Err(); err != nil {
		return false, fmt.Errorf("ledger: admitting job %s: %w", id, err)
	}
	return true, nil
}

// letIn lets a job in if there is room, and else returns those that were let in first.
func (l *Ledger) letIn(ctx context.Context, user string, id trainset.JobID, most int) (in bool, first []trainset.JobID, err error) {
	reply, err := admitScript.Run(ctx, l.rdb, []string{admittedKey(user)}, string(id), most, l.now().UnixMilli(), looked).Slice()
	if err != nil {
		return false, nil, fmt.Errorf("ledger: admitting job %s: %w", id, err)
	}
	for _, member := range reply[1:] {
		admitted, _ := member.(string)
		first = append(first, trainset.JobID(admitted))
	}
	return changed(reply), first, nil
}

// replace has a job wait, and lets it in after all where some of the admitted jobs
// that it is given are over.
func (l *Ledger) replace(ctx context.Context, user string, id trainset.JobID, most int, admitted []trainset.JobID) (in bool, err error) {
	over, err := l.queueUp(ctx, user, id, admitted)
	if err != nil || len(over) == 0 {
		return false, err
	}
	if err := l.vacate(ctx, user, over); err != nil {
		return false, err
	}
	in, _, err = l.letIn(ctx, user, id, most)
	return in, err
}

// queueUp has a job wait for its turn, and in the same journey looks which of the
// admitted jobs are over.
func (l *Ledger) queueUp(ctx context.Context, user string, id trainset.JobID, admitted []trainset.JobID) (over []trainset.JobID, err error) {
	var open func() []trainset.JobID
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAddNX(ctx, waitingKey(user), redis.Z{Score: float64(l.now().UnixMilli()), Member: string(id)})
		open = askWhichGoOn(ctx, p, admitted)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: admitting job %s: %w", id, err)
	}
	return others(admitted, open()), nil
}

// vacate makes room where a user's admitted jobs are over. What is taken up again
// at this very moment keeps its place, whether or not the caller goes on.
func (l *Ledger) vacate(ctx context.Context, user string, over []trainset.JobID) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	return l.takeOut(ctx, admittedKey(user), over, l.goingOn)
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
