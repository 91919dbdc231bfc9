package server

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestTheDashboardsPageIsLocal(t *testing.T) {
	s := newServer(t, Options{Redis: redistest.Mini(t)})
	for _, path := range []string{"/queues/", "/queues/queues/image/tasks/job-1:image.1:1", "/queues/servers", "/queues/queues/a.png/x"} {
		r := ask(t, s, "GET", path, "")
		wantStatus(t, r, http.StatusOK)
		page := r.Body
		if strings.Contains(page, "//fonts.") || regexp.MustCompile(`(src|href)="[a-z]*:?//`).MatchString(page) {
			t.Errorf("%s loads from elsewhere: %s", path, page)
		}
		csp := r.Header.Get("Content-Security-Policy")
		scripts := regexp.MustCompile(`(?s)<script>`).FindAllString(page, -1)
		if n := strings.Count(csp, "'sha256-"); n == 0 || n != len(scripts) || strings.Contains(csp, "script-src 'self' 'unsafe") {
			t.Errorf("%s: %d inline scripts, policy %s", path, len(scripts), csp)
		}
	}
}

func TestTheDashboardServesItsFiles(t *testing.T) {
	s := newServer(t, Options{Redis: redistest.Mini(t)})
	page := ask(t, s, "GET", "/queues/", "").Body
	files := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(files) < 4 {
		t.Fatalf("the page names only %v", files)
	}
	for _, f := range files {
		r := ask(t, s, "GET", f[1], "")
		wantStatus(t, r, http.StatusOK)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s is a page", f[1])
		}
	}
	r := ask(t, s, "GET", "/queues", "")
	wantStatus(t, r, http.StatusTemporaryRedirect)
}

// shownTask is a task as the page gets it.
type shownTask struct{ Payload, Result string }

func show(t *testing.T, s *Server, name, id string) shownTask {
	t.Helper()
	r := ask(t, s, "GET", "/queues/api/queues/"+name+"/tasks/"+id, "")
	wantStatus(t, r, http.StatusOK)
	var task shownTask
	if err := json.Unmarshal([]byte(r.Body), &task); err != nil {
		t.Fatal(err)
	}
	return task
}

func TestPayloadsAndResultsAreReadableAndRedacted(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		enqueue(t, rdb)
		done := make(chan struct{})
		worker := asynq.NewServerFromRedisClient(rdb, asynq.Config{
			Concurrency: 1, Queues: map[string]int{"done": 1}, LogLevel: asynq.FatalLevel,
		})
		c := asynq.NewClientFromRedisClient(rdb)
		if _, err := c.EnqueueContext(t.Context(), asynq.NewTask("t", nil), asynq.Queue("done"), asynq.TaskID("d"), asynq.Retention(1e12)); err != nil {
			t.Fatal(err)
		}
		if err := worker.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			defer close(done)
			_, err := task.ResultWriter().Write([]byte(`{"image":"https://replicate.delivery/x.png?sig=s3cret","cost_usd":0.04}`))
			return err
		})); err != nil {
			t.Fatal(err)
		}
		<-done
		worker.Shutdown()
		s := newServer(t, Options{Redis: rdb})
		payload := show(t, s, trainset.QueueControl, "job-1").Payload
		if !strings.Contains(payload, "\n  \"user\": \"anna\"") || !strings.Contains(payload, "https://bucket.example/p.png?[redacted]") || strings.Contains(payload, "s3cret") {
			t.Errorf("payload: %s", payload)
		}
		result := show(t, s, "done", "d").Result
		if !strings.Contains(result, "\n  \"cost_usd\": 0.04") || strings.Contains(result, "s3cret") {
			t.Errorf("result: %s", result)
		}
	})
}

func TestTheDashboardIsReadOnlyUnlessOptedIn(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		enqueue(t, rdb)
		paused := func() bool {
			i, err := asynq.NewInspectorFromRedisClient(rdb).GetQueueInfo(queue.Image)
			if err != nil {
				t.Fatal(err)
			}
			return i.Paused
		}
		const pause, remove = "/queues/api/queues/image:pause", "/queues/api/queues/image/pending_tasks/job-1:image.1:1"
		s := newServer(t, Options{Redis: rdb})
		for _, req := range [][2]string{{"POST", pause}, {"DELETE", remove}, {"DELETE", "/queues/api/queues/image"}} {
			wantStatus(t, ask(t, s, req[0], req[1], ""), http.StatusMethodNotAllowed)
		}
		if page := ask(t, s, "GET", "/queues/", "").Body; !strings.Contains(page, `FLAG_READ_ONLY="true"`) || paused() {
			t.Errorf("paused %t, page %s", paused(), page)
		}
		s = newServer(t, Options{Redis: rdb, DashboardWrite: true})
		wantStatus(t, ask(t, s, "POST", pause, ""), http.StatusNoContent)
		wantStatus(t, ask(t, s, "DELETE", remove, ""), http.StatusNoContent)
		if page := ask(t, s, "GET", "/queues/", "").Body; !strings.Contains(page, `FLAG_READ_ONLY="false"`) || !paused() {
			t.Errorf("paused %t, page %s", paused(), page)
		}
		wantStatus(t, ask(t, s, "POST", "/queues/servers", ""), http.StatusMethodNotAllowed)
	})
}

func TestTheSharedConnectionStaysOpen(t *testing.T) {
	rdb := redistest.Mini(t)
	for range 3 {
		s := newServer(t, Options{Redis: rdb})
		wantStatus(t, ask(t, s, "GET", "/queues/api/queues", ""), http.StatusOK)
	}
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}
