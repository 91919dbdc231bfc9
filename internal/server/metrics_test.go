package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// The wired system gives these.
var (
	_ Limits = (*limit.Gate)(nil)
	_ Jobs   = (*ledger.Ledger)(nil)
)

// jobs is a ledger's answer.
type jobs struct {
	open int
	err  error
}

func (j jobs) CountOpen(context.Context) (int, error) { return j.open, j.err }

func (j jobs) Beats(context.Context) (map[string]string, error) {
	return map[string]string{"one": "7", "two": "8"}, j.err
}

// enqueue puts tasks of every state that needs no worker into both queues.
func enqueue(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	c := asynq.NewClientFromRedisClient(rdb)
	for _, one := range []struct {
		kind, body string
		opts       []asynq.Option
	}{
		{trainset.TaskActorGenerate, actorPayload, []asynq.Option{asynq.Queue(trainset.QueueControl), asynq.TaskID("job-1")}},
		{"image:generate", `{"job_id":"` + string(job) + `","subtask":"image.1","revision":1}`, []asynq.Option{asynq.Queue(queue.Image), asynq.TaskID("job-1:image.1:1")}},
		{"image:generate", `{"job_id":"` + string(job) + `","subtask":"image.2","revision":1}`, []asynq.Option{asynq.Queue(queue.Image), asynq.ProcessIn(time.Hour)}},
	} {
		if _, err := c.EnqueueContext(t.Context(), asynq.NewTask(one.kind, []byte(one.body)), one.opts...); err != nil {
			t.Fatal(err)
		}
	}
}

const actorPayload = `{"version":1,"user":"anna","key":"spring","actor":"lena","portrait":{"url":"https://bucket.example/p.png?X-Amz-Signature=s3cret"},"type":"human","sex":"female","max_cost_usd":1.5}`

// value finds a sample in the text of /metrics.
func value(t *testing.T, metrics, series string) string {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok {
			return v
		}
	}
	t.Errorf("there is no %s", series)
	return ""
}

func TestMetricsTellTheState(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		enqueue(t, rdb)
		if err := asynq.NewInspectorFromRedisClient(rdb).PauseQueue(queue.Image); err != nil {
			t.Fatal(err)
		}
		m := NewMetrics("1.2.3")
		m.AttemptEnded("succeeded", trainset.USD(0.04))
		m.AttemptEnded("lost", trainset.USD(0.04))
		m.AttemptEnded("a new outcome", -trainset.Dollar)
		m.PredictionStarted()
		m.PredictionStarted()
		m.PredictionEnded()
		m.TookOver(3)
		s := newServer(t, Options{
			Redis: rdb, Metrics: m, Jobs: jobs{open: 7}, Now: time.Now,
			Limits: limits{state: limit.State{PerMinute: 600, Waiting: 4, Paused: 1500 * time.Millisecond, Open: &limit.OpenError{Class: "credit"}}},
		})
		r := ask(t, s, "GET", "/metrics", "")
		wantStatus(t, r, http.StatusOK)
		got := r.Body
		for series, want := range map[string]string{
			`trainset_queue_tasks{queue="control",state="pending"}`:           "1",
			`trainset_queue_tasks{queue="image",state="pending"}`:             "1",
			`trainset_queue_tasks{queue="image",state="scheduled"}`:           "1",
			`trainset_queue_tasks{queue="image",state="archived"}`:            "0",
			`trainset_queue_paused{queue="control"}`:                          "0",
			`trainset_queue_paused{queue="image"}`:                            "1",
			`trainset_queue_latency_seconds{queue="image",state="scheduled"}`: "0",
			`trainset_queue_processed_total{queue="image"}`:                   "0",
			`trainset_permits_waiting`:                                        "4",
			`trainset_permits_per_minute`:                                     "600",
			`trainset_pause_seconds`:                                          "1.5",
			`trainset_circuit_open{class="credit"}`:                           "1",
			`trainset_circuit_open{class="auth"}`:                             "0",
			`trainset_open_jobs`:                                              "7",
			`trainset_workers`:                                                "2",
			`trainset_attempts_ended_total{outcome="succeeded"}`:              "1",
			`trainset_attempts_ended_total{outcome="other"}`:                  "1",
			`trainset_attempts_ended_total{outcome="moderated"}`:              "0",
			`trainset_spent_usd_total`:                                        "0.08",
			`trainset_predictions_in_flight`:                                  "1",
			`trainset_takeovers_total`:                                        "3",
			`trainset_scrape_ok{source="queues"}`:                             "1",
			`trainset_scrape_ok{source="limits"}`:                             "1",
			`trainset_scrape_ok{source="jobs"}`:                               "1",
		} {
			if v := value(t, got, series); v != want {
				t.Errorf("%s is %s, want %s", series, v, want)
			}
		}
		for _, part := range []string{`trainset_build_info{goversion="go`, `version="1.2.3"`, "go_goroutines", "process_resident_memory_bytes"} {
			if !strings.Contains(got, part) {
				t.Errorf("there is no %s", part)
			}
		}
		if strings.Contains(got, string(job)) || strings.Contains(got, "anna") {
			t.Error("a label names a job or a user")
		}
		lint(t, s)
	})
}

// lint checks names, types and help by Prometheus's own rules. Those of the
// Go collector are not ours.
func lint(t *testing.T, s *Server) {
	t.Helper()
	all, err := s.gatherers()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "trainset_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestWhatCannotBeReadIsMissingAndSaidSo(t *testing.T) {
	s := newServer(t, Options{Limits: limits{err: errors.New("gone")}, Jobs: jobs{err: errors.New("gone")}})
	r := ask(t, s, "GET", "/metrics", "")
	wantStatus(t, r, http.StatusOK)
	got := r.Body
	for _, source := range []string{"limits", "jobs"} {
		if v := value(t, got, `trainset_scrape_ok{source="`+source+`"}`); v != "0" {
			t.Errorf("%s: %s", source, v)
		}
	}
	if strings.Contains(got, "trainset_open_jobs ") || strings.Contains(got, "trainset_permits_waiting ") {
		t.Error("what could not be read has a value")
	}
	value(t, got, `trainset_attempts_ended_total{outcome="succeeded"}`)
}

// inspected is asynq's inspector with faults.
type inspected struct {
	names  []string
	broken string
	hang   chan struct{} // a queue's information comes when it is closed
	next   time.Time     // when the first scheduled task and retry are due
}

func (i inspected) Queues() ([]string, error) { return i.names, nil }

func (i inspected) GetQueueInfo(name string) (*asynq.QueueInfo, error) {
	if i.hang != nil {
		<-i.hang
	}
	if name == i.broken {
		return nil, errors.New("a task without a hash")
	}
	return &asynq.QueueInfo{Queue: name, Latency: 90 * time.Second, Pending: 2}, nil
}

func (i inspected) ListScheduledTasks(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error) {
	return []*asynq.TaskInfo{{NextProcessAt: i.next}}, nil
}

func (i inspected) ListRetryTasks(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error) {
	return nil, nil
}

// gathered collects one source alone.
func gathered(t *testing.T, s *source) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{s})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			b.WriteString(f.GetName() + " " + m.String() + "\n")
		}
	}
	return b.String()
}

func TestABrokenQueueHidesNoOther(t *testing.T) {
	q := queues{inspected{names: []string{"b", "a", "c"}, broken: "b", next: start.Add(-7 * time.Second)}, newClock().now}
	metrics, err := q.read(t.Context())
	if err == nil {
		t.Error("the broken queue is not reported")
	}
	if n := len(metrics); n != 2*(4+7+2) {
		t.Errorf("got %d metrics of two queues", n)
	}
	got := gathered(t, newSource("queues", q.read, time.Now))
	for _, want := range []string{"value:90", "value:7", `value:"c"`, "trainset_scrape_ok"} {
		if !strings.Contains(strings.ReplaceAll(got, ": ", ":"), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestQueuesInTheMetricsAreBounded(t *testing.T) {
	names := make([]string, 10*maxQueues)
	for i := range names {
		names[i] = strings.Repeat("q", i+1)
	}
	metrics, err := queues{inspected{names: names}, time.Now}.read(t.Context())
	if n := len(metrics); err != nil || n != maxQueues*(4+7+2) {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func TestAScrapeIsBoundedWhenRedisHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		s := newSource("queues", queues{inspected{names: []string{"a"}, hang: hang}, time.Now}.read, time.Now)
		for range 3 { // later scrapes wait for the first's question, they do not put another
			began := time.Now()
			got := gathered(t, s)
			if took := time.Since(began); took != collectTimeout {
				t.Errorf("the scrape took %s", took)
			}
			if strings.Contains(got, "trainset_queue") || !strings.Contains(got, "trainset_scrape_ok") {
				t.Errorf("got %s", got)
			}
		}
		close(hang)
		synctest.Wait()
		if got := gathered(t, s); !strings.Contains(got, "trainset_queue_latency_seconds") {
			t.Errorf("after it answered: %s", got)
		}
	})
}
