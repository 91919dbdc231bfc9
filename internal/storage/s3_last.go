//nolint:wrapcheck // S3.failed wraps each error once, at the exported methods
package storage

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// triedError is an operation that ran out of time, with why its last whole try had failed: the SDK, whose time
// ends while it waits for the next, tells of the time alone.
type triedError struct{ err, last error }

func (e *triedError) Error() string { return e.err.Error() }

func (e *triedError) Unwrap() error { return e.err }

// rememberLastTry adds to an operation what notes how each try failed, and what tells the last of it.
func rememberLastTry(stack *middleware.Stack) error {
	const retry = "Retry"
	if _, sent := stack.Finalize.Get(retry); !sent { // a link is only signed
		return nil
	}
	if err := stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("trainsetTold", tellLastTry), retry, middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("trainsetNoted", noteLastTry), retry, middleware.After)
}

type lastTryKey struct{}

func tellLastTry(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	last := new(error) // tries follow each other
	out, metadata, err := next.HandleFinalize(middleware.WithStackValue(ctx, lastTryKey{}, last), in)
	if err != nil && ctx.Err() != nil && *last != nil {
		err = &triedError{err, *last}
	}
	return out, metadata, err
}

// noteLastTry leaves out the try that the end of the time broke off.
func noteLastTry(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if last, ok := middleware.GetStackValue(ctx, lastTryKey{}).(*error); ok && err != nil && ctx.Err() == nil {
		*last = err
	}
	return out, metadata, err
}
