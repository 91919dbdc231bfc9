package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// collectTimeout bounds what a scrape waits for. Asynq's inspector takes no
	// context, so it may go on beside; the next scrape then waits for it.
	collectTimeout = 2 * time.Second
	// maxQueues bounds the label queue: any producer can name a new one.
	maxQueues = 32
)

// metricsHandler serves the process's metrics with those that are read when asked for.
func (s *Server) metricsHandler() (http.Handler, error) {
	all, err := s.gatherers()
	if err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{
		ErrorLog: s.errorLog(), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 2 * collectTimeout,
	}), nil
}

func (s *Server) gatherers() (prometheus.Gatherers, error) {
	var sources collector
	if s.o.Redis != nil {
		q := queues{asynq.NewInspectorFromRedisClient(s.o.Redis), s.o.Now}
		sources = append(sources, newSource("queues", q.read, s.o.Now))
	}
	if s.o.Limits != nil {
		sources = append(sources, newSource("limits", s.readLimits, s.o.Now))
	}
	if s.o.Jobs != nil {
		sources = append(sources, newSource("jobs", s.readJobs, s.o.Now))
	}
	asked := prometheus.NewRegistry()
	if err := asked.Register(sources); err != nil {
		return nil, fmt.Errorf("server: registering the metrics: %w", err)
	}
	return prometheus.Gatherers{s.o.Metrics.registry, asked}, nil
}

// source is something that metrics are read from. Those it holds are the same
// at every worker: take the max over workers, not the sum.
type source struct {
	name   string
	shared shared[reading]
}

// reading is what was read, and whether that was all.
type reading struct {
	metrics []prometheus.Metric
	ok      bool
}

func newSource(name string, read func(context.Context) ([]prometheus.Metric, error), now func() time.Time) *source {
	s := &source{name: name}
	ask := func(ctx context.Context) (r reading, holds time.Duration) {
		err := safely(func() (err error) { r.metrics, err = read(ctx); return err })
		r.ok = err == nil
		return r, 0 // scrapes are rare, and what they show is to be of now
	}
	s.shared = shared[reading]{ask: ask, timeout: collectTimeout, now: now}
	return s
}

// collector reads all sources at once, each within the bound.
type collector []*source

var scrapeOK = prometheus.NewDesc("trainset_scrape_ok", "Whether all of a source could be read in time; where it is 0, its metrics are missing.", []string{"source"}, nil)

// Describe says nothing: which metrics there are depends on what can be read.
func (c collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	done := make(chan reading)
	for _, s := range c {
		go func() {
			r, _ := s.shared.get(ctx) // the zero reading is not ok
			// A slice of its own: the reading is shared with other scrapes.
			r.metrics = append(slices.Clip(r.metrics), gauge(scrapeOK, truth(r.ok), s.name))
			done <- r
		}()
	}
	for range c {
		for _, m := range (<-done).metrics {
			out <- m
		}
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var (
	queueTasks   = prometheus.NewDesc("trainset_queue_tasks", "Tasks in a queue, by state.", []string{"queue", "state"}, nil)
	queueLatency = prometheus.NewDesc("trainset_queue_latency_seconds",
		"How long the task that has waited longest is due: a pending one since it was enqueued, a scheduled one or a retry since its time came.", []string{"queue", "state"}, nil)
	queuePaused    = prometheus.NewDesc("trainset_queue_paused", "Whether a queue is paused.", []string{"queue"}, nil)
	queueProcessed = prometheus.NewDesc("trainset_queue_processed_total", "Tasks of a queue that were processed, by all workers, successfully or not.", []string{"queue"}, nil)
	queueFailed    = prometheus.NewDesc("trainset_queue_failed_total", "Tasks of a queue whose processing failed, by all workers; most are tried again.", []string{"queue"}, nil)

	permitsWaiting = prometheus.NewDesc("trainset_permits_waiting", "Calls of this worker that wait for a permit.", nil, nil)
	permitRate     = prometheus.NewDesc("trainset_permits_per_minute", "Permits a minute that are in force for the account.", nil, nil)
	pauseLeft      = prometheus.NewDesc("trainset_pause_seconds", "How long calls are still paused.", nil, nil)
	circuitOpen    = prometheus.NewDesc("trainset_circuit_open", "Whether calls are stopped, by what stopped them.", []string{"class"}, nil)

	openJobs = prometheus.NewDesc("trainset_open_jobs", "Jobs that have not ended.", nil, nil)
	workers  = prometheus.NewDesc("trainset_workers", "Workers that serve the queues; one that has died counts until another has taken over what it held.", nil, nil)
)

// inspector is what is asked of asynq's.
type inspector interface {
	Queues() ([]string, error)
	GetQueueInfo(queue string) (*asynq.QueueInfo, error)
	ListScheduledTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListRetryTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
}

// queues reads asynq's queues.
type queues struct {
	inspector inspector
	now       func() time.Time
}

// read returns what it could read with the error of what it could not: one
// broken queue hides none of the others.
func (q queues) read(ctx context.Context) ([]prometheus.Metric, error) {
	names, err := q.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("server: listing the queues: %w", err)
	}
	slices.Sort(names)
	var out []prometheus.Metric
	var failed []error
	for _, name := range names[:min(len(names), maxQueues)] {
		if ctx.Err() != nil {
			return out, fmt.Errorf("server: reading the queues: %w", ctx.Err())
		}
		metrics, err := q.one(name)
		out, failed = append(out, metrics...), append(failed, err)
	}
	return out, errors.Join(failed...)
}

func (q queues) one(name string) ([]prometheus.Metric, error) {
	i, err := q.inspector.GetQueueInfo(name)
	if err != nil {
		return nil, fmt.Errorf("server: reading queue %s: %w", name, err)
	}
	out := []prometheus.Metric{
		gauge(queuePaused, truth(i.Paused), name),
		gauge(queueLatency, i.Latency.Seconds(), name, "pending"),
		prometheus.MustNewConstMetric(queueProcessed, prometheus.CounterValue, float64(i.ProcessedTotal), name),
		prometheus.MustNewConstMetric(queueFailed, prometheus.CounterValue, float64(i.FailedTotal), name),
	}
	for state, n := range map[string]int{
		"active": i.Active, "pending": i.Pending, "scheduled": i.Scheduled, "retry": i.Retry,
		"archived": i.Archived, "completed": i.Completed, "aggregating": i.Aggregating,
	} {
		out = append(out, gauge(queueTasks, float64(n), name, state))
	}
	overdue, err := q.overdue(name)
	return append(out, overdue...), err
}

// overdue looks at the first task of each kind that waits for its time; who
// forwards them is a running worker.
func (q queues) overdue(name string) ([]prometheus.Metric, error) {
	var out []prometheus.Metric
	for state, list := range map[string]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		"scheduled": q.inspector.ListScheduledTasks, "retry": q.inspector.ListRetryTasks,
	} {
		first, err := list(name, asynq.PageSize(1))
		if err != nil {
			return out, fmt.Errorf("server: reading queue %s: %w", name, err)
		}
		due := time.Duration(0)
		if len(first) > 0 {
			due = max(q.now().Sub(first[0].NextProcessAt), 0)
		}
		out = append(out, gauge(queueLatency, due.Seconds(), name, state))
	}
	return out, nil
}

// circuitClasses are the values that the label class takes, besides "other".
var circuitClasses = []string{"credit", "auth", "operator"}

func (s *Server) readLimits(ctx context.Context) ([]prometheus.Metric, error) {
	state, err := stateOf(ctx, s.o.Limits)
	if err != nil {
		return nil, err
	}
	out := []prometheus.Metric{
		gauge(permitsWaiting, float64(state.Waiting)),
		gauge(permitRate, float64(state.PerMinute)),
		gauge(pauseLeft, state.Paused.Seconds()),
	}
	open := ""
	if state.Open != nil {
		open = state.Open.Class
		if !slices.Contains(circuitClasses, open) {
			open = "other"
		}
	}
	for _, class := range append(slices.Clip(circuitClasses), "other") {
		out = append(out, gauge(circuitOpen, truth(class == open), class))
	}
	return out, nil
}

func (s *Server) readJobs(ctx context.Context) ([]prometheus.Metric, error) {
	jobs, err := s.o.Jobs.CountOpen(ctx)
	if err != nil {
		return nil, err
	}
	beats, err := s.o.Jobs.Beats(ctx)
	if err != nil {
		return nil, err
	}
	return []prometheus.Metric{gauge(openJobs, float64(jobs)), gauge(workers, float64(len(beats)))}, nil
}
