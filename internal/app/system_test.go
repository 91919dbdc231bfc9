package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/replicate/fake/picture"
	"github.com/actormaker/trainset/internal/storage"
)

// system is a whole one: Redis, a simulated provider, storage, and as many
// workers as a test starts.
type system struct {
	t        testing.TB
	rdb      redis.UniversalClient
	provider *fake.Server
	store    *storage.Directory
	client   *client.Client
	options  app.Options
}

// drawings are what the providers of all tests have drawn: most are asked for the same.
var drawings picture.Memory

func newSystem(t *testing.T, rdb redis.UniversalClient, faults ...fake.Fault) *system {
	t.Helper()
	return systemWith(t, rdb, fake.Options{
		Settings: fake.Settings{Latency: fake.Latency{Fixed: 100 * time.Millisecond}}, Faults: faults, Seed: 1,
	})
}

// quickSystem is one whose pictures are plain: what matters is what is asked
// for, not what it shows.
func quickSystem(t *testing.T, rdb redis.UniversalClient, faults ...fake.Fault) *system {
	t.Helper()
	return systemWith(t, rdb, fake.Options{
		Settings: fake.Settings{Latency: fake.Latency{Fixed: 100 * time.Millisecond}}, Faults: faults, Seed: 1, PreEncoded: true, Plain: true,
	})
}

func systemWith(tb testing.TB, rdb redis.UniversalClient, o fake.Options) *system {
	tb.Helper()
	s := &system{t: tb, rdb: rdb, store: storage.NewDirectory(filepath.Join(tb.TempDir(), "out")), client: client.FromRedis(rdb)}
	o.Draw = drawings.Draw
	s.provider = fake.New(o)
	server := httptest.NewServer(s.provider)
	tb.Cleanup(func() { server.Close(); _ = s.provider.Close() })
	s.options = app.Options{
		Token: "token", BaseURL: server.URL + "/v1", PerMinute: 6000, Version: "test",
		Log: zerolog.New(logOf(tb)).Level(zerolog.WarnLevel),
	}
	return s
}

// testLog writes to a test's log as long as that takes anything: tasks that a
// worker was stopped in the middle of may end after it.
type testLog struct {
	mu    sync.Mutex
	tb    testing.TB
	ended bool
}

func logOf(tb testing.TB) *testLog {
	tb.Helper()
	l := &testLog{tb: tb}
	tb.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ended = true
	})
	return l
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.tb.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// start runs a worker until the test's end, or until it is stopped.
func (s *system) start() *app.Worker {
	s.t.Helper()
	return s.startOn(s.store)
}

// startOn is start with another way to the storage.
func (s *system) startOn(store storage.Store) *app.Worker {
	s.t.Helper()
	w, err := app.NewWorker(s.rdb, store, s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(w.Stop)
	return w
}

// request is an actor's, whose portrait is in storage.
func (s *system) request(key string, images int) trainset.ActorRequest {
	s.t.Helper()
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Images, req.Trigger = "ada", "zara", key, images, "zrkwoman"
	req.Portrait.Key = dataset.Upload(req.JobID())
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "portrait.png"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Put(s.t.Context(), req.Portrait.Key, data, storage.PutOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return req
}

func (s *system) enqueue(req trainset.ActorRequest) trainset.JobID {
	s.t.Helper()
	job, err := s.client.EnqueueActor(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	return job.ID
}

// until follows the job to a state of its own choice.
func (s *system) until(id trainset.JobID, what string, reached func(trainset.Job) bool) trainset.Job {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Minute) // on a busy machine, with the race detector
	defer cancel()
	var last trainset.Job
	for job, err := range s.client.Watch(ctx, id) {
		if err != nil {
			continue
		}
		last = job
		if reached(job) {
			return job
		}
	}
	s.t.Fatalf("job %s was never %s: it is %s (%s) with %d images", id, what, last.State, last.Reason, last.Succeeded())
	return last
}

func (s *system) ended(id trainset.JobID) trainset.Job {
	s.t.Helper()
	return s.until(id, "ended", func(j trainset.Job) bool { return j.State.Ended() })
}

func (s *system) made(want int) {
	s.t.Helper()
	if got := s.provider.Stats().Predictions; got != want {
		s.t.Errorf("the provider made %d predictions, not %d", got, want)
	}
}

// manifest reads the current one, and checks that everything it names is there.
func (s *system) manifest(req trainset.ActorRequest) trainset.Manifest {
	s.t.Helper()
	layout := dataset.Layout{User: req.User, Kind: req.Kind(), Subject: req.Actor, Job: req.JobID()}
	b, err := s.store.Get(s.t.Context(), layout.Manifest())
	if err != nil {
		s.t.Fatal(err)
	}
	var m trainset.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Fatal(err)
	}
	for _, it := range m.Items {
		if it.File == "" {
			continue
		}
		if _, err := s.store.Stat(s.t.Context(), layout.Root()+"/"+it.File); err != nil {
			s.t.Error(err)
		}
	}
	return m
}

// sameKeys makes sure that the ledger and the manifest name the same images, and
// that they are there.
func (s *system) sameKeys(job trainset.Job, m trainset.Manifest) {
	s.t.Helper()
	stored := m.Job()
	if len(job.Items) != len(stored.Items) {
		s.t.Fatalf("%d items, %d in the manifest", len(job.Items), len(stored.Items))
	}
	for i, it := range job.Items {
		key := job.ImageKey(it)
		if key != stored.ImageKey(stored.Items[i]) || (key == "") != (it.State != trainset.ItemSucceeded) {
			s.t.Errorf("item %d is %s: %q, in the manifest %q", it.Index, it.State, key, stored.ImageKey(stored.Items[i]))
			continue
		}
		if key == "" {
			continue
		}
		if _, err := s.store.Stat(s.t.Context(), key); err != nil {
			s.t.Error(err)
		}
	}
}

func TestAJobBecomesADataSet(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		s := newSystem(t, rdb)
		s.start()
		req := s.request("k", 12)
		job := s.ended(s.enqueue(req))
		if job.State != trainset.JobSucceeded || job.Succeeded() != 12 || job.Revision != 1 || job.Cost.Actual != 12*40_000 {
			t.Errorf("job %s (%s): %d images, revision %d, cost %s", job.State, job.Reason, job.Succeeded(), job.Revision, job.Cost.Actual)
		}
		s.made(12)
		m := s.manifest(req)
		if m.State != trainset.JobSucceeded || len(m.Items) != 12 || m.Files.Zip == nil {
			t.Errorf("manifest: %s, %d items", m.State, len(m.Items))
		}
		s.sameKeys(job, m)
		if _, err := s.store.Stat(t.Context(), req.Portrait.Key); err == nil {
			t.Error("the upload was left behind")
		}
		// A second request for it changes and spends nothing.
		if again := s.ended(s.enqueue(req)); again.FinishedAt == nil || !again.FinishedAt.Equal(*job.FinishedAt) {
			t.Errorf("it finished again, at %v", again.FinishedAt)
		}
		s.made(12)
	})
}

func TestManyWorkersShareJobs(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Server(t))
	for range 3 {
		s.start()
	}
	var ids []trainset.JobID
	for _, key := range []string{"a", "b", "c", "d"} {
		ids = append(ids, s.enqueue(s.request(key, 4)))
	}
	for _, id := range ids {
		if job := s.ended(id); job.State != trainset.JobSucceeded {
			t.Errorf("job %s: %s", job.State, job.Reason)
		}
	}
	s.made(16)
}

// A reply that is lost after the provider accepted is no reason to ask again.
func TestLostRepliesAreAdopted(t *testing.T) {
	for _, kind := range []fake.Kind{fake.EOFAfter, fake.ServerErrorAfter, fake.BadGatewayAfter} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: kind, Nth: 2, Every: 2, Times: 2})
			s.start()
			if job := s.ended(s.enqueue(s.request("k", 4))); job.State != trainset.JobSucceeded {
				t.Errorf("job %s: %s", job.State, job.Reason)
			}
			s.made(4)
		})
	}
}

// Jobs that were given the same seed ask in the same words, each with its own upload.
func TestJobsOfOneSeedAdoptTheirOwn(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.EOFAfter, Every: 1, Times: 2})
	s.start()
	seed, adopted := int64(7), map[string]string{}
	var requests []trainset.ActorRequest
	for _, key := range []string{"a", "b"} {
		req := s.request(key, 1)
		req.Seed = &seed
		requests = append(requests, req)
		s.enqueue(req)
	}
	for _, req := range requests {
		s.ended(req.JobID())
		tries := s.manifest(req).Items[0].Attempts
		if other, taken := adopted[tries[0].PredictionID]; taken || len(tries) != 1 {
			t.Errorf("job %s has the prediction of job %q, in %d attempts", req.Key, other, len(tries))
		}
		adopted[tries[0].PredictionID] = req.Key
	}
	s.made(2)
}

// Refusals before the provider accepted cost no attempt.
func TestRefusedCreatesAreRepeated(t *testing.T) {
	for _, kind := range []fake.Kind{fake.Throttle, fake.ThrottleBody} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: kind, Nth: 2})
			s.start()
			job := s.ended(s.enqueue(s.request("k", 3)))
			if job.State != trainset.JobSucceeded {
				t.Errorf("job %s: %s", job.State, job.Reason)
			}
			for _, it := range job.Items {
				if it.Attempts != 1 {
					t.Errorf("item %d took %d attempts", it.Index, it.Attempts)
				}
			}
			s.made(3)
		})
	}
}

// What the filter refuses is asked with another seed, then in milder words.
func TestModerationLeadsToTheMilderPrompt(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.Fail, Code: "E005", Times: 2})
	s.start()
	req := s.request("k", 1)
	if job := s.ended(s.enqueue(req)); job.State != trainset.JobSucceeded {
		t.Fatalf("job %s: %s", job.State, job.Reason)
	}
	tries := s.manifest(req).Items[0].Attempts
	if len(tries) != 3 || tries[0].Milder || tries[1].Milder || !tries[2].Milder {
		t.Fatalf("attempts: %+v", tries)
	}
	if tries[0].Seed == tries[1].Seed || tries[1].Outcome != "moderated" || tries[2].Outcome != "succeeded" {
		t.Errorf("attempts: %+v", tries)
	}
}

// What cannot be made leaves a smaller set that says so.
func TestAnItemThatFailsLeavesAPartialSet(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.Fail, Code: "E005", Prompt: "charcoal", Times: -1})
	s.start()
	req := s.request("k", 12)
	job := s.ended(s.enqueue(req))
	if job.State != trainset.JobPartial || job.Succeeded() != 11 || job.Reason == "" {
		t.Errorf("job %s with %d images: %q", job.State, job.Succeeded(), job.Reason)
	}
	m := s.manifest(req)
	s.sameKeys(job, m)
	for _, it := range m.Items {
		if (it.State == trainset.ItemFailed) == (it.Reason == "") {
			t.Errorf("item %d is %s: %q", it.Index, it.State, it.Reason)
		}
	}
	if m.State != trainset.JobPartial || len(m.Warnings) == 0 {
		t.Errorf("manifest %s, warnings %v", m.State, m.Warnings)
	}
}

// A picture that fails its checks is kept, and another is made.
func TestRejectedImagesAreMadeAgain(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.OutputBlank, Nth: 1}, fake.Fault{Kind: fake.OutputNotImage, Nth: 2})
	s.start()
	req := s.request("k", 2)
	if job := s.ended(s.enqueue(req)); job.State != trainset.JobSucceeded {
		t.Fatalf("job %s: %s", job.State, job.Reason)
	}
	s.made(4)
	kept := 0
	for _, it := range s.manifest(req).Items {
		for _, a := range it.Attempts {
			if a.Outcome == "rejected" {
				kept++
				if a.File == "" || a.Reason == "" {
					t.Errorf("a rejected attempt: %+v", a)
				}
			}
		}
	}
	if kept != 2 {
		t.Errorf("%d images were kept as rejected", kept)
	}
}

// Nothing is begun that would exceed the cap.
func TestTheCapHolds(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 5)
	req.MaxCost = 100_000 // two at 0.04
	job := s.ended(s.enqueue(req))
	if job.State != trainset.JobPartial || job.Succeeded() != 2 || job.Cost.Actual > req.MaxCost {
		t.Errorf("job %s with %d images for %s", job.State, job.Succeeded(), job.Cost.Actual)
	}
	s.made(2)
}

// A worker that stops leaves its predictions to the next, at no cost.
func TestAStoppedWorkersPredictionsAreTakenOver(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		s := quickSystem(t, rdb)
		s.provider.Configure(func(o *fake.Settings) { o.Latency.Fixed = 2 * time.Second })
		first := s.start()
		id := s.enqueue(s.request("k", 6))
		s.until(id, "predicting", func(j trainset.Job) bool {
			return len(j.Items) > 0 && s.provider.Stats().Predictions >= 3
		})
		first.Stop()
		s.start()
		job := s.ended(id)
		if job.State != trainset.JobSucceeded {
			t.Errorf("job %s: %s", job.State, job.Reason)
		}
		s.made(6)
	})
}

// The queue may lose everything: the ledger knows what is needed.
func TestAnEmptiedQueueIsFilledAgain(t *testing.T) {
	s := quickSystem(t, redistest.Any(t))
	s.provider.Configure(func(o *fake.Settings) { o.Latency.Fixed = time.Second })
	first := s.start()
	id := s.enqueue(s.request("k", 3))
	s.until(id, "predicting", func(trainset.Job) bool { return s.provider.Stats().Predictions == 3 })
	first.Stop()
	for _, key := range s.rdb.Keys(t.Context(), "asynq:*").Val() {
		s.rdb.Del(t.Context(), key)
	}
	s.start()
	if job := s.ended(id); job.State != trainset.JobSucceeded {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	s.made(3)
}

// A wiped Redis costs nothing that was stored: the same request finds it, whether
// the worker has died with it or goes on.
func TestAWipedLedgerPaysOnlyForWhatWasNotStored(t *testing.T) {
	for what, dies := range map[string]bool{"the worker dies, too": true, "the worker goes on": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Nth: 4, Seconds: 30})
			s.options.PerUserDay = trainset.USD(1)
			first := s.start()
			req := s.request("k", 4)
			id := s.enqueue(req)
			s.until(id, "nearly made", func(j trainset.Job) bool { return j.Succeeded() == 3 })
			if dies {
				first.Stop()
			}
			s.rdb.FlushAll(t.Context())
			if dies {
				s.start()
			}
			req = s.request("k", 4)
			if job := s.ended(s.enqueue(req)); job.State != trainset.JobSucceeded || job.Succeeded() != 4 {
				t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
			}
			s.made(5) // the one that was under way is the only one made twice
			if m := s.manifest(req); m.Cost.Actual != 4*40_000 {
				t.Errorf("cost %s", m.Cost.Actual)
			}
			if got := s.spentToday("ada"); got != 4*40_000 {
				t.Errorf("the day's budget counts %s", got)
			}
		})
	}
}

// spentToday is what the budgets of a user's days count.
func (s *system) spentToday(user string) (sum trainset.Money) {
	s.t.Helper()
	for _, day := range s.rdb.Keys(s.t.Context(), "trainset:budget:{"+user+"}:*").Val() {
		n, err := s.rdb.HGet(s.t.Context(), day, "total").Int64()
		if err != nil {
			s.t.Fatal(err)
		}
		sum += trainset.Money(n)
	}
	return sum
}

// A simulated provider that was started anew knows nothing of before: what was
// under way is made again.
func TestASimulatedProviderMayBeStartedAnew(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Times: -1, Every: 1, Seconds: 3600})
	s.options.Simulated = true
	first := s.start()
	id := s.enqueue(s.request("k", 2))
	s.until(id, "under way", func(trainset.Job) bool { return s.provider.Stats().Predictions == 2 })
	first.Stop()
	anew := quickSystem(t, s.rdb)
	s.options.BaseURL = anew.options.BaseURL
	s.start()
	if job := s.ended(id); job.State != trainset.JobSucceeded || anew.provider.Stats().Predictions != 2 {
		t.Errorf("job %s (%s) with %d new predictions", job.State, job.Reason, anew.provider.Stats().Predictions)
	}
}

// A Redis that goes back to what it was before an image was begun, as one may
// after a failover, has not forgotten the image: storage has its record.
func TestAnOlderRedisDoesNotPayAgainForWhatWasStored(t *testing.T) {
	s := quickSystem(t, redistest.Server(t), fake.Fault{Kind: fake.Fail, Code: "E9825", Nth: 2}) // the second image, at first
	s.options.PerMinute = 1                                                                      // one image is begun, the other waits
	first := s.start()
	id := s.enqueue(s.request("k", 2))
	s.until(id, "one image made", func(j trainset.Job) bool { return j.Succeeded() == 1 })
	first.Stop()
	older := snapshot(t, s.rdb)
	s.options.PerMinute = 6000
	if err := s.rdb.Del(t.Context(), s.rdb.Keys(t.Context(), "trainset:{acct:*").Val()...).Err(); err != nil { // the next slot is a minute away
		t.Fatal(err)
	}
	second := s.start()
	job := s.ended(id)
	second.Stop()
	s.made(3)
	older(s.rdb.FlushAll(t.Context()).Err())
	s.start()
	if again := s.ended(id); again.State != trainset.JobSucceeded || again.Cost.Actual != job.Cost.Actual {
		t.Errorf("job %s (%s) for %s, at first for %s", again.State, again.Reason, again.Cost.Actual, job.Cost.Actual)
	}
	s.made(3)
}

// snapshot returns what puts an emptied Redis back to what it is now.
func snapshot(t *testing.T, rdb redis.UniversalClient) (restore func(emptied error)) {
	t.Helper()
	kept := map[string]string{}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		kept[key] = rdb.Dump(t.Context(), key).Val()
	}
	return func(err error) {
		t.Helper()
		for key, value := range kept {
			err = errors.Join(err, rdb.Restore(t.Context(), key, 0, value).Err())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestACanceledJobKeepsWhatItHas(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Nth: 2, Times: 3, Seconds: 3})
	s.start()
	req := s.request("k", 4)
	id := s.enqueue(req)
	s.until(id, "begun", func(j trainset.Job) bool { return j.Succeeded() >= 1 })
	if err := s.client.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	job := s.ended(id)
	if job.State != trainset.JobCanceled && job.State != trainset.JobSucceeded || job.Succeeded() < 1 {
		t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
	}
	if s.manifest(req).State != job.State {
		t.Errorf("the manifest says otherwise")
	}
}

// A reference that is no picture ends the job with the field and the remedy.
func TestABadReferenceFailsTheJob(t *testing.T) {
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 1)
	if err := s.store.Put(t.Context(), req.Portrait.Key, []byte("no picture"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	job := s.ended(s.enqueue(req))
	if job.State != trainset.JobFailed || job.Reason == "" {
		t.Errorf("job %s: %q", job.State, job.Reason)
	}
	s.made(0)
}

// Simulated and real images cannot be mixed up.
func TestAWorkerWithARealProviderRefusesSimulations(t *testing.T) {
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 1)
	req.Simulate = true
	if job := s.ended(s.enqueue(req)); job.State != trainset.JobFailed {
		t.Errorf("job %s", job.State)
	}
	s.made(0)
}

// What a killed worker had of requests does not line up behind those of jobs that
// have not begun.
func TestARequestThatIsQueuedAnewDoesNotWaitBehindOthers(t *testing.T) {
	s := quickSystem(t, redistest.Server(t))
	q := queue.New(s.rdb, nil)
	if _, err := q.Pause(t.Context(), trainset.QueueControl); err != nil { // nothing in it is ever reached
		t.Fatal(err)
	}
	id := s.enqueue(s.request("k", 1))
	r, err := ledger.New(s.rdb, ledger.Options{}).Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	if err := q.Enqueue(t.Context(), r, plan.Step{Verb: plan.VerbAccept, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	s.until(id, "taken in", func(j trainset.Job) bool { return j.State == trainset.JobRunning })
}
