package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

func heldUpKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:heldup" } // hash with expiry: why, since

// heldUpFor is how long it is believed that a job is held up. Those that are
// come back every five seconds and say so again.
const heldUpFor = 12 * time.Second

// heldUpScript notes why nothing is asked of the provider for a job, and tells
// those who watch when that is news.
// KEYS: the job's note, its events, its own hash. ARGV: why, seconds, now, since.
// Returns 1.
var heldUpScript = redis.NewScript(`
local before = redis.call('HGET', KEYS[1], 'why')
redis.call('HSET', KEYS[1], 'why', ARGV[1], 'since', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
if before ~= ARGV[1] and redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 2000, '*', 'type', 'held up', 'subtask', '', 'detail', ARGV[1], 'at', ARGV[3])
end
return 1
`)

// HeldUp notes why nothing is asked of the provider for a job at present. It is
// forgotten by itself.
func (l *Ledger) HeldUp(ctx context.Context, id trainset.JobID, why string) error {
	return l.note(ctx, id, why, heldUpFor, "")
}

// Outage notes that a job does not go on for what may pass by itself, and comes back
// after a time. It is forgotten some time after that, or once something of it settles.
func (l *Ledger) Outage(ctx context.Context, id trainset.JobID, why string, back time.Duration) error {
	return l.note(ctx, id, why, back+outageTries, stamp(l.now()))
}

// outageTries is how long what does not answer is asked until that is noted again:
// a call to the provider takes 30 s at most.
const outageTries = 45 * time.Second

func (l *Ledger) note(ctx context.Context, id trainset.JobID, why string, lasts time.Duration, since string) error {
	keys := []string{heldUpKey(id), eventsKey(id), jobKey(id)}
	if err := heldUpScript.Run(ctx, l.rdb, keys, why, int(lasts.Seconds()), stamp(l.now()), since).Err(); err != nil {
		return fmt.Errorf("ledger: noting why job %s is held up: %w", id, err)
	}
	return nil
}

// heldUp is what a note says of a job, unless it has gone on since.
func heldUp(r plan.Record, note map[string]string) string {
	why := note["why"]
	since, err := time.Parse(time.RFC3339Nano, note["since"])
	if err != nil { // it is noted every few seconds
		return why
	}
	on := func(t *time.Time) bool { return t != nil && t.After(since) }
	if on(r.StartedAt) {
		return ""
	}
	for _, s := range r.Subtasks {
		if on(s.SettledAt) {
			return ""
		}
	}
	return why
}
