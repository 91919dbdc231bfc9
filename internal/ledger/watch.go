package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
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
// and not beyond the context's deadline, and returns the cursor to ask with next. An empty cursor means now.
func (l *Ledger) Changes(ctx context.Context, id trainset.JobID, cursor string, d time.Duration) (string, error) {
	if cursor == "" {
		cursor = "0"
		last, err := l.rdb.XRevRangeN(ctx, eventsKey(id), "+", "-", 1).Result()
		if err != nil {
			return "", fmt.Errorf("ledger: watching job %s: %w", id, err)
		}
		if len(last) > 0 {
			cursor = last[0].ID
		}
		return cursor, nil
	}
	if deadline, bounded := ctx.Deadline(); bounded { // to Redis no time at all is for ever
		d = max(min(d, time.Until(deadline)), time.Millisecond)
	}
	streams, err := l.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{eventsKey(id), cursor}, Block: d}).Result()
	if errors.Is(err, redis.Nil) {
		return cursor, nil
	}
	if err != nil {
		return cursor, fmt.Errorf("ledger: watching job %s: %w", id, err)
	}
	for _, s := range streams {
		for _, m := range s.Messages {
			cursor = m.ID
		}
	}
	return cursor, nil
}
