package server

import (
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/actormaker/trainset"
)

// outcomes are the values that the label outcome takes; any other counts as
// "other", so that a series is never named by what came from outside.
var outcomes = []string{"succeeded", "rejected", "moderated", "failed", "invalid", "lost", "canceled"}

// Metrics counts what happens in this process. Its methods are what the
// packages that make things happen call, each through an interface of its own. It is
// safe for concurrent use.
type Metrics struct {
	registry    *prometheus.Registry
	attempts    *prometheus.CounterVec
	spent       prometheus.Counter
	predictions prometheus.Gauge
	takeovers   prometheus.Counter
	webhooks    *prometheus.CounterVec
}

// NewMetrics makes the metrics of a process that runs this version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trainset_attempts_ended_total", Help: "Paid attempts that this worker ended, by outcome.",
		}, []string{"outcome"}),
		spent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trainset_spent_usd_total", Help: "What the attempts that this worker ended cost, in US dollars at list prices.",
		}),
		predictions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trainset_predictions_in_flight", Help: "Predictions that this worker waits for.",
		}),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trainset_takeovers_total", Help: "Attempts that this worker took over from a dead one.",
		}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trainset_webhooks_total", Help: "Webhooks that came to this worker, by what was done with them.",
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.attempts, m.spent, m.predictions, m.takeovers, m.webhooks, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// A series that is there from the start can be told from one that is missing.
	for _, o := range outcomes {
		m.attempts.WithLabelValues(o)
	}
	for _, r := range webhookResults {
		m.webhooks.WithLabelValues(string(r))
	}
	return m
}

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "trainset_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// AttemptEnded counts an attempt that ended with an outcome and what it cost.
func (m *Metrics) AttemptEnded(outcome string, cost trainset.Money) {
	if !slices.Contains(outcomes, outcome) {
		outcome = "other"
	}
	m.attempts.WithLabelValues(outcome).Inc()
	if cost > 0 { // a counter does not fall
		m.spent.Add(cost.Float())
	}
}

// PredictionStarted counts a prediction that this worker begins to wait for.
func (m *Metrics) PredictionStarted() { m.predictions.Inc() }

// PredictionEnded counts one that it waits for no more, for whatever reason.
func (m *Metrics) PredictionEnded() { m.predictions.Dec() }

// TookOver counts n attempts taken over from a dead worker.
func (m *Metrics) TookOver(n int) { m.takeovers.Add(float64(max(n, 0))) }

// webhookResult is what was done with a webhook.
type webhookResult string

const (
	webhookAccepted  webhookResult = "accepted"
	webhookForged    webhookResult = "forged"
	webhookMalformed webhookResult = "malformed"
	webhookTooLarge  webhookResult = "too_large"
	webhookBusy      webhookResult = "busy"
	webhookFailed    webhookResult = "failed"
)

var webhookResults = []webhookResult{webhookAccepted, webhookForged, webhookMalformed, webhookTooLarge, webhookBusy, webhookFailed}

func (m *Metrics) webhook(r webhookResult) { m.webhooks.WithLabelValues(string(r)).Inc() }
