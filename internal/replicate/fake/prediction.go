package fake

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// The states of a prediction.
const (
	statusStarting   = "starting"
	statusProcessing = "processing"
	statusSucceeded  = "succeeded"
	statusFailed     = "failed"
	statusCanceled   = "canceled"
	statusAborted    = "aborted"
)

var (
	errCanceled = errors.New("canceled by its creator")
	errDeadline = errors.New("its deadline has passed")
)

// prediction is one run of a model. Server.mu guards what changes.
type prediction struct {
	id, account string
	n           int // counts all predictions from 1
	base        string
	model       *model
	version     string // as reported: "hidden" for an official model run by name
	input       map[string]any
	shown       map[string]any // the input as reported
	full        map[string]any // the input with defaults, as the model sees it
	seed        int64
	webhook     *string
	events      []string
	struck      faults
	startDelay  time.Duration
	latency     time.Duration

	ctx   context.Context // ends with its cause: errCanceled, errDeadline or the server's end
	stop  context.CancelCauseFunc
	begun chan struct{} // closed once it processes, or has ended without
	done  chan struct{} // closed once it has ended
	mail  chan delivery // nil without a webhook; closed once it has ended

	status                                string
	created, started, completed, deadline time.Time
	output                                any
	outputs                               []*output
	logs, failure                         string
	tokens                                int  // of a text
	removed                               bool // input, output and logs are gone
	entry                                 int  // its line in Server.log
}

func (p *prediction) ended() bool { return !p.completed.IsZero() }

func (p *prediction) prompt() string {
	s, _ := p.input["prompt"].(string)
	return s
}

// view is a prediction in JSON. Without contents it is a shallow row of a list.
type view struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Version string `json:"version"`
	*contents
	DataRemoved bool               `json:"data_removed"`
	Error       *string            `json:"error"`
	Source      string             `json:"source"`
	Status      string             `json:"status"`
	CreatedAt   string             `json:"created_at"`
	StartedAt   *string            `json:"started_at"`
	CompletedAt *string            `json:"completed_at"`
	Deadline    *string            `json:"deadline,omitempty"`
	Metrics     map[string]float64 `json:"metrics"`
	Webhook     *string            `json:"webhook,omitempty"`
	Events      []string           `json:"webhook_events_filter,omitempty"`
	URLs        map[string]string  `json:"urls"`
}

type contents struct {
	Input  map[string]any `json:"input"`
	Output any            `json:"output"`
	Logs   string         `json:"logs"`
}

// expired reports whether a prediction's data is gone. The caller holds s.mu.
func (s *Server) expired(p *prediction) bool {
	return p.removed || p.ended() && !s.now().Before(p.completed.Add(s.opts.Expiry))
}

// view describes a prediction as it is now. The caller holds s.mu; the result
// shares only what never changes.
func (s *Server) view(p *prediction) view {
	v := view{
		ID: p.id, Model: p.model.name, Version: p.version, Source: "api", Status: p.status,
		contents:  &contents{Input: p.shown, Output: p.output, Logs: p.logs},
		CreatedAt: stamp(p.created), StartedAt: stampIf(p.started), CompletedAt: stampIf(p.completed), Deadline: stampIf(p.deadline),
		Metrics: p.metrics(), Webhook: p.webhook, Events: p.events, URLs: p.urls(),
	}
	if p.failure != "" {
		v.Error = &p.failure
	}
	if s.expired(p) {
		v.DataRemoved, v.contents = true, &contents{Input: map[string]any{}}
	}
	return v
}

func (p *prediction) urls() map[string]string {
	get := p.base + "/v1/predictions/" + p.id
	return map[string]string{
		"get": get, "cancel": get + "/cancel", "web": "https://replicate.com/p/" + p.id, "stream": p.base + p.streamPath(),
	}
}

func (p *prediction) metrics() map[string]float64 {
	m := map[string]float64{}
	if !p.ended() {
		return m
	}
	m["total_time"] = p.completed.Sub(p.created).Seconds()
	if !p.started.IsZero() {
		m["predict_time"] = p.completed.Sub(p.started).Seconds()
	}
	if p.model.output == chunks {
		m["output_token_count"] = float64(p.tokens)
	}
	return m
}

// stamp is a time as Replicate writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func stampIf(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// find gives the account's prediction that a request names; another account's
// does not exist.
func (s *Server) find(r *http.Request, account string) *prediction {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[r.PathValue("id")]
	if p == nil || p.account != account {
		return nil
	}
	return p
}

func (s *Server) writePrediction(w http.ResponseWriter, status int, p *prediction) {
	s.mu.Lock()
	v := s.view(p)
	s.mu.Unlock()
	writeJSON(w, status, v)
}

func (s *Server) getPrediction(w http.ResponseWriter, r *http.Request, account string) {
	p := s.find(r, account)
	if p == nil {
		writeNotFound(w)
		return
	}
	s.writePrediction(w, http.StatusOK, p)
}

// cancelPrediction may be repeated; one that has ended stays as it is.
func (s *Server) cancelPrediction(w http.ResponseWriter, r *http.Request, account string) {
	p := s.find(r, account)
	if p == nil {
		writeNotFound(w)
		return
	}
	s.finish(p, ending{status: statusCanceled, cause: errCanceled})
	s.writePrediction(w, http.StatusOK, p)
}
