package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/actormaker/trainset"
)

const (
	// maxWebhook bounds a webhook's body: it is the whole prediction, which may
	// hold an output as a data URI.
	maxWebhook = 10 << 20
	// maxDeliveries bounds the webhooks in hand, and with them the memory.
	maxDeliveries = 16
	// receiveTimeout is how long a receiver has: the provider waits for the answer.
	receiveTimeout = 2 * time.Second
)

// Delivery is what a webhook says. It is news at most: deliveries come early,
// late, twice, out of order or not at all.
type Delivery struct {
	Job          trainset.JobID
	Attempt      string // "image.3.1"
	PredictionID string
	Status       string // in the provider's words
}

// WebhookReceiver is told of the provider's webhooks, concurrently, and of the
// same one again when it failed. It takes notice and returns: what is to be
// done about a delivery is done elsewhere.
type WebhookReceiver interface {
	Webhook(ctx context.Context, d Delivery) error
}

var (
	attemptPattern    = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[0-9]{1,6}){2,3}$`)
	predictionPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	statusPattern     = regexp.MustCompile(`^[a-z_]{1,32}$`)
)

// webhook takes a delivery of the provider's: it checks who it is from, hands it
// on and answers at once. The provider repeats a final one that was not answered
// with 2xx for about a minute, which is asked for where it could not be handed on.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem(w, http.StatusMethodNotAllowed, "webhooks are posted")
		return
	}
	select {
	case s.deliveries <- struct{}{}:
	default:
		s.refuse(w, webhookBusy, http.StatusServiceUnavailable, "too many webhooks are in hand; send it again")
		return
	}
	d, refusal := s.readWebhook(w, r)
	if refusal != nil {
		<-s.deliveries
		s.refuse(w, refusal.result, refusal.status, refusal.detail)
		return
	}
	if err := s.receive(r.Context(), d); err != nil {
		s.o.Log.Warn().Err(err).Str("job_id", string(d.Job)).Str("attempt", d.Attempt).Str("prediction_id", d.PredictionID).
			Msg("a webhook could not be handed on")
		s.refuse(w, webhookFailed, http.StatusServiceUnavailable, "it could not be handed on; send it again")
		return
	}
	s.o.Metrics.webhook(webhookAccepted)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) refuse(w http.ResponseWriter, result webhookResult, status int, detail string) {
	s.o.Metrics.webhook(result)
	problem(w, status, detail)
}

// refusal is why a webhook is not taken.
type refusal struct {
	result webhookResult
	status int
	detail string
}

func malformed(detail string) *refusal {
	return &refusal{webhookMalformed, http.StatusBadRequest, detail}
}

func (s *Server) readWebhook(w http.ResponseWriter, r *http.Request) (Delivery, *refusal) {
	d, no := deliveryOf(r)
	if no != nil {
		return d, no
	}
	body, no := readBody(w, r)
	if no != nil {
		return d, no
	}
	switch err := VerifySignature(r.Header, body, s.o.WebhookSecrets, s.o.Now()); {
	case errors.Is(err, ErrMalformed):
		return d, malformed(err.Error())
	case err != nil:
		return d, &refusal{webhookForged, http.StatusUnauthorized, err.Error()}
	}
	return d, d.fill(body)
}

// deliveryOf reads our IDs, which we put into the webhook's address.
func deliveryOf(r *http.Request) (Delivery, *refusal) {
	q := r.URL.Query()
	job, err := trainset.ParseJobID(q.Get("job"))
	if err != nil {
		return Delivery{}, malformed("the query's job is no job ID")
	}
	attempt := q.Get("attempt")
	if !attemptPattern.MatchString(attempt) {
		return Delivery{}, malformed("the query's attempt is no attempt ID")
	}
	return Delivery{Job: job, Attempt: attempt}, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	tooLarge := &refusal{webhookTooLarge, http.StatusRequestEntityTooLarge, fmt.Sprintf("a webhook has at most %d bytes", maxWebhook)}
	if r.ContentLength > maxWebhook {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, malformed("the body broke off")
	}
	return body, nil
}

// fill reads what we want of the prediction.
func (d *Delivery) fill(body []byte) *refusal {
	var p struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return malformed("the body is no prediction")
	}
	if !predictionPattern.MatchString(p.ID) || !statusPattern.MatchString(p.Status) {
		return malformed("the body is a prediction without an ID or a status")
	}
	d.PredictionID, d.Status = p.ID, p.Status
	return nil
}

// receive hands a delivery on and frees its place. The receiver runs beside:
// one that is deaf to its context must not keep the provider waiting.
func (s *Server) receive(ctx context.Context, d Delivery) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveTimeout)
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.deliveries }()
		defer cancel()
		done <- safely(func() error { return s.o.Receiver.Webhook(ctx, d) })
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		select { // both may be so at once
		case err := <-done:
			return err
		default:
			return fmt.Errorf("the receiver took longer than %s: %w", receiveTimeout, ctx.Err())
		}
	}
}

// safely turns a panic into an error: outside of a request's own goroutine it
// would end the process.
func safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}
