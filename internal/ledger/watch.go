package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/wait"
)

// Event is one entry of a job's timeline.
type Event struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type"`
	Subtask string    `json:"subtask,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// Events returns the job's timeline, oldest first; the oldest of very long ones are gone.
func (l *Ledger) Events(ctx context.Context, id trainset.JobID) ([]Event, error) {
	msgs, err := l.rdb.XRange(ctx, eventsKey(id), "-", "+").Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the events of job %s: %w", id, err)
	}
	events := make([]Event, len(msgs))
	for i, m := range msgs {
		events[i] = eventOf(m)
	}
	return events, nil
}

func eventOf(m redis.XMessage) Event {
	text := func(k string) string { s, _ := m.Values[k].(string); return s }
	e := Event{Type: text("type"), Subtask: text("subtask"), Detail: text("detail")}
	if at := moment(text("at")); at != nil {
		e.At = *at
	}
	return e
}

// Changes blocks until the job has an event newer than the cursor, for at most d
// and not beyond the context's deadline, and returns the cursor to ask with next. An
// empty cursor means now. A timeline that is gone or shorter than it was, as of a
// deleted job or in a Redis that was restored, gives another cursor, too.
func (l *Ledger) Changes(ctx context.Context, id trainset.JobID, cursor string, d time.Duration) (next string, err error) {
	if cursor != "" {
		next, err = l.await(ctx, id, cursor, d)
	}
	if err == nil && next == cursor { // where nothing is added, something may be missing
		next, err = l.last(ctx, id)
	}
	if err != nil {
		return cursor, fmt.Errorf("ledger: watching job %s: %w", id, err)
	}
	return next, nil
}

// last is the cursor of a job's newest event.
func (l *Ledger) last(ctx context.Context, id trainset.JobID) (string, error) {
	last, err := l.rdb.XRevRangeN(ctx, eventsKey(id), "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return "0", err //nolint:wrapcheck // Changes says what was done
	}
	return last[0].ID, nil
}

// await lets time pass until there may be an event newer than the cursor: at Redis,
// where it is told of at once, or here while many do so.
func (l *Ledger) await(ctx context.Context, id trainset.JobID, cursor string, d time.Duration) (string, error) {
	if !l.listeners.sit() {
		return cursor, l.listeners.stand(ctx, d)
	}
	defer l.listeners.rise()
	if deadline, bounded := ctx.Deadline(); bounded { // to Redis no time at all is for ever
		d = max(min(d, time.Until(deadline)), time.Millisecond)
	}
	streams, err := l.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{eventsKey(id), cursor}, Block: d}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return cursor, err //nolint:wrapcheck // Changes says what was done
	}
	for _, s := range streams {
		for _, m := range s.Messages {
			cursor = m.ID
		}
	}
	return cursor, nil
}

// listeners share the connections of those who follow jobs. Who listens at Redis
// holds one for himself: half of them is for that, so that the rest is never far
// from its turn. Who finds no seat looks now and then instead.
type listeners struct {
	seats    chan struct{}
	standing atomic.Int64
}

func newListeners(rdb redis.UniversalClient) listeners {
	return listeners{seats: make(chan struct{}, connections(rdb)/2)}
}

// connections is how many a client has at most, to each node of a cluster; none
// where it does not say.
func connections(rdb redis.UniversalClient) int {
	switch c := rdb.(type) {
	case interface{ Options() *redis.Options }:
		return c.Options().PoolSize
	case interface{ Options() *redis.ClusterOptions }:
		return c.Options().PoolSize
	}
	return 0
}

func (l *listeners) sit() bool {
	select {
	case l.seats <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l *listeners) rise() { <-l.seats }

// Those who stand look this seldom, and a thousand times a second together at most.
const (
	lookEvery    = 250 * time.Millisecond
	lookTogether = time.Millisecond
)

// stand waits, for at most d, until it is time to look.
func (l *listeners) stand(ctx context.Context, d time.Duration) error {
	many := l.standing.Add(1)
	defer l.standing.Add(-1)
	return wait.For(ctx, min(d, max(lookEvery, time.Duration(many*int64(lookTogether)))))
}
