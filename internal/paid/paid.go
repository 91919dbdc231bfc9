// Package paid makes a paid call at most once. It journals the intent before
// the provider is asked, the prediction's ID as soon as there is one, and the
// output's address as soon as it is known; after a crash it looks at the
// journal first and at the provider second, and pays again only when it is
// certain that nothing was bought.
//
// It must not know what the call is for: prompts, images, jobs and how often a
// subtask may be tried are its callers' concern, as is storing what it fetches.
package paid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/wait"
)

// Journal keeps attempts durably. Open refuses an attempt that exists; Write
// refuses one that changed since it was read with ledger.ErrStale.
type Journal interface {
	Open(ctx context.Context, a plan.Attempt) (plan.Attempt, error)
	Write(ctx context.Context, a plan.Attempt, was trainset.Money) (plan.Attempt, error)
	Attempt(ctx context.Context, job trainset.JobID, id string) (plan.Attempt, error)
	// Stopped reports whether the job has ended or was canceled.
	Stopped(ctx context.Context, job trainset.JobID) (bool, error)
}

// Provider makes predictions. Its errors are *replicate.Error where it
// answered or could not be reached.
type Provider interface {
	Create(ctx context.Context, r replicate.CreateRequest) (replicate.Prediction, error)
	Get(ctx context.Context, id string) (replicate.Prediction, error)
	// Cancel stops a prediction and returns it; one that has ended stays as it is,
	// or is refused with an error of ClassInvalid.
	Cancel(ctx context.Context, id string) (replicate.Prediction, error)
	// Fetch downloads an output. It calls take with the number of bytes, as far as
	// that is known, before it reads them.
	Fetch(ctx context.Context, url string, maxBytes int64, take func(ctx context.Context, bytes int64) error) ([]byte, string, error)
}

// Permits says when a call may be made. Permit blocks until then; it fails
// when calls must not be made at all for now. Accepted tells it that a call
// went through, Report what the provider said of limits, credit or credentials.
type Permits interface {
	Permit(ctx context.Context, user string) error
	Accepted(ctx context.Context)
	Report(ctx context.Context, err *replicate.Error)
}

// Meter counts the predictions that are waited for.
type Meter interface {
	PredictionStarted()
	PredictionEnded()
}

// Finder looks for the prediction of an attempt whose create was not answered.
type Finder interface {
	Find(ctx context.Context, a plan.Attempt) (Found, error)
}

// Options adjust a Payer.
type Options struct {
	Owner    string        // names this worker in the journal
	Account  string        // names the provider's account there, without its token
	MaxBytes int64         // of one output; 64 MB when 0
	Lifetime time.Duration // how long the provider keeps inputs and outputs, less a margin, after which a prediction that it does not know is lost; 50 minutes when 0

	// Fresh is how old an intent may be when it is sent; 5 s when 0. One that is
	// older was held up, perhaps for so long that another worker has taken it over.
	Fresh time.Duration
	// CancelAfter has the provider end a prediction; 15 minutes when 0. One that it
	// lets run two minutes longer is ended by us. StartWithin is how long one may
	// wait to start before we end it; 5 minutes when 0.
	CancelAfter, StartWithin time.Duration
	// TextWithin is both for a text, which others wait for and can do without; 90 s
	// when 0.
	TextWithin time.Duration

	Webhook func(job trainset.JobID, attempt string) string // where the provider tells of news; nowhere when nil
	Budget  Budget                                          // none when nil
	Bell    *Bell                                           // of the process; one of its own when nil
	Room    *Room                                           // of the process; one of its own when nil
	Meter   Meter                                           // counts nothing when nil
	// Outage is told for which job the provider is asked again, and when, since it
	// does nothing of the kind for anybody; nobody when nil.
	Outage func(ctx context.Context, job trainset.JobID, err error, back time.Duration)
	Log    zerolog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	set := func(d *time.Duration, byDefault time.Duration) {
		if *d == 0 {
			*d = byDefault
		}
	}
	set(&o.Lifetime, 50*time.Minute)
	set(&o.Fresh, 5*time.Second)
	set(&o.CancelAfter, 15*time.Minute)
	set(&o.StartWithin, 5*time.Minute)
	set(&o.TextWithin, 90*time.Second)
	if o.Webhook == nil {
		o.Webhook = func(trainset.JobID, string) string { return "" }
	}
	if o.Bell == nil {
		o.Bell = new(Bell)
	}
	if o.Outage == nil {
		o.Outage = func(context.Context, trainset.JobID, error, time.Duration) {}
	}
	if o.Room == nil {
		o.Room = NewRoom(DefaultRoom)
	}
	return o
}

func (o Options) cancelAfter(a plan.Attempt) time.Duration {
	if a.Text {
		return o.TextWithin
	}
	return o.CancelAfter
}

func (o Options) startWithin(a plan.Attempt) time.Duration {
	if a.Text {
		return o.TextWithin
	}
	return o.StartWithin
}

// Payer carries out attempts. It is safe for concurrent use.
type Payer struct {
	journal  Journal
	provider Provider
	permits  Permits
	finder   Finder
	pace     *Pace
	purse    Purse
	o        Options

	creates, polls, fetches spell
}

// New makes a Payer. The pace may be shared by all of a process.
func New(j Journal, p Provider, l Permits, f Finder, pace *Pace, o Options) *Payer {
	return &Payer{journal: j, provider: p, permits: l, finder: f, pace: pace, purse: Purse{o.Budget, o.Log}, o: o.withDefaults()}
}

// Output is what a call bought.
type Output struct {
	Data        []byte
	ContentType string
	release     func()
}

// Held is what a call has bought before, read from where it was kept since.
func Held(data []byte, release func()) Output { return Output{Data: data, release: release} }

// Release gives back the room that the data takes. Call it when the data is no
// longer held.
func (o Output) Release() {
	if o.release != nil {
		o.release()
	}
}

// Once carries an attempt as far as it goes. It returns the attempt in state
// predicted with its output fetched, or ended with the outcome and reason. A
// new attempt has no state and is opened first; one that was read from the
// journal goes on from where it is. Repeating the call repeats no payment.
//
// Errors leave the attempt as the journal has it: try again later. Those of
// Journal.Open and Budget.Reserve are refusals; a context's error means that it
// was interrupted.
func (p *Payer) Once(ctx context.Context, a plan.Attempt) (plan.Attempt, Output, error) {
	rung, stop := p.o.Bell.Listen(a.Job, a.ID)
	defer stop()
	a, err := p.claim(ctx, a)
	for {
		if a, err = p.reread(ctx, a, err); err != nil {
			return a, Output{}, err
		}
		switch a.State {
		case "":
			a, err = p.open(ctx, a)
		case plan.AttemptIntent:
			a, err = p.adopt(ctx, a)
		case plan.AttemptAccepted:
			a, err = p.wait(ctx, a, rung)
		case plan.AttemptPredicted:
			var out Output
			if out, err = p.fetch(ctx, a); err == nil {
				return a, out, nil
			}
			a, err = p.lostOutput(ctx, a, err)
		case plan.AttemptEnded:
			return a, Output{}, nil
		}
	}
}

// claim takes over an attempt that another worker has begun: what that one
// still writes is refused from here on.
func (p *Payer) claim(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	if a.State == "" || a.State == plan.AttemptEnded || a.Owner == p.o.Owner {
		return a, nil
	}
	a.Owner, a.TakenOver = p.o.Owner, a.State == plan.AttemptIntent
	return p.write(ctx, a, a.Cost)
}

// reread turns a lost race into the winner's attempt.
func (p *Payer) reread(ctx context.Context, a plan.Attempt, err error) (plan.Attempt, error) {
	if !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrExists) {
		return a, err
	}
	now, err := p.journal.Attempt(ctx, a.Job, a.ID)
	if err != nil {
		return a, fmt.Errorf("reading an attempt again: %w", err)
	}
	return now, nil
}

// open waits for a permit, sets the price aside, journals the intent and asks
// the provider.
func (p *Payer) open(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	if err := p.permit(ctx, a); err != nil {
		return a, err
	}
	if err := p.purse.SetAside(ctx, a); err != nil {
		return a, err
	}
	a.Owner, a.Account = p.o.Owner, p.o.Account
	began := time.Now()
	opened, err := p.journal.Open(ctx, a)
	if err != nil {
		p.purse.Refused(ctx, a, err)
		return a, fmt.Errorf("journalling an attempt: %w", err)
	}
	return p.create(ctx, opened, began)
}

// permit waits for one, or until the job is canceled: ledger.ErrStopped.
func (p *Payer) permit(ctx context.Context, a plan.Attempt) error {
	rung, stop := p.o.Bell.Listen(a.Job, a.ID)
	defer stop()
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		for {
			select {
			case <-waiting.Done():
				return
			case <-rung:
				if stopped, err := p.journal.Stopped(waiting, a.Job); err == nil && stopped {
					cancel(ledger.ErrStopped)
				}
			}
		}
	}()
	if err := p.permits.Permit(waiting, a.User); err != nil {
		return fmt.Errorf("waiting for a permit: %w", err)
	}
	return nil
}

// create asks the provider for the attempt, whose intent was journalled since
// began and never sent. Whatever is not certain is left to adopt.
func (p *Payer) create(ctx context.Context, a plan.Attempt, began time.Time) (plan.Attempt, error) {
	for failures := 0; ; failures++ {
		if elapsed(began, time.Now()) > p.o.Fresh {
			p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Msg("an intent was held up: looking for what became of it")
			return p.reread(ctx, a, ledger.ErrStale)
		}
		pred, err := p.provider.Create(ctx, replicate.CreateRequest{
			Model: a.Model, Input: a.Input, CancelAfter: p.o.cancelAfter(a), Webhook: p.o.Webhook(a.Job, a.ID),
		})
		if err == nil {
			a, err = p.accepted(ctx, a, pred)
			p.permits.Accepted(ctx)
			p.creates.over()
			return a, err
		}
		var e *replicate.Error
		if !errors.As(err, &e) {
			return a, fmt.Errorf("creating a prediction: %w", err)
		}
		if e.Class != replicate.ClassNotFound { // the model is missing, which is this attempt's trouble alone
			p.permits.Report(ctx, e)
		}
		pause := time.Duration(0)
		switch e.Class {
		case replicate.ClassInvalid, replicate.ClassNotFound:
			return p.end(ctx, a, plan.OutcomeInvalid, 0, e.Error())
		case replicate.ClassModerated:
			return p.end(ctx, a, plan.OutcomeModerated, 0, e.Error())
		case replicate.ClassAmbiguous, replicate.ClassLost:
			p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Err(err).Msg("the provider may have accepted a prediction: looking for it")
			p.failing(ctx, a, &p.creates, err, searchTakes)
			return p.adopt(ctx, a)
		case replicate.ClassThrottled, replicate.ClassTransient:
			pause = backoff(failures) // certainly not accepted: send the same again
			p.failing(ctx, a, &p.creates, err, pause)
		case replicate.ClassCredit, replicate.ClassAuth:
			// Certainly not accepted, and no use to repeat before somebody acts: the
			// permit is refused until then, and whoever goes on need not look for it.
			a.Unsent = true
			if a, err = p.write(ctx, a, a.Cost); err != nil {
				return a, err
			}
		}
		if a, began, err = p.renew(ctx, a, pause); err != nil || a.State == plan.AttemptEnded {
			return a, err
		}
	}
}

// elapsed is how long ago a time was by whichever clock says more: the monotonic
// one stands still while a machine sleeps, the wall's may be set back.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// renew waits and takes another permit for an intent that was certainly not
// accepted, and dates it anew, so that a crash from here on looks for the
// create that follows. An intent whose job was canceled meanwhile ends.
func (p *Payer) renew(ctx context.Context, a plan.Attempt, pause time.Duration) (plan.Attempt, time.Time, error) {
	began := time.Now()
	if err := wait.For(ctx, pause); err != nil {
		return a, began, err
	}
	stopped, err := p.unwanted(ctx, a) // also where there is no permit, as long as a circuit is open
	if err == nil && !stopped {
		if err = p.permit(ctx, a); err == nil || errors.Is(err, ledger.ErrStopped) {
			stopped, err = p.unwanted(ctx, a)
		}
	}
	if err != nil {
		return a, began, err
	}
	if stopped {
		a, err = p.end(ctx, a, plan.OutcomeCanceled, 0, "canceled before the provider accepted it")
		return a, began, err
	}
	if err := p.purse.Renew(ctx, a); Overspent(err) { // the attempt after this one is what it refuses
		a, err = p.end(ctx, a, plan.OutcomeFailed, 0, err.Error())
		return a, began, err
	} else if err != nil {
		return a, began, err
	}
	began = time.Now()
	a.Owner, a.Account, a.IntentAt, a.Unsent, a.TakenOver = p.o.Owner, p.o.Account, began.UTC(), false, false
	a, err = p.write(ctx, a, a.Cost)
	return a, began, err
}

// unwanted reports whether the attempt's job was canceled.
func (p *Payer) unwanted(ctx context.Context, a plan.Attempt) (bool, error) {
	stopped, err := p.journal.Stopped(ctx, a.Job)
	if err != nil {
		return false, fmt.Errorf("reading the job: %w", err)
	}
	return stopped, nil
}

// accepted journals the prediction's ID. The context may be ending, but what
// the provider has taken on must be known: the write has a bound of its own, and
// whoever has taken the intent over meanwhile is spared the search. Of two
// predictions the first counts; an attempt of the same name that was created after
// this one was deleted or lost is another.
func (p *Payer) accepted(ctx context.Context, a plan.Attempt, pred replicate.Prediction) (plan.Attempt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for created := a.CreatedAt; a.State == plan.AttemptIntent && a.CreatedAt.Equal(created); {
		next := a
		next.State, next.PredictionID, next.Owner, next.Account, next.TakenOver = plan.AttemptAccepted, pred.ID, p.o.Owner, "", false
		written, err := p.write(ctx, next, a.Cost)
		if err == nil {
			return written, nil
		}
		if a, err = p.reread(ctx, a, err); err != nil {
			return a, err
		}
	}
	return a, nil
}

// adopt settles an intent that may or may not have reached the provider: it
// takes over the prediction if there is one, and asks again only if there is
// certainly none.
func (p *Payer) adopt(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	if a.Unsent {
		return p.again(ctx, a)
	}
	a.TakenOver = a.TakenOver || a.Owner != p.o.Owner // a lost race leaves us with what another's clock has dated
	found, err := p.finder.Find(ctx, a)
	if err != nil {
		return a, fmt.Errorf("looking for a prediction: %w", err)
	}
	switch found.Verdict {
	case FoundPrediction:
		p.o.Log.Info().Str("job_id", string(a.Job)).Str("attempt", a.ID).Str("prediction_id", found.Prediction.ID).Msg("adopted a prediction")
		return p.accepted(ctx, a, found.Prediction)
	case FoundJournalled:
		return p.reread(ctx, a, ledger.ErrStale)
	case FoundElsewhere:
		return p.elsewhere(ctx, a)
	case FoundTooLate:
		return p.end(ctx, a, plan.OutcomeLost, a.Price, "whether the provider accepted it could not be learnt in time")
	case FoundAbsent:
	}
	return p.again(ctx, a)
}

// elsewhere leaves an intent to those who have the token of its account. One that
// nobody wants any more ends, and counts as paid: it may have been accepted.
func (p *Payer) elsewhere(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	stopped, err := p.unwanted(ctx, a)
	if err != nil {
		return a, err
	}
	if stopped {
		return p.end(ctx, a, plan.OutcomeCanceled, a.Price, string(endingCanceled)+"; whether the provider accepted it, another account's token could tell")
	}
	return a, &AccountError{Attempt: a.ID, Until: a.IntentAt.Add(p.o.Lifetime)}
}

// AccountError says that only a worker with another account's token can learn what
// became of an attempt.
type AccountError struct {
	Attempt string
	Until   time.Time // when it is given up
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("%s was asked for with the token of another account, whose list alone tells whether it was accepted: "+
		"run a worker with that REPLICATE_API_TOKEN; at %s UTC it counts as paid and is made again", e.Attempt, e.Until.UTC().Format(time.TimeOnly))
}

// Blocked tells it from errors that pass by themselves.
func (*AccountError) Blocked() bool { return true }

// again asks for what the provider certainly does not have.
func (p *Payer) again(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	a, began, err := p.renew(ctx, a, 0)
	if err != nil || a.State == plan.AttemptEnded {
		return a, err
	}
	return p.create(ctx, a, began)
}

// predicted journals where the output is.
func (p *Payer) predicted(ctx context.Context, a plan.Attempt, pred replicate.Prediction) (plan.Attempt, error) {
	now := time.Now().UTC()
	a.State, a.Output, a.PredictedAt, a.PredictSeconds = plan.AttemptPredicted, pred.Output, &now, pred.PredictTime
	return p.write(ctx, a, a.Cost)
}

// end journals an outcome without an output.
func (p *Payer) end(ctx context.Context, a plan.Attempt, o plan.Outcome, cost trainset.Money, reason string) (plan.Attempt, error) {
	now, was := time.Now().UTC(), a.Cost
	a.State, a.Outcome, a.Cost, a.Reason, a.EndedAt = plan.AttemptEnded, o, cost, reason, &now
	a, err := p.write(ctx, a, was)
	if err == nil {
		p.purse.Ended(ctx, a, was)
	}
	return a, err
}

func (p *Payer) write(ctx context.Context, a plan.Attempt, was trainset.Money) (plan.Attempt, error) {
	written, err := p.journal.Write(ctx, a, was)
	if err != nil {
		return a, fmt.Errorf("journalling an attempt: %w", err)
	}
	return written, nil
}

// backoff doubles from half a second to 30 seconds.
func backoff(failures int) time.Duration {
	return min(500*time.Millisecond<<min(failures, 6), 30*time.Second)
}
