// Package queue hands the steps of a job to asynq and asks what became of
// them. It is the one place that knows queue names, task IDs, payloads and
// options, for producers and workers alike. It must not know what a task does.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// The queues beside trainset.QueueControl, where requests and assemblies go at first.
// Each has a server of its own, so that a full one never delays the others.
const (
	Image = "image" // what is begun for the first time
	// Again is for what is queued anew: taken over from a worker that died, lost by
	// the queue, or retried by an operator. Somebody has waited for it already, and
	// it may be paid for: it does not line up behind what nobody has begun.
	Again = "again"
	// ControlAgain is the same for requests and assemblies: a killed worker's do not
	// line up behind those of hundreds of jobs that have not begun.
	ControlAgain = "control-again"
)

// Names lists the queues of the system, in the order of a job's life.
func Names() []string { return []string{trainset.QueueControl, Image, Again, ControlAgain} }

// Controls reports whether a queue is one of requests and assemblies.
func Controls(name string) bool { return name == trainset.QueueControl || name == ControlAgain }

// How tasks are queued. The ledger's attempt budget fails an item, never the
// queue's: a task is retried far beyond it, and its deadline, which replaces
// asynq's default timeout of half an hour, is a week.
const (
	maxRetry  = 100
	deadline  = 7 * 24 * time.Hour
	retention = 24 * time.Hour // shown in the dashboard for a day
)

// options are those of every task of ours in a queue.
func options(queue, id string, now time.Time) []asynq.Option {
	return []asynq.Option{
		asynq.Queue(queue), asynq.TaskID(id), asynq.MaxRetry(maxRetry),
		asynq.Deadline(now.Add(deadline)), asynq.Retention(retention),
	}
}

// Config is how a server serves one queue. Asynq's own intervals are made for
// jobs of minutes: an idle server would begin a second late. What comes again has
// waited for seconds, and need not be asked for as often by each of its servers.
func Config(name string, concurrency int) asynq.Config {
	look, delayed := 20*time.Millisecond, 500*time.Millisecond
	switch name {
	case ControlAgain: // whose turn has come is in it, too
		look, delayed = 100*time.Millisecond, time.Second
	case Again:
		look, delayed = 300*time.Millisecond, time.Second
	}
	return asynq.Config{
		Concurrency: concurrency, Queues: map[string]int{name: 1},
		TaskCheckInterval: look, DelayedTaskCheckInterval: delayed,
		ShutdownTimeout: 4 * time.Second,
	}
}

// Queue hands steps to asynq.
type Queue struct {
	rdb       redis.UniversalClient
	client    *asynq.Client
	inspector *asynq.Inspector
	now       func() time.Time
}

// New makes a Queue over an open connection, which stays the caller's.
func New(rdb redis.UniversalClient, now func() time.Time) *Queue {
	if now == nil {
		now = time.Now
	}
	return &Queue{rdb: rdb, client: asynq.NewClientFromRedisClient(rdb), inspector: asynq.NewInspectorFromRedisClient(rdb), now: now}
}

// Enqueue hands a step of a job to the queue. A task that is there already is
// no error: somebody else was faster, or an earlier reply was lost.
func (q *Queue) Enqueue(ctx context.Context, r plan.Record, s plan.Step) error {
	return q.enqueue(ctx, q.client, r, s)
}

func (q *Queue) enqueue(ctx context.Context, c *asynq.Client, r plan.Record, s plan.Step) error {
	kind, body, err := task(r, s)
	if err != nil {
		return err
	}
	id := s.TaskID(r.ID)
	_, err = c.EnqueueContext(ctx, asynq.NewTask(kind, body), options(nameOf(s), id, q.now())...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("queue: enqueueing %s: %w", id, err)
	}
	return nil
}

// Payload is what a task of ours carries; a request's task carries the request.
type Payload struct {
	Job      trainset.JobID `json:"job_id"`
	Subtask  plan.SubtaskID `json:"subtask,omitempty"`
	Index    int            `json:"index,omitempty"`
	Revision int            `json:"revision"`
}

// Decode reads a task's payload.
func Decode(t *asynq.Task) (Payload, error) {
	var p Payload
	if err := json.Unmarshal(t.Payload(), &p); err != nil {
		return p, fmt.Errorf("queue: payload of %s: %w: %w", t.Type(), err, asynq.SkipRetry)
	}
	if _, err := trainset.ParseJobID(string(p.Job)); err != nil {
		return p, fmt.Errorf("queue: payload of %s: %w: %w", t.Type(), err, asynq.SkipRetry)
	}
	return p, nil
}

func task(r plan.Record, s plan.Step) (kind string, body []byte, err error) {
	if s.Verb == plan.VerbAccept {
		return r.Kind.TaskType(), r.Request, nil
	}
	body, err = json.Marshal(Payload{Job: r.ID, Subtask: s.Subtask, Index: s.Index, Revision: s.Revision})
	if err != nil {
		return "", nil, fmt.Errorf("queue: encoding a payload: %w", err)
	}
	return string(s.Verb), body, nil
}

// nameOf says in which queue a step is. A later revision than the first is one that
// was queued anew; a request has none at first.
func nameOf(s plan.Step) string {
	name, again, first := Image, Again, 1
	switch s.Verb {
	case plan.VerbAccept:
		name, again, first = trainset.QueueControl, ControlAgain, 0
	case plan.VerbAssemble:
		name, again = trainset.QueueControl, ControlAgain
	case plan.VerbImage, plan.VerbGrid, plan.VerbJudge, plan.VerbEnhance, plan.VerbTile:
	}
	if s.Revision > first {
		return again
	}
	return name
}

// Standing is how the queue stands to a step that was handed to it.
type Standing int

const (
	// Waiting steps will be delivered.
	Waiting Standing = iota + 1
	// Delivered steps were given to some worker, as far as the queue knows: the
	// worker may have died since, or never have had the answer.
	Delivered
	// Lost steps will not be delivered: there is no such task, or it was put aside.
	Lost
)

// Standing tells how the queue stands to a step.
func (q *Queue) Standing(r plan.Record, s plan.Step) (Standing, error) {
	info, err := q.inspector.GetTaskInfo(nameOf(s), s.TaskID(r.ID))
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		return Lost, nil
	case err != nil:
		return 0, fmt.Errorf("queue: looking for %s: %w", s.TaskID(r.ID), err)
	case info.State == asynq.TaskStateArchived, info.State == asynq.TaskStateCompleted:
		return Lost, nil
	case info.State == asynq.TaskStateActive:
		return Delivered, nil
	}
	return Waiting, nil
}
