// Package openai has a vision model judge grids through OpenAI's own API, or
// through any server that speaks it: the question with the pictures' bytes in
// one call, the answer held to judge's schema.
//
// It is declared at-least-once. Such a call has no ID by which it could be
// found again: what was asked when a worker died, or when an answer was lost,
// is asked and may be charged a second time, though it counts once. The intent
// is journalled before a call and the answer after it, so that an answer once
// journalled is never asked for again; of two answers the first counts.
//
// It must not know what a judgement leads to, how often a subtask may be tried,
// or where pictures are kept: a function gives it their bytes.
package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
)

// Journal keeps attempts durably. Open refuses an attempt that exists with
// ledger.ErrExists, Write one that changed since it was read with
// ledger.ErrStale.
type Journal interface {
	Open(ctx context.Context, a plan.Attempt) (plan.Attempt, error)
	Write(ctx context.Context, a plan.Attempt, was trainset.Money) (plan.Attempt, error)
	Attempt(ctx context.Context, job trainset.JobID, id string) (plan.Attempt, error)
	// Stopped reports whether the job has ended or was canceled.
	Stopped(ctx context.Context, job trainset.JobID) (bool, error)
}

// ErrGone says that there is no such picture any more.
var ErrGone = errors.New("the picture is gone")

// Read returns the bytes of a picture by its object key, or ErrGone.
type Read func(ctx context.Context, key string) ([]byte, error)

// Options adjust a Payer.
type Options struct {
	Key     string // of the API; may be empty where BaseURL is set
	BaseURL string // OpenAI's own when empty
	Owner   string // names this worker in the journal

	Timeout time.Duration // of one call; 60 s when 0
	Calls   int           // most that one attempt makes before it has failed; 4 when 0
	// AtOnce is how many attempts are under way at once; 8 when 0. Each holds its
	// pictures in memory a few times over.
	AtOnce int

	Transport http.RoundTripper // below the library; the default one when nil
	Budget    paid.Budget       // none when nil
	Bell      *paid.Bell        // tells of canceled jobs; one of its own when nil
	Log       zerolog.Logger
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Calls == 0 {
		o.Calls = 4
	}
	if o.AtOnce == 0 {
		o.AtOnce = 8
	}
	if o.Bell == nil {
		o.Bell = new(paid.Bell)
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return o
}

// Payer carries out attempts whose Input has a "prompt", the question, an
// "image", the object key of the grid, and, where there is an example of the
// style to judge by, its key as "example_image". It is safe for concurrent use.
type Payer struct {
	journal  Journal
	read     Read
	api      openai.ChatCompletionService
	slots    chan struct{} // one for each attempt under way
	reducing sync.Mutex
	purse    paid.Purse
	o        Options
}

var errNobody = trainset.Invalid("OPENAI_API_KEY", "is not set", "set it, or OPENAI_BASE_URL to a server that needs no key")

// New makes a Payer. Without a key and without a base URL there is nobody to
// ask, which is a *trainset.FieldError. It reads no environment.
func New(j Journal, read Read, o Options) (*Payer, error) {
	if o.Key == "" && o.BaseURL == "" {
		return nil, errNobody
	}
	o = o.withDefaults()
	return &Payer{journal: j, read: read, api: service(o), slots: make(chan struct{}, o.AtOnce), purse: paid.Purse{Budget: o.Budget, Log: o.Log}, o: o}, nil
}

// Once carries an attempt as far as it goes. It returns the attempt in state
// predicted with the answer's text, or ended with the outcome and reason. A new
// attempt has no state and is opened first; one that the journal has as an
// intent is asked again, one that was predicted is not.
//
// Errors leave the attempt as the journal has it: try again later. Those of
// Journal.Open and Budget.Reserve are refusals; a context's error means that it
// was interrupted.
func (p *Payer) Once(ctx context.Context, a plan.Attempt) (plan.Attempt, paid.Output, error) {
	a, err := p.carry(ctx, a)
	if err != nil || a.State != plan.AttemptPredicted {
		return a, paid.Output{}, err
	}
	return a, paid.Output{Data: []byte(strings.Join(a.Output, "")), ContentType: "text/plain; charset=utf-8"}, nil
}

func (p *Payer) carry(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	if a.State == plan.AttemptPredicted || a.State == plan.AttemptEnded {
		return a, nil
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return a, context.Cause(ctx)
	}
	defer func() { <-p.slots }()
	if a.State != "" {
		return p.again(ctx, a)
	}
	q, err := p.question(ctx, a) // before the attempt is opened: what cannot be asked is no attempt
	if err != nil {
		return a, err
	}
	if a, err = p.open(ctx, a); err != nil || a.State != plan.AttemptIntent {
		return a, err
	}
	return p.ask(ctx, a, q, false)
}

// again carries on with an intent. Where a picture that it is about is gone, it
// ends, for what it asks is journalled: the next attempt asks about what there is.
func (p *Payer) again(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	a, err := p.claim(ctx, a)
	if err != nil || a.State != plan.AttemptIntent {
		return a, err
	}
	q, err := p.question(ctx, a)
	if errors.Is(err, ErrGone) {
		return p.end(ctx, a, plan.OutcomeFailed, a.Price, "a picture that it is about is gone")
	}
	if err != nil {
		return a, err
	}
	return p.ask(ctx, a, q, true)
}

// open sets the price aside and journals the intent.
func (p *Payer) open(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	if err := p.purse.SetAside(ctx, a); err != nil {
		return a, err
	}
	a.Owner = p.o.Owner
	opened, err := p.journal.Open(ctx, a)
	if err != nil {
		p.purse.Refused(ctx, a, err)
		return p.reread(ctx, a, err)
	}
	return opened, nil
}

// claim takes up an intent whose answer nobody has: it is about to be asked
// again, unless its job was canceled meanwhile.
func (p *Payer) claim(ctx context.Context, a plan.Attempt) (plan.Attempt, error) {
	stopped, err := p.journal.Stopped(ctx, a.Job)
	if err != nil {
		return a, fmt.Errorf("reading the job: %w", err)
	}
	if stopped {
		return p.end(ctx, a, plan.OutcomeCanceled, a.Price, "its job was canceled")
	}
	if err := p.purse.Renew(ctx, a); paid.Overspent(err) {
		return p.end(ctx, a, plan.OutcomeFailed, a.Price, err.Error())
	} else if err != nil {
		return a, err
	}
	p.o.Log.Info().Str("job_id", string(a.Job)).Str("attempt", a.ID).Msg("asking for a judgement again: what became of it is not known")
	a.Owner, a.IntentAt = p.o.Owner, time.Now().UTC()
	written, err := p.journal.Write(ctx, a, a.Cost)
	if err != nil {
		return p.reread(ctx, a, err)
	}
	return written, nil
}

// reread turns a lost race into the winner's attempt.
func (p *Payer) reread(ctx context.Context, a plan.Attempt, err error) (plan.Attempt, error) {
	if !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrExists) {
		return a, fmt.Errorf("journalling an attempt: %w", err)
	}
	now, err := p.journal.Attempt(ctx, a.Job, a.ID)
	if err != nil {
		return a, fmt.Errorf("reading an attempt again: %w", err)
	}
	return now, nil
}

// answered journals the answer. The context may be ending, but what was bought
// must be known: the write has a bound of its own. Where another worker has
// written meanwhile, the first answer counts.
func (p *Payer) answered(ctx context.Context, a plan.Attempt, text string, cost trainset.Money) (plan.Attempt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for created := a.CreatedAt; a.State == plan.AttemptIntent && a.CreatedAt.Equal(created); { // else it is another of the same name
		next, now := a, time.Now().UTC()
		next.State, next.Output, next.PredictedAt, next.Owner, next.Cost = plan.AttemptPredicted, []string{text}, &now, p.o.Owner, cost
		written, err := p.journal.Write(ctx, next, a.Cost)
		if err == nil {
			p.purse.Ended(ctx, next, a.Cost)
			return written, nil
		}
		if a, err = p.reread(ctx, a, err); err != nil {
			return a, err
		}
	}
	if a.State == plan.AttemptIntent {
		return a, fmt.Errorf("journalling an answer: %w", ledger.ErrStale)
	}
	return a, nil
}

// end journals an outcome without an answer.
func (p *Payer) end(ctx context.Context, a plan.Attempt, o plan.Outcome, cost trainset.Money, reason string) (plan.Attempt, error) {
	next, now := a, time.Now().UTC()
	next.State, next.Outcome, next.Cost, next.Reason, next.EndedAt = plan.AttemptEnded, o, cost, reason, &now
	written, err := p.journal.Write(ctx, next, a.Cost)
	if err != nil {
		return a, fmt.Errorf("journalling an attempt: %w", err)
	}
	p.purse.Ended(ctx, next, a.Cost)
	return written, nil
}
