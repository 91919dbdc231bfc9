package client_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

func request(key string) trainset.ActorRequest {
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key = "ada", "zara", key
	req.Portrait.URL = "https://example.com/zara.png"
	return req
}

func pending(t *testing.T, rdb *redis.Client) []*asynq.TaskInfo {
	t.Helper()
	tasks, err := asynq.NewInspectorFromRedisClient(rdb).ListPendingTasks(trainset.QueueControl)
	if err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
		t.Fatal(err)
	}
	return tasks
}

// However many ask at once, from wherever, a key is one job and one task.
func TestEqualRequestsAreOneJob(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		keys := []string{"k1", "k2", "k3"}
		var wait sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			c := client.FromRedis(rdb)
			for _, key := range keys {
				wait.Go(func() {
					<-start
					job, err := c.EnqueueActor(t.Context(), request(key))
					if err != nil || job.ID != request(key).JobID() || job.State != trainset.JobQueued {
						t.Errorf("job %s %s: %v", job.ID, job.State, err)
					}
				})
			}
		}
		close(start)
		wait.Wait()
		if known, err := client.FromRedis(rdb).Recent(t.Context(), "", 100); err != nil || len(known) != len(keys) {
			t.Errorf("%d jobs of %d keys: %v", len(known), len(keys), err)
		}
		tasks := pending(t, rdb)
		if len(tasks) != len(keys) {
			t.Fatalf("%d tasks were enqueued", len(tasks))
		}
		// What a worker gets is the whole request: no producer needs more.
		for _, task := range tasks {
			got, err := trainset.DecodeRequest(trainset.KindActor, task.Payload)
			if err != nil || got.JobID() != request(got.Common().Key).JobID() || task.Type != trainset.TaskActorGenerate {
				t.Errorf("task %s carries %s: %v", task.Type, task.Payload, err)
			}
		}
	})
}

// A producer that could not hand its task to the queue asks again; what it noted
// before does not keep the task back.
func TestAskingAgainEnqueuesWhatTheQueueNeverHad(t *testing.T) {
	rdb := redistest.Mini(t)
	c, req := client.FromRedis(rdb), request("k").WithDefaults()
	l := ledger.New(rdb, ledger.Options{})
	if _, _, err := l.Create(t.Context(), req, plan.Step{Verb: plan.VerbAccept}.TaskID(req.JobID())); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.EnqueueActor(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if tasks := pending(t, rdb); len(tasks) != 1 {
			t.Fatalf("%d tasks were enqueued", len(tasks))
		}
	}
}

// Of different requests that ask at once under one key, one is the job, and all
// others are told.
func TestOneKeyOfManyRequestsIsTheFirstOnes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		const asking = 8
		errs := make(chan error, asking)
		for n := range asking {
			req := request("k")
			req.Images = n + 1
			go func() {
				_, err := client.FromRedis(rdb).EnqueueActor(t.Context(), req)
				errs <- err
			}()
		}
		taken := 0
		for range asking {
			err := <-errs
			if _, told := errors.AsType[*trainset.ConflictError](err); err != nil && !told {
				t.Error(err)
			}
			if err == nil {
				taken++
			}
		}
		if n := len(pending(t, rdb)); taken != 1 || n != 1 {
			t.Errorf("%d requests were taken, %d tasks enqueued", taken, n)
		}
	})
}

func TestOneKeyIsOneRequest(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		c := client.FromRedis(rdb)
		first, err := c.EnqueueActor(t.Context(), request("k"))
		if err != nil {
			t.Fatal(err)
		}
		other := request("k")
		other.Images = 3
		_, err = c.EnqueueActor(t.Context(), other)
		var conflict *trainset.ConflictError
		if !errors.As(err, &conflict) || conflict.JobID != first.ID {
			t.Fatalf("a different request under the same key: %v", err)
		}
		if n := len(pending(t, rdb)); n != 1 {
			t.Errorf("%d tasks are enqueued", n)
		}
	})
}

func TestAWrongRequestEnqueuesNothing(t *testing.T) {
	rdb := redistest.Mini(t)
	bad := request("k")
	bad.Actor, bad.Images = "../../etc", 500
	_, err := client.FromRedis(rdb).EnqueueActor(t.Context(), bad)
	var field *trainset.FieldError
	if !errors.As(err, &field) {
		t.Fatalf("error %v names no field", err)
	}
	if keys := rdb.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("it left %v behind", keys)
	}
}

func TestGetTellsUnknownJobs(t *testing.T) {
	c := client.FromRedis(redistest.Mini(t))
	if _, err := c.Get(t.Context(), trainset.NewJobID("ada", trainset.KindActor, "none")); !errors.Is(err, trainset.ErrNotFound) {
		t.Fatalf("error is %v", err)
	}
}

func TestWatchYieldsChangesUntilTheEnd(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		c := client.FromRedis(rdb)
		job, err := c.EnqueueActor(t.Context(), request("k"))
		if err != nil {
			t.Fatal(err)
		}
		l := ledger.New(rdb, ledger.Options{})
		var states []trainset.JobState
		for j, err := range c.Watch(t.Context(), job.ID) {
			if err != nil {
				t.Fatal(err)
			}
			states = append(states, j.State)
			if len(states) == 1 {
				if err := c.Cancel(t.Context(), job.ID); err != nil {
					t.Fatal(err)
				}
				if err := l.Finish(t.Context(), job.ID, ledger.Ending{State: trainset.JobCanceled, Reason: "asked to"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if first, last := states[0], states[len(states)-1]; first != trainset.JobQueued || last != trainset.JobCanceled {
			t.Errorf("watched %v", states)
		}
		if err := c.Cancel(t.Context(), job.ID); err != nil {
			t.Errorf("canceling an ended job: %v", err)
		}
	})
}

// A queue that is paused is no change of a job, and yet it is told, as is its end.
func TestWatchTellsOfAQueueThatIsPausedMeanwhile(t *testing.T) {
	t.Parallel() // it mostly waits
	rdb := redistest.Any(t)
	c, q := client.FromRedis(rdb), queue.New(rdb, nil)
	job, err := c.EnqueueActor(t.Context(), request("k"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var told []string
	for j, err := range c.Watch(ctx, job.ID) {
		if err == nil {
			told = append(told, j.HeldUp)
			switch len(told) {
			case 1:
				_, err = q.Pause(ctx, trainset.QueueControl)
			case 2:
				_, err = q.Resume(ctx, trainset.QueueControl)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(told) == 3 {
			break
		}
	}
	if len(told) != 3 || told[0] != "" || !strings.Contains(told[1], "worker resume control") || told[2] != "" {
		t.Errorf("held up by %q in turn", told)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	c := client.FromRedis(redistest.Mini(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.Watch(ctx, request("k").JobID()) {
		t.Fatal("yielded after the end", err)
	}
}

// connected is a client with a connection of its own to a server.
func connected(t *testing.T, node *redistest.Node, settings string) *client.Client {
	t.Helper()
	c, err := client.New("redis://" + node.Addr + "/0" + settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Redis blocks for as long as nothing happens; the deadline must not look like a
// failure of it.
func TestWatchEndsWithItsDeadlineWithoutAnError(t *testing.T) {
	c := connected(t, redistest.Start(t), "")
	job, err := c.EnqueueActor(t.Context(), request("k"))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for n := range 160 { // which of deadline and answer comes first differs
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+5*n)*time.Millisecond)
			defer cancel()
			for _, err := range c.Watch(ctx, job.ID) {
				if err != nil {
					t.Errorf("%v, the context: %v", err, ctx.Err())
				}
			}
		})
	}
	wait.Wait()
}

func TestAClientMayBeClosedTwice(t *testing.T) {
	c, err := client.New("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNewHidesPasswords(t *testing.T) {
	_, err := client.New("redis://ada:hunter2@host:not-a-port/0")
	if err == nil {
		t.Fatal("a wrong URL was taken")
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells the password: %v", err)
	}
}
