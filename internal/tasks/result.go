package tasks

import (
	"context"
	"encoding/json"

	"github.com/actormaker/trainset"
)

// What came of a task is kept beside it for as long as the queue shows it, for whoever
// looks there and not into the ledger. Nothing reads it back.

// result is what came of a task: of a job that was accepted or has ended, or of one
// subtask. What does not apply is left out.
type result struct {
	Job       trainset.JobID `json:"job_id,omitempty"` // where the payload does not say
	State     string         `json:"state"`
	Wanted    int            `json:"wanted,omitempty"`
	Images    *int           `json:"images,omitempty"` // in the set
	Attempts  int            `json:"attempts,omitempty"`
	Estimated trainset.Money `json:"estimated_usd,omitempty"`
	Cost      trainset.Money `json:"cost_usd,omitempty"`
	Key       string         `json:"key,omitempty"` // of what was stored
	Reason    string         `json:"reason,omitempty"`
}

// tell has the queue keep what came of the task in hand. What is carried out by a test
// or the sweeper is none.
func (h *Handlers) tell(ctx context.Context, r result) {
	b, err := json.Marshal(r)
	if err == nil {
		err = h.queue.Tell(ctx, b)
	}
	if err != nil {
		h.o.Log.Debug().Err(err).Str("state", r.State).Msg("the queue could not be told what came of a task")
	}
}
