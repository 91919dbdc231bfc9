package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

const (
	workersKey = "trainset:workers" // hash: worker -> beats so far
	cardsKey   = "trainset:cards"   // hash: worker -> JSON, who it says it is
)

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

// Card is who a worker says it is, for those who look for its process.
type Card struct {
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	Account   string    `json:"account,omitempty"`    // whose limits it keeps to; one of a version before does not say
	Simulated bool      `json:"simulated,omitempty"`  // its provider is
	Storage   string    `json:"storage,omitempty"`    // where it keeps objects, for a person
	StorageID string    `json:"storage_id,omitempty"` // by what that is known, however it is addressed; empty where nobody looked
}

// Introduce says who a worker is, until it is buried.
func (l *Ledger) Introduce(ctx context.Context, worker string, c Card) error {
	b, err := json.Marshal(c)
	if err == nil {
		err = l.rdb.HSet(ctx, cardsKey, worker, b).Err()
	}
	if err != nil {
		return fmt.Errorf("ledger: introducing %s: %w", worker, err)
	}
	return nil
}

// Cards returns who the workers said they are. One of a version before did not,
// nor did one that was buried while it was frozen.
func (l *Ledger) Cards(ctx context.Context) (map[string]Card, error) {
	fields, err := l.rdb.HGetAll(ctx, cardsKey).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading who the workers are: %w", err)
	}
	cards, err := decodeAll[string, Card](fields)
	if err != nil {
		return nil, fmt.Errorf("ledger: reading who the workers are: %w", err)
	}
	return cards, nil
}

// Hold notes that a worker has tasks in hand, and others no longer.
func (l *Ledger) Hold(ctx context.Context, worker string, taken, released []string) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		if len(released) > 0 {
			p.SRem(ctx, heldKey(worker), members(released)...)
		}
		if len(taken) > 0 {
			p.SAdd(ctx, heldKey(worker), members(taken)...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: noting what %s holds: %w", worker, err)
	}
	return nil
}

func members(ids []string) []any {
	m := make([]any, len(ids))
	for i, id := range ids {
		m[i] = id
	}
	return m
}

// Held returns the tasks that a worker had in hand, by job.
func (l *Ledger) Held(ctx context.Context, worker string) (map[trainset.JobID][]string, error) {
	ids, err := l.rdb.SMembers(ctx, heldKey(worker)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading what %s held: %w", worker, err)
	}
	return plan.ByJob(ids), nil
}

// Unheld returns those of the tasks that no worker has in hand, dead ones
// included until they are buried.
func (l *Ledger) Unheld(ctx context.Context, taskIDs []string) ([]string, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	workers, err := l.rdb.HKeys(ctx, workersKey).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the workers: %w", err)
	}
	held := make([]*redis.BoolSliceCmd, len(workers))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, w := range workers {
			held[i] = p.SMIsMember(ctx, heldKey(w), members(taskIDs)...)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("ledger: reading what is held: %w", err)
	}
	return inNone(taskIDs, held), nil
}

// inNone returns those of the IDs that are members of none of the sets.
func inNone(ids []string, sets []*redis.BoolSliceCmd) []string {
	var free []string
	for i, id := range ids {
		if !slices.ContainsFunc(sets, func(c *redis.BoolSliceCmd) bool { return c.Val()[i] }) {
			free = append(free, id)
		}
	}
	return free
}

// adriftScript replaces a job's tasks that are adrift by those seen so now.
// Whichever was not among them at every look since starts anew.
//
// KEYS: the job's adrift tasks. ARGV: now and for how long a task must have been
// seen adrift, both in ms, expiry of the note in seconds, then task IDs.
// Returns those of the IDs that were seen for so long.
var adriftScript = redis.NewScript(`
local before = redis.call('HGETALL', KEYS[1])
local since = {}
for i = 1, #before, 2 do since[before[i]] = before[i+1] end
redis.call('DEL', KEYS[1])
local long = {}
for i = 4, #ARGV do
  local first = since[ARGV[i]] or ARGV[1]
  redis.call('HSET', KEYS[1], ARGV[i], first)
  if tonumber(ARGV[1]) - tonumber(first) >= tonumber(ARGV[2]) then long[#long+1] = ARGV[i] end
end
if #ARGV > 3 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return long
`)

// adriftKept is how long a look is remembered; looks are seconds apart.
const adriftKept = 10 * time.Minute

// Adrift notes those of a job's tasks that the queue has delivered and that
// nobody holds, and returns which of them were so at every look for the time d:
// between taking a task and noting it a worker needs a moment.
func (l *Ledger) Adrift(ctx context.Context, id trainset.JobID, d time.Duration, taskIDs []string) ([]string, error) {
	args := []any{l.now().UnixMilli(), d.Milliseconds(), int(adriftKept.Seconds())}
	for _, t := range taskIDs {
		args = append(args, t)
	}
	long, err := adriftScript.Run(ctx, l.rdb, []string{adriftKey(id)}, args...).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("ledger: noting what is adrift of job %s: %w", id, err)
	}
	return long, nil
}

// Bury forgets a worker that has ended, one way or the other.
func (l *Ledger) Bury(ctx context.Context, worker string) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, heldKey(worker))
		p.HDel(ctx, workersKey, worker)
		p.HDel(ctx, cardsKey, worker)
		p.Del(ctx, takeoverKey(worker))
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: forgetting %s: %w", worker, err)
	}
	return nil
}

func takeoverKey(dead string) string { return "trainset:takeover:" + dead } // string with expiry: who takes it over

// lockTakeover takes a lock that is free, and keeps one that is the owner's: an
// answer that was lost locks nobody out.
// KEYS: the lock. ARGV: owner, ms. Returns whether it is the owner's.
var lockTakeover = redis.NewScript(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

// LockTakeover lets one worker at a time take over what a dead one held, for d
// from when it last asked. Should it die, too, another may then.
func (l *Ledger) LockTakeover(ctx context.Context, dead, owner string, d time.Duration) (bool, error) {
	ok, err := lockTakeover.Run(ctx, l.rdb, []string{takeoverKey(dead)}, owner, d.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("ledger: locking the takeover of %s: %w", dead, err)
	}
	return ok, nil
}

// unlockTakeover gives up a lock that is the owner's. KEYS: the lock. ARGV: owner.
var unlockTakeover = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)

// UnlockTakeover lets the next one try at once what its owner could not do.
func (l *Ledger) UnlockTakeover(ctx context.Context, dead, owner string) error {
	if err := unlockTakeover.Run(ctx, l.rdb, []string{takeoverKey(dead)}, owner).Err(); err != nil {
		return fmt.Errorf("ledger: unlocking the takeover of %s: %w", dead, err)
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
