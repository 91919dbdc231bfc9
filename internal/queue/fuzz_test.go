package queue_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
)

// FuzzDecode looks for payloads that panic, that are refused in a way that the
// queue would repeat, or that name a job by something that is no job ID: keys
// are made from it.
func FuzzDecode(f *testing.F) {
	whole, err := json.Marshal(queue.Payload{Job: trainset.NewJobID("ada", trainset.KindActor, "k"), Subtask: plan.ImageID(3), Index: 3, Revision: 2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"job_id":"x}:job","subtask":"image.1"}`))
	f.Add([]byte(`{"job_id":1,"revision":1e99}`))
	f.Add([]byte("[]"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := queue.Decode(asynq.NewTask(string(plan.VerbImage), payload))
		if err != nil {
			if !errors.Is(err, asynq.SkipRetry) {
				t.Fatalf("it would be repeated: %v", err)
			}
			return
		}
		if _, err := trainset.ParseJobID(string(p.Job)); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := queue.Decode(asynq.NewTask(string(plan.VerbImage), again)); err != nil || q != p {
			t.Fatalf("%+v became %+v, %v", p, q, err)
		}
	})
}
