package app_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// rush is a system whose provider is the only thing that should take time: its
// pictures are flat squares, and so are the references.
type rush struct {
	*system

	latency   time.Duration
	perMinute int
	portrait  []byte
}

func newRush(tb testing.TB, rdb *redis.Client, perMinute int, latency time.Duration) *rush {
	tb.Helper()
	s := systemWith(tb, rdb, fake.Options{
		Settings: fake.Settings{Latency: fake.Latency{Fixed: latency}, RateLimit: perMinute}, Seed: 1, PreEncoded: true, Plain: true,
	})
	s.options.PerMinute = perMinute
	img := image.NewPaletted(image.Rect(0, 0, 320, 320), color.Palette{color.RGBA{208, 96, 48, 255}, color.RGBA{16, 80, 144, 255}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 16 % 2)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return &rush{s, latency, perMinute, b.Bytes()}
}

// ask enqueues so many jobs of twelve images by a model for a user.
func (r *rush) ask(user, model string, jobs int) []trainset.JobID {
	r.t.Helper()
	ids := make([]trainset.JobID, jobs)
	for n := range ids {
		var req trainset.ActorRequest
		req.User, req.Actor, req.Key, req.Trigger = user, fmt.Sprintf("actor%d", n), fmt.Sprintf("key%d", n), "zrkwoman"
		req.Model = model
		req.Portrait.Key = dataset.Upload(req.JobID())
		if err := r.store.Put(r.t.Context(), req.Portrait.Key, r.portrait, storage.PutOptions{}); err != nil {
			r.t.Fatal(err)
		}
		ids[n] = r.enqueue(req)
	}
	return ids
}

// race is how long jobs took, beside what the provider's limit allows.
type race struct {
	bound    time.Duration // from the first create to the end of the last, at the limit's own pace
	provider time.Duration // the same as the provider saw it
	all      time.Duration // from the first request to the end of the last job
	used     float64       // of the limit, between the first create and the last
	minute   int           // most creates in any 60 s
	refused  int           // over the limit
}

// run asks for so many jobs at once and waits for all of them.
func (r *rush) run(jobs int) race {
	r.t.Helper()
	began := time.Now()
	ids := r.ask("ada", modelOfMany, jobs)
	ended := began
	for _, id := range ids {
		job := r.ended(id)
		if job.State != trainset.JobSucceeded {
			r.t.Fatalf("job %s is %s: %s", id, job.State, job.Reason)
		}
		if job.FinishedAt.After(ended) {
			ended = *job.FinishedAt
		}
	}
	log, stats := r.provider.Log(), r.provider.Stats()
	first, last, done := log[0].Created, log[0].Created, log[0].Done
	for _, e := range log {
		last, done = later(last, e.Created), later(done, e.Done)
	}
	interval := time.Minute / time.Duration(r.perMinute)
	pace := time.Duration(len(log)-1) * interval
	return race{
		bound: pace + r.latency, provider: done.Sub(first), all: ended.Sub(began), used: float64(pace) / float64(last.Sub(first)),
		minute: stats.MaxPerMinute, refused: stats.Throttled,
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// BenchmarkMakespan runs 1, 10 and 100 jobs of twelve images at once, in real
// time, against a provider that takes 30 s a prediction and 600 creates a
// minute, and reports
//
//	bound-s    (12 N - 1) / 10 + 30: what the limit allows
//	provider-s the same from the provider's log, first create to last result
//	all-s      from the first request to the last finished job
//	used-%     of the limit, from the first create to the last
//	minute     most creates in any minute
//	refused    creates over the limit
//
// It takes four minutes, for scaled time would measure the machine: ten pictures
// a second use half a core.
func BenchmarkMakespan(b *testing.B) {
	for _, jobs := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			for range b.N {
				r := newRush(b, redistest.Server(b), 600, 30*time.Second)
				r.start()
				got := r.run(jobs)
				b.ReportMetric(got.bound.Seconds(), "bound-s")
				b.ReportMetric(got.provider.Seconds(), "provider-s")
				b.ReportMetric(got.all.Seconds(), "all-s")
				b.ReportMetric(100*got.used, "used-%")
				b.ReportMetric(float64(got.minute), "minute")
				b.ReportMetric(float64(got.refused), "refused")
				b.ReportMetric(0, "ns/op") // says nothing here
			}
		})
	}
}

// The provider's limit is used, and never exceeded.
func TestJobsTakeAsLongAsTheLimitAllows(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as the provider's limit has it")
	}
	r := newRush(t, redistest.Server(t), 300, 3*time.Second)
	r.start()
	got := r.run(2)
	t.Logf("%+v", got)
	if got.refused > 0 || got.minute > 300 {
		t.Errorf("%d creates in a minute, %d refused", got.minute, got.refused)
	}
	// A machine that is busy with other tests may be late, but not by this much.
	if got.provider < got.bound-r.latency || got.provider > 2*got.bound {
		t.Errorf("the provider worked for %s, where its limit allows %s", got.provider, got.bound)
	}
}

// BenchmarkFairness asks for a thousand jobs of one user and, once the limit is
// used up, for one of another, and reports
//
//	wait-s from that request to its first create at the provider
//	first  how many creates of the other came between
func BenchmarkFairness(b *testing.B) {
	for range b.N {
		r := newRush(b, redistest.Server(b), 600, 30*time.Second)
		r.options.MaxOpenJobs = 40 // as a deployed worker has it by default
		w := r.start()
		r.ask("ada", modelOfMany, 1000)
		wait, first := r.cutIn(150)
		w.Stop()
		b.ReportMetric(wait.Seconds(), "wait-s")
		b.ReportMetric(float64(first), "first")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// cutIn asks for one job of another user once so many predictions were made, and
// returns how long its first one took, and how many others came between.
func (r *rush) cutIn(made int) (wait time.Duration, others int) {
	r.t.Helper()
	redistest.Await(r.t, "the work of many fills the worker", func() bool { return r.provider.Stats().Predictions >= made })
	began, before := time.Now(), r.provider.Stats().Predictions
	r.ask("ben", modelOfOne, 1)
	first := -1
	redistest.Await(r.t, "the one job begins", func() bool {
		first = slices.IndexFunc(r.provider.Log(), func(e fake.Entry) bool { return e.Model == modelOfOne })
		return first >= 0
	})
	return time.Since(began), max(0, first-before)
}

// A user's only job does not wait for the many of another: its first create
// comes when one of theirs has made room, or soon after.
func TestOneJobBehindManyOfAnotherBeginsSoon(t *testing.T) {
	r := newRush(t, redistest.Server(t), 240, 2*time.Second)
	r.options.Concurrency, r.options.MaxOpenJobs = 12, 1
	w := r.start()
	r.ask("ada", modelOfMany, 20)
	_, others := r.cutIn(12)
	w.Stop()
	if others > 14 { // what 35 s are at 30 s a prediction: a full worker's and a sixth
		t.Errorf("%d predictions of the other came first", others)
	}
}

// The provider's log knows models, not users.
const (
	modelOfMany = "black-forest-labs/flux-kontext-pro"
	modelOfOne  = "black-forest-labs/flux-kontext-max"
)
