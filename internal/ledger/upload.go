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

// Upload is a file at the provider.
type Upload struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Upload returns the file that holds the bytes with this digest for a job, if
// it stays for at least the given time.
func (l *Ledger) Upload(ctx context.Context, job trainset.JobID, sum string, stays time.Duration) (Upload, bool, error) {
	var u Upload
	b, err := l.rdb.HGet(ctx, uploadsKey(job), sum).Bytes()
	if errors.Is(err, redis.Nil) {
		return u, false, nil
	}
	if err != nil {
		return u, false, fmt.Errorf("ledger: reading an upload of job %s: %w", job, err)
	}
	if err := json.Unmarshal(b, &u); err != nil {
		return u, false, fmt.Errorf("ledger: reading an upload of job %s: %w", job, err)
	}
	return u, u.ExpiresAt.Sub(l.now()) >= stays, nil
}

// SaveUpload records a file at the provider. The record of a job's files goes
// when the last of them has: later ones last longer.
func (l *Ledger) SaveUpload(ctx context.Context, job trainset.JobID, sum string, u Upload) error {
	b, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("ledger: encoding an upload: %w", err)
	}
	ttl := max(u.ExpiresAt.Sub(l.now()), time.Second)
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, uploadsKey(job), sum, b)
		p.Expire(ctx, uploadsKey(job), ttl)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: saving an upload of job %s: %w", job, err)
	}
	return nil
}

// Uploads returns the job's files that the provider may still have.
func (l *Ledger) Uploads(ctx context.Context, job trainset.JobID) ([]Upload, error) {
	fields, err := l.rdb.HGetAll(ctx, uploadsKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the uploads of job %s: %w", job, err)
	}
	bySum, err := decodeAll[string, Upload](fields)
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the uploads of job %s: %w", job, err)
	}
	var files []Upload
	for _, u := range bySum {
		if u.ExpiresAt.After(l.now()) {
			files = append(files, u)
		}
	}
	return files, nil
}
