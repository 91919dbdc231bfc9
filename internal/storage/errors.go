package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/actormaker/trainset"
)

var (
	// ErrNotFound says that there is no object under the key.
	ErrNotFound = errors.New("no such object")
	// ErrExists says that a Put with IfAbsent found an object under the key.
	ErrExists = errors.New("the object exists already")
	// ErrChanged says that a Put with IfVersion found no object of that version under the key.
	ErrChanged = errors.New("the object has changed")
	// ErrTooLarge says that an object is larger than MaxObject.
	ErrTooLarge = fmt.Errorf("the object is larger than %d MB", MaxObject>>20)
)

// OpError is a store's failure to do what it was asked.
type OpError struct {
	Op        string // "put", "get", "stat", "list", "delete", "link"
	Key       string // the key, or a list's prefix; may be empty
	Store     string // as Describe gives it
	Permanent bool   // trying again cannot help until someone changes a setting or a permission
	Remedy    string // what to do about it; may be empty
	Err       error
}

func (e *OpError) Error() string {
	text := fmt.Sprintf("%s %q in %s: %v", e.Op, e.Key, e.Store, e.Err)
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap gives the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Permanent tells whether repeating the same call cannot succeed without someone's intervention.
func Permanent(err error) bool {
	if op, ok := errors.AsType[*OpError](err); ok {
		return op.Permanent
	}
	_, bad := errors.AsType[*trainset.FieldError](err)
	return bad || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrChanged) || errors.Is(err, ErrTooLarge)
}

// plain tells the errors that callers compare with, and that need no remedy.
func plain(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrChanged) || errors.Is(err, ErrTooLarge) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func checkSize(size int64) error {
	if size > MaxObject {
		return fmt.Errorf("%w: it has %d bytes", ErrTooLarge, size)
	}
	return nil
}
