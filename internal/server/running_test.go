package server_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/server"
)

var update = flag.Bool("update", false, "rewrite docs/images/dashboard.png")

// TestAPersonSeesWhatAWorkerDid opens the dashboard of a worker that makes
// simulated sets, and finds a job's tasks there. The documentation's picture is
// of this run.
func TestAPersonSeesWhatAWorkerDid(t *testing.T) {
	rdb := redistest.Server(t)
	base := simulatedWorker(t, "unix://"+rdb.Options().Addr)
	id := simulatedJob(t, client.FromRedis(rdb))
	ctx := server.Browser(t)

	server.Do(t, ctx, "log in", chromedp.Navigate(base+"/queues/"), chromedp.WaitVisible(chromedp.ID("token")),
		chromedp.SendKeys(chromedp.ID("token"), tokenOfTest), chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS(`a[href$="/queues/queues/image"]`)))
	server.Do(t, ctx, "open the queue", chromedp.Navigate(base+"/queues/queues/image?status=completed"),
		chromedp.WaitVisible(`//*[contains(text(), "image.2")]`))
	page, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"image:generate", `"job_id": "` + string(id) + `"`, `"subtask": "image.1"`, `"state": "succeeded"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the list of finished tasks lacks %s:\n%s", want, page)
		}
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if !*update {
		return
	}
	if err := os.WriteFile(filepath.Join("..", "..", "docs", "images", "dashboard.png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

const tokenOfTest = "a-token-of-the-test"

// simulatedWorker runs a worker until the test's end and returns its address.
func simulatedWorker(t *testing.T, redisURL string) string {
	t.Helper()
	cfg, err := config.LoadWorker([]string{
		"REDIS_URL=" + redisURL, "TRAINSET_SIMULATE=true", "TRAINSET_OUT=" + t.TempDir(),
		"TRAINSET_HTTP_LISTEN=127.0.0.1:0", "TRAINSET_HTTP_TOKEN=" + tokenOfTest,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	serving, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- app.RunDeployed(ctx, cfg, zerolog.Nop(), func(addr string) { serving <- addr }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case addr := <-serving:
		return "http://" + addr
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return ""
}

// simulatedJob asks for an actor's set and waits until it is made.
func simulatedJob(t *testing.T, c *client.Client) trainset.JobID {
	t.Helper()
	portrait, err := os.ReadFile(filepath.Join("..", "..", "examples", "portrait.png"))
	if err != nil {
		t.Fatal(err)
	}
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Images, req.Simulate = "ada", "zara", "k", 4, true
	if req.Portrait, err = c.Upload(t.Context(), req.JobID(), portrait); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EnqueueActor(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // of a machine that has much else to do
	defer cancel()
	for job, err := range c.Watch(ctx, req.JobID()) {
		if err == nil && job.State == trainset.JobSucceeded {
			return job.ID
		}
	}
	t.Fatal("the job has not succeeded")
	return ""
}
