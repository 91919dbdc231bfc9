package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// An attempt is two fields of its job's attempts: under its ID how far it has
// come, which each write replaces, and under askedField what it asks for, which
// is most of it and never changes. Both decode into the same attempt.

// askedField names what an attempt asks for.
func askedField(attempt string) string { return attempt + askedSuffix }

const askedSuffix = "?"

// asked is what an attempt asks for.
type asked struct {
	ID      string         `json:"id"`
	Job     trainset.JobID `json:"job_id"`
	Subtask plan.SubtaskID `json:"subtask"`
	Number  int            `json:"number"`

	User  string         `json:"user"`
	Model string         `json:"model"`
	Text  bool           `json:"text,omitempty"`
	Seed  int64          `json:"seed"`
	Input map[string]any `json:"input"`
	Price trainset.Money `json:"price_usd"`

	CreatedAt time.Time `json:"created_at"`

	// Prompt is left out where the input has the same under its own "prompt".
	Prompt *string `json:"prompt,omitempty"`
}

// standing is how far an attempt has come. Its version comes first, where
// luaWrite finds it.
type standing struct {
	Version int               `json:"version"`
	State   plan.AttemptState `json:"state"`
	Outcome plan.Outcome      `json:"outcome,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Cost    trainset.Money    `json:"cost_usd"`

	Owner        string    `json:"owner"`
	IntentAt     time.Time `json:"intent_at"`
	Unsent       bool      `json:"unsent,omitempty"`
	TakenOver    bool      `json:"taken_over,omitempty"`
	Account      string    `json:"account,omitempty"`
	PredictionID string    `json:"prediction_id,omitempty"`
	Output       []string  `json:"output,omitempty"`

	PredictedAt    *time.Time `json:"predicted_at,omitempty"`
	EndedAt        *time.Time `json:"ended_at,omitempty"`
	PredictSeconds float64    `json:"predict_seconds,omitempty"`

	Image     *plan.Image     `json:"image,omitempty"`
	Grid      *plan.Grid      `json:"grid,omitempty"`
	Judgement *plan.Judgement `json:"judgement,omitempty"`
}

// firstVersion is that of an attempt whose record is made at a time, be it opened or
// read back: whoever was frozen while an earlier record of it was deleted or lost has
// none of the versions that follow.
func firstVersion(now time.Time) int { return int(now.UnixMilli()) }

func encodeAttempt(a plan.Attempt) (standing, asked []byte, err error) {
	if standing, err = encodeHalf(standingOf(a)); err != nil {
		return nil, nil, err
	}
	asked, err = encodeHalf(askedOf(a))
	return standing, asked, err
}

func askedOf(a plan.Attempt) asked {
	k := asked{
		ID: a.ID, Job: a.Job, Subtask: a.Subtask, Number: a.Number, User: a.User, Model: a.Model, Text: a.Text,
		Seed: a.Seed, Input: a.Input, Price: a.Price, CreatedAt: a.CreatedAt,
	}
	if same, ok := a.Input["prompt"].(string); !ok || same != a.Prompt {
		k.Prompt = &a.Prompt
	}
	return k
}

func standingOf(a plan.Attempt) standing {
	return standing{
		Version: a.Version, State: a.State, Outcome: a.Outcome, Reason: a.Reason, Cost: a.Cost,
		Owner: a.Owner, IntentAt: a.IntentAt, Unsent: a.Unsent, TakenOver: a.TakenOver, Account: a.Account, PredictionID: a.PredictionID, Output: a.Output,
		PredictedAt: a.PredictedAt, EndedAt: a.EndedAt, PredictSeconds: a.PredictSeconds,
		Image: a.Image, Grid: a.Grid, Judgement: a.Judgement,
	}
}

func encodeHalf(half any) ([]byte, error) {
	b, err := json.Marshal(half)
	if err != nil {
		return nil, fmt.Errorf("ledger: encoding an attempt: %w", err)
	}
	return b, nil
}

// attemptOf decodes an attempt's two fields. One that was written before there
// were two has everything in the first.
func attemptOf(standingJSON, askedJSON string) (plan.Attempt, error) {
	if askedJSON == "" {
		var a plan.Attempt
		err := json.Unmarshal([]byte(standingJSON), &a)
		return a, err //nolint:wrapcheck // callers say of which
	}
	var k asked
	if err := json.Unmarshal([]byte(askedJSON), &k); err != nil {
		return plan.Attempt{}, err //nolint:wrapcheck // callers say of which
	}
	var s standing
	if err := json.Unmarshal([]byte(standingJSON), &s); err != nil {
		return plan.Attempt{}, err //nolint:wrapcheck // callers say of which
	}
	return plan.Attempt{
		ID: k.ID, Job: k.Job, Subtask: k.Subtask, Number: k.Number, User: k.User, Model: k.Model, Text: k.Text,
		Prompt: k.prompt(), Seed: k.Seed, Input: k.Input, Price: k.Price, CreatedAt: k.CreatedAt,
		Version: s.Version, State: s.State, Outcome: s.Outcome, Reason: s.Reason, Cost: s.Cost,
		Owner: s.Owner, IntentAt: s.IntentAt, Unsent: s.Unsent, TakenOver: s.TakenOver, Account: s.Account, PredictionID: s.PredictionID, Output: s.Output,
		PredictedAt: s.PredictedAt, EndedAt: s.EndedAt, PredictSeconds: s.PredictSeconds,
		Image: s.Image, Grid: s.Grid, Judgement: s.Judgement,
	}, nil
}

// attemptsOf decodes all fields of a job's attempts.
func attemptsOf(fields map[string]string) (map[string]plan.Attempt, error) {
	all := make(map[string]plan.Attempt, len(fields)/2)
	for id, s := range fields {
		if strings.HasSuffix(id, askedSuffix) {
			continue
		}
		a, err := attemptOf(s, fields[askedField(id)])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		all[id] = a
	}
	return all, nil
}

func (k asked) prompt() string {
	if k.Prompt != nil {
		return *k.Prompt
	}
	same, _ := k.Input["prompt"].(string)
	return same
}
