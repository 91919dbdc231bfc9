package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

// A picture's host may be away for a moment: who watches is told, and only what stays
// away fails its job. Nothing is paid for before.
func TestAPictureIsAskedForAgain(t *testing.T) {
	portrait, err := os.ReadFile("../../examples/portrait.png")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fails, asked int64
		state        trainset.JobState
		predictions  int
	}{
		"for a moment": {2, 3, trainset.JobSucceeded, 1},
		"for long":     {1000, 5, trainset.JobFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			var asked atomic.Int64
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) <= c.fails {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				_, _ = w.Write(portrait)
			}))
			t.Cleanup(host.Close)
			s := quickSystem(t, redistest.Any(t))
			s.options.AllowPrivateHosts = true
			s.start()
			req := s.request("k", 1)
			req.Portrait = trainset.Reference{URL: host.URL + "/portrait.png?signature=secret"}
			id := s.enqueue(req)
			s.heldUp(id, "answers with status 503 (Service Unavailable): its picture is asked for again")
			job := s.ended(id)
			if job.State != c.state || asked.Load() != c.asked || strings.Contains(job.Reason+job.HeldUp, "secret") {
				t.Errorf("job %s after %d tries: %s", job.State, asked.Load(), job.Reason)
			}
			s.made(c.predictions)
		})
	}
}
