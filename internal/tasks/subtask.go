package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hibiken/asynq"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/wait"
)

// craft is what is particular to a verb: what is asked, and what is made of
// the answer.
type craft interface {
	// question is what the model is asked. It is not called where nothing is bought.
	question(ctx context.Context, w ledger.Work, t *plan.Try) (question, error)
	// finish checks what was bought and makes of it what is kept, whether it passes
	// or not. Where nothing is bought, data is empty.
	finish(ctx context.Context, w ledger.Work, a plan.Attempt, data []byte) (made, error)
}

// question is what a model is asked.
type question struct {
	prompt string
	input  map[string]any
	text   bool // the answer is a text
}

// made is something ready to be stored.
type made struct {
	body          []byte
	kind, ext     string // media type and file extension
	width, height int
	checks        json.RawMessage
	grid          *plan.Grid
	judgement     *plan.Judgement
	thumb         *image.NRGBA // of an image of the set
	rejected      string       // why it may not be used; empty when it may
}

// subtask carries out one subtask: attempt after attempt, until it settles.
func (h *Handlers) subtask(ctx context.Context, t *asynq.Task) error {
	p, err := queue.Decode(t)
	if err != nil {
		return err
	}
	for resumed := true; ; resumed = false {
		w, err := h.ledger.Subtask(ctx, p.Job, p.Subtask)
		if errors.Is(err, trainset.ErrNotFound) { // a wiped ledger: the request's own task rebuilds it
			return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
		}
		if err != nil {
			return fmt.Errorf("carrying out %s: %w", p.Subtask, err)
		}
		switch {
		case w.Job.State.Ended(), w.Subtask.Revision > p.Revision:
			return nil // nothing to do, or a later task does it
		case w.Subtask.State.Settled():
			return h.Advance(ctx, p.Job)
		}
		if err := h.try(ctx, w, resumed); err != nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrSettled) {
			return refusal(err)
		}
	}
}

// try carries the subtask's current attempt to its end, or begins the next.
func (h *Handlers) try(ctx context.Context, w ledger.Work, resumed bool) error {
	craft := h.crafts[w.Subtask.Verb]
	a, stop, err := h.attempt(ctx, craft, w)
	if err != nil {
		return err
	}
	if stop != nil {
		return h.settle(ctx, w, stop.State, stop.Reason, stop.Winner)
	}
	layout := layoutOfPlan(*w.Job.Plan)
	if resumed && a.State != "" {
		if stored, ok := h.receipt(ctx, layout, w.Subtask, a); ok {
			return h.conclude(ctx, w, a, stored)
		}
	}
	a, out, err := h.buy(ctx, w, a)
	defer out.Release()
	if state, reason, final := refused(err); final {
		return h.settle(ctx, w, state, reason, 0)
	}
	switch {
	case err != nil:
		return fmt.Errorf("attempt %s of job %s: %w", a.ID, a.Job, err)
	case a.State == plan.AttemptEnded:
		h.count(a)
		return h.writeReceipt(ctx, layout, w.Subtask, a)
	case a.Model == "": // the picture is made here
		release, err := h.o.Room.Take(ctx, tileBytes)
		if err != nil {
			return fmt.Errorf("attempt %s of job %s: %w", a.ID, a.Job, err)
		}
		defer release()
	}
	return h.keep(ctx, craft, w, layout, a, out.Data)
}

// tileBytes is about what a tile has.
const tileBytes = 4 << 20

// refused translates what means that no attempt may be begun.
func refused(err error) (state trainset.ItemState, reason string, final bool) {
	var over *ledger.OverCapError
	var broke interface{ Overspent() bool }
	switch {
	case errors.As(err, &over):
		return trainset.ItemFailed, over.Error(), true
	case errors.As(err, &broke):
		return trainset.ItemFailed, err.Error(), true
	case errors.Is(err, ledger.ErrStopped):
		return trainset.ItemCanceled, "canceled before it was asked for", true
	}
	return "", "", false
}

// buy carries the attempt out at whoever sells it. What costs nothing is only
// journalled.
func (h *Handlers) buy(ctx context.Context, w ledger.Work, a plan.Attempt) (plan.Attempt, paid.Output, error) {
	h.debugRequest(a)
	switch {
	case a.Model == "" && a.State == "":
		a, err := h.ledger.Open(ctx, a)
		return a, paid.Output{}, err
	case a.Model == "":
		return a, paid.Output{}, nil
	case w.Subtask.Verb == plan.VerbJudge && w.Job.Plan.Style.Judge == trainset.JudgeOpenAI:
		return h.o.OpenAI.Once(ctx, a)
	}
	return h.payer.Once(ctx, a)
}

// attempt returns the attempt to go on with, or why there is none any more.
func (h *Handlers) attempt(ctx context.Context, craft craft, w ledger.Work) (plan.Attempt, *plan.Stop, error) {
	if n := len(w.Attempts); n > 0 && w.Attempts[n-1].State != plan.AttemptEnded {
		return w.Attempts[n-1], nil, nil
	}
	next, stop := plan.NextAttempt(w.Subtask, w.Attempts, w.Job.Plan.MaxAttempts)
	if stop != nil {
		return plan.Attempt{}, stop, nil
	}
	if w.Stopped() {
		return plan.Attempt{}, &plan.Stop{State: trainset.ItemCanceled, Reason: "canceled before it was asked for"}, nil
	}
	if rung, err := h.pause(ctx, w, next.After); err != nil || rung {
		return plan.Attempt{}, nil, errors.Join(err, staleIf(rung))
	}
	model := w.Job.Plan.Buys(w.Subtask.Verb)
	a := plan.Attempt{
		ID: plan.AttemptID(w.Subtask.ID, next.Number), Job: w.Job.ID, Subtask: w.Subtask.ID, Number: next.Number,
		User: w.Job.User, Model: model.Name, Price: model.Price, Prompt: next.Prompt, Seed: next.Seed,
	}
	if model.Name == "" {
		return a, nil, nil
	}
	q, err := craft.question(ctx, w, next)
	a.Prompt, a.Input, a.Text = q.prompt, q.input, q.text
	return a, nil, err
}

// staleIf has the record read again.
func staleIf(changed bool) error {
	if changed {
		return ledger.ErrStale
	}
	return nil
}

// pause waits until the time since the last attempt ended is long enough, or
// until something was rung for.
func (h *Handlers) pause(ctx context.Context, w ledger.Work, after time.Duration) (rung bool, err error) {
	if n := len(w.Attempts); n > 0 && w.Attempts[n-1].EndedAt != nil {
		after -= h.o.Now().Sub(*w.Attempts[n-1].EndedAt)
	}
	if after <= 0 {
		return false, nil
	}
	ring, stop := h.o.Bell.Listen(w.Job.ID, "")
	defer stop()
	return wait.Ring(ctx, after, ring)
}

// keep checks what was bought and stores it, whether it passes or not.
func (h *Handlers) keep(ctx context.Context, craft craft, w ledger.Work, layout dataset.Layout, a plan.Attempt, data []byte) error {
	h.debugKeep(a, "output", data)
	m, err := craft.finish(ctx, w, a, data)
	if err != nil {
		return err
	}
	digest := sum(m.body)
	if m.thumb != nil {
		h.thumbs.Add(digest, m.thumb)
	}
	now := h.o.Now().UTC()
	end := a
	end.State, end.Outcome, end.Reason, end.EndedAt = plan.AttemptEnded, plan.OutcomeSucceeded, "", &now
	end.Grid, end.Judgement = m.grid, m.judgement
	key := layout.Made(w.Subtask, a.Number, m.ext)
	if m.rejected != "" {
		end.Outcome, end.Reason = plan.OutcomeRejected, m.rejected
		key = layout.Rejected(w.Subtask, a.Number, m.ext)
		h.debugKeep(a, "rejected."+m.ext, m.body)
	}
	end.Image = &plan.Image{
		Key: key, SHA256: digest, Bytes: len(m.body), Width: m.width, Height: m.height,
		ProviderSHA256: sum(data), Checks: m.checks,
	}
	if err := h.writeReceipt(ctx, layout, w.Subtask, end); err != nil {
		return err
	}
	if err := h.store.Put(ctx, key, m.body, storage.PutOptions{ContentType: m.kind}); err != nil {
		return fmt.Errorf("storing %s: %w", a.ID, err)
	}
	return h.conclude(ctx, w, a, end)
}

// conclude journals the end of an attempt whose result is stored and, where it
// passed, settles its subtask.
func (h *Handlers) conclude(ctx context.Context, w ledger.Work, a, end plan.Attempt) error {
	end.Version = a.Version
	if _, err := h.ledger.Write(ctx, end, a.Cost); err != nil {
		return fmt.Errorf("journalling %s: %w", a.ID, err)
	}
	h.count(end)
	if end.Outcome != plan.OutcomeSucceeded {
		return nil
	}
	return h.settle(ctx, w, trainset.ItemSucceeded, "", a.Number)
}

func (h *Handlers) count(a plan.Attempt) {
	if h.o.Meter != nil {
		h.o.Meter.AttemptEnded(string(a.Outcome), a.Cost)
	}
}

// settle gives the subtask its outcome and moves the job on where that may
// lead to something: an actor's images lead to nothing before the last.
func (h *Handlers) settle(ctx context.Context, w ledger.Work, state trainset.ItemState, reason string, winner int) error {
	s := w.Subtask
	s.State, s.Reason, s.Winner = state, reason, winner
	done, err := h.ledger.Settle(ctx, w.Job.ID, s)
	if err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	h.o.Log.Info().Str("job_id", string(w.Job.ID)).Str("subtask", string(s.ID)).Str("state", string(state)).Int("left", done.Left).Msg("settled")
	if done.Left > 0 && (w.Job.Plan.Style == nil || s.Verb.MakesItem() && state == trainset.ItemSucceeded) {
		return nil
	}
	return h.Advance(ctx, w.Job.ID)
}

func layoutOfPlan(p plan.Plan) dataset.Layout {
	return dataset.Layout{User: p.User, Kind: p.Kind, Subject: p.Subject, Job: p.JobID}
}
