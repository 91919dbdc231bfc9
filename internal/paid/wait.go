package paid

import (
	"context"
	"errors"
	"fmt"

	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// wait polls an accepted prediction until it ends.
func (p *Payer) wait(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	leave := p.pace.Enter()
	defer leave()
	if err := sleep(ctx, p.pace.First(a.Model, a.IntentAt)); err != nil {
		return a, err
	}
	for failures := 0; ; {
		pred, err := p.provider.Get(ctx, a.PredictionID)
		if err == nil && pred.Terminal() {
			p.pace.Observe(a.Model, pred)
			return p.concluded(ctx, a, pred)
		}
		pause := p.pace.Every()
		if err != nil {
			if err := p.unanswered(ctx, err); err != nil {
				return a, err
			}
			pause = max(pause, backoff(failures))
			failures++
		} else {
			failures = 0
		}
		if err := sleep(ctx, pause); err != nil {
			return a, err
		}
	}
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

// concluded journals what a terminal prediction came to.
func (p *Payer) concluded(ctx context.Context, a plan.Attempt, pred replicate.Prediction) (plan.Attempt, error) {
	err := pred.Err()
	if err == nil {
		return p.predicted(ctx, a, pred)
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

// fetch downloads the first output. While the provider keeps it, a download
// that fails is tried again: it is paid for.
func (p *Payer) fetch(ctx context.Context, a plan.Attempt) (Output, error) {
	if len(a.Output) == 0 {
		return Output{}, &replicate.Error{Class: replicate.ClassLost, Op: "fetch", Detail: "the prediction succeeded without an output"}
	}
	for failures := 0; ; failures++ {
		data, kind, err := p.provider.Fetch(ctx, a.Output[0], p.o.MaxBytes)
		if err == nil {
			return Output{Data: data, ContentType: kind}, nil
		}
		var e *replicate.Error
		if !errors.As(err, &e) || e.Class == replicate.ClassLost || e.Class == replicate.ClassInvalid {
			return Output{}, fmt.Errorf("fetching an output: %w", err)
		}
		p.o.Log.Warn().Str("job_id", string(a.Job)).Str("attempt", a.ID).Err(err).Msg("an output could not be fetched: trying again")
		if err := sleep(ctx, backoff(failures)); err != nil {
			return Output{}, err
		}
	}
}

// lostOutput ends an attempt whose output is gone for good.
func (p *Payer) lostOutput(ctx context.Context, a plan.Attempt, err error) (plan.Attempt, error) {
	var e *replicate.Error
	if errors.As(err, &e) && (e.Class == replicate.ClassLost || e.Class == replicate.ClassInvalid) {
		return p.end(ctx, a, plan.OutcomeLost, a.Price, e.Error())
	}
	return a, err
}
