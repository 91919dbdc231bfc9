package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

func heldUpKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:heldup" } // hash with expiry: why

// heldUpFor is how long it is believed that a job is held up. Those that are
// come back every five seconds and say so again.
const heldUpFor = 12 * time.Second

// heldUpScript notes why nothing is asked of the provider for a job, and tells
// those who watch when that is news.
// KEYS: the job's note, its events, its own hash. ARGV: why, seconds, now.
// Returns 1.
var heldUpScript = redis.NewScript(`
local before = redis.call('HGET', KEYS[1], 'why')
redis.call('HSET', KEYS[1], 'why', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
if before ~= ARGV[1] and redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 2000, '*', 'type', 'held up', 'subtask', '', 'detail', ARGV[1], 'at', ARGV[3])
end
return 1
`)

// HeldUp notes why nothing is asked of the provider for a job at present. It is
// forgotten by itself.
func (l *Ledger) HeldUp(ctx context.Context, id trainset.JobID, why string) error {
	keys := []string{heldUpKey(id), eventsKey(id), jobKey(id)}
	if err := heldUpScript.Run(ctx, l.rdb, keys, why, int(heldUpFor.Seconds()), stamp(l.now())).Err(); err != nil {
		return fmt.Errorf("ledger: noting why job %s is held up: %w", id, err)
	}
	return nil
}
