package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// onHeld lets a test act when a worker looks at what another held.
type onHeld struct {
	redis.Hook

	act func(ctx context.Context, key string) error
}

func (h onHeld) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h onHeld) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h onHeld) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "smembers" {
			if err := h.act(ctx, cmd.Args()[1].(string)); err != nil { //nolint:forcetypeassert // a key is a string
				cmd.SetErr(err)
				return err
			}
		}
		return next(ctx, cmd)
	}
}

// watch runs a warden among dead workers until the test ends. Its view of what
// they held goes through act.
func watch(t *testing.T, dead []string, act func(context.Context, string) error) *ledger.Ledger {
	t.Helper()
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	for _, worker := range dead {
		if err := l.Beat(t.Context(), worker); err != nil {
			t.Fatal(err)
		}
	}
	hooked := redis.NewClient(rdb.Options())
	hooked.AddHook(onHeld{act: act})
	ctx, stop := context.WithCancel(t.Context())
	w := &Warden{
		Handlers: New(ledger.New(hooked, ledger.Options{}), nil, nil, nil, queue.New(hooked, nil), Options{Owner: "me", Log: zerolog.Nop()}),
		Every:    5 * time.Millisecond, Dead: 20 * time.Millisecond, Gone: 20 * time.Millisecond,
	}
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended; _ = hooked.Close() })
	return l
}

// One that is busy taking over for longer than a dead worker is given must not
// be taken for dead itself.
func TestWardenBeatsWhileItTakesOver(t *testing.T) {
	begun := make(chan struct{}, 1)
	l := watch(t, []string{"dead"}, func(ctx context.Context, _ string) error {
		begun <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	<-begun
	before, err := l.Beats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	redistest.Await(t, "the busy worker has beaten again", func() bool {
		now, err := l.Beats(t.Context())
		return err == nil && now["me"] != before["me"]
	})
}

// What cannot be taken over yet keeps nothing else waiting, and is tried again.
func TestWardenTakesOverWhatItCan(t *testing.T) {
	tries := make(chan struct{})
	l := watch(t, []string{"bad", "good"}, func(ctx context.Context, key string) error {
		if key != "trainset:held:bad" {
			return nil
		}
		select {
		case tries <- struct{}{}:
		case <-ctx.Done():
		}
		return errors.New("not now")
	})
	<-tries
	<-tries
	redistest.Await(t, "the other one is buried", func() bool {
		beats, err := l.Beats(t.Context())
		var left []string
		for worker := range beats {
			left = append(left, worker)
		}
		slices.Sort(left)
		return err == nil && slices.Equal(left, []string{"bad", "me"})
	})
}

// Whoever was frozen knows nothing of the others: they may have been, too.
func TestWardenJudgesByItsOwnLooks(t *testing.T) {
	const alive, left, dead = "alive", "left", "dead"
	thought := func(died, gone []string) string {
		switch {
		case slices.Equal(died, []string{"other"}) && len(gone) == 0:
			return dead
		case slices.Equal(gone, []string{"other"}) && len(died) == 0:
			return left
		}
		return alive
	}
	start := time.Unix(0, 0)
	standing := map[string]string{"other": "7", "me": "1"}
	for _, c := range []struct {
		name              string
		looks             []int  // seconds since the start
		connected, absent string // what is thought of the other at the last look
	}{
		{"looked throughout", []int{0, 2, 4, 6, 8}, dead, dead},
		{"as long as one without a connection has", []int{0, 1, 2}, alive, dead},
		{"seen to have left for the first time", []int{0, 3}, alive, left},
		{"a beat is late", []int{0, 1}, alive, left},
		{"seen for the first time", []int{0}, alive, alive},
		{"frozen for a minute", []int{0, 2, 60}, alive, alive},
		{"frozen, and then looked throughout", []int{0, 60, 62, 64, 66, 68}, dead, dead},
	} {
		t.Run(c.name, func(t *testing.T) {
			look := func(absent bool) (got string) {
				w := &Warden{Handlers: &Handlers{o: Options{Owner: "me"}}, Every: 500 * time.Millisecond, Dead: 7 * time.Second, Gone: 2 * time.Second}
				for _, at := range c.looks {
					stood := w.stood(standing, start.Add(time.Duration(at)*time.Second))
					var away []string
					if absent {
						away = w.late(stood)
					}
					got = thought(w.judge(stood, away))
				}
				return got
			}
			if got := look(false); got != c.connected {
				t.Errorf("connected, it is thought to be %s, not %s", got, c.connected)
			}
			if got := look(true); got != c.absent {
				t.Errorf("without a connection it is thought to be %s, not %s", got, c.absent)
			}
		})
	}
}

// One that is connected is given its time; one that has left is not.
func TestWardenGivesLessTimeToWhoeverHasLeft(t *testing.T) {
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	ctx, leave := context.WithCancel(t.Context())
	var connected sync.WaitGroup
	for _, worker := range []string{"frozen", "me"} {
		connected.Go(func() { l.Attend(ctx, worker) })
	}
	redistest.Await(t, "two are connected", func() bool {
		absent, err := l.Absent(t.Context(), "me", []string{"frozen"})
		return err == nil && len(absent) == 0
	})
	for _, worker := range []string{"frozen", "killed"} {
		if err := l.Beat(t.Context(), worker); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Unix(0, 0)
	workers := 0
	w := &Warden{
		Handlers: New(l, nil, nil, nil, queue.New(rdb, nil), Options{
			Owner: "me", Log: zerolog.Nop(), Now: func() time.Time { return now }, Workers: func(n int) { workers = n },
		}),
		Every: 500 * time.Millisecond, Dead: 7 * time.Second, Gone: 2 * time.Second,
	}
	for _, c := range []struct {
		after time.Duration
		left  []string
	}{
		{0, []string{"frozen", "killed", "me"}},
		{time.Second, []string{"frozen", "killed", "me"}},
		{2 * time.Second, []string{"frozen", "me"}},
		{2 * time.Second, []string{"frozen", "me"}},
		{3 * time.Second, []string{"me"}},
	} {
		now = now.Add(c.after)
		if err := w.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		redistest.Await(t, fmt.Sprintf("at %s there are %v", now.UTC().Format("05"), c.left), func() bool {
			beats, err := l.Beats(t.Context())
			return err == nil && slices.Equal(slices.Sorted(maps.Keys(beats)), c.left)
		})
	}
	w.takers.Wait()
	if err := w.round(t.Context()); err != nil || workers != 1 {
		t.Errorf("it shares with %d workers, itself included; %v", workers, err)
	}
	leave()
	connected.Wait()
}

// Who seems to have left and comes again before it is dead is let go of; who is
// dead is not.
func TestWardenLetsGoOfWhoComesAgain(t *testing.T) {
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	w := &Warden{Handlers: New(l, nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})}
	locked := func() bool { return rdb.Exists(t.Context(), "trainset:takeover:other").Val() == 1 }
	if err := l.Beat(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	w.decide(t.Context(), nil, []string{"other"})
	redistest.Await(t, "it is prepared for", locked)
	ended := 0
	end := w.taking["other"].end
	w.taking["other"].end = func() { ended++; end() }
	w.decide(t.Context(), nil, []string{"other"})
	if ended != 0 {
		t.Error("it was let go of too early")
	}
	w.decide(t.Context(), nil, nil)
	w.takers.Wait()
	if ended != 1 || locked() || len(w.taking) > 0 {
		t.Error("it was not let go of")
	}
	dead := &taking{known: make(chan struct{}), end: func() { t.Error("one who is dead was let go of") }}
	w.taking["other"] = dead
	w.decide(t.Context(), []string{"other"}, nil)
	w.decide(t.Context(), nil, nil)
	if !closed(dead.known) {
		t.Error("it is not known that it is dead")
	}
}

// What fails is tried again less and less often, until its worker is there again.
func TestWardenTriesAgainLessOften(t *testing.T) {
	start := time.Unix(0, 0)
	var f failure
	var pauses []time.Duration
	for range 7 {
		f = f.again(start, 500*time.Millisecond)
		pauses = append(pauses, f.until.Sub(start))
	}
	const second = time.Second
	if want := []time.Duration{second / 2, second, 2 * second, 4 * second, 8 * second, 10 * second, 10 * second}; !slices.Equal(pauses, want) {
		t.Errorf("after %v, not %v", pauses, want)
	}
	now := start
	w := &Warden{Handlers: New(nil, nil, nil, nil, nil, Options{Owner: "me", Now: func() time.Time { return now }}), failed: map[string]failure{"other": f}}
	w.decide(t.Context(), []string{"other"}, nil)
	if len(w.taking) > 0 || len(w.failed) == 0 {
		t.Error("it was tried again too early")
	}
	w.decide(t.Context(), nil, nil)
	if len(w.failed) > 0 {
		t.Error("its failures are remembered")
	}
}

// One that beats again while what it held is queued anew is not buried.
func TestWhoComesAgainIsNotBuried(t *testing.T) {
	dead := make(chan struct{})
	close(dead)
	for _, comes := range []bool{true, false} {
		rdb := redistest.Mini(t)
		l := ledger.New(rdb, ledger.Options{})
		if err := l.Beat(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		hooked := redis.NewClient(rdb.Options())
		t.Cleanup(func() { _ = hooked.Close() })
		hooked.AddHook(onHeld{act: func(ctx context.Context, _ string) error {
			if !comes {
				return nil
			}
			return l.Beat(ctx, "other")
		}})
		h := New(ledger.New(hooked, ledger.Options{}), nil, nil, nil, queue.New(hooked, nil), Options{Owner: "me", Log: zerolog.Nop()})
		if err := h.takeOver(t.Context(), "other", dead, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		beats, err := l.Beats(t.Context())
		if _, there := beats["other"]; err != nil || there != comes {
			t.Errorf("it comes again: %t, and is there: %t; %v", comes, there, err)
		}
		if rdb.Exists(t.Context(), "trainset:takeover:other").Val() != 0 {
			t.Error("nobody else may take it over")
		}
	}
}

// Whoever takes over for longer than its lock holds keeps it.
func TestWardenKeepsWhatItTakesOver(t *testing.T) {
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	w := &Warden{Handlers: &Handlers{ledger: l, o: Options{Owner: "me", Urgent: l}}, taking: map[string]*taking{"mine": {}, "theirs": {}}}
	for dead, owner := range map[string]string{"mine": "me", "theirs": "other"} {
		if ok, err := l.LockTakeover(t.Context(), dead, owner, time.Second); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	if err := w.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for dead, kept := range map[string]bool{"mine": true, "theirs": false} {
		if left := rdb.PTTL(t.Context(), "trainset:takeover:"+dead).Val(); (left > time.Second) != kept {
			t.Errorf("%s: %s left", dead, left)
		}
	}
}

// A job that cannot be read keeps no other one, and what somebody else has raised
// and not enqueued is enqueued all the same.
func TestTakeoverDoesWhatItCan(t *testing.T) {
	rdb, ctx := redistest.Mini(t), t.Context()
	l := ledger.New(rdb, ledger.Options{})
	h := New(l, nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})
	held := map[trainset.JobID][]string{}
	var jobs []trainset.JobID
	for _, key := range []string{"damaged", "raised", "plain"} {
		req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: key}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
		if _, _, err := l.Create(ctx, req); err != nil {
			t.Fatal(err)
		}
		id := req.JobID()
		p := plan.Plan{JobID: id, User: "ada", Kind: trainset.KindActor, Images: 1, MaxAttempts: 5, Request: json.RawMessage("{}"), Asks: []plan.Ask{{Index: 1}}}
		if _, err := l.Begin(ctx, p, p.Subtasks(), nil); err != nil {
			t.Fatal(err)
		}
		if err := h.Advance(ctx, id); err != nil {
			t.Fatal(err)
		}
		held[id] = []string{string(id) + ":image.1:1"}
		jobs = append(jobs, id)
	}
	stale, err := l.Progress(ctx, jobs[1])
	if err != nil {
		t.Fatal(err)
	}
	lost := []plan.Lot{{Record: stale, Steps: plan.Needed(stale)}}
	if _, err := l.Requeue(ctx, lost...); err != nil { // by whoever died then
		t.Fatal(err)
	}
	again, err := l.Requeue(ctx, lost...)
	if err != nil || len(again[0].Steps) > 0 {
		t.Fatalf("raised twice: %v, %v", again, err)
	}
	if err := h.resume(ctx, lost, again); err != nil {
		t.Fatal(err)
	}
	if err := rdb.HSet(ctx, "trainset:{"+string(jobs[0])+"}:items", "image.1", "{").Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := h.requeueAll(ctx, held); n != 1 || err == nil {
		t.Errorf("%d tasks requeued, %v", n, err)
	}
	for _, id := range jobs[1:] {
		if r, err := l.Progress(ctx, id); err != nil || !r.Queued[string(id)+":image.1:2"] {
			t.Errorf("job %s: queued %v, %v", id, r.Queued, err)
		}
	}
}

// A lock whose answer was lost is its owner's, and nobody else's to take or give up.
func TestTakeoverLockIsItsOwners(t *testing.T) {
	l := ledger.New(redistest.Mini(t), ledger.Options{})
	for i, c := range []struct {
		owner string
		mine  bool
	}{{"one", true}, {"one", true}, {"two", false}, {"one", true}} {
		if mine, err := l.LockTakeover(t.Context(), "dead", c.owner, time.Minute); err != nil || mine != c.mine {
			t.Errorf("%d: %s has it: %t, %v", i, c.owner, mine, err)
		}
	}
	for _, c := range []struct {
		gives string
		free  bool
	}{{"two", false}, {"one", true}} {
		if err := l.UnlockTakeover(t.Context(), "dead", c.gives); err != nil {
			t.Fatal(err)
		}
		if free, err := l.LockTakeover(t.Context(), "dead", "three", time.Minute); err != nil || free != c.free {
			t.Errorf("after %s gave it up it is free: %t, %v", c.gives, free, err)
		}
	}
}
