package paid

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/wait"
)

// wait polls an accepted prediction until it ends: when it is due, and when
// somebody rings. It ends one whose job was canceled, that does not start, or that
// does not end.
func (p *Payer) wait(ctx context.Context, a plan.Attempt, rung <-chan struct{}) (plan.Attempt, error) {
	if p.o.Meter != nil {
		p.o.Meter.PredictionStarted()
		defer p.o.Meter.PredictionEnded()
	}
	known := time.Now()
	if _, err := wait.Ring(ctx, p.pace.First(a.Model, age(a, known)), rung); err != nil {
		return a, err
	}
	leave, polled := p.pace.Enter(), time.Now()
	defer leave()
	for failures, bare := 0, 0; ; {
		pred, ending, err := p.look(ctx, a, known)
		next := p.pace.Next(time.Since(polled))
		if err == nil && isBare(a, pred) && bare < mostBare {
			next = max(next, backoff(bare))
			bare++
		} else if err == nil && pred.Terminal() {
			p.pace.Observe(a.Model, pred)
			return p.concluded(ctx, a, pred, ending)
		}
		pause := max(next, p.pace.First(a.Model, age(a, known))) // what it takes may be known by now
		if err != nil {
			if unknown(err) && (ending == endingCanceled || age(a, known) > p.o.Lifetime) {
				return p.unknown(ctx, a, ending)
			}
			if err := p.unanswered(ctx, err); err != nil {
				return a, err
			}
		}
		if err != nil || ending != "" { // it is not known, or does not end although we asked for that
			pause = max(pause, backoff(failures))
			failures++
		} else {
			failures = 0
		}
		if err != nil {
			p.failing(ctx, a, &p.polls, err, pause)
		} else {
			p.polls.over()
		}
		if _, err := wait.Ring(ctx, pause, rung); err != nil {
			return a, err
		}
	}
}

// mostBare is how often a success is looked at again that names no output.
const mostBare = 2

// isBare reports whether a prediction succeeded without the picture that it was paid
// for, and nothing says that this was removed: it may be named a moment later.
func isBare(a plan.Attempt, pred replicate.Prediction) bool {
	return pred.Status == replicate.StatusSucceeded && !a.Text && !pred.DataRemoved && len(pred.Output) == 0
}

// age is how long ago an attempt was asked for. The clock of who journalled that
// may have been ahead of ours: it was no later than when we came to know of it.
func age(a plan.Attempt, known time.Time) time.Duration {
	return max(time.Since(a.IntentAt), time.Since(known))
}

// ending is why we end a prediction.
type ending string

const (
	endingCanceled ending = "its job was canceled"
	endingStuck    ending = "it did not start in time"
	endingEndless  ending = "it did not end in time"
)

// overtime is how much longer than we let the provider run a prediction we wait
// for it to end that by itself: as much as clocks may differ.
const overtime = 2 * time.Minute

// overdue says why a prediction that was waited for here for so long is not to go
// on, if it is not. Who takes one over waits anew: what another's clock says of when
// it was asked for, or ours of the provider's, may be minutes off, and one that is
// ended too early is made again.
func (o Options) overdue(a plan.Attempt, pred replicate.Prediction, waited time.Duration) ending {
	switch {
	case pred.Status == replicate.StatusStarting && waited > o.startWithin(a):
		return endingStuck
	case !pred.Terminal() && waited > o.cancelAfter(a)+overtime:
		return endingEndless
	}
	return ""
}

// look asks about a prediction that we have known of since a time, or ends it
// where there is a reason to: what it came to, if it was faster, is used all the
// same.
func (p *Payer) look(ctx context.Context, a plan.Attempt, known time.Time) (replicate.Prediction, ending, error) {
	stopped, err := p.unwanted(ctx, a)
	if err != nil {
		return replicate.Prediction{}, "", err
	}
	if stopped {
		pred, err := p.finish(ctx, a)
		return pred, endingCanceled, err
	}
	pred, err := p.provider.Get(ctx, a.PredictionID)
	if err != nil {
		return pred, "", err
	}
	why := p.o.overdue(a, pred, time.Since(known))
	if why != "" {
		pred, err = p.finish(ctx, a)
	}
	return pred, why, err
}

// finish has the provider end a prediction. One that it refuses to end may have
// ended: what it is now says so, and whether there is an output to be used.
func (p *Payer) finish(ctx context.Context, a plan.Attempt) (replicate.Prediction, error) {
	pred, err := p.provider.Cancel(ctx, a.PredictionID)
	if refused(err) {
		p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Str("prediction_id", a.PredictionID).Err(err).Msg("the provider does not end a prediction: looking at what became of it")
		return p.provider.Get(ctx, a.PredictionID)
	}
	return pred, err
}

// refused reports whether the provider will not do what it was asked to. Its
// words may be those of its filter, whatever was asked.
func refused(err error) bool {
	var e *replicate.Error
	return errors.As(err, &e) && (e.Class == replicate.ClassInvalid || e.Class == replicate.ClassModerated)
}

// unknown reports whether the provider says that it has no such prediction.
func unknown(err error) bool {
	var e *replicate.Error
	return errors.As(err, &e) && e.Class == replicate.ClassNotFound
}

// unknown ends an attempt whose prediction the provider does not know, or not by
// this token, and of which nothing more is to be had or wanted. It was accepted,
// so it counts as paid.
func (p *Payer) unknown(ctx context.Context, a plan.Attempt, why ending) (plan.Attempt, error) {
	const reason = "the provider does not know the prediction: it was made with another account's token, or deleted there"
	if why == endingCanceled {
		return p.end(ctx, a, plan.OutcomeCanceled, a.Price, string(why)+"; "+reason)
	}
	return p.end(ctx, a, plan.OutcomeLost, a.Price, reason)
}

// unanswered says whether to go on polling after an error: a question that
// failed is not a prediction that failed. What needs a person is returned.
func (p *Payer) unanswered(ctx context.Context, err error) error {
	var e *replicate.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("polling a prediction: %w", err)
	}
	p.permits.Report(ctx, e)
	switch e.Class {
	case replicate.ClassAuth, replicate.ClassNotFound, replicate.ClassInvalid:
		return fmt.Errorf("polling a prediction: %w", err)
	case replicate.ClassThrottled, replicate.ClassTransient, replicate.ClassAmbiguous,
		replicate.ClassCredit, replicate.ClassModerated, replicate.ClassLost:
	}
	return nil
}

// concluded journals what a terminal prediction came to, and why we ended it
// where we did.
func (p *Payer) concluded(ctx context.Context, a plan.Attempt, pred replicate.Prediction, why ending) (plan.Attempt, error) {
	err := pred.Err()
	if err == nil || a.Text && pred.Status == replicate.StatusSucceeded && !pred.DataRemoved {
		return p.predicted(ctx, a, pred)
	}
	if pred.Status == replicate.StatusCanceled || pred.Status == replicate.StatusAborted {
		return p.stopped(ctx, a, pred, why)
	}
	var e *replicate.Error
	if !errors.As(err, &e) {
		return a, fmt.Errorf("reading a prediction: %w", err)
	}
	switch e.Class {
	case replicate.ClassModerated:
		return p.end(ctx, a, plan.OutcomeModerated, 0, e.Error())
	case replicate.ClassInvalid:
		return p.end(ctx, a, plan.OutcomeInvalid, 0, e.Error())
	case replicate.ClassLost:
		return p.end(ctx, a, plan.OutcomeLost, a.Price, e.Error())
	case replicate.ClassThrottled, replicate.ClassTransient, replicate.ClassAmbiguous,
		replicate.ClassCredit, replicate.ClassAuth, replicate.ClassNotFound:
	}
	return p.end(ctx, a, plan.OutcomeFailed, 0, e.Error())
}

// stopped journals a prediction that was ended before it was done. One that had
// begun is charged for.
func (p *Payer) stopped(ctx context.Context, a plan.Attempt, pred replicate.Prediction, why ending) (plan.Attempt, error) {
	cost := trainset.Money(0)
	if pred.Status == replicate.StatusCanceled && !pred.StartedAt.IsZero() {
		cost = a.Price
	}
	if why == endingCanceled {
		return p.end(ctx, a, plan.OutcomeCanceled, cost, string(why))
	}
	reason := "the provider says it was " + string(pred.Status)
	if why != "" {
		reason += ": " + string(why)
	}
	return p.end(ctx, a, plan.OutcomeFailed, cost, reason)
}

// fetch downloads the first output, or reads it where it is a text. While the provider
// keeps it, a download that fails is tried again: it is paid for. That it is gone
// is believed when the provider's record says so, too, or it is said often.
func (p *Payer) fetch(ctx context.Context, a plan.Attempt) (Output, error) {
	if a.Text {
		return Output{Data: []byte(strings.Join(a.Output, "")), ContentType: "text/plain; charset=utf-8"}, nil
	}
	if len(a.Output) == 0 {
		return Output{}, &replicate.Error{Class: replicate.ClassLost, Op: "fetch", Detail: "the prediction succeeded without an output"}
	}
	for failures, gone := 0, 0; ; failures++ {
		var out Output
		var err error
		out.Data, out.ContentType, err = p.provider.Fetch(ctx, a.Output[0], p.o.MaxBytes, func(ctx context.Context, n int64) (err error) {
			out.release, err = p.o.Room.Take(ctx, n)
			return err
		})
		if err == nil {
			p.fetches.over()
			return out, nil
		}
		out.Release()
		var e *replicate.Error
		if !errors.As(err, &e) {
			return Output{}, fmt.Errorf("fetching an output: %w", err)
		}
		if e.Class == replicate.ClassLost || e.Class == replicate.ClassInvalid {
			if gone++; gone > mostGone || e.Status == 0 || !p.keeps(ctx, &a) {
				return Output{}, fmt.Errorf("fetching an output: %w", err)
			}
		}
		p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Err(err).Msg("an output could not be fetched: trying again")
		p.failing(ctx, a, &p.fetches, err, backoff(failures))
		if err := wait.For(ctx, backoff(failures)); err != nil {
			return Output{}, err
		}
	}
}

// mostGone is how often an output may be said to be gone that its prediction names.
const mostGone = 4

// keeps reports whether the provider still names an attempt's output, and notes
// where it is now. Where that cannot be learnt, it may.
func (p *Payer) keeps(ctx context.Context, a *plan.Attempt) bool {
	pred, err := p.provider.Get(ctx, a.PredictionID)
	if err != nil {
		return !unknown(err)
	}
	if pred.DataRemoved || len(pred.Output) == 0 {
		return false
	}
	a.Output = pred.Output
	return true
}

// lostOutput ends an attempt whose output is gone for good.
func (p *Payer) lostOutput(ctx context.Context, a plan.Attempt, err error) (plan.Attempt, error) {
	var e *replicate.Error
	if errors.As(err, &e) && (e.Class == replicate.ClassLost || e.Class == replicate.ClassInvalid) {
		return p.end(ctx, a, plan.OutcomeLost, a.Price, e.Error())
	}
	return a, err
}
