package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// DeletedJobs returns those of the wanted jobs that were deleted, by what Disown
// has noted of them. One of them may have been asked for again since.
func (l *Ledger) DeletedJobs(ctx context.Context, wanted func(trainset.JobID) bool) (map[trainset.JobID]bool, error) {
	since := strconv.FormatInt(l.now().Add(-l.keep).UnixMilli(), 10)
	deleted := map[trainset.JobID]bool{}
	for members, err := range l.byScore(ctx, redis.ZRangeArgs{Key: deletedKey, Start: since, Stop: "+inf"}, pageSize) {
		if err != nil {
			return nil, fmt.Errorf("ledger: reading which jobs were deleted: %w", err)
		}
		for _, m := range members {
			if _, job, _ := strings.Cut(m, " "); wanted(trainset.JobID(job)) {
				deleted[trainset.JobID(job)] = true
			}
		}
	}
	return deleted, nil
}
