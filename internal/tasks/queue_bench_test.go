package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/reference"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

const (
	benchJobs     = 300 // submitted at once
	benchChildren = 12
	benchRounds   = 5  // of each system, one after the other
	benchSingles  = 41 // jobs one at a time
	benchWarming  = 3  // jobs before, for connections and scripts
)

// BenchmarkQueue compares the queue and ledger with asynq alone, on one
// redis-server without persistence, round by round in turn, and reports medians.
//
//   - plain: a parent task enqueues twelve tasks that do nothing but add
//     themselves to a set in Redis; the one that fills the set enqueues the last.
//   - ours: client.EnqueueActor, then a worker's handlers: recording, planning,
//     admission, twelve image:generate, each with its attempt journalled before it
//     is made and concluded afterwards, dataset:assemble; beside it the holds,
//     beats and sweeps of every worker.
//   - paid: the same, with each attempt carried out by paid.Payer, whose journal
//     has two further writes a prediction.
//
// What is neither queue nor ledger is free: pictures are one byte, storage is a
// map, the provider answers at once, and the set of the last task is not drawn.
// Making the plan, and encoding it and the receipts, is not free: they are what
// a crash leaves behind.
//
//	jobs/s           all jobs submitted at once, to the end of the last
//	ratio            ours by plain
//	cpu-ms/job       processor time of this process, producer and worker
//	redis-ms/job     processor time of redis-server, beside it
//	trips/job        journeys to Redis and back, a pipeline being one
//	commands/job     by Redis's own statistics, those that scripts call included
//	idle-p50-ms      from enqueueing to the end of the only job, at the shipped polling
//	idle-trips/s     what that polling costs while there is nothing to do
//	idle-commands/s  the same by Redis's own statistics
func BenchmarkQueue(b *testing.B) {
	systems := []struct {
		name string
		run  func(*bench) system
	}{{"plain", plainSystem}, {"ours", ourSystem(free)}, {"paid", ourSystem(journalled)}}
	for range b.N {
		m := figures{}
		for range benchRounds {
			for _, s := range systems {
				newBench(b).burst(s.name, s.run, m)
			}
		}
		for _, s := range systems[:2] {
			newBench(b).single(s.name, s.run, m)
		}
		for name, values := range m {
			b.ReportMetric(median(values), name)
		}
		b.ReportMetric(median(m["ours-jobs/s"])/median(m["plain-jobs/s"]), "ratio")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// figures are what was measured, round by round.
type figures map[string][]float64

func (f figures) add(name string, v float64) { f[name] = append(f[name], v) }

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// system is one of those compared: it takes jobs and tells when each is done.
type system struct {
	submit func(n int) error
	stop   func()
}

// bench is one round's Redis, and who waits for its jobs.
type bench struct {
	*testing.B

	rdb   redis.UniversalClient
	trips *trips
	done  chan struct{}
}

func newBench(b *testing.B) *bench {
	b.Helper()
	rdb, err := redisconn.Open("unix://" + redistest.Server(b).Options().Addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = rdb.Close() })
	t := new(trips)
	rdb.AddHook(t)
	return &bench{B: b, rdb: rdb, trips: t, done: make(chan struct{}, benchJobs)}
}

// trips counts the journeys to Redis and back.
type trips struct{ n atomic.Int64 }

func (*trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (t *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		t.n.Add(1)
		return next(ctx, cmd)
	}
}

func (t *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		t.n.Add(1)
		return next(ctx, cmds)
	}
}

// burst submits all jobs at once.
func (b *bench) burst(name string, run func(*bench) system, m figures) {
	b.Helper()
	s := run(b)
	defer s.stop()
	b.jobs(s, 0, benchWarming)
	trips, cpu, server, commands := b.trips.n.Load(), cpuTime(), b.serverTime(), b.commands()
	begun := time.Now()
	b.jobs(s, benchWarming, benchJobs)
	m.add(name+"-jobs/s", benchJobs/time.Since(begun).Seconds())
	m.add(name+"-cpu-ms/job", (cpuTime()-cpu).Seconds()*1000/benchJobs)
	m.add(name+"-redis-ms/job", (b.serverTime()-server).Seconds()*1000/benchJobs)
	m.add(name+"-trips/job", float64(b.trips.n.Load()-trips)/benchJobs)
	m.add(name+"-commands/job", (b.commands()-commands)/benchJobs)
}

// jobs submits n jobs by eight producers and waits for their ends.
func (b *bench) jobs(s system, from, n int) {
	b.Helper()
	next := make(chan int, n)
	for i := range n {
		next <- from + i
	}
	close(next)
	var producers sync.WaitGroup
	for range 8 {
		producers.Go(func() {
			for i := range next {
				if err := s.submit(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case <-b.done:
		case <-time.After(time.Minute):
			b.Fatalf("only %d of %d jobs ended", i, n)
		}
	}
	producers.Wait()
}

// single submits one job at a time to an idle system, and then none.
func (b *bench) single(name string, run func(*bench) system, m figures) {
	b.Helper()
	s := run(b)
	defer s.stop()
	b.jobs(s, 0, benchWarming)
	for i := range benchSingles {
		<-time.After(20*time.Millisecond + time.Duration(i%7)*5*time.Millisecond) // not in step with the polling
		begun := time.Now()
		b.jobs(s, benchWarming+i, 1)
		m.add(name+"-idle-p50-ms", time.Since(begun).Seconds()*1000)
	}
	const idle = 5 * time.Second
	trips, commands := b.trips.n.Load(), b.commands()
	<-time.After(idle)
	m.add(name+"-idle-trips/s", float64(b.trips.n.Load()-trips)/idle.Seconds())
	m.add(name+"-idle-commands/s", (b.commands()-commands)/idle.Seconds())
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *bench) info(section string) map[string]string {
	b.Helper()
	text, err := b.rdb.Info(b.Context(), section).Result()
	if err != nil {
		b.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[k] = v
		}
	}
	return fields
}

// serverTime is redis-server's processor time.
func (b *bench) serverTime() time.Duration {
	b.Helper()
	f := b.info("cpu")
	user, _ := strconv.ParseFloat(f["used_cpu_user"], 64)
	system, _ := strconv.ParseFloat(f["used_cpu_sys"], 64)
	return time.Duration((user + system) * float64(time.Second))
}

// commands counts what the server carried out, what scripts called included.
func (b *bench) commands() float64 {
	b.Helper()
	all := 0.0
	for _, v := range b.info("commandstats") {
		calls, _, _ := strings.Cut(strings.TrimPrefix(v, "calls="), ",")
		n, _ := strconv.ParseFloat(calls, 64) // a heading is none
		all += n
	}
	return all
}

// serve runs asynq servers until stopped.
func (b *bench) serve(mux map[string]asynq.Handler, concurrency map[string]int) (stop func()) {
	b.Helper()
	var servers []*asynq.Server
	for name, h := range mux {
		c := queue.Config(name, concurrency[name])
		c.RetryDelayFunc, c.IsFailure, c.LogLevel = RetryDelay, IsFailure, asynq.ErrorLevel
		s := asynq.NewServerFromRedisClient(b.rdb, c)
		if err := s.Start(h); err != nil {
			b.Fatal(err)
		}
		servers = append(servers, s)
	}
	return func() {
		for _, s := range servers {
			s.Shutdown()
		}
	}
}

// plainSystem is asynq with a counter.
func plainSystem(b *bench) system {
	c := asynq.NewClientFromRedisClient(b.rdb)
	enqueue := func(ctx context.Context, kind, job, id string) error {
		_, err := c.EnqueueContext(ctx, asynq.NewTask(kind, []byte(job)), asynq.TaskID(id), asynq.MaxRetry(3))
		return err
	}
	mux := asynq.NewServeMux()
	mux.HandleFunc("parent", func(ctx context.Context, t *asynq.Task) error {
		for i := range benchChildren {
			if err := enqueue(ctx, "child", string(t.Payload()), fmt.Sprintf("%s:%d", t.Payload(), i)); err != nil {
				return err
			}
		}
		return nil
	})
	full := redis.NewScript(`redis.call('SADD', KEYS[1], ARGV[1]) return redis.call('SCARD', KEYS[1])`)
	mux.HandleFunc("child", func(ctx context.Context, t *asynq.Task) error {
		job := string(t.Payload())
		id, _ := asynq.GetTaskID(ctx)
		n, err := full.Run(ctx, b.rdb, []string{"done:" + job}, id).Int()
		if err != nil || n < benchChildren {
			return err
		}
		return enqueue(ctx, "last", job, job+":last")
	})
	mux.HandleFunc("last", func(context.Context, *asynq.Task) error {
		b.done <- struct{}{}
		return nil
	})
	stop := b.serve(map[string]asynq.Handler{"default": mux}, map[string]int{"default": 50})
	return system{func(i int) error { return enqueue(b.Context(), "parent", strconv.Itoa(i), strconv.Itoa(i)) }, stop}
}

// ourSystem is a worker's handlers with free pictures.
func ourSystem(payer func(*ledger.Ledger) Payer) func(*bench) system {
	return func(b *bench) system {
		l := ledger.New(b.rdb, ledger.Options{})
		store := &memory{objects: map[string][]byte{}}
		h := New(l, store, payer(l), freeUpload{}, queue.New(b.rdb, nil), Options{
			Owner: "bench", DefaultModel: replicate.DefaultActorModel, MaxAttempts: 5, Log: zerolog.Nop(),
		})
		h.check = func(data []byte, _ string, _ imaging.Limits) (reference.Normalised, error) {
			return reference.Normalised{PNG: data, SHA256: sum(data), Width: 1, Height: 1, Format: "PNG"}, nil
		}
		h.crafts[plan.VerbImage] = freeCraft{imageCraft{h}}
		control := h.byType(map[string]asynq.HandlerFunc{
			trainset.TaskActorGenerate: h.accept(trainset.KindActor),
			string(plan.VerbAssemble): func(ctx context.Context, t *asynq.Task) error {
				if err := endWithout(ctx, h, t); err != nil {
					return err
				}
				b.done <- struct{}{}
				return nil
			},
		})
		ctx, cancel := context.WithCancel(b.Context())
		var background sync.WaitGroup
		background.Go(func() { (&Sweeper{Handlers: h, Owner: "bench"}).Run(ctx) })
		background.Go(func() { (&Warden{Handlers: h}).Run(ctx) })
		stop := b.serve(map[string]asynq.Handler{trainset.QueueControl: control, queue.Image: h.Images()}, map[string]int{trainset.QueueControl: 8, queue.Image: 300})
		c := client.FromRedis(b.rdb)
		_ = store.Put(ctx, "portrait.png", []byte{1}, storage.PutOptions{}) // never fails
		return system{
			func(i int) error {
				var req trainset.ActorRequest
				req.User, req.Actor, req.Key, req.Portrait.Key = "ada", "zara", strconv.Itoa(i), "portrait.png"
				_, err := c.EnqueueActor(ctx, req)
				return err
			},
			func() { stop(); cancel(); background.Wait() },
		}
	}
}

// endWithout does what assemble does without the set: reads the record, looks
// whether it is due, ends the job.
func endWithout(ctx context.Context, h *Handlers, t *asynq.Task) error {
	p, err := queue.Decode(t)
	if err != nil {
		return err
	}
	r, err := h.ledger.Load(ctx, p.Job)
	if err != nil {
		return err
	}
	if steps := plan.Needed(r); len(steps) != 1 || steps[0].Verb != plan.VerbAssemble {
		return h.Advance(ctx, p.Job)
	}
	state, reason := r.Outcome()
	if state != trainset.JobSucceeded {
		return fmt.Errorf("job %s: %s, %s", r.ID, state, reason)
	}
	return h.end(ctx, r, ledger.Ending{State: state, Revision: r.Revision + 1, Change: r.Change, Output: &trainset.Output{}})
}

// freeCraft asks what is asked, and takes whatever comes.
type freeCraft struct{ imageCraft }

func (freeCraft) finish(context.Context, ledger.Work, plan.Attempt, bought) (made, error) {
	return made{body: []byte{2}, kind: "image/png", ext: "png", width: 1, height: 1, checks: json.RawMessage("{}")}, nil
}

type freeUpload struct{}

func (freeUpload) Upload(context.Context, string, string, []byte) (replicate.File, error) {
	return replicate.File{ID: "f", URL: "https://files.test/f", ExpiresAt: time.Now().Add(24 * time.Hour)}, nil
}

// free journals the intent, as a Payer must, and has the answer at once.
func free(l *ledger.Ledger) Payer { return freePayer{l} }

type freePayer struct{ *ledger.Ledger }

func (p freePayer) Once(ctx context.Context, a plan.Attempt) (plan.Attempt, paid.Output, error) {
	a, err := p.Open(ctx, a)
	return a, paid.Output{Data: []byte{2}}, err
}

// journalled buys at a provider that costs no time.
func journalled(l *ledger.Ledger) Payer {
	return paid.New(l, freeProvider{}, freePermits{}, nil, &paid.Pace{}, paid.Options{Owner: "bench", Log: zerolog.Nop()})
}

type freeProvider struct{}

var ended = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (freeProvider) Create(context.Context, replicate.CreateRequest) (replicate.Prediction, error) {
	return replicate.Prediction{ID: "p", Status: replicate.StatusStarting}, nil
}

func (freeProvider) Get(context.Context, string) (replicate.Prediction, error) {
	return replicate.Prediction{ID: "p", Status: replicate.StatusSucceeded, Output: []string{"https://files.test/o"}, CreatedAt: ended, CompletedAt: ended}, nil
}

func (p freeProvider) Cancel(ctx context.Context, id string) (replicate.Prediction, error) {
	return p.Get(ctx, id)
}

func (freeProvider) Fetch(context.Context, string, int64, func(context.Context, int64) error) ([]byte, string, error) {
	return []byte{2}, "image/png", nil
}

type freePermits struct{}

func (freePermits) Permit(context.Context, string) error     { return nil }
func (freePermits) Accepted(context.Context)                 {}
func (freePermits) Report(context.Context, *replicate.Error) {}

// memory is a store that costs nothing.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memory) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	return m.PutParts(ctx, key, [][]byte{body}, o)
}

func (m *memory) PutParts(_ context.Context, key string, parts [][]byte, o storage.PutOptions) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there && o.IfAbsent {
		return storage.ErrExists
	}
	m.objects[key] = slices.Concat(parts...)
	return nil
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, there := m.objects[key]
	if !there {
		return nil, storage.ErrNotFound
	}
	return body, nil
}

func (m *memory) Stat(ctx context.Context, key string) (storage.Info, error) {
	body, err := m.Get(ctx, key)
	return storage.Info{Key: key, Size: int64(len(body))}, err
}

func (m *memory) List(_ context.Context, prefix string) ([]storage.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []storage.Info
	for key, body := range m.objects {
		if strings.HasPrefix(key, prefix) {
			found = append(found, storage.Info{Key: key, Size: int64(len(body))})
		}
	}
	slices.SortFunc(found, func(a, b storage.Info) int { return cmp.Compare(a.Key, b.Key) })
	return found, nil
}

func (m *memory) Delete(_ context.Context, keys ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		delete(m.objects, key)
	}
	return nil
}

func (*memory) Describe() string { return "memory" }
