package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// Load reads the whole record of a job, or trainset.ErrNotFound.
func (l *Ledger) Load(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	return l.load(ctx, id, true)
}

// Progress reads the record of a job without its attempts and asks, which are
// most of it.
func (l *Ledger) Progress(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	return l.load(ctx, id, false)
}

func (l *Ledger) load(ctx context.Context, id trainset.JobID, whole bool) (plan.Record, error) {
	var job, items, attempts *redis.MapStringStringCmd
	var queued *redis.StringSliceCmd
	var heldUp *redis.SliceCmd
	asks := redis.NewMapStringStringResult(nil, nil)
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		job, items, queued = p.HGetAll(ctx, jobKey(id)), p.HGetAll(ctx, itemsKey(id)), p.SMembers(ctx, queuedKey(id))
		if whole {
			attempts = p.HGetAll(ctx, attemptsKey(id))
			heldUp = p.HMGet(ctx, heldUpKey(id), "why")
		}
		if whole && !l.frozen.knows(id) {
			asks = p.HGetAll(ctx, asksKey(id))
		}
		return nil
	})
	if err != nil {
		return plan.Record{}, fmt.Errorf("ledger: reading job %s: %w", id, err)
	}
	if len(job.Val()) == 0 {
		return plan.Record{}, fmt.Errorf("ledger: job %s: %w", id, trainset.ErrNotFound)
	}
	r, err := record(job.Val())
	if err != nil {
		return r, fmt.Errorf("ledger: reading job %s: %w", id, err)
	}
	r.Queued = make(map[string]bool, len(queued.Val()))
	for _, t := range queued.Val() {
		r.Queued[t] = true
	}
	if r.Subtasks, err = decodeAll[plan.SubtaskID, plan.Subtask](items.Val()); err != nil {
		return r, fmt.Errorf("ledger: reading the items of job %s: %w", id, err)
	}
	if !whole {
		return r, nil
	}
	r.HeldUp, _ = heldUp.Val()[0].(string)
	if !l.frozen.fill(id, job.Val()["started"], r.Subtasks) {
		if err := l.fill(ctx, r, asks.Val()); err != nil {
			return r, err
		}
	}
	if r.Attempts, err = attemptsOf(attempts.Val()); err != nil {
		return r, fmt.Errorf("ledger: reading the attempts of job %s: %w", id, err)
	}
	return r, nil
}

// fill says of a record's subtasks what they ask for, reading it where it was not
// read with them.
func (l *Ledger) fill(ctx context.Context, r plan.Record, asks map[string]string) (err error) {
	if len(asks) == 0 && len(r.Subtasks) > 0 {
		if asks, err = l.rdb.HGetAll(ctx, asksKey(r.ID)).Result(); err != nil {
			return fmt.Errorf("ledger: reading what job %s asks for: %w", r.ID, err)
		}
	}
	for sub, s := range r.Subtasks {
		s.Ask = plan.Ask{}
		if err := json.Unmarshal([]byte(asks[string(sub)]), &s.Ask); err != nil {
			return fmt.Errorf("ledger: reading what %s of job %s asks for: %w", sub, r.ID, err)
		}
		r.Subtasks[sub] = s
	}
	return nil
}

func decodeAll[K ~string, V any](fields map[string]string) (map[K]V, error) {
	out := make(map[K]V, len(fields))
	for k, s := range fields {
		var v V
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[K(k)] = v
	}
	return out, nil
}

// record decodes the fields of a job's own hash.
func record(f map[string]string) (plan.Record, error) {
	var h head
	if err := json.Unmarshal([]byte(f["head"]), &h); err != nil {
		return plan.Record{}, fmt.Errorf("head: %w", err)
	}
	r := plan.Record{
		ID: h.ID, Kind: h.Kind, User: h.User, Subject: h.Subject, Key: h.Key, Request: h.Request, Priority: h.Priority,
		Fingerprint: f["fingerprint"], State: trainset.JobState(f["state"]), Reason: f["reason"], Canceled: f["canceled"] != "",
		Revision: number(f["set"]), Change: number(f["change"]), AcceptRevision: number(f["accept"]), AssembleRevision: number(f["assemble"]),
		Spent: trainset.Money(number(f["spent"])), StartedAt: moment(f["started"]), FinishedAt: moment(f["finished"]),
	}
	if created := moment(f["created"]); created != nil {
		r.CreatedAt = *created
	}
	if f["plan"] != "" {
		r.Plan = new(plan.Plan)
		if err := json.Unmarshal([]byte(f["plan"]), r.Plan); err != nil {
			return r, fmt.Errorf("plan: %w", err)
		}
	}
	if f["output"] != "" {
		r.Output = new(trainset.Output)
		if err := json.Unmarshal([]byte(f["output"]), r.Output); err != nil {
			return r, fmt.Errorf("output: %w", err)
		}
	}
	return r, nil
}

// number reads a field that only scripts write; a missing one is 0.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func moment(s string) *time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	return &t
}

// Work is what a subtask's handler needs to know.
type Work struct {
	Job      plan.Record // what was frozen of it, whether it has ended or was canceled
	Subtask  plan.Subtask
	Attempts []plan.Attempt // at this subtask, by number
}

// Stopped reports whether no new attempt may be made.
func (w Work) Stopped() bool { return w.Job.Canceled || w.Job.State.Ended() }

// Stopped reports whether a job has ended or was canceled.
func (l *Ledger) Stopped(ctx context.Context, id trainset.JobID) (bool, error) {
	v, err := l.rdb.HMGet(ctx, jobKey(id), "state", "canceled").Result()
	if err != nil {
		return false, fmt.Errorf("ledger: reading job %s: %w", id, err)
	}
	state, _ := v[0].(string)
	return v[1] != nil || trainset.JobState(state).Ended(), nil
}

// Subtask reads one subtask with its job and attempts in one round trip. What
// never changes is not read again where it is known.
func (l *Ledger) Subtask(ctx context.Context, id trainset.JobID, sub plan.SubtaskID) (Work, error) {
	known, ask, asked := l.frozen.get(id, sub)
	has := ""
	if asked {
		has = "1"
	}
	reply, err := l.run(ctx, string(sub), subtaskScript, id, string(sub), known.at, has)
	if err != nil {
		return Work{}, err
	}
	text := func(i int) string { s, _ := reply[i].(string); return s }
	at, job := text(3), known.job
	if at != known.at {
		if job, err = record(map[string]string{"head": text(4), "plan": text(5)}); err != nil {
			return Work{}, fmt.Errorf("ledger: reading job %s: %w", id, err)
		}
	}
	w := Work{Job: job}
	w.Job.State, w.Job.Canceled = trainset.JobState(text(1)), text(2) != ""
	if err := json.Unmarshal([]byte(text(6)), &w.Subtask); err != nil {
		return w, fmt.Errorf("ledger: reading %s of job %s: %w", sub, id, err)
	}
	w.Subtask.Ask = ask
	if text(7) != "" {
		w.Subtask.Ask = plan.Ask{}
		if err := json.Unmarshal([]byte(text(7)), &w.Subtask.Ask); err != nil {
			return w, fmt.Errorf("ledger: reading what %s of job %s asks for: %w", sub, id, err)
		}
		l.frozen.put(at, job, w.Subtask)
	}
	for i := 8; i < len(reply); i += 2 {
		a, err := attemptOf(text(i), text(i+1))
		if err != nil {
			return w, fmt.Errorf("ledger: reading an attempt at %s of job %s: %w", sub, id, err)
		}
		w.Attempts = append(w.Attempts, a)
	}
	return w, nil
}

// Attempt reads one attempt.
func (l *Ledger) Attempt(ctx context.Context, id trainset.JobID, attempt string) (plan.Attempt, error) {
	v, err := l.rdb.HMGet(ctx, attemptsKey(id), attempt, askedField(attempt)).Result()
	if err != nil {
		return plan.Attempt{}, fmt.Errorf("ledger: reading attempt %s of job %s: %w", attempt, id, err)
	}
	standing, there := v[0].(string)
	if !there {
		return plan.Attempt{}, fmt.Errorf("ledger: attempt %s of job %s: %w", attempt, id, trainset.ErrNotFound)
	}
	asked, _ := v[1].(string)
	a, err := attemptOf(standing, asked)
	if err != nil {
		return a, fmt.Errorf("ledger: reading attempt %s of job %s: %w", attempt, id, err)
	}
	return a, nil
}

// Predictions returns the IDs of every prediction that a job's attempts have.
func (l *Ledger) Predictions(ctx context.Context, id trainset.JobID) (map[string]bool, error) {
	values, err := l.rdb.HVals(ctx, attemptsKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the attempts of job %s: %w", id, err)
	}
	taken := make(map[string]bool, len(values))
	for _, s := range values {
		var a struct {
			PredictionID string `json:"prediction_id"`
		}
		if err := json.Unmarshal([]byte(s), &a); err != nil {
			return nil, fmt.Errorf("ledger: reading an attempt of job %s: %w", id, err)
		}
		if a.PredictionID != "" {
			taken[a.PredictionID] = true
		}
	}
	return taken, nil
}
