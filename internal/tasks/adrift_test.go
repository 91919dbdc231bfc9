package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// deaf loses the answers by which asynq is given tasks: the server has moved
// them to the active ones, and nobody knows.
type deaf struct {
	redis.Hook

	lose atomic.Int32  // answers, still
	lost chan struct{} // one each
}

func (d *deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (d *deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && dequeues(cmd) && d.lose.Add(-1) >= 0 {
			err = errors.New("the connection broke")
			cmd.SetErr(err)
			d.lost <- struct{}{}
		}
		return err
	}
}

// dequeues tells asynq's script that takes the next task: pending, paused,
// active and lease are its keys.
func dequeues(cmd redis.Cmder) bool {
	args := cmd.Args()
	if len(args) < 7 || fmt.Sprint(args[2]) != "4" || !strings.HasPrefix(cmd.Name(), "eval") {
		return false
	}
	return slices.Equal([]bool{true, true, true, true}, []bool{
		strings.HasSuffix(fmt.Sprint(args[3]), ":pending"), strings.HasSuffix(fmt.Sprint(args[4]), ":paused"),
		strings.HasSuffix(fmt.Sprint(args[5]), ":active"), strings.HasSuffix(fmt.Sprint(args[6]), ":lease"),
	})
}

// adriftFleet is one job that waits to be accepted, a real queue, and a worker whose
// handler only says what it was given and holds it until it is told to let go.
type adriftFleet struct {
	t     *testing.T
	now   atomic.Int64 // seconds of a clock that only the test turns
	deaf  *deaf
	h     *Handlers
	job   trainset.JobID
	given chan struct{}
	let   chan struct{}
}

func newAdriftFleet(t *testing.T, lose int32) *adriftFleet {
	t.Helper()
	rdb := redistest.Server(t)
	f := &adriftFleet{t: t, deaf: &deaf{lost: make(chan struct{}, lose)}, given: make(chan struct{}), let: make(chan struct{})}
	f.deaf.lose.Store(lose)
	clock := func() time.Time { return time.Unix(1_800_000_000+f.now.Load(), 0) }
	f.h = New(ledger.New(rdb, ledger.Options{Now: clock}), nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop(), Now: clock})
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k"}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
	f.job = req.JobID()
	if _, _, err := f.h.ledger.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if err := f.h.ledger.Beat(t.Context(), "me"); err != nil {
		t.Fatal(err)
	}
	hooked := redis.NewClient(rdb.Options())
	hooked.AddHook(f.deaf)
	server := asynq.NewServerFromRedisClient(hooked, asynq.Config{
		Concurrency: 4, Queues: map[string]int{trainset.QueueControl: 1, queue.ControlAgain: 1}, TaskCheckInterval: 5 * time.Millisecond, LogLevel: asynq.FatalLevel,
		ShutdownTimeout: time.Second,
	})
	ctx, stop := context.WithCancel(t.Context())
	if err := server.Start(f.h.holding(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		select {
		case f.given <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-f.let:
		case <-ctx.Done():
		}
		return nil
	}))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); server.Shutdown(); _ = hooked.Close() })
	return f
}

// look has the sweeper look after the job, and returns the revision of its task.
func (f *adriftFleet) look() int {
	f.t.Helper()
	if err := f.h.repair(f.t.Context(), f.job); err != nil {
		f.t.Fatal(err)
	}
	r, err := f.h.ledger.Load(f.t.Context(), f.job)
	if err != nil {
		f.t.Fatal(err)
	}
	return r.AcceptRevision
}

// A task that the queue has delivered to nobody is given out again once two
// looks have seen it so, and not before.
func TestATaskThatNobodyHasIsQueuedAnew(t *testing.T) {
	f := newAdriftFleet(t, 1)
	if err := f.h.Advance(t.Context(), f.job); err != nil {
		t.Fatal(err)
	}
	<-f.deaf.lost
	for _, c := range []struct {
		second   int64
		revision int
	}{{0, 0}, {5, 0}, {10, 1}} {
		f.now.Store(c.second)
		if got := f.look(); got != c.revision {
			t.Fatalf("after %d s the task has revision %d, not %d", c.second, got, c.revision)
		}
	}
	<-f.given // the next one is given to the worker
	for _, second := range []int64{20, 40, 60} {
		f.now.Store(second)
		if got := f.look(); got != 1 {
			t.Fatalf("a task in hand was queued anew, under revision %d", got)
		}
	}
	close(f.let)
}

// A job that waits for its turn needs no task until then: a queue of them would
// keep what a killed worker had waiting.
func TestAJobThatWaitsForItsTurnIsNotQueuedAnew(t *testing.T) {
	f := newAdriftFleet(t, 0)
	f.h.o.MaxOpenJobs = 1
	another := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "another"}, Actor: "zara"}.WithDefaults()
	if _, _, err := f.h.ledger.Create(t.Context(), another); err != nil {
		t.Fatal(err)
	}
	if _, err := f.h.ledger.Admit(t.Context(), "ada", another.JobID(), 1); err != nil {
		t.Fatal(err)
	}
	if err := f.h.ledger.MarkQueued(t.Context(), plan.Lot{Record: plan.Record{ID: f.job}, Steps: []plan.Step{{Verb: plan.VerbAccept}}}); err != nil {
		t.Fatal(err) // its first task has come and gone
	}
	if got := f.look(); got != 0 {
		t.Errorf("while another job runs the task has revision %d", got)
	}
	if _, err := f.h.ledger.Depart(t.Context(), "ada", another.JobID()); err != nil {
		t.Fatal(err)
	}
	if got := f.look(); got != 1 {
		t.Errorf("when its turn has come the task has revision %d", got)
	}
	<-f.given
	close(f.let)
}

// What a worker was given and died with before it noted that is queued anew
// together with what it had noted, and what somebody has in hand is not.
func TestWhatADeadWorkerWasGivenIsQueuedAnew(t *testing.T) {
	f := newAdriftFleet(t, 1)
	if err := f.h.Advance(t.Context(), f.job); err != nil {
		t.Fatal(err)
	}
	<-f.deaf.lost
	revision := func() int {
		r, err := f.h.ledger.Load(t.Context(), f.job)
		if err != nil {
			t.Fatal(err)
		}
		return r.AcceptRevision
	}
	known := make(chan struct{})
	close(known)
	for _, dead := range []string{"first", "second"} {
		if err := f.h.ledger.Beat(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		if err := f.h.takeOver(t.Context(), dead, known, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if got := revision(); got != 1 {
			t.Fatalf("after the %s has died the task has revision %d, not 1", dead, got)
		}
		if dead == "first" {
			<-f.given // the next one is given to the worker
		}
	}
	close(f.let)
}

// What was seen in nobody's hands already while a worker had only left is queued
// anew as soon as it is dead; what was given after that look, a grace later.
func TestWhatWasSeenBeforeADeathIsNotWaitedFor(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(task string) look
		grace  time.Duration
	}{
		{"seen", func(task string) look { return look{unnoted: []string{task}, at: time.Now().Add(-2 * time.Hour)} }, time.Hour},
		{"given after the look", func(string) look { return look{unnoted: []string{"another"}, at: time.Now()} }, time.Millisecond},
		{"no look", func(string) look { return look{} }, time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newAdriftFleet(t, 1)
			if err := f.h.Advance(t.Context(), f.job); err != nil {
				t.Fatal(err)
			}
			<-f.deaf.lost
			n, err := f.h.inheritSince(t.Context(), c.before(string(f.job)+":accept:0"), c.grace)
			if err != nil || n != 1 {
				t.Fatalf("%d queued anew, %v", n, err)
			}
			<-f.given
			close(f.let)
			// The queue lists what was lost until its lease ends, and nobody looks at it again.
			if again, err := f.h.look(t.Context()); err != nil || len(again.unnoted) > 0 {
				t.Errorf("a second look shows %v, %v", again.unnoted, err)
			}
		})
	}
}

// One look that saw a task in somebody's hands makes the count start anew.
func TestATaskThatWasInHandBetweenLooksIsNotAdrift(t *testing.T) {
	f := newAdriftFleet(t, 1)
	if err := f.h.Advance(t.Context(), f.job); err != nil {
		t.Fatal(err)
	}
	<-f.deaf.lost
	f.look()
	task := string(f.job) + ":accept:0"
	if err := f.h.ledger.Hold(t.Context(), "me", []string{task}, nil); err != nil {
		t.Fatal(err)
	}
	f.now.Store(10)
	if got := f.look(); got != 0 {
		t.Fatalf("revision %d while it is held", got)
	}
	if err := f.h.ledger.Hold(t.Context(), "me", nil, []string{task}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		second   int64
		revision int
	}{{20, 0}, {28, 0}, {30, 1}} {
		f.now.Store(c.second)
		if got := f.look(); got != c.revision {
			t.Fatalf("after %d s the task has revision %d, not %d", c.second, got, c.revision)
		}
	}
	<-f.given
	close(f.let)
}

// What a worker cannot note it does not begin: the sweeper would give it to
// another one meanwhile.
func TestATaskThatCannotBeNotedIsNotBegun(t *testing.T) {
	rdb := redistest.Mini(t)
	errDown := errors.New("down")
	hooked := redis.NewClient(rdb.Options())
	t.Cleanup(func() { _ = hooked.Close() })
	hooked.AddHook(refusing{command: "sadd", err: errDown})
	h := New(ledger.New(hooked, ledger.Options{}), nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})
	begun := false
	err := h.holding(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { begun = true; return nil })).
		ProcessTask(t.Context(), asynq.NewTask("x", nil))
	if !errors.Is(err, errDown) || begun {
		t.Errorf("begun %t, %v", begun, err)
	}
}

// refusing fails every command of a name.
type refusing struct {
	onHeld

	command string
	err     error
}

func (r refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == r.command {
			cmd.SetErr(r.err)
			return r.err
		}
		return next(ctx, cmd)
	}
}

func (r refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if cmd.Name() == r.command {
				return r.err
			}
		}
		return next(ctx, cmds)
	}
}
