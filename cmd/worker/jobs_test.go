package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// lines hands on each line that is written.
type lines struct{ to chan string }

func (l lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l.to <- line
	}
	return len(b), nil
}

// Watching says each change once, and ends when it is told to.
func TestWatchingJobs(t *testing.T) {
	d := deploy(t)
	one, err := d.actor(t, "one", 1)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name, value := range d.environ() {
		environ = append(environ, name+"="+value)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, ended := lines{make(chan string, 100)}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"jobs", "--watch"}, environ, said, io.Discard) }()
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(one)+" actor ada zara queued") {
		t.Errorf("at first: %q", line)
	}
	if err := d.client.Cancel(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(one)+" actor ada zara canceled") {
		t.Errorf("after it was canceled: %q", line)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// Watching goes on when Redis was away, and says so once.
func TestWatchingOutlastsRedis(t *testing.T) {
	node := redistest.Start(t)
	c := client.FromRedis(node.Client(t))
	ask := func(key string) trainset.JobID {
		var req trainset.ActorRequest
		req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", key, "https://example.com/zara.png"
		job, err := c.EnqueueActor(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	one := ask("one")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, complained, ended := lines{make(chan string, 100)}, lines{make(chan string, 100)}, make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"jobs", "--state", "queued", "--watch"}, []string{"REDIS_URL=redis://" + node.Addr}, said, complained)
	}()
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(one)) {
		t.Errorf("at first: %q", line)
	}
	node.Kill()
	if line := <-complained.to; !strings.HasPrefix(line, "still watching: ") {
		t.Errorf("without Redis: %q", line)
	}
	node.Restart(t) // with nothing in it
	two := ask("two")
	if line := <-said.to; !strings.HasPrefix(line, "job "+string(two)) {
		t.Errorf("after that: %q", line)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if len(complained.to) > 0 {
		t.Errorf("and then: %q", <-complained.to)
	}
}

// wholes counts the records that are read whole.
type wholes struct {
	redis.Hook

	n atomic.Int32
}

func (w *wholes) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (w *wholes) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (w *wholes) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if args := cmd.Args(); cmd.Name() == "evalsha" && len(args) > 3 && strings.HasSuffix(fmt.Sprint(args[3]), ":job") {
				w.n.Add(1)
			}
		}
		return next(ctx, cmds)
	}
}

// However many jobs there are, only those that are shown are read whole.
func TestOnlyWantedJobsAreReadWhole(t *testing.T) {
	rdb := redistest.Mini(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }})
	var want []trainset.JobID // the newest first
	for i := range 1200 {
		var req trainset.ActorRequest
		req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", fmt.Sprint(i), "https://example.com/zara.png"
		if i%500 == 0 {
			req.User = "bob"
		}
		now = now.Add(time.Second)
		r, _, err := l.Create(t.Context(), req.WithDefaults())
		if err == nil && i%100 == 0 {
			want = slices.Insert(want, 0, r.ID)
			err = l.CheckAt(t.Context(), r.ID, now.Add(-time.Duration(i*i%7)*time.Hour)) // in any order
		} else if err == nil {
			err = errors.Join(l.Finish(t.Context(), r.ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"}), l.Close(t.Context(), r.ID))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read := &wholes{}
	rdb.AddHook(read)
	for _, test := range []struct {
		f    jobFilter
		want []trainset.JobID
	}{
		{jobFilter{state: "queued,running", limit: 20}, want},
		{jobFilter{state: "queued", limit: 5}, want[:5]},
		{jobFilter{state: "queued", user: "bob", limit: 20}, []trainset.JobID{want[1], want[6], want[11]}},
		{jobFilter{state: "queued,succeeded", limit: 20}, want},
		{jobFilter{state: "queued,succeeded", limit: 3}, want[:3]},
		{jobFilter{kind: "style", limit: 20}, nil},
		{jobFilter{state: "running", limit: 20}, nil},
	} {
		read.n.Store(0)
		jobs, err := test.f.list(t.Context(), l, queue.New(rdb, nil))
		var got []trainset.JobID
		for _, job := range jobs {
			got = append(got, job.ID)
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, not %v; %v", test.f, got, test.want, err)
		}
		if n := int(read.n.Load()); n != len(test.want) {
			t.Errorf("%+v: %d records were read whole for %d jobs", test.f, n, len(test.want))
		}
	}
}

// However many jobs are open, Redis is asked for a page of them at a time, and those
// that are shown are the newest of all.
func TestOpenJobsAreLookedThroughInPages(t *testing.T) {
	rdb := redistest.Server(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }})
	var want []trainset.JobID // the newest first
	for i := range 2000 {
		var req trainset.ActorRequest
		req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", fmt.Sprint(i), "https://example.com/zara.png"
		now = now.Add(time.Second)
		r, _, err := l.Create(t.Context(), req.WithDefaults())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.ID)
	}
	slices.Reverse(want)
	replies := &redistest.Replies{}
	rdb.AddHook(replies)
	for _, f := range []jobFilter{{state: "queued", limit: 700}, {kind: "actor", limit: 700}, {limit: 700}} {
		jobs, err := f.list(t.Context(), l, queue.New(rdb, nil))
		var got []trainset.JobID
		for _, job := range jobs {
			got = append(got, job.ID)
		}
		if err != nil || !slices.Equal(got, want[:700]) {
			t.Errorf("%+v: %d jobs, or others; %v", f, len(got), err)
		}
	}
	if most := replies.Most(); most > 520 {
		t.Errorf("one command returned %d", most)
	}
}

// What is paused is asked once for a whole list, and watching says it.
func TestListedJobsSayWhichPausedQueueHoldsThemUp(t *testing.T) {
	rdb := redistest.Server(t)
	l, q := ledger.New(rdb, ledger.Options{}), queue.New(rdb, nil)
	const n = 30
	for i := range n {
		var req trainset.ActorRequest
		req.User, req.Actor, req.Key, req.Portrait.URL = "ada", "zara", fmt.Sprint(i), "https://example.com/zara.png"
		if _, _, err := l.Create(t.Context(), req.WithDefaults()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.Pause(t.Context(), trainset.QueueControl); err != nil {
		t.Fatal(err)
	}
	asked := &exists{}
	rdb.AddHook(asked)
	f := jobFilter{limit: n}
	jobs, err := f.list(t.Context(), l, q)
	if err != nil || len(jobs) != n {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	const want = "the queue control is paused: nothing is taken from it before worker resume control"
	for _, job := range jobs {
		if job.HeldUp != want {
			t.Errorf("job %s is held up: %q", job.ID, job.HeldUp)
		}
	}
	if asked.n != 1 {
		t.Errorf("Redis was asked %d times what is paused", asked.n)
	}
	if err := l.Finish(t.Context(), jobs[0].ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"}); err != nil {
		t.Fatal(err)
	}
	if ended, err := (&jobFilter{limit: 1}).list(t.Context(), l, q); err != nil || len(ended) != 1 || ended[0].HeldUp != "" || asked.n != 1 {
		t.Errorf("for jobs that have ended Redis was asked, too: %d times, %+v, %v", asked.n, ended, err)
	}
	var said strings.Builder
	if err := changes(&said, jobs[:1], map[trainset.JobID]string{}); err != nil || !strings.HasSuffix(said.String(), ", held up: "+want+"\n") {
		t.Errorf("watching says %q, %v", said.String(), err)
	}
}

// exists counts the journeys that ask whether keys exist.
type exists struct {
	redis.Hook

	n int
}

func (e *exists) DialHook(next redis.DialHook) redis.DialHook { return next }

func (e *exists) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { e.count(cmd); return next(ctx, cmd) }
}

func (e *exists) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { e.count(cmds[0]); return next(ctx, cmds) }
}

func (e *exists) count(cmd redis.Cmder) {
	if cmd.Name() == "exists" {
		e.n++
	}
}

func TestShortIDsTellListedJobsApart(t *testing.T) {
	jobs := []trainset.Job{
		{ID: "3f2a9c41-0000-8000-8000-000000000001"}, {ID: "3f2a9c41-0100-8000-8000-000000000001"}, {ID: "aaaaaaaa-0000-8000-8000-000000000001"},
	}
	for i, want := range []string{"3f2a9c41-00", "3f2a9c41-01", "aaaaaaaa"} {
		if got := short(jobs[i].ID, jobs); got != want {
			t.Errorf("job %d is %s, not %s", i, got, want)
		}
	}
}
