package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
)

// Load reads the whole record of a job, or trainset.ErrNotFound.
func (l *Ledger) Load(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	return one(l.read(ctx, true, id))
}

// LoadAll reads the whole records of jobs, without those that do not exist. With
// an error come those that could be read.
func (l *Ledger) LoadAll(ctx context.Context, ids ...trainset.JobID) ([]plan.Record, error) {
	return there(l.read(ctx, true, ids...))
}

// Progress reads the record of a job without its attempts and asks, which are
// most of it.
func (l *Ledger) Progress(ctx context.Context, id trainset.JobID) (plan.Record, error) {
	return one(l.read(ctx, false, id))
}

// ProgressAll is Progress of many jobs, as LoadAll is Load.
func (l *Ledger) ProgressAll(ctx context.Context, ids ...trainset.JobID) ([]plan.Record, error) {
	return there(l.read(ctx, false, ids...))
}

// reading is what was asked of Redis about a job, and what came of it.
type reading struct {
	id    trainset.JobID
	parts []part
	reply *redis.Cmd

	record plan.Record
	err    error
}

// recordScript reads keys of a job at one instant. It is no transaction, for in
// one a Redis that is full refuses reads, too.
// KEYS: those that are read. ARGV: for each the command that reads all of it.
// Returns an array of what they returned.
var recordScript = redis.NewScript(`
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call(ARGV[i], key) end
return found
`)

// part is one of a job's keys with the command that reads it.
type part struct{ key, command string }

// parts are those that are read of a job, in the order that decode takes them.
func (l *Ledger) parts(id trainset.JobID, whole bool) []part {
	parts := []part{{jobKey(id), "HGETALL"}, {itemsKey(id), "HGETALL"}, {queuedKey(id), "SMEMBERS"}}
	if whole {
		parts = append(parts, part{attemptsKey(id), "HGETALL"}, part{heldUpKey(id), "HGETALL"})
	}
	if whole && !l.frozen.knows(id) {
		parts = append(parts, part{asksKey(id), "HGETALL"})
	}
	return parts
}

func (r reading) keys() []string {
	keys := make([]string, len(r.parts))
	for i, p := range r.parts {
		keys[i] = p.key
	}
	return keys
}

func (r reading) commands() []any {
	commands := make([]any, len(r.parts))
	for i, p := range r.parts {
		commands[i] = p.command
	}
	return commands
}

// one is what was read of the one job that was asked for.
func one(all []reading) (plan.Record, error) { return all[0].record, all[0].err }

// there leaves out the jobs that do not exist, and says which could not be read.
func there(all []reading) ([]plan.Record, error) {
	records := make([]plan.Record, 0, len(all))
	var problems []error
	for _, read := range all {
		switch {
		case errors.Is(read.err, trainset.ErrNotFound):
		case read.err != nil:
			problems = append(problems, read.err)
		default:
			records = append(records, read.record)
		}
	}
	return records, errors.Join(problems...)
}

// read reads the records of jobs, each at one instant, in one journey; in a
// cluster, in one to each node.
func (l *Ledger) read(ctx context.Context, whole bool, ids ...trainset.JobID) []reading {
	all := make([]reading, len(ids))
	p := l.rdb.Pipeline()
	for i, id := range ids {
		read := &all[i]
		read.id, read.parts = id, l.parts(id, whole)
		read.reply = recordScript.EvalSha(ctx, p, read.keys(), read.commands()...)
	}
	redisconn.Exec(ctx, p)
	for i := range all {
		read := &all[i]
		if redis.HasErrorPrefix(read.reply.Err(), "NOSCRIPT") {
			read.reply = recordScript.Run(ctx, l.rdb, read.keys(), read.commands()...)
		}
		if read.record, read.err = l.decode(ctx, *read, whole); read.err != nil {
			read.err = fmt.Errorf("ledger: reading job %s: %w", read.id, read.err)
		}
	}
	return all
}

// decode makes a record of what was read.
func (l *Ledger) decode(ctx context.Context, read reading, whole bool) (plan.Record, error) {
	parts, err := read.reply.Slice()
	if err != nil {
		return plan.Record{}, err //nolint:wrapcheck // read says what was done
	}
	job := hash(parts[0])
	if len(job) == 0 {
		return plan.Record{}, trainset.ErrNotFound
	}
	r, err := record(job)
	if err != nil {
		return r, err
	}
	r.Queued = make(map[string]bool)
	for _, t := range texts(parts[2]) {
		r.Queued[t] = true
	}
	if r.Subtasks, err = decodeAll[plan.SubtaskID, plan.Subtask](hash(parts[1])); err != nil {
		return r, fmt.Errorf("its items: %w", err)
	}
	if !whole {
		return r, nil
	}
	r.HeldUp = heldUp(r, hash(parts[4]))
	if !l.frozen.fill(read.id, job["started"], r.Subtasks) {
		var asks map[string]string
		if len(parts) > 5 {
			asks = hash(parts[5])
		}
		if err := l.fill(ctx, r, asks); err != nil {
			return r, err
		}
	}
	if r.Attempts, err = attemptsOf(hash(parts[3])); err != nil {
		return r, fmt.Errorf("its attempts: %w", err)
	}
	return r, nil
}

// texts are those of an array that a script returned.
func texts(reply any) []string {
	array, _ := reply.([]any)
	all := make([]string, len(array))
	for i, v := range array {
		all[i], _ = v.(string)
	}
	return all
}

// hash has the fields of one that a script returned as an array.
func hash(reply any) map[string]string {
	array := texts(reply)
	fields := make(map[string]string, len(array)/2)
	for i := 0; i+1 < len(array); i += 2 {
		fields[array[i]] = array[i+1]
	}
	return fields
}

// fill says of a record's subtasks what they ask for, reading it where it was not
// read with them.
func (l *Ledger) fill(ctx context.Context, r plan.Record, asks map[string]string) (err error) {
	if len(asks) == 0 && len(r.Subtasks) > 0 {
		if asks, err = l.rdb.HGetAll(ctx, asksKey(r.ID)).Result(); err != nil {
			return fmt.Errorf("what it asks for: %w", err)
		}
	}
	for sub, s := range r.Subtasks {
		s.Ask = plan.Ask{}
		if err := json.Unmarshal([]byte(asks[string(sub)]), &s.Ask); err != nil {
			return fmt.Errorf("what %s asks for: %w", sub, err)
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

// Last is the attempt that was begun last; one without a state where none was.
func (w Work) Last() plan.Attempt {
	if len(w.Attempts) == 0 {
		return plan.Attempt{}
	}
	return w.Attempts[len(w.Attempts)-1]
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
