package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// recallScript writes the record of an ended job as storage has it, unless there is
// one: one that has ended with an older set is written over.
// ARGV: set, expiry in seconds, now, state, number of fields n, then n pairs of the
// job's (field, value), number of subtasks m, then m triples (subtask ID, JSON, ask
// JSON), then pairs (attempt's field, JSON).
// Returns {1}, {0} when there is one, {-6}.
var recallScript = redis.NewScript(lua + `
if redis.call('EXISTS', deleting) == 1 then return {-6} end
local head = redis.call('HMGET', job, 'state', 'set')
if head[1] and (not ended[head[1]] or tonumber(head[2]) >= tonumber(ARGV[1])) then return {0} end
redis.call('DEL', unpack(KEYS))
local i = 6
for _ = 1, tonumber(ARGV[5]) do
  redis.call('HSET', job, ARGV[i], ARGV[i+1])
  i = i + 2
end
local last = i + 3 * tonumber(ARGV[i])
i = i + 1
while i < last do
  redis.call('HSET', items, ARGV[i], ARGV[i+1])
  redis.call('HSET', asks, ARGV[i], ARGV[i+2])
  i = i + 3
end
while i < #ARGV do
  redis.call('HSET', attempts, ARGV[i], ARGV[i+1])
  i = i + 2
end
event(ARGV[4], '', 'read back from storage', ARGV[3])
for k = 1, #KEYS do redis.call('EXPIRE', KEYS[k], ARGV[2]) end
return {1}
`)

// Recall records an ended job as it was read back from storage, in one step, so
// that nobody takes it for one that runs: where the ledger knows nothing of it, or
// an older set of it. It reports whether it did. The record expires as others do; in
// the indexes it is entered by Reopen, which is what one is read back for.
func (l *Ledger) Recall(ctx context.Context, r plan.Record) (bool, error) {
	if r.Plan == nil {
		return false, fmt.Errorf("ledger: reading back job %s: it has no plan: %w", r.ID, trainset.ErrNotFound)
	}
	args, err := l.recalled(r)
	if err != nil {
		return false, err
	}
	reply, err := l.run(ctx, "reading back", recallScript, r.ID, args...)
	if err != nil || !changed(reply) {
		return false, err
	}
	l.frozen.drop(r.ID)
	return true, nil
}

// recalled returns the arguments of recallScript.
func (l *Ledger) recalled(r plan.Record) ([]any, error) {
	fields, err := recalledJob(r)
	if err != nil {
		return nil, err
	}
	args := append([]any{r.Revision, int(l.keep.Seconds()), stamp(l.now()), string(r.State), len(fields) / 2}, fields...)
	subs := make([]plan.Subtask, 0, len(r.Subtasks))
	for _, s := range r.Subtasks {
		subs = append(subs, s)
	}
	if args, err = planned(append(args, len(subs)), subs); err != nil {
		return nil, err
	}
	return l.known(args, slices.Collect(maps.Values(r.Attempts)))
}

// recalledJob returns the fields of a job and their values, in pairs.
func recalledJob(r plan.Record) ([]any, error) {
	var encoded [3][]byte
	for i, v := range []any{head{r.ID, r.Kind, r.User, r.Subject, r.Key, r.Priority, r.Request}, r.Plan, r.Output} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("ledger: encoding the job: %w", err)
		}
		encoded[i] = b
	}
	fields := []any{
		"head", encoded[0], "fingerprint", r.Fingerprint, "created", stamp(r.CreatedAt),
		"state", string(r.State), "reason", r.Reason, "set", r.Revision, "output", encoded[2],
		"plan", encoded[1], "cap", int64(r.Plan.MaxCost), "spent", int64(r.Spent), "left", 0,
		"accept", 0, "assemble", max(r.Revision, 1), "change", 0,
	}
	began := r.CreatedAt
	if r.StartedAt != nil {
		began = *r.StartedAt
	}
	fields = append(fields, "started", stamp(began))
	if r.FinishedAt != nil {
		fields = append(fields, "finished", stamp(*r.FinishedAt))
	}
	return fields, nil
}
