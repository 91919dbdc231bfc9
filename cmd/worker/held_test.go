package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

const (
	heldPredictions = 300 // as many as 600 a minute of 30 s each, and all that the worker has places for
	imagesAJob      = 12
)

// holding is a deployment whose predictions take longer than any test: workers
// are processes of their own and hold what they are given.
type holding struct {
	*deployment

	ledger *ledger.Ledger
	jobs   []trainset.JobID // those whose images are in flight
}

// hold starts a worker and returns when it waits for 300 predictions.
func hold(tb testing.TB) (*holding, *exec.Cmd) {
	tb.Helper()
	h := &holding{deployment: deploy(tb)}
	h.ledger = ledger.New(h.rdb, ledger.Options{})
	h.provider.Configure(func(s *fake.Settings) { s.Latency.Fixed = time.Hour })
	for i := range heldPredictions / imagesAJob {
		h.jobs = append(h.jobs, h.ask(tb, i))
	}
	worker := h.run(tb)
	until(tb, "300 predictions are in flight", func() bool { return len(h.attempts(tb, plan.AttemptAccepted)) == heldPredictions })
	return h, worker
}

// ask enqueues a job with the smallest portrait there is.
func (h *holding) ask(tb testing.TB, n int) trainset.JobID {
	tb.Helper()
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Images = "ada", "zara", strconv.Itoa(n), imagesAJob
	req.Portrait.Key = dataset.Upload(req.JobID())
	img := image.NewGray(image.Rect(0, 0, 256, 256))
	for x := range 128 { // something to see: blank ones are refused
		img.Pix[64*img.Stride+x], img.Pix[128*img.Stride+x], img.Pix[192*img.Stride+x] = 255, 255, 255
	}
	img.Set(n, n, color.White) // no two have one digest
	var portrait bytes.Buffer
	if err := png.Encode(&portrait, img); err != nil {
		tb.Fatal(err)
	}
	if err := h.store.Put(tb.Context(), req.Portrait.Key, portrait.Bytes(), storage.PutOptions{}); err != nil {
		tb.Fatal(err)
	}
	job, err := h.client.EnqueueActor(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return job.ID
}

// run starts a worker as an operator does.
func (h *holding) run(tb testing.TB) *exec.Cmd {
	tb.Helper()
	environ := h.environ()
	environ["TRAINSET_RATE_PER_MINUTE"] = "60000"
	environ["TRAINSET_CONCURRENCY"] = strconv.Itoa(heldPredictions)
	environ["TRAINSET_MAX_OPEN_JOBS_PER_USER"] = "100"
	environ["TRAINSET_DEBUG_DIR"], environ["TRAINSET_HTTP_LISTEN"] = "", ""
	cmd := exec.CommandContext(tb.Context(), "worker", "run")
	cmd.Env = os.Environ()
	for name, value := range environ {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said := new(bytes.Buffer)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}
		if tb.Failed() {
			tb.Logf("worker:\n%s", said)
		}
	})
	return cmd
}

// attempts returns every attempt at the jobs' images that is in the state.
func (h *holding) attempts(tb testing.TB, state plan.AttemptState) map[string]plan.Attempt {
	tb.Helper()
	all := map[string]plan.Attempt{}
	for _, id := range h.jobs {
		r, err := h.ledger.Load(tb.Context(), id)
		if err != nil {
			tb.Fatal(err)
		}
		maps.DeleteFunc(r.Attempts, func(_ string, a plan.Attempt) bool { return a.State != state })
		for _, a := range r.Attempts {
			all[string(a.Job)+"/"+a.ID] = a
		}
	}
	return all
}

// terminate sends SIGTERM and returns how long the worker took to end.
func terminate(tb testing.TB, worker *exec.Cmd) time.Duration {
	tb.Helper()
	begun := time.Now()
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatal(err)
	}
	if err := worker.Wait(); err != nil {
		tb.Errorf("after SIGTERM: %v", err)
	}
	return time.Since(begun)
}

// until waits for what another process brings about.
func until(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	for begun := time.Now(); !happened(); <-time.After(50 * time.Millisecond) {
		if time.Since(begun) > patient {
			tb.Fatalf("%s: not within %s", what, patient)
		}
	}
}

// A worker that is told to end leaves what it waits for at the provider, and
// the next one waits on.
func TestTerminatedWorkerLeavesPredictionsToTheNext(t *testing.T) {
	needRedis(t)
	h, worker := hold(t)
	before, created := h.attempts(t, plan.AttemptAccepted), h.provider.Stats().Requests["create"]
	further := h.ask(t, heldPredictions) // its images wait for a place in the worker's hands
	until(t, "a further job waits", func() bool {
		r, err := h.ledger.Load(t.Context(), further)
		return err == nil && len(r.Queued) == 1+imagesAJob
	})
	if took := terminate(t, worker); took > 5*time.Second {
		t.Errorf("the worker took %s to end", took)
	}
	after := h.attempts(t, plan.AttemptAccepted)
	for id, a := range before {
		if now := after[id]; now.Number != 1 || now.Version != a.Version || now.PredictionID != a.PredictionID {
			t.Errorf("%s was %+v and is %+v", id, a, now)
		}
	}
	if n := h.provider.Stats().Requests["create"]; n != created || n != heldPredictions {
		t.Errorf("%d creates before the signal, %d after it", created, n)
	}
	if err := h.client.Cancel(t.Context(), further); err != nil { // it would be asked for, rightly
		t.Fatal(err)
	}
	next := h.run(t)
	until(t, "the next worker has all predictions", func() bool {
		adopted := h.attempts(t, plan.AttemptAccepted)
		maps.DeleteFunc(adopted, func(id string, a plan.Attempt) bool {
			return a.Owner == before[id].Owner || a.PredictionID != before[id].PredictionID
		})
		return len(adopted) == heldPredictions
	})
	terminate(t, next)
	if s := h.provider.Stats(); s.Predictions != heldPredictions || s.Requests["create"] != heldPredictions {
		t.Errorf("the provider was asked %d times and made %d predictions", s.Requests["create"], s.Predictions)
	}
}

// BenchmarkHeldPredictions starts a worker as a process of its own, gives it 300
// predictions that do not end, waits for a quarter of a minute, and reports
//
//	resident-MB  the worker's memory then
//	peak-MB      its largest until then, the start and 25 references included
//	exit-s       from SIGTERM to its end
func BenchmarkHeldPredictions(b *testing.B) {
	needRedis(b)
	for range b.N {
		_, worker := hold(b)
		<-time.After(15 * time.Second)
		resident, peak := memory(b, worker, "VmRSS"), memory(b, worker, "VmHWM")
		b.ReportMetric(resident, "resident-MB")
		b.ReportMetric(peak, "peak-MB")
		b.ReportMetric(terminate(b, worker).Seconds(), "exit-s")
		b.ReportMetric(0, "ns/op") // says nothing here
		if peak > 200 {
			b.Errorf("a worker with %d predictions had %.0f MB", heldPredictions, peak)
		}
	}
}

// memory reads a figure of a process, in MB.
func memory(b *testing.B, cmd *exec.Cmd, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "status"))
	if err != nil {
		b.Skipf("this system does not say what a process has: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), field+":")
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		b.Fatal(err)
	}
	return kB / 1000
}

func needRedis(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		tb.Skip("redis-server is not installed: make setup installs it")
	}
}
