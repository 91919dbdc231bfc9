package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

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
	// question is what the model is asked. It is not called where nothing is bought. A
	// *hopelessError says that asking could lead to nothing.
	question(ctx context.Context, w ledger.Work, a plan.Attempt) (question, error)
	// finish checks what was bought and makes of it what is kept, whether it passes
	// or not. Where nothing is bought, there are no data.
	finish(ctx context.Context, w ledger.Work, a plan.Attempt, b bought) (made, error)
}

// keeper is a craft that keeps a picture as it came.
type keeper interface {
	// shown reports whether the provider is shown the picture next.
	shown(w ledger.Work) bool
}

// bought is what a model answered, and its digest.
type bought struct {
	data []byte
	sum  string
}

// question is what a model is asked.
type question struct {
	prompt string
	input  map[string]any
	text   bool // the answer is a text
}

// hopelessError is that no answer to a question could be used, so that it is not
// asked: nobody would pay for it knowingly.
type hopelessError struct{ why string }

func (e *hopelessError) Error() string { return e.why }

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
		settled, err := h.try(ctx, w, resumed)
		if err != nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrSettled) {
			h.noteHeldUp(ctx, p.Job, err)
			return refusal(err)
		}
		if settled && err == nil {
			return nil
		}
	}
}

// noteHeldUp lets those who watch a job know what keeps it waiting.
func (h *Handlers) noteHeldUp(ctx context.Context, id trainset.JobID, err error) {
	if elsewhere(err) {
		return
	}
	why, is := blockedBy(err)
	if !is {
		n, _ := asynq.GetRetryCount(ctx) // none in tests
		NoteOutages(h.ledger, h.o.Log)(ctx, id, err, RetryDelay(n, err, nil))
		return
	}
	warnUnnoted(ctx, h.o.Log, id, h.ledger.HeldUp(ctx, id, why.Error()))
}

// try carries the subtask's current attempt to its end, or begins the next. It
// reports whether that settled the subtask; if not, it is to be read again.
func (h *Handlers) try(ctx context.Context, w ledger.Work, resumed bool) (settled bool, err error) {
	if err := h.oursToTry(ctx, w); err != nil {
		return false, err
	}
	craft, layout := h.crafts[w.Subtask.Verb], layoutOfPlan(*w.Job.Plan)
	if resumed {
		if err := h.receiptOfLast(ctx, w); err != nil {
			return false, err
		}
	}
	a, stop, err := h.attempt(ctx, w)
	if err != nil {
		return false, err
	}
	if stop != nil {
		if ask := w.Subtask.Ask; w.Subtask.Verb == plan.VerbTile && stop.Winner > 0 { // had it been replaced, it is wanted again
			if err := h.store.Delete(ctx, layout.Unwanted(ask.Grid, ask.Tile)); err != nil {
				return false, fmt.Errorf("taking %s back: %w", w.Subtask.ID, err)
			}
		}
		return h.settle(ctx, w, outcome(w, stop.State, stop.Reason, stop.Winner))
	}
	if done, settled, err := h.stored(ctx, w, a, resumed); done || err != nil {
		return settled, err
	}
	out, salvaged, err := h.salvaged(ctx, a)
	if err == nil && !salvaged {
		a, out, err = h.buy(ctx, craft, w, a)
	}
	defer out.Release()
	if state, reason, final := refused(err); final {
		return h.settle(ctx, w, outcome(w, state, reason, 0))
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("attempt %s of job %s: %w", a.ID, a.Job, err)
	case a.State == plan.AttemptEnded:
		h.count(a)
		return false, h.writeReceipt(ctx, *w.Job.Plan, w.Subtask, a)
	case a.Model == "": // the picture is made here
		release, err := h.o.Room.Take(ctx, tileBytes)
		if err != nil {
			return false, fmt.Errorf("attempt %s of job %s: %w", a.ID, a.Job, err)
		}
		defer release()
	}
	settled, err = h.keep(ctx, craft, w, layout, a, out.Data)
	switch stored := settled || err == nil; {
	case salvaged && stored:
		h.dropSalvaged(ctx, a)
	case !salvaged && !stored:
		h.salvage(ctx, a, out.Data, err)
	}
	if state, reason, final := refused(err); final {
		return h.settle(ctx, w, outcome(w, state, reason, 0))
	}
	return settled, err
}

// tileBytes is about what a tile has.
const tileBytes = 4 << 20

// refused translates what means that no attempt may be begun, or that one can lead
// to nothing.
func refused(err error) (state trainset.ItemState, reason string, final bool) {
	var over *ledger.OverCapError
	var hopeless *hopelessError
	switch {
	case errors.As(err, &hopeless):
		return trainset.ItemFailed, hopeless.why, true
	case errors.As(err, &over):
		return trainset.ItemFailed, over.Error(), true
	case paid.Overspent(err):
		return trainset.ItemFailed, err.Error(), true
	case errors.Is(err, ledger.ErrStopped):
		return trainset.ItemCanceled, "canceled before it was asked for", true
	}
	return "", "", false
}

// buy carries the attempt out at whoever sells it. What costs nothing is only
// journalled.
func (h *Handlers) buy(ctx context.Context, craft craft, w ledger.Work, a plan.Attempt) (plan.Attempt, paid.Output, error) {
	if a.Model != "" && a.State == "" {
		q, err := craft.question(ctx, w, a)
		if err != nil {
			return a, paid.Output{}, err
		}
		a.Prompt, a.Input, a.Text = q.prompt, q.input, q.text
	}
	h.debugRequest(a)
	switch {
	case a.Model == "" && a.State == "":
		a, err := h.ledger.Open(ctx, a)
		return a, paid.Output{}, err
	case a.Model == "":
		return a, paid.Output{}, nil
	case openAIs(w):
		if h.o.OpenAI == nil {
			return a, paid.Output{}, &hopelessError{"there is no access to OpenAI's API any more: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"}
		}
		return h.o.OpenAI.Once(ctx, a)
	}
	return h.payer.Once(ctx, a)
}

// openAIs reports whether OpenAI's API carries a subtask out, and not the provider.
func openAIs(w ledger.Work) bool {
	return w.Subtask.Verb == plan.VerbJudge && w.Job.Plan.Style.Judge == trainset.JudgeOpenAI
}

// attempt returns the attempt to go on with, or why there is none any more.
func (h *Handlers) attempt(ctx context.Context, w ledger.Work) (plan.Attempt, *plan.Stop, error) {
	if a := w.Last(); a.State != "" && a.State != plan.AttemptEnded {
		return a, nil, nil
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
	return plan.Attempt{
		ID: plan.AttemptID(w.Subtask.ID, next.Number), Job: w.Job.ID, Subtask: w.Subtask.ID, Number: next.Number,
		User: w.Job.User, Model: model.Name, Price: model.Price, Prompt: next.Prompt, Seed: next.Seed,
	}, nil, nil
}

// staleIf has the record read again.
func staleIf(changed bool) error {
	if changed {
		return ledger.ErrStale
	}
	return nil
}

// pause waits until the time since the last attempt ended is long enough, or
// until something was rung for. A clock that was ahead of ours makes it no longer.
func (h *Handlers) pause(ctx context.Context, w ledger.Work, after time.Duration) (rung bool, err error) {
	if ended := w.Last().EndedAt; ended != nil {
		after -= max(0, h.o.Now().Sub(*ended))
	}
	if after <= 0 {
		return false, nil
	}
	ring, stop := h.o.Bell.Listen(w.Job.ID, "")
	defer stop()
	return wait.Ring(ctx, after, ring)
}

// keep checks what was bought and stores it, whether it passes or not.
func (h *Handlers) keep(ctx context.Context, craft craft, w ledger.Work, layout dataset.Layout, a plan.Attempt, data []byte) (settled bool, err error) {
	h.debugKeep(a, "output", data)
	b := bought{data, sum(data)}
	shown := h.show(ctx, craft, w, a, b)
	defer func() { shown(settled) }()
	m, stored, err := h.checked(ctx, craft, w, layout, a, b)
	if err != nil {
		return false, err
	}
	digest := b.sum
	if !bytes.Equal(m.body, data) { // kept as they came, the same bytes are at hand
		digest = sum(m.body)
	}
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
		ProviderSHA256: b.sum, Checks: m.checks,
	}
	if err := h.writeReceipt(ctx, *w.Job.Plan, w.Subtask, end); err != nil {
		return false, err
	}
	if stored != key {
		if err := h.storePicture(ctx, a, key, m.kind, m.body); err != nil {
			return false, err
		}
	}
	if m.thumb != nil && m.rejected == "" {
		h.recent.add(digest, m.body)
	}
	return h.conclude(ctx, w, a, end)
}

// checked has what was bought checked. A picture that is kept as it came is stored
// meanwhile, under the key that it has if it passes: large ones take as long to
// store as to decode.
func (h *Handlers) checked(ctx context.Context, craft craft, w ledger.Work, layout dataset.Layout, a plan.Attempt, b bought) (m made, stored string, err error) {
	if _, keeps := craft.(keeper); !keeps {
		m, err = craft.finish(ctx, w, a, b)
		return m, "", err
	}
	kind, ext := formatOf(b.data)
	stored = layout.Made(w.Subtask, a.Number, ext)
	var g errgroup.Group
	g.Go(func() error { return h.storePicture(ctx, a, stored, kind, b.data) })
	m, err = craft.finish(ctx, w, a, b)
	if problem := g.Wait(); err == nil {
		err = problem
	}
	return m, stored, err
}

func (h *Handlers) storePicture(ctx context.Context, a plan.Attempt, key, kind string, body []byte) error {
	err := h.storing(ctx, a.Job, func() error { return h.store.Put(ctx, key, body, storage.PutOptions{ContentType: kind}) })
	if err != nil {
		return fmt.Errorf("storing %s: %w", a.ID, err)
	}
	return nil
}

// uploadWithin bounds an upload that nobody has asked for yet: whoever asks for it
// then has more time.
const uploadWithin = 10 * time.Second

// show begins to upload a picture that the provider is shown next, before it is
// known whether it passes. Call done with whether it is wanted: nothing that is
// journalled waits for it.
func (h *Handlers) show(ctx context.Context, craft craft, w ledger.Work, a plan.Attempt, b bought) (done func(wanted bool)) {
	if k, keeps := craft.(keeper); !keeps || !k.shown(w) {
		return func(bool) {}
	}
	ctx, cancel := context.WithTimeout(ctx, uploadWithin)
	uploaded := make(chan struct{})
	go func() {
		defer close(uploaded)
		_, ext := formatOf(b.data)
		_, err := h.pictureURL(ctx, w.Job.ID, b.sum, ext, func() ([]byte, error) { return b.data, nil })
		if err != nil && !errors.Is(err, context.Canceled) {
			h.o.Log.Warn().Err(err).Str("job_id", string(w.Job.ID)).Str("attempt", a.ID).Msg("a picture could not be uploaded ahead")
		}
	}()
	return func(wanted bool) {
		if !wanted {
			cancel()
		}
		<-uploaded
		cancel()
	}
}

// stored looks for what storage may know of an attempt and the journal does not,
// and journals it: a crash came between the two, or Redis went back to an older
// state of its own. Of one that would be bought, for all that the journal says,
// storage must answer; where nothing is paid for by going on, it is asked only
// after an interruption, and need not.
func (h *Handlers) stored(ctx context.Context, w ledger.Work, a plan.Attempt, resumed bool) (done, settled bool, err error) {
	begun, free := a.State != "", a.PredictionID != "" || a.Model == ""
	if free && (!begun || !resumed) {
		return false, false, nil
	}
	var end plan.Attempt
	var ok bool
	err = with(ctx, h.looks, func() (err error) {
		end, ok, err = h.receipt(ctx, *w.Job.Plan, w.Subtask, a.Number)
		return err
	})
	switch {
	case free && (err != nil || end.Image == nil):
		return false, false, nil //nolint:nilerr // the prediction, or the picture that is cut, is known
	case err != nil || !ok:
		return false, false, err
	case !begun:
		a.Prompt, a.Input, a.Text = end.Prompt, end.Input, end.Text
		if a, err = h.ledger.Regain(ctx, a); errors.Is(err, ledger.ErrExists) {
			return true, false, ledger.ErrStale
		}
		if err != nil {
			return true, false, fmt.Errorf("journalling %s again: %w", a.ID, err)
		}
	}
	if !free {
		h.o.Purse.Regained(ctx, end)
	}
	settled, err = h.conclude(ctx, w, a, end)
	return true, settled, err
}

// conclude journals the end of an attempt whose result is stored and, where it
// passed, settles its subtask in the same step.
func (h *Handlers) conclude(ctx context.Context, w ledger.Work, a, end plan.Attempt) (settled bool, err error) {
	end.Version = a.Version
	if end.Outcome != plan.OutcomeSucceeded {
		if _, err := h.ledger.Write(ctx, end, a.Cost); err != nil {
			return false, fmt.Errorf("journalling %s: %w", a.ID, err)
		}
		h.count(end)
		h.dropEarly(ctx, w, end)
		return false, nil
	}
	s := outcome(w, trainset.ItemSucceeded, "", a.Number)
	done, err := h.ledger.Conclude(ctx, end, a.Cost, s)
	if done.Journalled {
		h.count(end)
	}
	if err != nil {
		return false, fmt.Errorf("journalling %s: %w", a.ID, err)
	}
	told := result{State: string(s.State), Attempts: end.Number, Cost: end.Cost}
	if end.Image != nil {
		told.Key = end.Image.Key
	}
	h.tell(ctx, told)
	return true, h.settled(ctx, w, s, done)
}

// dropEarly removes a rejected picture from where checked has stored it, which is
// not done before the rejection is journalled: another worker may have come to
// another end.
func (h *Handlers) dropEarly(ctx context.Context, w ledger.Work, end plan.Attempt) {
	if _, keeps := h.crafts[w.Subtask.Verb].(keeper); !keeps || end.Outcome != plan.OutcomeRejected {
		return
	}
	var keys []string
	for ext := range mediaTypes {
		keys = append(keys, layoutOfPlan(*w.Job.Plan).Made(w.Subtask, end.Number, ext))
	}
	if err := h.store.Delete(ctx, keys...); err != nil {
		h.o.Log.Warn().Err(err).Str("job_id", string(end.Job)).Str("attempt", end.ID).Msg("a rejected picture is stored twice")
	}
}

func (h *Handlers) count(a plan.Attempt) {
	if h.o.Meter != nil {
		h.o.Meter.AttemptEnded(string(a.Outcome), a.Cost)
	}
}

// outcome is a subtask with its outcome.
func outcome(w ledger.Work, state trainset.ItemState, reason string, winner int) plan.Subtask {
	return w.Subtask.Settled(w.Attempts, state, reason, winner)
}

// settle gives the subtask its outcome.
func (h *Handlers) settle(ctx context.Context, w ledger.Work, s plan.Subtask) (settled bool, err error) {
	done, err := h.ledger.Settle(ctx, w.Job.ID, s)
	if err != nil {
		return false, fmt.Errorf("settling: %w", err)
	}
	h.tell(ctx, result{State: string(s.State), Attempts: len(w.Attempts), Reason: s.Reason})
	return true, h.settled(ctx, w, s, done)
}

// settled moves the job on where a settlement may lead to something: an actor's
// images lead to nothing before the last.
func (h *Handlers) settled(ctx context.Context, w ledger.Work, s plan.Subtask, done ledger.Settlement) error {
	h.o.Log.Info().Str("job_id", string(w.Job.ID)).Str("subtask", string(s.ID)).Str("state", string(s.State)).Int("left", done.Left).Msg("settled")
	if done.Left > 0 && (w.Job.Plan.Style == nil || s.Verb.MakesItem() && s.State == trainset.ItemSucceeded) {
		return nil
	}
	return h.Advance(ctx, w.Job.ID)
}

func layoutOfPlan(p plan.Plan) dataset.Layout {
	return dataset.Layout{User: p.User, Kind: p.Kind, Subject: p.Subject, Job: p.JobID}
}
