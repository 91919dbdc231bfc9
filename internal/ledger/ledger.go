// Package ledger is the durable record of jobs in Redis: what was asked, what
// is planned, every attempt and its outcome, what came of each item. It is the
// truth; the queue only delivers, and storage keeps the bytes.
//
// Each transition is one script that checks its own preconditions, so that any
// number of workers may race and the first counts. What follows from a record
// is decided in plan; the ledger must not know the queue, the provider or
// storage.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
)

// Refusals of transitions.
var (
	// ErrStale says that the record changed since it was read: read it again.
	ErrStale = errors.New("the record changed meanwhile")
	// ErrStopped says that the job has ended or was canceled.
	ErrStopped = errors.New("the job has ended or was canceled")
	// ErrSettled says that the subtask already has its outcome.
	ErrSettled = errors.New("the subtask is settled")
	// ErrDeleting says that the job is being deleted, or that this was interrupted.
	ErrDeleting = errors.New("the job is being deleted: wait for that or, if it was interrupted, repeat it")
	// ErrExists says that the attempt was opened before.
	ErrExists = errors.New("the attempt exists")
)

// OverCapError says that an attempt's price does not fit under the job's cap.
type OverCapError struct{ Cap, Spent, Price trainset.Money }

func (e *OverCapError) Error() string {
	return fmt.Sprintf("the job's cap of %s leaves no room: %s spent or in flight, %s asked", e.Cap, e.Spent, e.Price)
}

// Options adjust a Ledger.
type Options struct {
	// Now tells the time; time.Now when nil.
	Now func() time.Time
	// Keep is how long ended jobs stay; 30 days when 0.
	Keep time.Duration
}

// Keep is how long ended jobs stay where nothing else is asked for.
const Keep = 30 * 24 * time.Hour

// Ledger is safe for concurrent use.
type Ledger struct {
	rdb  redis.UniversalClient
	now  func() time.Time
	keep time.Duration

	frozen    frozen
	listeners listeners
	salvaging sync.Mutex
}

// New makes a ledger over an open connection, which stays the caller's.
func New(rdb redis.UniversalClient, o Options) *Ledger {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Keep == 0 {
		o.Keep = Keep
	}
	return &Ledger{rdb: rdb, now: o.Now, keep: o.Keep, listeners: newListeners(rdb)}
}

// head is what never changes of a job.
type head struct {
	ID       trainset.JobID    `json:"id"`
	Kind     trainset.Kind     `json:"kind"`
	User     string            `json:"user"`
	Subject  string            `json:"subject"`
	Key      string            `json:"key"`
	Priority trainset.Priority `json:"priority,omitempty"`
	Request  json.RawMessage   `json:"request"`
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// run executes a transition and translates its code.
func (l *Ledger) run(ctx context.Context, what string, s *redis.Script, id trainset.JobID, args ...any) ([]any, error) {
	reply, err := s.Run(ctx, l.rdb, append(jobKeys(id), deletingKey(id)), args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("ledger: %s of job %s: %w", what, id, err)
	}
	return reply, refused(what, id, reply)
}

// refused translates the code that a script's reply begins with.
func refused(what string, id trainset.JobID, reply []any) error {
	var why error
	switch code, _ := reply[0].(int64); code {
	case codeMissing:
		why = trainset.ErrNotFound
	case codeStale:
		why = ErrStale
	case codeStopped:
		why = ErrStopped
	case codeSettled:
		why = ErrSettled
	case codeDeleting:
		why = ErrDeleting
	default:
		return nil
	}
	return fmt.Errorf("ledger: %s of job %s: %w", what, id, why)
}

func changed(reply []any) bool {
	code, _ := reply[0].(int64)
	return code == codeOK
}

// Create records a request, once, and returns the record of a job that is new. A
// second equal request is the same job; a different one under the same key is a
// *trainset.ConflictError, and one that has no record any more while it is being
// deleted is ErrDeleting. Tasks that the caller is about to hand to the queue
// are noted in the same step, if the job is new: should the queue never have
// them, a sweeper queues them anew.
func (l *Ledger) Create(ctx context.Context, req trainset.Request, tasks ...string) (r plan.Record, created bool, err error) {
	raw, err := json.Marshal(req)
	if err != nil {
		return r, false, fmt.Errorf("ledger: encoding the request: %w", err)
	}
	r = fresh(req, raw, l.now().UTC(), tasks)
	h, err := json.Marshal(head{r.ID, r.Kind, r.User, r.Subject, r.Key, r.Priority, raw})
	if err != nil {
		return r, false, fmt.Errorf("ledger: encoding the job: %w", err)
	}
	if err := l.index(ctx, r.ID, r.User, firstCheck); err != nil {
		return r, false, err
	}
	args := append([]any{h, r.Fingerprint, stamp(r.CreatedAt)}, members(tasks)...)
	reply, err := l.run(ctx, "creation", createScript, r.ID, args...)
	if err != nil {
		return r, false, err
	}
	if changed(reply) { // what has no record may have been thrown out of the indexes before there was one
		return r, true, l.index(ctx, r.ID, r.User, firstCheck)
	}
	there, _ := reply[1].(string)
	return plan.Record{}, false, conflict(r, there, r.Fingerprint)
}

// fresh is the record of a job that nothing has happened to yet, as
// createScript writes it.
func fresh(req trainset.Request, raw json.RawMessage, now time.Time, tasks []string) plan.Record {
	o := req.Common()
	r := plan.Record{
		ID: req.JobID(), Kind: req.Kind(), User: o.User, Subject: req.Subject(), Key: o.Key, Request: raw, Priority: o.Priority,
		Fingerprint: req.Fingerprint(), State: trainset.JobQueued, AssembleRevision: 1, CreatedAt: now,
		Subtasks: map[plan.SubtaskID]plan.Subtask{}, Queued: make(map[string]bool, len(tasks)),
	}
	for _, t := range tasks {
		r.Queued[t] = true
	}
	return r
}

func conflict(r plan.Record, existing, given string) error {
	if existing == given {
		return nil
	}
	return &trainset.ConflictError{Key: r.Key, JobID: r.ID, Existing: existing, Given: given}
}

// Take reads the progress of a request's job, and records it where no producer
// has. A different request under the same key is a *trainset.ConflictError.
func (l *Ledger) Take(ctx context.Context, req trainset.Request) (plan.Record, error) {
	r, err := l.Progress(ctx, req.JobID())
	if errors.Is(err, trainset.ErrNotFound) {
		var created bool
		if r, created, err = l.Create(ctx, req); err != nil || created {
			return r, err
		}
		r, err = l.Progress(ctx, req.JobID())
	}
	if err != nil {
		return r, err
	}
	return r, conflict(r, r.Fingerprint, req.Fingerprint())
}

// firstCheck is when a new job is due: whoever made it enqueues it.
const firstCheck = 5 * time.Second

// index enters a job in the global indexes, to be checked after a while; entries
// of a known job stay.
func (l *Ledger) index(ctx context.Context, id trainset.JobID, user string, check time.Duration) error {
	now, due := float64(l.now().UnixMilli()), float64(l.now().Add(check).UnixMilli())
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAddNX(ctx, openKey, redis.Z{Score: due, Member: string(id)})
		p.ZAddNX(ctx, recentKey, redis.Z{Score: now, Member: string(id)})
		p.ZAddNX(ctx, userKey(user), redis.Z{Score: now, Member: string(id)})
		p.ZAddNX(ctx, usersKey, redis.Z{Score: now, Member: user})
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: indexing job %s: %w", id, err)
	}
	return nil
}

// Begin freezes a job's plan. Known attempts are those found in storage when a
// lost ledger is rebuilt; their subtasks are settled by the caller's subs. The
// first plan wins; a later one changes nothing, and is not begun.
func (l *Ledger) Begin(ctx context.Context, p plan.Plan, subs []plan.Subtask, known []plan.Attempt) (begun bool, err error) {
	frozen, at := p.Head(), stamp(l.now())
	headJSON, err := json.Marshal(frozen)
	if err != nil {
		return false, fmt.Errorf("ledger: encoding the plan: %w", err)
	}
	spent := trainset.Money(0)
	for _, a := range known {
		spent += a.Cost
	}
	args, err := planned([]any{headJSON, int64(p.MaxCost), int64(spent), unsettled(subs), at, len(subs)}, subs)
	if err != nil {
		return false, err
	}
	if args, err = l.known(args, known); err != nil {
		return false, err
	}
	reply, err := l.run(ctx, "beginning", beginScript, p.JobID, args...)
	if err != nil || !changed(reply) {
		return false, err
	}
	l.frozen.put(at, plan.Record{ID: p.JobID, Kind: p.Kind, User: p.User, Subject: p.Subject, Key: p.Key, Request: p.Request, Plan: &frozen}, subs...)
	return true, nil
}

// known adds the fields of attempts that storage knows.
func (l *Ledger) known(args []any, attempts []plan.Attempt) ([]any, error) {
	for _, a := range attempts {
		a.Version = firstVersion(l.now())
		standing, asked, err := encodeAttempt(a)
		if err != nil {
			return nil, err
		}
		args = append(args, a.ID, standing, askedField(a.ID), asked)
	}
	return args, nil
}

// Open journals an attempt before it is paid for. ErrExists, ErrStale,
// ErrSettled, ErrStopped and *OverCapError are refusals.
func (l *Ledger) Open(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	return l.open(ctx, a, "")
}

// Regain journals an attempt that was paid for before, of which the ledger knows
// nothing any more: Open, whatever the job's cap says now.
func (l *Ledger) Regain(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	return l.open(ctx, a, "paid")
}

func (l *Ledger) open(ctx context.Context, a plan.Attempt, paid string) (plan.Attempt, error) {
	a.State, a.Cost = plan.AttemptIntent, a.Price
	a.CreatedAt = l.now().UTC()
	a.IntentAt, a.Version = a.CreatedAt, firstVersion(a.CreatedAt)
	standing, asked, err := encodeAttempt(a)
	if err != nil {
		return a, err
	}
	prev := ""
	if a.Number > 1 {
		prev = plan.AttemptID(a.Subtask, a.Number-1)
	}
	reply, err := l.run(ctx, "attempt "+a.ID, openScript, a.Job, string(a.Subtask), a.ID, standing, prev, int64(a.Price), stamp(a.CreatedAt), askedField(a.ID), asked, paid)
	if err != nil {
		return a, err
	}
	switch code, _ := reply[0].(int64); code {
	case codeNoChange:
		return a, fmt.Errorf("ledger: attempt %s of job %s: %w", a.ID, a.Job, ErrExists)
	case codeOverCap:
		spent, _ := strconv.ParseInt(fmt.Sprint(reply[1]), 10, 64)
		return a, l.overCap(ctx, a, trainset.Money(spent))
	}
	return a, nil
}

func (l *Ledger) overCap(ctx context.Context, a plan.Attempt, spent trainset.Money) error {
	limit, err := l.rdb.HGet(ctx, jobKey(a.Job), "cap").Int64()
	if err != nil {
		return fmt.Errorf("ledger: reading the cap of job %s: %w", a.Job, err)
	}
	return &OverCapError{Cap: trainset.Money(limit), Spent: spent, Price: a.Price}
}

// Write replaces how far an attempt has come that was read at a.Version, and
// returns it with its new version. was is the cost it was read with: what is
// spent changes by the difference. ErrStale says that another worker wrote first.
func (l *Ledger) Write(ctx context.Context, a plan.Attempt, was trainset.Money) (plan.Attempt, error) {
	a, args, err := l.writing(a, was)
	if err != nil {
		return a, err
	}
	_, err = l.run(ctx, "attempt "+a.ID, writeScript, a.Job, args...)
	return a, err
}

// writing returns the attempt with its next version, and the arguments of luaWrite.
func (l *Ledger) writing(a plan.Attempt, was trainset.Money) (plan.Attempt, []any, error) {
	expected := a.Version
	a.Version++
	b, err := encodeHalf(standingOf(a))
	if err != nil {
		return a, nil, err
	}
	kind, detail := string(a.State), a.ID
	if a.State == plan.AttemptEnded {
		kind, detail = "attempt-"+string(a.Outcome), a.Reason
	}
	return a, []any{a.ID, expected, b, int64(a.Cost - was), kind, string(a.Subtask), detail, stamp(l.now())}, nil
}

// Settlement is what settling a subtask did.
type Settlement struct {
	Journalled bool // the attempt, where one was journalled in the same step
	Applied    bool // false when it already had an outcome that stands
	Left       int  // unsettled subtasks of the job
}

// Settle gives a subtask, as it was read, its outcome.
func (l *Ledger) Settle(ctx context.Context, id trainset.JobID, s plan.Subtask) (Settlement, error) {
	args, err := l.settling(s)
	if err != nil {
		return Settlement{}, err
	}
	reply, err := l.run(ctx, "settling "+string(s.ID), settleScript, id, args...)
	if err != nil {
		return Settlement{}, err
	}
	left, _ := reply[1].(int64)
	return Settlement{Applied: changed(reply), Left: int(left)}, nil
}

// settling returns the arguments of luaSettle.
func (l *Ledger) settling(s plan.Subtask) ([]any, error) {
	now := l.now().UTC()
	s.SettledAt = &now
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("ledger: encoding a subtask: %w", err)
	}
	return []any{string(s.ID), s.Revision, string(s.State), b, stamp(now), s.Reason}, nil
}

// Conclude writes an attempt, as Write does, and gives its subtask, as it was
// read, the outcome that follows, as Settle does, in one step. The attempt is
// journalled whatever becomes of the subtask.
func (l *Ledger) Conclude(ctx context.Context, a plan.Attempt, was trainset.Money, s plan.Subtask) (Settlement, error) {
	a, args, err := l.writing(a, was)
	if err != nil {
		return Settlement{}, err
	}
	outcome, err := l.settling(s)
	if err != nil {
		return Settlement{}, err
	}
	reply, err := l.run(ctx, "attempt "+a.ID, concludeScript, a.Job, append(args, outcome...)...)
	if err != nil {
		return Settlement{}, err
	}
	reply = reply[1:]
	done := Settlement{Journalled: true, Applied: changed(reply)}
	if err := refused("settling "+string(s.ID), a.Job, reply); err != nil {
		return done, err
	}
	left, _ := reply[1].(int64)
	done.Left = int(left)
	return done, nil
}

// MarkQueued notes what was handed to the queue of each job.
func (l *Ledger) MarkQueued(ctx context.Context, lots ...plan.Lot) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, lot := range lots {
			p.SAdd(ctx, queuedKey(lot.Record.ID), members(lot.TaskIDs())...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: marking what was queued: %w", err)
	}
	return nil
}

// Requeue raises the revisions of steps whose tasks the queue has lost, so that
// their next tasks have IDs of their own. It returns of each lot those of which it
// did, with their new revisions: what has changed since it was read does not need
// it. With an error come those that could be requeued.
func (l *Ledger) Requeue(ctx context.Context, lots ...plan.Lot) ([]plan.Lot, error) {
	args, replies := make([][]any, len(lots)), make([]*redis.Cmd, len(lots))
	p := l.rdb.Pipeline()
	for i, lot := range lots {
		var err error
		if args[i], err = raised(lot); err != nil {
			return nil, err
		}
		if len(args[i]) > 0 {
			replies[i] = requeueScript.EvalSha(ctx, p, jobKeys(lot.Record.ID), args[i]...)
		}
	}
	redisconn.Exec(ctx, p)
	done := make([]plan.Lot, len(lots))
	var problems []error
	for i, lot := range lots {
		done[i].Record = lot.Record
		if replies[i] == nil {
			continue
		}
		if redis.HasErrorPrefix(replies[i].Err(), "NOSCRIPT") {
			replies[i] = requeueScript.Run(ctx, l.rdb, jobKeys(lot.Record.ID), args[i]...)
		}
		reply, err := replies[i].Slice()
		if err != nil {
			problems = append(problems, fmt.Errorf("ledger: requeueing tasks of job %s: %w", lot.Record.ID, err))
			continue
		}
		for j, s := range lot.Steps {
			if changed(reply[1+j:]) {
				done[i].Steps = append(done[i].Steps, s.Again())
			}
		}
	}
	return done, errors.Join(problems...)
}

// raised returns for each step of a lot where its revision is kept, what it is,
// and, of a subtask, what that is with the next one.
func raised(lot plan.Lot) (args []any, err error) {
	for _, s := range lot.Steps {
		var field, body string
		switch s.Verb {
		case plan.VerbAccept:
			field = "accept"
		case plan.VerbAssemble:
			field = "assemble"
		case plan.VerbImage, plan.VerbGrid, plan.VerbJudge, plan.VerbEnhance, plan.VerbTile:
			sub := lot.Record.Subtasks[s.Subtask]
			sub.Revision++
			b, err := json.Marshal(sub)
			if err != nil {
				return nil, fmt.Errorf("ledger: encoding a subtask: %w", err)
			}
			field, body = string(s.Subtask), string(b)
		}
		args = append(args, field, s.Revision, body)
	}
	return args, nil
}

// ForgetQueued drops every note of queued tasks: the queue was emptied.
func (l *Ledger) ForgetQueued(ctx context.Context, id trainset.JobID) error {
	if err := l.rdb.Del(ctx, queuedKey(id)).Err(); err != nil {
		return fmt.Errorf("ledger: forgetting the tasks of job %s: %w", id, err)
	}
	return nil
}

// Cancel asks a job to stop. It may be called again; an ended job is ErrStopped.
func (l *Ledger) Cancel(ctx context.Context, id trainset.JobID) error {
	_, err := l.run(ctx, "canceling", cancelScript, id, stamp(l.now()))
	return err
}

// Ending is how a job ends.
type Ending struct {
	State  trainset.JobState
	Reason string
	// Revision, Change and Output are of the assembled set; zero where the job was
	// never accepted. Change is that of the record that was assembled.
	Revision, Change int
	Output           *trainset.Output
}

// Finish ends a job, once. ErrStale says that the record changed since the set
// was assembled. The job stays in the open index until Close, which follows when
// all is done that its end leads to. Its record expires after the ledger's Keep.
func (l *Ledger) Finish(ctx context.Context, id trainset.JobID, e Ending) error {
	output := []byte(nil)
	if e.Output != nil {
		var err error
		if output, err = json.Marshal(e.Output); err != nil {
			return fmt.Errorf("ledger: encoding the output: %w", err)
		}
	}
	_, err := l.run(ctx, "finishing", finishScript, id, e.Revision, string(e.State), e.Reason, string(output), stamp(l.now()), int(l.keep.Seconds()), e.Change)
	if err == nil {
		l.frozen.drop(id)
	}
	return err
}

// Grow adds subtasks to a job as it was read. ErrStale says that it changed
// meanwhile, ErrStopped that nothing may be added any more.
func (l *Ledger) Grow(ctx context.Context, r plan.Record, subs []plan.Subtask) error {
	args, err := planned([]any{r.Change, stamp(l.now())}, subs)
	if err != nil {
		return err
	}
	_, err = l.run(ctx, "growth", growScript, r.ID, args...)
	return err
}

// Reopen takes up an ended job again, as it was read, with the subtasks that
// are to be tried once more, or to be replaced by what follows, and with its
// limits raised where some are given. ErrStale says that it changed meanwhile,
// ErrDeleting that it is on its way out. It enters the open index first, lest a crash leaves it unknown to sweepers, and
// again at last, should one have thrown it out while it still was an ended job:
// also after an error, for the script may have run and only its answer be lost.
func (l *Ledger) Reopen(ctx context.Context, r plan.Record, subs []plan.Subtask, limits plan.Limits) error {
	raised, limit, err := raisedPlan(r, limits)
	if err != nil {
		return err
	}
	if err := l.index(ctx, r.ID, r.User, 0); err != nil {
		return err
	}
	args, err := pairs([]any{r.Change, stamp(l.now()), unsettled(subs), raised, limit}, subs)
	if err != nil {
		return err
	}
	_, refusal := l.run(ctx, "trying again", reopenScript, r.ID, args...)
	ctx, cancel := lasting(ctx)
	defer cancel()
	_, err = l.enter(ctx, openKey, r.ID)
	return errors.Join(refusal, err)
}

// raisedPlan returns a job's plan with other limits, and its cap; an empty plan
// where they stay as they are.
func raisedPlan(r plan.Record, limits plan.Limits) (raised string, limit int64, err error) {
	if r.Plan == nil || limits == (plan.Limits{}) {
		return "", 0, nil
	}
	p := r.Plan.Raised(limits)
	b, err := json.Marshal(p)
	if err != nil {
		return "", 0, fmt.Errorf("ledger: encoding the plan: %w", err)
	}
	return string(b), int64(p.MaxCost), nil
}

// unsettled counts the subtasks that are still to be carried out.
func unsettled(subs []plan.Subtask) (n int) {
	for _, s := range subs {
		if !s.State.Settled() {
			n++
		}
	}
	return n
}

func pairs(args []any, subs []plan.Subtask) ([]any, error) {
	for _, s := range subs {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("ledger: encoding a subtask: %w", err)
		}
		args = append(args, string(s.ID), b)
	}
	return args, nil
}

// planned is pairs with what each subtask asks for.
func planned(args []any, subs []plan.Subtask) ([]any, error) {
	for _, s := range subs {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("ledger: encoding a subtask: %w", err)
		}
		ask, err := json.Marshal(s.Ask)
		if err != nil {
			return nil, fmt.Errorf("ledger: encoding an ask: %w", err)
		}
		args = append(args, string(s.ID), b, ask)
	}
	return args, nil
}
