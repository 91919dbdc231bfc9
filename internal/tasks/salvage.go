package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// The provider keeps an output for an hour, and storage may be away for longer. What
// was fetched and could not be stored goes into the ledger until it can.

// salvaged looks for the output of an attempt that this, or another, worker has
// fetched before. Only one whose output was known when it was read can have one.
func (h *Handlers) salvaged(ctx context.Context, a plan.Attempt) (out paid.Output, is bool, err error) {
	if a.State != plan.AttemptPredicted || a.Text {
		return out, false, nil
	}
	data, err := h.ledger.Salvaged(ctx, a)
	if errors.Is(err, trainset.ErrNotFound) {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	release, err := h.o.Room.Take(ctx, int64(len(data)))
	if err != nil {
		return out, false, err
	}
	return paid.Held(data, release), true, nil
}

// salvage keeps an output that storage refused, as the error of that says. Its
// worker may be told to end meanwhile: the write has a bound of its own.
func (h *Handlers) salvage(ctx context.Context, a plan.Attempt, output []byte, refusal error) {
	var refused *storage.OpError
	if !errors.As(refusal, &refused) || a.Model == "" || a.Text {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), salvageWithin)
	defer cancel()
	log := h.o.Log.With().Str("job_id", string(a.Job)).Str("attempt", a.ID).Logger()
	switch err := h.ledger.Salvage(ctx, a, output); {
	case errors.Is(err, ledger.ErrNoRoom):
		log.Warn().Err(err).Msg("storage refuses a picture that is paid for, and Redis has no room for it: the provider keeps it for an hour")
	case err != nil:
		log.Warn().Err(err).Msg("storage refuses a picture that is paid for, and so does Redis: the provider keeps it for an hour")
	default:
		log.Warn().Msg("storage refuses a picture that is paid for: Redis keeps it meanwhile")
	}
}

// salvageWithin is how long the writing of an output may take.
const salvageWithin = 30 * time.Second

// dropSalvaged removes what is stored by now. What stays behind expires.
func (h *Handlers) dropSalvaged(ctx context.Context, a plan.Attempt) {
	if err := h.ledger.DropSalvaged(ctx, a); err != nil {
		h.o.Log.Warn().Err(err).Str("job_id", string(a.Job)).Str("attempt", a.ID).Msg("a picture that is stored stays in Redis for a week")
	}
}
