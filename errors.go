package trainset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	Key   string
	JobID JobID
	// Existing and Given are both requests, as canonical JSON. They have whole URLs,
	// which may carry a password or a signature: Error does not repeat these.
	Existing, Given string
}

func (e *ConflictError) Error() string {
	said := fmt.Sprintf("key: %.200q already names job %s with a different request; use another key", e.Key, e.JobID)
	if diff := differences(e.Existing, e.Given); len(diff) > 0 {
		said += ". It has " + strings.Join(diff, ", ")
	}
	return said
}

// differences says in which fields of two requests the first is another.
func differences(existing, given string) []string {
	was, is := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal([]byte(existing), &was) != nil || json.Unmarshal([]byte(given), &is) != nil {
		return nil // of another version, perhaps
	}
	var diff []string
	both := maps.Clone(was)
	maps.Copy(both, is)
	for _, field := range slices.Sorted(maps.Keys(both)) {
		if !bytes.Equal(was[field], is[field]) {
			diff = append(diff, difference(field, was[field], is[field]))
		}
	}
	return diff
}

func difference(field string, was, is json.RawMessage) string {
	switch {
	case bytes.HasPrefix(was, []byte("{")):
		return "another " + field + ", by its sha256, or by its URL or storage key where one of the requests gives none"
	case len(was) == 0:
		return fmt.Sprintf("no %s, this one %s", field, is)
	case len(is) == 0:
		return fmt.Sprintf("%s %s, this one none", field, was)
	}
	return fmt.Sprintf("%s %s, this one %s", field, was, is)
}
