package ledger

import (
	"context"
	"fmt"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// pageSize is how much of an index is read by one command: Redis answers nobody
// else meanwhile.
const pageSize = 500

// OpenPages goes through the jobs that have not ended, in no order. One that is
// open all the time is given, whatever becomes of others, and may be given twice.
// Nothing is given after an error.
func (l *Ledger) OpenPages(ctx context.Context) iter.Seq2[[]trainset.JobID, error] {
	return func(yield func([]trainset.JobID, error) bool) {
		// Not by score: that is a job's next check, and changes with each.
		for cursor := uint64(0); ; {
			pairs, next, err := l.rdb.ZScan(ctx, openKey, cursor, "", pageSize).Result()
			if err != nil {
				yield(nil, fmt.Errorf("ledger: reading open jobs: %w", err))
				return
			}
			ids := make([]trainset.JobID, 0, len(pairs)/2)
			for i := 0; i < len(pairs); i += 2 { // each with its score
				ids = append(ids, trainset.JobID(pairs[i]))
			}
			if len(ids) > 0 && !yield(ids, nil) || next == 0 {
				return
			}
			cursor = next
		}
	}
}

// RecentPages goes through the jobs that Recent knows, the newest first. One that
// is there all the time is given once, whatever becomes of others. Nothing is given
// after an error.
func (l *Ledger) RecentPages(ctx context.Context, user string) iter.Seq2[[]trainset.JobID, error] {
	return l.recentPages(ctx, user, pageSize)
}

func (l *Ledger) recentPages(ctx context.Context, user string, size int) iter.Seq2[[]trainset.JobID, error] {
	key := recentKey
	if user != "" {
		key = userKey(user)
	}
	return func(yield func([]trainset.JobID, error) bool) {
		for ids, err := range l.byScore(ctx, redis.ZRangeArgs{Key: key, Start: "+inf", Stop: "-inf", Rev: true}, size) {
			if err != nil {
				err = fmt.Errorf("ledger: reading recent jobs: %w", err)
			}
			if !yield(jobIDs(ids), err) {
				return
			}
		}
	}
}

// byScore goes through a range of scores. Each page begins at the score where the
// one before ended, and asks for as many more as were given of that score: a place
// counted from the beginning would move as members come and go.
func (l *Ledger) byScore(ctx context.Context, z redis.ZRangeArgs, size int) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		z.ByScore = true
		given := map[string]bool{} // of the score where the last page ended
		for {
			z.Count = int64(size + len(given))
			page, err := l.rdb.ZRangeArgsWithScores(ctx, z).Result()
			if err != nil {
				yield(nil, err)
				return
			}
			if fresh := without(page, given); len(fresh) > 0 && !yield(fresh, nil) {
				return
			}
			if len(page) < int(z.Count) {
				return
			}
			end := page[len(page)-1].Score
			clear(given)
			for _, m := range page {
				if m.Score == end {
					given[member(m)] = true
				}
			}
			z.Start = end
		}
	}
}

// without returns the members that were not given before.
func without(page []redis.Z, given map[string]bool) []string {
	fresh := make([]string, 0, len(page))
	for _, m := range page {
		if id := member(m); !given[id] {
			fresh = append(fresh, id)
		}
	}
	return fresh
}

func member(z redis.Z) string { s, _ := z.Member.(string); return s } // go-redis reads nothing else
