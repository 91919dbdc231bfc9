package queue_test

import (
	"context"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

func images(n int) []plan.Step {
	var steps []plan.Step
	for i := 1; i <= n; i++ {
		steps = append(steps, plan.Step{Verb: plan.VerbImage, Subtask: plan.ImageID(i), Index: i, Revision: 1})
	}
	return steps
}

// Whether Redis knows asynq's script or not, and however often they are handed
// over, many steps become the tasks that each would become by itself.
func TestManyStepsAreEnqueuedOnceEach(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		q, ctx := queue.New(rdb, nil), t.Context()
		r := plan.Record{ID: trainset.NewJobID("u", trainset.KindActor, "k"), Kind: trainset.KindActor}
		steps := images(12)
		if err := q.Enqueue(ctx, r, steps[3]); err != nil { // one is there already
			t.Fatal(err)
		}
		for _, flush := range []bool{false, true, false} {
			if flush {
				rdb.ScriptFlush(ctx)
			}
			if err := q.EnqueueAll(ctx, plan.Lot{Record: r, Steps: steps}); err != nil {
				t.Fatal(err)
			}
		}
		inspector := asynq.NewInspectorFromRedisClient(rdb)
		if tasks, err := inspector.ListPendingTasks(queue.Image); err != nil || len(tasks) != len(steps) {
			t.Errorf("%d tasks: %v", len(tasks), err)
		}
		for _, s := range steps {
			info, err := inspector.GetTaskInfo(queue.Image, s.TaskID(r.ID))
			if err != nil {
				t.Fatal(err)
			}
			p, err := queue.Decode(asynq.NewTask(info.Type, info.Payload))
			if err != nil || p.Subtask != s.Subtask || info.Type != string(plan.VerbImage) || info.Deadline.IsZero() {
				t.Errorf("task %+v carries %+v: %v", info, p, err)
			}
		}
	})
}

// Queues lie on different servers of a cluster.
func TestManyStepsAreEnqueuedInACluster(t *testing.T) {
	rdb := redistest.ClusterClient(t)
	q, inspector := queue.New(rdb, nil), asynq.NewInspectorFromRedisClient(rdb)
	r := plan.Record{ID: trainset.NewJobID("u", trainset.KindActor, "k"), Kind: trainset.KindActor}
	for range 2 {
		if err := q.EnqueueAll(t.Context(), plan.Lot{Record: r, Steps: append(images(12), plan.Step{Verb: plan.VerbAssemble, Revision: 1})}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{queue.Image: 12, trainset.QueueControl: 1} {
		if tasks, err := inspector.ListPendingTasks(name); err != nil || len(tasks) != want {
			t.Errorf("%s has %d tasks: %v", name, len(tasks), err)
		}
	}
}

func TestManyStepsTakeOneJourney(t *testing.T) {
	rdb := redistest.Mini(t)
	q := queue.New(rdb, nil)
	r := plan.Record{ID: trainset.NewJobID("u", trainset.KindActor, "k"), Kind: trainset.KindActor}
	if err := q.EnqueueAll(t.Context(), plan.Lot{Record: r, Steps: images(3)}); err != nil { // Redis learns the script
		t.Fatal(err)
	}
	var sent journeys
	rdb.AddHook(&sent)
	if err := q.EnqueueAll(t.Context(), plan.Lot{Record: r, Steps: images(12)}); err != nil || sent != 1 {
		t.Errorf("%d journeys, %v", sent, err)
	}
}

func TestStepsThatRedisDoesNotTakeAreAnError(t *testing.T) {
	mini := redistest.Mini(t)
	q := queue.New(mini, nil)
	r := plan.Record{ID: trainset.NewJobID("u", trainset.KindActor, "k"), Kind: trainset.KindActor}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.EnqueueAll(ctx, plan.Lot{Record: r, Steps: images(12)}); err == nil {
		t.Error("nothing was enqueued, and no error")
	}
}

// journeys counts what is sent to Redis, a pipeline being one.
type journeys int

func (*journeys) DialHook(next redis.DialHook) redis.DialHook { return next }

func (j *journeys) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*j++
		return next(ctx, cmd)
	}
}

func (j *journeys) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		*j++
		return next(ctx, cmds)
	}
}

// A server that refuses the connection has taken nothing.
func TestStepsThatAConnectionIsRefusedForAreAnError(t *testing.T) {
	node := redistest.Start(t, "requirepass new")
	rdb := redis.NewClient(&redis.Options{Addr: node.Addr, Password: "old"})
	t.Cleanup(func() { _ = rdb.Close() })
	r := plan.Record{ID: trainset.NewJobID("u", trainset.KindActor, "k"), Kind: trainset.KindActor}
	if err := queue.New(rdb, nil).EnqueueAll(t.Context(), plan.Lot{Record: r, Steps: images(2)}); !redis.HasErrorPrefix(err, "WRONGPASS") {
		t.Errorf("error %v", err)
	}
}
