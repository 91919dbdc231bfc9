package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// On a real server: miniredis measures no memory.
func TestQueuesArePausedAndForgotten(t *testing.T) {
	rdb := redistest.Server(t)
	q := queue.New(rdb, nil)
	if infos, err := q.Inspect(); err != nil || len(infos) != 4 || infos[0].Queue != trainset.QueueControl || infos[1].Paused {
		t.Fatalf("before any task: %+v, %v", infos, err)
	}
	if changed, err := q.Resume(t.Context(), queue.Again); err != nil || changed {
		t.Errorf("resuming a queue that no task has come to: %v, %v", changed, err)
	}
	if changed, err := q.Pause(t.Context(), queue.Again); err != nil || !changed {
		t.Errorf("pausing a queue that no task has come to: %v, %v", changed, err)
	}
	if infos, err := q.Inspect(); err != nil || infos[1].Paused || !infos[2].Paused {
		t.Errorf("one of them paused: %+v, %v", infos, err)
	}
	r := plan.Record{ID: trainset.NewJobID("ada", trainset.KindActor, "k"), Kind: trainset.KindActor}
	if why := q.Paused(t.Context()).HeldUp(r); why != "" {
		t.Errorf("a job that needs none of them is held up: %s", why)
	}
	if why := q.Paused(t.Context()).HeldUp(plan.Record{ID: r.ID, Plan: &plan.Plan{}, Subtasks: map[plan.SubtaskID]plan.Subtask{
		plan.ImageID(1): {ID: plan.ImageID(1), Verb: plan.VerbImage, Revision: 2},
	}}); why != "the queue again is paused: nothing is taken from it before worker resume again" {
		t.Errorf("a job that needs it is held up: %q", why)
	}
	var ids []string
	for n := 1; n <= 2; n++ {
		s := plan.Step{Verb: plan.VerbImage, Subtask: plan.ImageID(n), Index: n, Revision: 1}
		ids = append(ids, s.TaskID(r.ID))
		if err := q.Enqueue(t.Context(), r, s); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, false} {
		if changed, err := q.Pause(t.Context(), queue.Image); err != nil || changed != want {
			t.Errorf("pausing, time %d: %v, %v", i+1, changed, err)
		}
	}
	if infos, err := q.Inspect(); err != nil || !infos[1].Paused || infos[1].Pending != 2 || infos[1].Bytes == 0 {
		t.Errorf("paused: %+v, %v", infos, err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := q.Resume(t.Context(), queue.Image); err != nil || changed != want {
			t.Errorf("resuming, time %d: %v, %v", i+1, changed, err)
		}
	}
	server, began, end := holding(t, rdb, 1)
	defer server.Shutdown()
	<-began
	tasks, err := asynq.NewInspectorFromRedisClient(rdb).ListActiveTasks(queue.Image)
	if ids, delivered := q.Delivered(t.Context()); err != nil || delivered != nil || len(tasks) != 1 || !slices.Equal(ids, []string{tasks[0].ID}) {
		t.Errorf("delivered: %v, %v; asynq lists %v, %v", ids, delivered, tasks, err)
	}
	// One that goes on for longer than it should stays.
	var hours time.Duration
	late := queue.New(rdb, func() time.Time { hours += time.Hour; return time.Now().Add(hours) })
	for i, want := range []int{1, 0} {
		if n, err := late.Forget(t.Context(), append(ids, "unknown")); err != nil || n != want {
			t.Errorf("forgetting, time %d: %d, %v", i+1, n, err)
		}
	}
	if infos, err := q.Inspect(); err != nil || infos[1].Active != 1 || infos[1].Pending != 0 {
		t.Errorf("afterwards: %+v, %v", infos, err)
	}
	// One that is about to end is waited for.
	asked := 0
	waits := queue.New(rdb, func() time.Time {
		if asked++; asked == 1+2*len(ids) { // it was seen in hand
			close(end)
		}
		return time.Time{}
	})
	if n, err := waits.Forget(t.Context(), ids); err != nil || n != 1 {
		t.Errorf("forgetting one that ends: %d, %v", n, err)
	}
	if infos, err := q.Inspect(); err != nil || infos[1].Active != 0 || infos[1].Completed != 0 {
		t.Errorf("in the end: %+v, %v", infos, err)
	}
}

// holding starts a server of the image queue that holds so many tasks at once. It tells
// the ID of each that it takes, and once end is closed what came of it, and is done.
func holding(t *testing.T, rdb redis.UniversalClient, most int) (server *asynq.Server, began chan string, end chan struct{}) {
	t.Helper()
	began, end = make(chan string, 3), make(chan struct{})
	server = asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: most, Queues: map[string]int{queue.Image: 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: 5 * time.Millisecond,
	})
	if err := server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		began <- id
		<-end
		return queue.New(rdb, nil).Tell(ctx, []byte(`{"state":"late"}`))
	})); err != nil {
		t.Fatal(err)
	}
	return server, began, end
}

// What another has taken over is no longer listed as delivered, and leaves nothing
// behind when who had it ends after all; what nobody was given stays.
func TestWhatIsWithdrawnIsNotDelivered(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Helper()
		q, ctx := queue.New(rdb, nil), t.Context()
		r := plan.Record{ID: trainset.NewJobID("ada", trainset.KindActor, "k"), Kind: trainset.KindActor}
		steps := make([]plan.Step, 3)
		ids := []string{"unknown"}
		for i := range steps {
			steps[i] = plan.Step{Verb: plan.VerbImage, Subtask: plan.ImageID(i + 1), Index: i + 1, Revision: 1}
			ids = append(ids, steps[i].TaskID(r.ID))
			if err := q.Enqueue(ctx, r, steps[i]); err != nil {
				t.Fatal(err)
			}
		}
		server, began, end := holding(t, rdb, 2)
		taken := []string{<-began, <-began}
		if _, err := q.Pause(ctx, queue.Image); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(q.Withdraw(ctx, nil), q.Withdraw(ctx, ids), q.Withdraw(ctx, ids)); err != nil {
			t.Fatal(err)
		}
		if left, err := q.Delivered(ctx); err != nil || len(left) > 0 {
			t.Errorf("delivered: %v, %v", left, err)
		}
		for i, s := range steps {
			want := queue.Waiting
			if slices.Contains(taken, ids[i+1]) {
				want = queue.Lost
			}
			if got, err := q.Standing(r, s); err != nil || got != want {
				t.Errorf("%s stands as %v, %v", ids[i+1], got, err)
			}
		}
		close(end)
		server.Shutdown()
		for name, cmd := range map[string]*redis.IntCmd{
			"leases": rdb.ZCard(ctx, "asynq:{image}:lease"), "delivered": rdb.LLen(ctx, "asynq:{image}:active"), "completed": rdb.ZCard(ctx, "asynq:{image}:completed"),
			"of the tasks": rdb.Exists(ctx, "asynq:{image}:t:"+taken[0], "asynq:{image}:t:"+taken[1]),
		} {
			if n, err := cmd.Result(); err != nil || n != 0 {
				t.Errorf("%s in the end: %d, %v", name, n, err)
			}
		}
	})
}

// What somebody has waited for does not line up behind what nobody has begun.
func TestWhatIsQueuedAnewHasAQueueOfItsOwn(t *testing.T) {
	rdb := redistest.Server(t)
	q := queue.New(rdb, nil)
	r := plan.Record{ID: trainset.NewJobID("ada", trainset.KindActor, "k"), Kind: trainset.KindActor}
	for _, c := range []struct {
		step plan.Step
		want string
	}{
		{plan.Step{Verb: plan.VerbImage, Subtask: plan.ImageID(1), Index: 1, Revision: 1}, queue.Image},
		{plan.Step{Verb: plan.VerbImage, Subtask: plan.ImageID(1), Index: 1, Revision: 2}, queue.Again},
		{plan.Step{Verb: plan.VerbAccept}, trainset.QueueControl},
		{plan.Step{Verb: plan.VerbAccept, Revision: 1}, queue.ControlAgain},
		{plan.Step{Verb: plan.VerbAssemble, Revision: 1}, trainset.QueueControl},
		{plan.Step{Verb: plan.VerbAssemble, Revision: 2}, queue.ControlAgain},
	} {
		if err := q.Enqueue(t.Context(), r, c.step); err != nil {
			t.Fatal(err)
		}
		if standing, err := q.Standing(r, c.step); err != nil || standing != queue.Waiting {
			t.Errorf("%s stands as %v, %v", c.step.TaskID(r.ID), standing, err)
		}
		tasks, err := asynq.NewInspectorFromRedisClient(rdb).ListPendingTasks(c.want)
		if err != nil || !slices.ContainsFunc(tasks, func(i *asynq.TaskInfo) bool { return i.ID == c.step.TaskID(r.ID) }) {
			t.Errorf("in %s: %v, %v; want %s", c.want, tasks, err, c.step.TaskID(r.ID))
		}
	}
}
