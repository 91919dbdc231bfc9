package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// refusal keeps the queue from repeating what will never work: a request that
// is wrong, a key that names another.
func refusal(err error) error {
	var field *trainset.FieldError
	var conflict *trainset.ConflictError
	if errors.As(err, &field) || errors.As(err, &conflict) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return err
}

// RetryDelay is when the queue delivers a task again after an error: at once
// when a worker was stopped, soon where another worker can do it or while an open
// circuit keeps everybody waiting, else after a time that doubles to a minute.
func RetryDelay(n int, err error, _ *asynq.Task) time.Duration {
	switch {
	case interrupted(err):
		return 0
	case elsewhere(err):
		return untilOther
	case blocked(err):
		return whileBlocked
	}
	return min(time.Second<<min(n, 6), time.Minute)
}

const (
	whileBlocked = 5 * time.Second
	untilOther   = time.Second // each time it may be the right worker that takes it
)

// IsFailure says which errors count against a task's retries: being stopped,
// or kept waiting, is none.
func IsFailure(err error) bool { return !interrupted(err) && !blocked(err) }

func interrupted(err error) bool { return errors.Is(err, context.Canceled) }

// blocker is an error that no worker can do anything about.
type blocker interface {
	error
	Blocked() bool
}

func blocked(err error) bool {
	_, is := blockedBy(err)
	return is
}

// blockedBy finds what keeps everybody waiting, without what was being done.
func blockedBy(err error) (blocker, bool) {
	var b blocker
	return b, errors.As(err, &b)
}

// outage says in short what does not answer, or not as it should, and what to do
// about it, where it is storage or the provider. It names no address: those of
// objects may carry signatures. What is asked of the provider is not said, for it is
// many things at once.
func outage(err error) (why string, is bool) {
	if op, ok := errors.AsType[*storage.OpError](err); ok {
		return fmt.Sprintf("storage (%s) fails: %s: %v; %s", op.Store, op.Op, innermost(op), cmp.Or(op.Remedy, "see its server and its settings")), true
	}
	e, ok := errors.AsType[*replicate.Error](err)
	if !ok {
		return "", false
	}
	switch e.Class {
	case replicate.ClassThrottled:
		return "the provider takes no more calls for now" + status(e) + "; if that lasts, lower TRAINSET_RATE_PER_MINUTE", true
	case replicate.ClassTransient, replicate.ClassAmbiguous:
		why = "the provider fails" + status(e)
		if e.Detail != "" {
			why += ": " + e.Line()
		}
		return why + "; see its status page, and REPLICATE_BASE_URL if it is yours", true
	case replicate.ClassAuth:
		return "the provider does not accept the token" + status(e) + "; check REPLICATE_API_TOKEN of the workers", true
	case replicate.ClassCredit:
		return "the provider's account cannot pay" + status(e) + "; add credit to it", true
	case replicate.ClassInvalid, replicate.ClassModerated, replicate.ClassNotFound, replicate.ClassLost:
	}
	return "", false
}

func status(e *replicate.Error) string {
	if e.Status == 0 {
		return ""
	}
	return fmt.Sprintf(" (status %d)", e.Status)
}

// NoteOutages notes for a job that it waits for storage or the provider to do again
// what it has failed to, if that is what an error says, and when it is asked next.
func NoteOutages(l *ledger.Ledger, log zerolog.Logger) func(ctx context.Context, id trainset.JobID, err error, back time.Duration) {
	return func(ctx context.Context, id trainset.JobID, err error, back time.Duration) {
		if why, is := outage(err); is {
			warnUnnoted(ctx, log, id, l.Outage(ctx, id, why, back))
		}
	}
}

func warnUnnoted(ctx context.Context, log zerolog.Logger, id trainset.JobID, err error) {
	if err != nil && ctx.Err() == nil {
		log.Warn().Err(err).Str("job_id", string(id)).Msg("it could not be noted what keeps a job waiting")
	}
}

// innermost is the cause of an error: the outer ones repeat what was asked for.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// elsewhere reports whether another worker that lives can do what this one cannot.
func elsewhere(err error) bool {
	var mixed *mixedError
	return errors.As(err, &mixed) && mixed.others
}

// ErrorHandler logs what a handler returned. A panic in it would end the whole
// process, so it survives its own.
func ErrorHandler(log zerolog.Logger) asynq.ErrorHandler {
	return asynq.ErrorHandlerFunc(func(_ context.Context, t *asynq.Task, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.Error().Interface("panic", p).Msg("the error handler failed")
			}
		}()
		if interrupted(err) || blocked(err) {
			return // whoever stopped or blocked it has said so
		}
		log.Error().Str("task_type", t.Type()).Err(err).Msg("a task failed")
	})
}
