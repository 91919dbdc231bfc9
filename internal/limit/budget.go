package limit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

func budgetKey(user, day string) string { return "trainset:budget:{" + user + "}:" + day } // hash: attempt -> millionths, attempt "#" -> who else asked, "total"

// BudgetError says that a user's money for the day is used up.
type BudgetError struct {
	User       string
	Cap, Spent trainset.Money
	Price      trainset.Money
	Again      time.Time
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the daily budget of %s for user %s leaves no room: %s spent or in flight, %s asked; there is a new one at %s",
		e.Cap, e.User, e.Spent, e.Price, e.Again.Format(time.RFC3339))
}

// Overspent tells it from errors that pass by themselves.
func (*BudgetError) Overspent() bool { return true }

// Budget caps what each user may spend a day (UTC), however many workers
// spend at once. It is safe for concurrent use.
type Budget struct {
	rdb redis.UniversalClient
	cap trainset.Money
	now func() time.Time
}

// NewBudget makes a budget over an open connection; a cap of 0 is none.
func NewBudget(rdb redis.UniversalClient, perDay trainset.Money, now func() time.Time) *Budget {
	if now == nil {
		now = time.Now
	}
	return &Budget{rdb: rdb, cap: perDay, now: now}
}

// reserveBudgetScript sets an attempt's money aside, once however often it is
// asked, and counts who asked for it besides the first.
//
// KEYS: the user's day. ARGV: attempt, price in millionths, cap, expiry in seconds.
// Returns {1, total} or {0, total} when it does not fit.
var reserveBudgetScript = redis.NewScript(`
local total = tonumber(redis.call('HGET', KEYS[1], 'total') or 0)
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], ARGV[1] .. '#', 1)
  return {1, total}
end
if total + tonumber(ARGV[2]) > tonumber(ARGV[3]) then return {0, total} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, redis.call('HINCRBY', KEYS[1], 'total', ARGV[2])}
`)

// settleBudgetScript replaces what was set aside by what was spent.
//
// KEYS: the user's day. ARGV: attempt, cost in millionths.
// Returns 1 when it was set aside on that day, else 0.
var settleBudgetScript = redis.NewScript(`
local was = redis.call('HGET', KEYS[1], ARGV[1])
if not was then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'total', tonumber(ARGV[2]) - tonumber(was))
return 1
`)

// countBudgetScript adds what was spent, unless it is counted.
//
// KEYS: the user's day. ARGV: attempt, cost in millionths, expiry in seconds.
var countBudgetScript = redis.NewScript(`
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HINCRBY', KEYS[1], 'total', ARGV[2])
`)

// releaseBudgetScript gives back what was set aside, unless others asked for it, too.
//
// KEYS: the user's day. ARGV: attempt.
// Returns 1 when nothing is set aside for it any more, else 0.
var releaseBudgetScript = redis.NewScript(`
local was = redis.call('HGET', KEYS[1], ARGV[1])
if not was then return 1 end
if tonumber(redis.call('HGET', KEYS[1], ARGV[1] .. '#') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1] .. '#', -1)
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1], ARGV[1] .. '#')
redis.call('HINCRBY', KEYS[1], 'total', -tonumber(was))
return 1
`)

// justBefore is how long after money was set aside the attempt may be dated, clocks
// that differ included.
const justBefore = time.Minute

const keepBudget = 3 * 24 * time.Hour

// Reserve sets money aside for an attempt, or fails with *BudgetError.
func (b *Budget) Reserve(ctx context.Context, user, attempt string, price trainset.Money) error {
	if b.cap == 0 || price == 0 {
		return nil
	}
	now := b.now().UTC()
	reply, err := reserveBudgetScript.Run(ctx, b.rdb, []string{budgetKey(user, now.Format(time.DateOnly))},
		attempt, int64(price), int64(b.cap), int(keepBudget.Seconds())).Int64Slice()
	if err != nil {
		return fmt.Errorf("limit: reserving the price of an attempt: %w", err)
	}
	if reply[0] == 0 {
		return &BudgetError{
			User: user, Cap: b.cap, Spent: trainset.Money(reply[1]), Price: price,
			Again: now.Truncate(24 * time.Hour).Add(24 * time.Hour),
		}
	}
	return nil
}

// Settle replaces what was set aside at a time by what the attempt cost. What was
// set aside just before midnight may be dated after it.
func (b *Budget) Settle(ctx context.Context, user, attempt string, reserved time.Time, cost trainset.Money) error {
	if b.cap == 0 {
		return nil
	}
	day, before := reserved.UTC().Format(time.DateOnly), reserved.Add(-justBefore).UTC().Format(time.DateOnly)
	for _, d := range slices.Compact([]string{day, before}) {
		there, err := settleBudgetScript.Run(ctx, b.rdb, []string{budgetKey(user, d)}, attempt, int64(cost)).Int()
		if err != nil {
			return fmt.Errorf("limit: settling the cost of an attempt: %w", err)
		}
		if there == 1 {
			break
		}
	}
	return nil
}

// Count adds what was spent on an attempt at a time, where that day does not count
// it: Redis has lost it. It may lead over the budget.
func (b *Budget) Count(ctx context.Context, user, attempt string, spent time.Time, cost trainset.Money) error {
	if b.cap == 0 || b.now().Sub(spent) > keepBudget {
		return nil
	}
	key := budgetKey(user, spent.UTC().Format(time.DateOnly))
	if err := countBudgetScript.Run(ctx, b.rdb, []string{key}, attempt, int64(cost), int(keepBudget.Seconds())).Err(); err != nil {
		return fmt.Errorf("limit: counting the cost of an attempt: %w", err)
	}
	return nil
}

// Forget lets attempts of a job that was deleted be counted anew, should it come
// again under the same ID: what it has spent stays in the total. It does so whatever
// the cap is here.
func (b *Budget) Forget(ctx context.Context, user, job string) error {
	for _, day := range []time.Time{b.now(), b.now().Add(-24 * time.Hour)} { // a worker's clock may have another day
		key := budgetKey(user, day.UTC().Format(time.DateOnly))
		fields, err := b.rdb.HKeys(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("limit: forgetting a job's reservations: %w", err)
		}
		fields = slices.DeleteFunc(fields, func(f string) bool { return !strings.HasPrefix(f, job+"/") })
		if len(fields) == 0 {
			continue
		}
		if err := b.rdb.HDel(ctx, key, fields...).Err(); err != nil {
			return fmt.Errorf("limit: forgetting a job's reservations: %w", err)
		}
	}
	return nil
}

// Release gives back what was set aside for an attempt that was refused and never
// made. Where two workers have the same attempt, the other's money stays aside.
func (b *Budget) Release(ctx context.Context, user, attempt string) error {
	if b.cap == 0 {
		return nil
	}
	key := budgetKey(user, b.now().UTC().Format(time.DateOnly))
	if err := releaseBudgetScript.Run(ctx, b.rdb, []string{key}, attempt).Err(); err != nil {
		return fmt.Errorf("limit: giving the price of an attempt back: %w", err)
	}
	return nil
}
