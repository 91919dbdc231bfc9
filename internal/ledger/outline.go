package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// Outline is what jobs are looked for by.
type Outline struct {
	ID        trainset.JobID
	Kind      trainset.Kind
	User      string
	State     trainset.JobState
	CreatedAt time.Time
}

// Outlines reads the outlines of jobs, without those that do not exist, in one
// journey: a small part of what LoadAll reads.
func (l *Ledger) Outlines(ctx context.Context, ids ...trainset.JobID) ([]Outline, error) {
	read := make([]*redis.SliceCmd, len(ids))
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			read[i] = p.HMGet(ctx, jobKey(id), "head", "state", "created")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the outlines of jobs: %w", err)
	}
	outlines := make([]Outline, 0, len(ids))
	for i, id := range ids {
		o, err := outlineOf(read[i].Val())
		if errors.Is(err, trainset.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ledger: reading the outline of job %s: %w", id, err)
		}
		outlines = append(outlines, o)
	}
	return outlines, nil
}

func outlineOf(fields []any) (Outline, error) {
	text := func(i int) string { s, _ := fields[i].(string); return s }
	if text(0) == "" {
		return Outline{}, trainset.ErrNotFound
	}
	var h head
	if err := json.Unmarshal([]byte(text(0)), &h); err != nil {
		return Outline{}, fmt.Errorf("head: %w", err)
	}
	o := Outline{ID: h.ID, Kind: h.Kind, User: h.User, State: trainset.JobState(text(1))}
	if at := moment(text(2)); at != nil {
		o.CreatedAt = *at
	}
	return o, nil
}
