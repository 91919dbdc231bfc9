package app

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/tasks"
)

// permits joins what the provider says to the limits that all workers share.
type permits struct {
	gate     *limit.Gate
	lowerFor time.Duration // how long a lower limit is believed
	log      zerolog.Logger
}

// Permit waits for a slot.
func (p *permits) Permit(ctx context.Context, user string) error {
	return p.gate.Permit(ctx, user)
}

// How long a lower limit is believed, a pause where the provider names none, and
// the longest that is believed where it does: then it is asked again.
// The provider does not say when a limit is lifted. To try the usual one costs a
// refusal a minute; to believe the lower one for longer would cost an account
// that has paid since as many minutes.
const (
	lowerFor   = time.Minute
	pauseUnset = 5 * time.Second
	pauseMost  = 5 * time.Minute
)

// tokenRemedy is what to do about a token that is not accepted.
const tokenRemedy = "check REPLICATE_API_TOKEN: it must be valid and of the account that began the work"

// Accepted closes a circuit that waited for this.
func (p *permits) Accepted(ctx context.Context) {
	if err := p.gate.Succeeded(ctx); err != nil && !canceled(ctx) {
		p.log.Error().Err(err).Msg("the limits could not be told")
	}
}

// canceled reports whether whoever asked has ended: the next answer tells the limits.
func canceled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// Report passes on what an answer means for everybody.
func (p *permits) Report(ctx context.Context, e *replicate.Error) {
	var err error
	switch e.Class {
	case replicate.ClassThrottled:
		after := e.After
		if after == 0 {
			after = pauseUnset
		}
		err = p.gate.Pause(ctx, min(after, pauseMost), e.Detail)
		if err == nil && e.RatePerMinute > 0 {
			err = p.gate.LowerRate(ctx, e.RatePerMinute, p.lowerFor)
		}
	case replicate.ClassCredit:
		err = p.gate.Open(ctx, "credit", e.Error(), "add credit to the provider's account; work goes on by itself")
	case replicate.ClassAuth, replicate.ClassNotFound:
		err = p.gate.Open(ctx, "auth", e.Error(), tokenRemedy)
	case replicate.ClassTransient, replicate.ClassInvalid, replicate.ClassModerated, replicate.ClassAmbiguous, replicate.ClassLost:
	}
	if err != nil && !canceled(ctx) {
		p.log.Error().Err(err).Str("class", string(e.Class)).Msg("the limits could not be told")
	}
}

// uploads passes on what the answer to an upload means for everybody: it needs the
// token that all calls need, and is the first of a job.
type uploads struct {
	tasks.Uploader

	limits *permits
}

func (u uploads) Upload(ctx context.Context, name, contentType string, data []byte) (replicate.File, error) {
	f, err := u.Uploader.Upload(ctx, name, contentType, data)
	if e, is := errors.AsType[*replicate.Error](err); is && (e.Class == replicate.ClassAuth || e.Class == replicate.ClassCredit) {
		u.limits.Report(ctx, e)
	}
	return f, err
}
