package server

import (
	"context"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/hibiken/asynq"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

// browser opens a headless Chromium, or skips the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("chromium is not installed: make setup installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(ctx)
	t.Cleanup(stopTab)
	return ctx
}

func do(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action[chromedp.Void]) { //nolint:revive // t comes first in the tests' helpers
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		page, _ := chromedp.Run(context.WithoutCancel(ctx), chromedp.OuterHTML(chromedp.CSS("body")))
		t.Fatalf("%s: %v\n%s", what, err, page)
	}
}

// watch collects what the page complains about and what it asks other hosts for.
type watch struct {
	mu   sync.Mutex
	seen []string
}

func (w *watch) start(t *testing.T, ctx context.Context, host string) { //nolint:revive // as above
	t.Helper()
	err := chromedp.Listen(ctx, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			w.seen = append(w.seen, string(ev.Entry.Level)+": "+ev.Entry.Text+" "+ev.Entry.URL)
		case *runtime.EventExceptionThrown:
			w.seen = append(w.seen, "exception: "+ev.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, host+"/") && !strings.HasPrefix(ev.Request.URL, "data:") {
				w.seen = append(w.seen, "asked for "+ev.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAPersonSeesTheQueues opens the dashboard as a person does: it is asked for
// the token, sees the queues, and reads a payload.
func TestAPersonSeesTheQueues(t *testing.T) {
	rdb := redistest.Server(t)
	ctx := browser(t)
	enqueue(t, rdb)
	for _, actor := range []string{"omar", "unit-7"} {
		request := asynq.NewTask(trainset.TaskActorGenerate, []byte(strings.ReplaceAll(actorPayload, "lena", actor)))
		if _, err := asynq.NewClientFromRedisClient(rdb).EnqueueContext(ctx, request, asynq.Queue(trainset.QueueControl)); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t, Options{Token: token, Redis: rdb, Now: time.Now})
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	var w watch
	w.start(t, ctx, web.URL)

	do(t, ctx, "open the dashboard", chromedp.Navigate(web.URL+"/queues/"), chromedp.WaitVisible(chromedp.ID("token")))
	do(t, ctx, "send a wrong token", chromedp.SendKeys(chromedp.ID("token"), "wrong"), chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS("[role=alert]")))
	w.mu.Lock()
	w.seen = nil // the browser remarks on the 401 that was wanted
	w.mu.Unlock()
	do(t, ctx, "log in", chromedp.SendKeys(chromedp.ID("token"), token), chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS(`a[href$="/queues/queues/image"]`)), chromedp.WaitVisible(chromedp.CSS(`a[href$="/queues/queues/control"]`)))
	do(t, ctx, "open a queue", chromedp.Navigate(web.URL+"/queues/queues/control?status=pending"),
		chromedp.WaitVisible(`//*[contains(text(), "anna")]`))
	do(t, ctx, "open a task", chromedp.Navigate(web.URL+"/queues/queues/control/tasks/job-1"),
		chromedp.WaitVisible(`//*[contains(text(), "anna")]`))
	page, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{trainset.TaskActorGenerate, `"actor": "lena"`, "p.png?[redacted]"} {
		if !strings.Contains(page, want) {
			t.Errorf("the task's page lacks %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "s3cret") {
		t.Error("the task's page shows a secret")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, complaint := range w.seen {
		t.Error(complaint)
	}
}
