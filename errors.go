package trainset

import (
	"errors"
	"fmt"
)

// ErrNotFound says that there is no such job.
var ErrNotFound = errors.New("no such job")

// FieldError is one thing wrong with one field of a request or a setting.
// Several are joined with errors.Join, so that all are reported at once.
type FieldError struct {
	Field   string // the field as its user knows it: "portrait", "images", "REDIS_URL"
	Problem string // what is wrong: "is 100 x 80 px"
	Remedy  string // what to do: "give one of at least 256 px on each side"
}

// Invalid makes a FieldError.
func Invalid(field, problem, remedy string) *FieldError {
	return &FieldError{Field: field, Problem: problem, Remedy: remedy}
}

func (e *FieldError) Error() string {
	if e.Remedy == "" {
		return fmt.Sprintf("%s: %s", e.Field, e.Problem)
	}
	return fmt.Sprintf("%s: %s; %s", e.Field, e.Problem, e.Remedy)
}

// ConflictError says that an idempotency key already names a different request.
type ConflictError struct {
	Key             string
	JobID           JobID
	Existing, Given string // both requests, as canonical JSON
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("key: %.200q already names job %s with a different request; use another key. It has %s, this one %s",
		e.Key, e.JobID, e.Existing, e.Given)
}
