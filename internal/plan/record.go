package plan

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/actormaker/trainset"
)

// Record is what the ledger knows of a job.
type Record struct {
	ID          trainset.JobID
	Kind        trainset.Kind
	User        string
	Subject     string
	Key         string
	Fingerprint string
	Request     json.RawMessage
	Priority    trainset.Priority

	State    trainset.JobState
	Revision int  // of the last assembled set; 0 before the first
	Change   int  // grows with every settlement and every growth: what compare-and-set compares
	Canceled bool // asked for; the state follows when nothing runs any more
	Reason   string
	HeldUp   string // why nothing is asked of the provider at present; empty where nothing keeps it from that
	Plan     *Plan  // without asks; nil until accepted
	// AcceptRevision numbers the tries at accepting, for task IDs.
	AcceptRevision int
	// AssembleRevision numbers the tries at assembling, for task IDs.
	AssembleRevision int

	Subtasks map[SubtaskID]Subtask
	Attempts map[string]Attempt
	// Queued holds the IDs of tasks that were handed to the queue.
	Queued map[string]bool

	Spent      trainset.Money // open attempts at their price, ended ones at their cost
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
	Output     *trainset.Output
}

// Begun is the record of a job whose plan was frozen just now.
func (r Record) Begun(p Plan, subs []Subtask) Record {
	head := p.Head()
	r.Plan, r.State, r.Subtasks = &head, trainset.JobRunning, make(map[SubtaskID]Subtask, len(subs))
	for _, s := range subs {
		r.Subtasks[s.ID] = s
	}
	return r
}

// Failed is the record of a job one of whose items turned out to have no image.
func (r Record) Failed(s Subtask, why string) Record {
	s.State, s.Reason, s.Winner = trainset.ItemFailed, why, 0
	r.Subtasks = maps.Clone(r.Subtasks)
	r.Subtasks[s.ID] = s
	return r
}

// Subtask is the record of one thing to make.
type Subtask struct {
	ID       SubtaskID          `json:"id"`
	Verb     Verb               `json:"verb"`
	Index    int                `json:"index"`
	Revision int                `json:"revision"` // grows each time it is queued anew
	State    trainset.ItemState `json:"state"`
	Reason   string             `json:"reason,omitempty"`
	// Winner is the number of the attempt that made the result; 0 before.
	Winner int `json:"winner,omitempty"`
	// Spent is how many attempts earlier rounds used up, before a person asked to
	// try again.
	Spent     int        `json:"spent,omitempty"`
	SettledAt *time.Time `json:"settled_at,omitempty"`
	Ask       Ask        `json:"-"` // never changes: kept beside the rest
}

// AttemptState is how far a paid try has come. Each is journalled before the
// next step is taken.
type AttemptState string

const (
	// AttemptIntent: about to be created; the provider may or may not have it.
	AttemptIntent AttemptState = "intent"
	// AttemptAccepted: the provider gave it an ID.
	AttemptAccepted AttemptState = "accepted"
	// AttemptPredicted: its output is known and must be fetched.
	AttemptPredicted AttemptState = "predicted"
	// AttemptEnded: it has an outcome.
	AttemptEnded AttemptState = "ended"
)

// Outcome is how an attempt ended.
type Outcome string

const (
	OutcomeSucceeded Outcome = "succeeded"
	OutcomeRejected  Outcome = "rejected"  // made, but failed the checks
	OutcomeModerated Outcome = "moderated" // refused by the provider's filter
	OutcomeFailed    Outcome = "failed"    // the provider could not, another try may
	OutcomeInvalid   Outcome = "invalid"   // the provider says the input is wrong
	OutcomeLost      Outcome = "lost"      // made, but its output is gone; counted as paid
	OutcomeCanceled  Outcome = "canceled"
)

// Attempt is one paid try at a subtask.
type Attempt struct {
	ID      string         `json:"id"` // "image.3.1"
	Job     trainset.JobID `json:"job_id"`
	Subtask SubtaskID      `json:"subtask"`
	Number  int            `json:"number"` // from 1
	// Version grows with each write; a write names the version it read.
	Version int          `json:"version"`
	State   AttemptState `json:"state"`
	Outcome Outcome      `json:"outcome,omitempty"`
	Reason  string       `json:"reason,omitempty"`

	User   string         `json:"user"`
	Model  string         `json:"model"`          // empty where nothing is bought
	Text   bool           `json:"text,omitempty"` // the output is a text, not a file
	Prompt string         `json:"prompt"`
	Seed   int64          `json:"seed"`
	Input  map[string]any `json:"input"` // verbatim: orphans are found by it
	Price  trainset.Money `json:"price_usd"`
	Cost   trainset.Money `json:"cost_usd"`

	Owner        string    `json:"owner"` // the worker that wrote last
	IntentAt     time.Time `json:"intent_at"`
	Unsent       bool      `json:"unsent,omitempty"`     // an intent that the provider has certainly not accepted
	TakenOver    bool      `json:"taken_over,omitempty"` // an intent that was dated by another worker's clock
	Account      string    `json:"account,omitempty"`    // of an intent: whose list has its prediction, without the token; empty of a version before
	PredictionID string    `json:"prediction_id,omitempty"`
	Output       []string  `json:"output,omitempty"`

	CreatedAt   time.Time  `json:"created_at"`
	PredictedAt *time.Time `json:"predicted_at,omitempty"`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
	// PredictSeconds is the provider's own figure.
	PredictSeconds float64 `json:"predict_seconds,omitempty"`

	Image *Image `json:"image,omitempty"` // set when something was stored
	// Grid is what was found in a grid that was made, Judgement what was said of one.
	Grid      *Grid      `json:"grid,omitempty"`
	Judgement *Judgement `json:"judgement,omitempty"`
}

// Image describes a stored image of an attempt.
type Image struct {
	Key            string          `json:"key"`
	SHA256         string          `json:"sha256"`
	Bytes          int             `json:"bytes"`
	Width          int             `json:"width"`
	Height         int             `json:"height"`
	ProviderSHA256 string          `json:"provider_sha256"`
	Checks         json.RawMessage `json:"checks,omitempty"`
}

// AttemptID names the n-th attempt at a subtask.
func AttemptID(sub SubtaskID, n int) string { return string(sub) + "." + itoa(n) }

// Tries returns the attempts at a subtask, by number.
func (r Record) Tries(sub SubtaskID) []Attempt {
	var tries []Attempt
	for n := 1; ; n++ {
		a, ok := r.Attempts[AttemptID(sub, n)]
		if !ok {
			return tries
		}
		tries = append(tries, a)
	}
}
