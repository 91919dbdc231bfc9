package app_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// Whoever looks at the queues sees what came of each task.
func TestTheQueuesShowWhatCameOfTheirTasks(t *testing.T) {
	t.Parallel()
	rdb := redistest.Any(t)
	s := quickSystem(t, rdb, fake.Fault{Kind: fake.Fail, Code: "E004", Times: -1, Every: 1, Nth: 2})
	s.options.MaxAttempts = 1
	s.start()
	refused := s.request("refused", 2)
	refused.Portrait = trainset.Reference{Key: "nowhere.png"}
	if _, err := s.client.EnqueueActor(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	id := s.enqueue(s.request("k", 2))
	s.ended(id)
	var results []string
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	redistest.Await(t, "all tasks are done", func() bool {
		results = nil
		for _, name := range queue.Names() {
			tasks, err := inspector.ListCompletedTasks(name)
			if err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
				t.Fatal(err)
			}
			for _, task := range tasks {
				results = append(results, task.Type+" "+string(task.Result))
			}
		}
		return len(results) >= 5
	})
	slices.SortFunc(results, func(a, b string) int { // by type and state
		return cmp.Or(strings.Compare(kindOf(a), kindOf(b)), strings.Compare(stateOf(a), stateOf(b)))
	})
	for i, want := range [][]string{
		{"actor:generate ", `"job_id":"` + string(refused.JobID()), `"state":"failed"`, `"reason":"portrait: there is no object`},
		{"actor:generate ", `"job_id":"` + string(id), `"state":"running"`, `"wanted":2`, `"estimated_usd":0.08`},
		{"dataset:assemble ", `"state":"partial"`, `"images":1`, `"wanted":2`, `"cost_usd":0.0`, `manifest.json"`, `"reason":"`},
		{"image:generate ", `"state":"failed"`, `"reason":"`},
		{"image:generate ", `"state":"succeeded"`, `"attempts":`, `"cost_usd":0.04`, `/items/`},
	} {
		for _, part := range want {
			if !strings.Contains(results[i], part) {
				t.Errorf("%s has no %s", results[i], part)
			}
		}
	}
}

func kindOf(result string) string { kind, _, _ := strings.Cut(result, " "); return kind }

func stateOf(result string) string { _, state, _ := strings.Cut(result, `"state":"`); return state }
