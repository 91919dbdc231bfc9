package replicate

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	upstream "github.com/replicate/replicate-go"
)

// Status is where a prediction stands, in the provider's words.
type Status string

const (
	StatusStarting   Status = "starting"
	StatusProcessing Status = "processing"
	StatusSucceeded  Status = "succeeded"
	StatusFailed     Status = "failed"
	StatusCanceled   Status = "canceled"
	// StatusAborted ended before it started; the library does not know it.
	StatusAborted Status = "aborted"
)

// Prediction is one run of a model.
type Prediction struct {
	ID     string
	Model  string // "owner/name"
	Status Status
	// Input is nil where a list leaves it out, or the provider has removed it.
	Input map[string]any
	// Output holds URLs of files, or the chunks of a text; one or many.
	Output      []string
	Error       string
	DataRemoved bool
	CreatedAt   time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	// PredictTime is the provider's own figure, in seconds.
	PredictTime float64
}

// Terminal reports whether the status is final.
func (p Prediction) Terminal() bool {
	switch p.Status {
	case StatusSucceeded, StatusFailed, StatusCanceled, StatusAborted:
		return true
	case StatusStarting, StatusProcessing:
	}
	return false
}

// Err says why a terminal prediction has no output: an *Error, or nil when it has.
func (p Prediction) Err() error {
	switch p.Status {
	case StatusSucceeded:
		if len(p.Output) == 0 {
			return &Error{Class: ClassLost, Op: "finish a prediction", Detail: "it succeeded, but its output is gone"}
		}
		return nil
	case StatusCanceled, StatusAborted:
		return &Error{Class: ClassTransient, Op: "finish a prediction", Detail: "it was " + string(p.Status)}
	case StatusFailed:
		return predictionError(p.Error)
	case StatusStarting, StatusProcessing:
	}
	return &Error{Class: ClassTransient, Op: "finish a prediction", Detail: "it has status " + string(p.Status)}
}

// decodePrediction reads the raw answer, which knows more than the library's
// type. The bytes alias the library's buffer and are not kept.
func decodePrediction(op string, p *upstream.Prediction) (Prediction, error) {
	return parsePrediction(op, p.RawJSON())
}

func parsePrediction(op string, raw []byte) (Prediction, error) {
	var w struct {
		ID          string         `json:"id"`
		Model       string         `json:"model"`
		Status      Status         `json:"status"`
		Input       map[string]any `json:"input"`
		Output      any            `json:"output"`
		Error       any            `json:"error"`
		DataRemoved bool           `json:"data_removed"`
		CreatedAt   time.Time      `json:"created_at"`
		StartedAt   *time.Time     `json:"started_at"`
		CompletedAt *time.Time     `json:"completed_at"`
		Metrics     struct {
			PredictTime float64 `json:"predict_time"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal(raw, &w); err != nil || w.ID == "" {
		return Prediction{}, &Error{Class: undecodable(op), Op: op, Detail: "the answer is no prediction"}
	}
	p := Prediction{
		ID: w.ID, Model: w.Model, Status: w.Status, Input: w.Input, Output: outputs(w.Output),
		DataRemoved: w.DataRemoved, CreatedAt: w.CreatedAt, PredictTime: w.Metrics.PredictTime,
	}
	if w.Error != nil {
		p.Error = fmt.Sprint(w.Error)
	}
	if w.StartedAt != nil {
		p.StartedAt = *w.StartedAt
	}
	if w.CompletedAt != nil {
		p.CompletedAt = *w.CompletedAt
	}
	if w.DataRemoved {
		p.Input = nil
	}
	return p, nil
}

// undecodable classes an answer that cannot be read: a create was accepted.
func undecodable(op string) Class {
	if op == "create a prediction" {
		return ClassAmbiguous
	}
	return ClassTransient
}

// outputs flattens what models return: a string, or a list of strings. Other
// shapes are none that a known model has.
func outputs(v any) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// MatchInput reports whether a listed prediction's input is the one we sent.
// Only the fields we set count, for the provider adds defaults, and it writes
// them in its own way: numbers are compared by value, texts without the space
// around them, and addresses as sameAddress does. A row without input never
// matches: what is not known is not taken.
func MatchInput(sent, listed map[string]any) bool {
	if len(sent) == 0 || listed == nil {
		return false
	}
	_, seeded := sent["seed"]
	for field, v := range sent {
		got, ok := listed[field]
		if !ok || !sameValue(plain(v), plain(got), seeded) {
			return false
		}
	}
	return true
}

// sameValue compares plain JSON values.
func sameValue(sent, got any, seeded bool) bool {
	switch sent := sent.(type) {
	case string:
		got, ok := got.(string)
		return ok && (strings.TrimSpace(sent) == strings.TrimSpace(got) || sameAddress(sent, got, seeded))
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(sent, got, func(a, b any) bool { return sameValue(a, b, seeded) })
	}
	return canonical(sent) == canonical(got)
}

// sameAddress reports whether a file that we uploaded is the one that the
// provider says it read. It may say so with another address, which has the
// file's ID in its path. One elsewhere that has not is believed where the input has
// a seed, which tells inputs apart unless two jobs were given the same; where
// our own addresses are, it is another file.
func sameAddress(sent, got string, seeded bool) bool {
	ours, err := url.Parse(sent)
	if err != nil || ours.Host == "" {
		return false
	}
	theirs, err := url.Parse(got)
	if err != nil || theirs.Host == "" {
		return false
	}
	id := path.Base(ours.Path)
	return seeded && ours.Host != theirs.Host || len(id) > 1 && slices.Contains(strings.Split(theirs.Path, "/"), id)
}

// plain is a value as JSON has it.
func plain(v any) any {
	var p any
	if err := json.Unmarshal([]byte(canonical(v)), &p); err != nil {
		return v
	}
	return p
}

// canonical is JSON with numbers by value and keys sorted.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("!%v", v)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return string(b)
	}
	b, _ = json.Marshal(plain)
	return string(b)
}
