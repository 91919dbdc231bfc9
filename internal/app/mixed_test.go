package app_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// mixedSystem is two systems on one Redis and one storage: the workers of one have
// what is a real provider to them, those of the other the simulated one.
func mixedSystem(t *testing.T, rdb redis.UniversalClient, latency time.Duration) (actual, simulated *system) {
	t.Helper()
	actual, simulated = quickSystem(t, rdb), quickSystem(t, rdb)
	simulated.store, simulated.options.Simulated = actual.store, true
	for _, s := range []*system{actual, simulated} {
		s.provider.Configure(func(o *fake.Settings) { o.Latency.Fixed = latency })
	}
	return actual, simulated
}

// inFlight enqueues a job and stops its worker once all predictions are in flight.
func (s *system) inFlight(req trainset.ActorRequest) trainset.JobID {
	s.t.Helper()
	w := s.start()
	id := s.enqueue(req)
	redistest.Await(s.t, "all are asked for", func() bool { return s.provider.Stats().Predictions == req.Images })
	w.Stop()
	return id
}

func (s *system) heldUp(id trainset.JobID, why string) {
	s.t.Helper()
	job := s.until(id, "held up: "+why, func(j trainset.Job) bool { return strings.Contains(j.HeldUp, why) || j.State.Ended() })
	if job.State.Ended() {
		s.t.Fatalf("job %s: %s", job.State, job.Reason)
	}
}

func (s *system) notAsked() {
	s.t.Helper()
	if asked := s.provider.Stats().Requests; len(asked) != 0 {
		s.t.Errorf("its provider was asked: %v", asked)
	}
}

// What a real provider was asked for is paid for: no simulated picture replaces it.
func TestASimulatedWorkerLeavesARealJobAlone(t *testing.T) {
	for name, latency := range map[string]time.Duration{"goes on": 5 * time.Second, "canceled": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			canceled := name == "canceled"
			actual, simulated := mixedSystem(t, redistest.Any(t), latency)
			id := actual.inFlight(actual.request("k", 2))
			simulated.start()
			actual.heldUp(id, "without TRAINSET_SIMULATE, or cancel the job")
			if canceled {
				if err := actual.client.Cancel(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				actual.heldUp(id, "without TRAINSET_SIMULATE, which ends them")
			}
			simulated.notAsked()
			actual.start()
			job, want := actual.ended(id), trainset.JobSucceeded
			if canceled {
				want = trainset.JobCanceled
			}
			if job.State != want || job.Simulated || job.Cost.Actual != 2*40_000 {
				t.Errorf("job %s (%s), simulated %v, %s", job.State, job.Reason, job.Simulated, job.Cost.Actual)
			}
			actual.made(2)
			simulated.notAsked()
		})
	}
}

// A job that was accepted as a simulated one costs nothing, whoever goes on with it.
func TestARealWorkerLeavesASimulatedJobAlone(t *testing.T) {
	for name, canceled := range map[string]bool{"goes on": false, "canceled": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			actual, simulated := mixedSystem(t, redistest.Any(t), 5*time.Second)
			id := simulated.inFlight(simulated.request("k", 2))
			actual.start()
			gate := limit.New(actual.rdb, app.Account(actual.options.Token, actual.options.BaseURL), limit.Options{})
			t.Cleanup(gate.Close)
			actual.heldUp(id, "start one with TRAINSET_SIMULATE=true, or cancel the job")
			want := trainset.JobSucceeded
			if canceled {
				want = trainset.JobCanceled
				if err := actual.client.Cancel(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			} else {
				simulated.start()
			}
			if job := actual.ended(id); job.State != want || !job.Simulated || canceled && job.Cost.Actual != 0 {
				t.Errorf("job %s (%s), simulated %v, %s", job.State, job.Reason, job.Simulated, job.Cost.Actual)
			}
			actual.notAsked()
			if state, err := gate.State(t.Context()); err != nil || state.Open != nil {
				t.Errorf("the circuit is open: %v, %v", state.Open, err)
			}
		})
	}
}

// A job whose ledger was lost is that of the provider which its plan was frozen with.
func TestALostJobIsLeftToItsOwnProvider(t *testing.T) {
	t.Parallel() // it mostly waits
	actual, simulated := mixedSystem(t, redistest.Server(t), time.Hour)
	req := actual.request("k", 2)
	id := actual.inFlight(req)
	if err := actual.rdb.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	simulated.start()
	actual.enqueue(req)
	actual.heldUp(id, "without TRAINSET_SIMULATE, or cancel the job")
	simulated.notAsked()
}

// Where both sorts of workers run, each job comes to one of its own within seconds.
func TestJobsFindTheWorkersOfTheirProvider(t *testing.T) {
	t.Parallel() // it mostly waits
	actual, simulated := mixedSystem(t, redistest.Any(t), 100*time.Millisecond)
	actual.start()
	simulated.start()
	const images = 6
	for i := range 4 {
		s, req := actual, actual.request(string(rune('a'+i)), images)
		if req.Simulate = i%2 == 1; req.Simulate {
			s = simulated
		}
		began := time.Now()
		job := s.ended(s.enqueue(req))
		if job.State != trainset.JobSucceeded || job.Simulated != req.Simulate {
			t.Errorf("job %s (%s), simulated %v, not %v", job.State, job.Reason, job.Simulated, req.Simulate)
		}
		t.Logf("%d images after %s", images, time.Since(began))
	}
	actual.made(2 * images)
	simulated.made(2 * images)
}

// Whoever starts a worker beside others of the other sort is told.
func TestAStartWarnsOfWorkersOfTheOtherSort(t *testing.T) {
	actual, simulated := mixedSystem(t, redistest.Server(t), time.Hour)
	simulated.start()
	var log logText
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- app.RunDeployed(ctx, actual.config(), zerolog.New(&log), func(string) { stop() })
	}()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "leaves the other sort's jobs alone") || !strings.Contains(text, `"workers":1`) {
		t.Errorf("it says only\n%s", text)
	}
}

// logText keeps what is logged at once by many.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
