package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
)

// away answers nothing while it is told to be.
type away struct {
	redis.Hook

	gone atomic.Bool
}

var errAway = errors.New("connection refused")

func (a *away) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *away) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if a.gone.Load() {
			cmd.SetErr(errAway)
			return errAway
		}
		return next(ctx, cmd)
	}
}

func (a *away) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if a.gone.Load() {
			return errAway
		}
		return next(ctx, cmds)
	}
}

// A task that ends while Redis is away is queued anew with the first beat that
// Redis answers, and is no longer in this worker's hands.
func TestWhatEndsWhileRedisIsAwayIsQueuedAnew(t *testing.T) {
	rdb := redistest.Mini(t)
	hooked, away := redis.NewClient(rdb.Options()), &away{}
	defer hooked.Close() //nolint:errcheck // the test ends
	hooked.AddHook(away)
	l := ledger.New(rdb, ledger.Options{})
	w := &Warden{Handlers: New(ledger.New(hooked, ledger.Options{}), nil, nil, nil, queue.New(hooked, nil), Options{Owner: "me", Log: zerolog.Nop()})}
	req := trainset.ActorRequest{Options: trainset.Options{User: "ada", Key: "k"}, Actor: "zara", Portrait: trainset.Reference{URL: "https://example.org/p.png"}}.WithDefaults()
	if _, _, err := l.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{JobID: req.JobID(), User: "ada", Kind: trainset.KindActor, Images: 2, MaxAttempts: 5, Request: json.RawMessage("{}"), Asks: []plan.Ask{{Index: 1}, {Index: 2}}}
	if _, err := l.Begin(t.Context(), p, p.Subtasks(), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Handlers.Advance(t.Context(), p.JobID); err != nil {
		t.Fatal(err)
	}
	task := string(p.JobID) + ":image.1:1"
	if err := l.Hold(t.Context(), "me", []string{task}, nil); err != nil {
		t.Fatal(err)
	}

	away.gone.Store(true)
	w.Handlers.release(t.Context(), task)
	for range 2 {
		if err := w.round(t.Context()); !errors.Is(err, errAway) {
			t.Fatalf("a round without Redis: %v", err)
		}
	}
	away.gone.Store(false)
	if err := w.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.takers.Wait()
	r, err := l.Load(t.Context(), p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := r.Subtasks["image.1"].Revision, r.Subtasks["image.2"].Revision; one != 2 || two != 1 {
		t.Errorf("revisions %d and %d: the one that ended is to be queued anew, and no other", one, two)
	}
	if !r.Queued[string(p.JobID)+":image.1:2"] {
		t.Errorf("queued: %v", r.Queued)
	}
	if held, err := l.Held(t.Context(), "me"); err != nil || len(held) != 0 {
		t.Errorf("still in hand: %v, %v", held, err)
	}
	if err := w.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.takers.Wait()
	if r, err = l.Load(t.Context(), p.JobID); err != nil || r.Subtasks["image.1"].Revision != 2 {
		t.Errorf("queued anew twice: %v", err)
	}
}
