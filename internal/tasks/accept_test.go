package tasks

import (
	"errors"
	"strconv"
	"strings"
	"sync"
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

// serve has a worker that reaches neither storage nor a provider take requests in,
// until it is stopped.
func serve(t *testing.T, rdb *redis.Client) (h *Handlers, stop func()) {
	t.Helper()
	h = New(ledger.New(rdb, ledger.Options{}), noStore{}, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})
	c := queue.Config(trainset.QueueControl, 1)
	c.LogLevel, c.RetryDelayFunc, c.IsFailure = asynq.FatalLevel, func(int, error, *asynq.Task) time.Duration { return 0 }, IsFailure
	server := asynq.NewServerFromRedisClient(rdb, c)
	if err := server.Start(h.Control()); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(server.Shutdown)
	t.Cleanup(stop)
	return h, stop
}

// A task that a producer has named wrongly, or put into another queue, says so.
func TestATaskOfAnotherTypeSaysWhatThereIs(t *testing.T) {
	h := New(ledger.New(redistest.Mini(t), ledger.Options{}), noStore{}, nil, nil, nil, Options{Owner: "me", Log: zerolog.Nop()})
	for name, c := range map[string]struct {
		handler asynq.Handler
		kind    string
		known   string
	}{
		"no type":     {h.Control(), "actor:make", "only actor:generate, dataset:assemble, style:generate"},
		"a beginning": {h.Control(), trainset.TaskActorGenerate + "d", trainset.TaskActorGenerate},
		"another's":   {h.Images(), trainset.TaskActorGenerate, "only grid:enhance, grid:generate, grid:judge, image:generate, tile:finish"},
		"none":        {h.Images(), "", "only"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.handler.ProcessTask(t.Context(), asynq.NewTask(c.kind, nil))
			if err == nil || !strings.Contains(err.Error(), strconv.Quote(c.kind)) || !strings.Contains(err.Error(), c.known) || !IsFailure(err) {
				t.Errorf("%v, want %q", err, c.known)
			}
		})
	}
}

// enqueued is a job whose request nobody has validated, with its task in the queue.
func enqueued(t *testing.T, h *Handlers, spoil func(r *trainset.ActorRequest)) trainset.JobID {
	t.Helper()
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k"}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
	spoil(&req)
	step := plan.Step{Verb: plan.VerbAccept}
	r, _, err := h.ledger.Create(t.Context(), req, step.TaskID(req.JobID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.queue.Enqueue(t.Context(), r, step); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// until waits until a job is as wanted.
func until(t *testing.T, h *Handlers, id trainset.JobID, wanted func(r plan.Record) bool) plan.Record {
	t.Helper()
	for cursor, late := "0", time.Now().Add(20*time.Second); ; {
		r, err := h.ledger.Load(t.Context(), id)
		if err != nil || wanted(r) {
			return r
		}
		if time.Now().After(late) {
			t.Fatalf("job %s is %s (%s), held up: %q", id, r.State, r.Reason, r.HeldUp)
		}
		if cursor, err = h.ledger.Changes(t.Context(), id, cursor, time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

func over(r plan.Record) bool { return r.State.Ended() }

// What no worker can carry out is queued anew for ever unless it ends.
func TestJobsWhoseRequestNobodyReadsEnd(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		h, stop := serve(t, rdb)
		for field, spoil := range map[string]func(r *trainset.ActorRequest){
			"max_cost_usd": func(r *trainset.ActorRequest) { r.Key, r.MaxCost = "cost", trainset.USD(2e9) },
			"key":          func(r *trainset.ActorRequest) { r.Key = "caf\xe9" },
			"images":       func(r *trainset.ActorRequest) { r.Key, r.Images = "images", 500 },
		} {
			r := until(t, h, enqueued(t, h, spoil), over)
			if r.State != trainset.JobFailed || !strings.HasPrefix(r.Reason, field+": ") || !strings.Contains(r.Reason, "; ") || r.Spent != 0 {
				t.Errorf("%s: %s, %s", field, r.State, r.Reason)
			}
		}
		stop()
		if ids, err := h.ledger.Recent(t.Context(), "", 10); err != nil || len(ids) != 3 {
			t.Errorf("%v were taken in, %v", ids, err)
		}
		if open, err := h.ledger.OpenJobs(t.Context()); err != nil || len(open) != 0 {
			t.Errorf("%v are open, %v", open, err)
		}
	})
}

func TestACanceledJobWhoseRequestNobodyReadsIsCanceled(t *testing.T) {
	rdb := redistest.Any(t)
	idle := New(ledger.New(rdb, ledger.Options{}), noStore{}, nil, nil, queue.New(rdb, nil), Options{})
	id := enqueued(t, idle, func(r *trainset.ActorRequest) { r.MaxCost = trainset.USD(2e9) })
	if err := idle.ledger.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h, _ := serve(t, rdb)
	if r := until(t, h, id, over); r.State != trainset.JobCanceled || r.Reason != canceledBefore.Reason {
		t.Errorf("%s, %s", r.State, r.Reason)
	}
}

// Another worker of the fleet may know a version that this one does not.
func TestARequestForNewerWorkersWaitsAndCanBeCanceled(t *testing.T) {
	rdb := redistest.Any(t)
	h, _ := serve(t, rdb)
	id := enqueued(t, h, func(r *trainset.ActorRequest) { r.Version = trainset.RequestVersion + 1 })
	r := until(t, h, id, func(r plan.Record) bool { return r.HeldUp != "" })
	if r.State != trainset.JobQueued || !strings.Contains(r.HeldUp, "version: 2 is unknown") || !strings.Contains(r.HeldUp, "update the workers") {
		t.Errorf("%s, held up: %s", r.State, r.HeldUp)
	}
	if err := h.ledger.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r := until(t, h, id, over); r.State != trainset.JobCanceled {
		t.Errorf("%s, %s", r.State, r.Reason)
	}
}

// A trigger that is an ordinary word would stand for two things in every caption.
func TestATriggerThatIsAnOrdinaryWordIsRefused(t *testing.T) {
	h := New(ledger.New(redistest.Any(t), ledger.Options{}), noStore{}, nil, nil, nil, Options{})
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k", Trigger: "Man"}, Actor: "zara"}.WithDefaults()
	_, err := h.freeze(t.Context(), layoutOf(req), req)
	if problem, is := errors.AsType[*trainset.FieldError](err); !is || problem.Field != "trigger" {
		t.Errorf("it is frozen with %v", err)
	}
}

// A task that somebody has named as the ledger would is not the job's request.
func TestAnotherTaskUnderAJobsNameEndsNothing(t *testing.T) {
	rdb := redistest.Any(t)
	h, _ := serve(t, rdb)
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k"}, Actor: "zara", Portrait: trainset.Reference{Key: "p"}}.WithDefaults()
	if _, _, err := h.ledger.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	task := plan.Step{Verb: plan.VerbAccept}.TaskID(req.JobID())
	producer := asynq.NewClientFromRedisClient(rdb)
	for _, name := range []string{task, string(trainset.NewJobID("ada", trainset.KindActor, "unknown")) + ":accept:0"} {
		if _, err := producer.Enqueue(asynq.NewTask(trainset.TaskActorGenerate, []byte("{")), asynq.Queue(trainset.QueueControl), asynq.TaskID(name)); err != nil {
			t.Fatal(err)
		}
		archived(t, rdb, name)
	}
	if r, err := h.ledger.Load(t.Context(), req.JobID()); err != nil || r.State != trainset.JobQueued {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsWrongWithAnUploadIsSaid(t *testing.T) {
	rdb := redistest.Any(t)
	h, _ := serve(t, rdb)
	for key, c := range map[string]struct {
		ref  func(id trainset.JobID) trainset.Reference
		want string
	}{
		"another": {func(trainset.JobID) trainset.Reference {
			return ledger.InboxReference(trainset.NewJobID("", "", ""), sum([]byte("x")))
		}, "portrait: was uploaded for another job; "},
		"changed": {func(id trainset.JobID) trainset.Reference { return ledger.InboxReference(id, sum([]byte("x"))) }, "portrait: Redis has no upload with its sha256"},
	} {
		_, err := h.source(t.Context(), trainset.NewJobID("ada", trainset.KindActor, key), "portrait", c.ref(trainset.NewJobID("ada", trainset.KindActor, key)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// archived waits until the queue has put a task aside, and returns why.
func archived(t *testing.T, rdb *redis.Client, task string) string {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for late := time.After(20 * time.Second); ; {
		info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(trainset.QueueControl, task)
		if err != nil {
			t.Fatal(err)
		}
		if info.State == asynq.TaskStateArchived {
			return info.LastErr
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s is %s", task, info.State)
		}
	}
}
