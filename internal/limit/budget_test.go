package limit

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

const price = trainset.Money(40_000)

// However many workers spend at once, a user's day is never spent twice, and the
// next day and other users have their own.
func TestBudgetHoldsHoweverManySpend(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		var now atomic.Int64
		now.Store(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).Unix())
		clock := func() time.Time { return time.Unix(now.Load(), 0) }
		race := func(user string, attempts int) (granted int64) {
			var all sync.WaitGroup
			var n atomic.Int64
			for i := range attempts {
				all.Go(func() {
					err := NewBudget(rdb, 10*price, clock).Reserve(t.Context(), user, fmt.Sprintf("job/image.%d.1", i), price)
					var broke *BudgetError
					switch {
					case err == nil:
						n.Add(1)
					case !errors.As(err, &broke) || broke.Spent != 10*price:
						t.Errorf("refused with %v", err)
					}
				})
			}
			all.Wait()
			return n.Load()
		}
		if n := race("ada", 50); n != 10 {
			t.Errorf("%d of 50 were granted, not 10", n)
		}
		if n := race("bob", 4); n != 4 {
			t.Errorf("another user: %d of 4 were granted", n)
		}
		now.Add(24 * 60 * 60)
		if n := race("ada", 50); n != 10 {
			t.Errorf("the next day %d of 50 were granted, not 10", n)
		}
	})
}

// What was not spent may be spent again; what another worker has set aside for the
// same attempt may not.
func TestBudgetGivesBack(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		ctx, b := t.Context(), NewBudget(rdb, price, nil)
		reserve := func(attempt string) bool {
			err := b.Reserve(ctx, "ada", attempt, price)
			var broke *BudgetError
			if err != nil && !errors.As(err, &broke) {
				t.Fatal(err)
			}
			return err == nil
		}
		release := func(attempt string) {
			if err := b.Release(ctx, "ada", attempt); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if !reserve("one") {
				t.Fatal("what was set aside is asked for once more")
			}
		}
		if reserve("two") {
			t.Fatal("there was room for one")
		}
		release("one")
		if reserve("two") {
			t.Fatal("what another worker had set aside was given back")
		}
		release("one")
		release("one") // is nothing more
		if !reserve("two") || reserve("three") {
			t.Fatal("what was given back is not there once")
		}
		if err := b.Settle(ctx, "ada", "two", time.Now(), 0); err != nil {
			t.Fatal(err)
		}
		if !reserve("three") {
			t.Error("what was not spent is not there")
		}
	})
}

// What was set aside a moment before midnight and dated after it is found again.
func TestBudgetSettlesWhatWasSetAsideBeforeMidnight(t *testing.T) {
	midnight := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	now := midnight.Add(-time.Millisecond)
	b := NewBudget(redistest.Mini(t), price, func() time.Time { return now })
	if err := b.Reserve(t.Context(), "ada", "one", price); err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), "ada", "one", midnight.Add(time.Millisecond), 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Reserve(t.Context(), "ada", "two", price); err != nil {
		t.Error(err)
	}
}

// What Redis has forgotten is counted again on its own day, once, and over the budget.
func TestBudgetCountsWhatItHasForgotten(t *testing.T) {
	rdb := redistest.Mini(t)
	now := time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)
	b := NewBudget(rdb, 2*price, func() time.Time { return now })
	for range 2 {
		for i := range 3 {
			if err := b.Count(t.Context(), "ada", fmt.Sprintf("job/image.%d.1", i), now.Add(-time.Minute), price); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Count(t.Context(), "ada", "job/image.9.1", now.Add(-2*time.Hour), price); err != nil { // yesterday
			t.Fatal(err)
		}
	}
	var full *BudgetError
	if err := b.Reserve(t.Context(), "ada", "job/image.4.1", price); !errors.As(err, &full) || full.Spent != 3*price {
		t.Errorf("another one: %v", err)
	}
	if err := b.Reserve(t.Context(), "ada", "job/image.2.1", price); err != nil {
		t.Errorf("one that is counted: %v", err)
	}
}

// A job that was deleted and is asked for again has attempts of the same names: they
// are paid for anew, and count.
func TestBudgetCountsAJobThatComesAgain(t *testing.T) {
	rdb := redistest.Mini(t)
	b := NewBudget(rdb, 3*price, nil)
	reserve := func(attempt string) error { return b.Reserve(t.Context(), "ada", attempt, price) }
	for _, attempt := range []string{"job/image.1.1", "job2/image.1.1"} {
		if err := reserve(attempt); err != nil {
			t.Fatal(err)
		}
	}
	if err := NewBudget(rdb, 0, nil).Forget(t.Context(), "ada", "job"); err != nil { // an operator's
		t.Fatal(err)
	}
	var full *BudgetError
	if err := reserve("job/image.1.1"); err != nil {
		t.Errorf("with room for one: %v", err)
	}
	if err := reserve("job/image.2.1"); !errors.As(err, &full) || full.Spent != 3*price {
		t.Errorf("with none: %v", err)
	}
	if err := reserve("job2/image.1.1"); err != nil {
		t.Errorf("of the job that stayed: %v", err)
	}
}
