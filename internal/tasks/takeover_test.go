package tasks

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/ledger"
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
		Every:    5 * time.Millisecond, Dead: 20 * time.Millisecond,
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
func TestWardenThatWasFrozenStartsAnew(t *testing.T) {
	start := time.Unix(0, 0)
	standing := map[string]string{"other": "7"}
	for _, c := range []struct {
		name  string
		looks []int // seconds since the start
		dead  bool  // at the last look
	}{
		{"looked throughout", []int{0, 2, 4, 6, 8}, true},
		{"too early", []int{0, 2, 4, 6}, false},
		{"frozen for a minute", []int{0, 2, 60}, false},
		{"frozen, and then looked throughout", []int{0, 60, 62, 64, 66, 68}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &Warden{Handlers: &Handlers{o: Options{Owner: "me"}}, Dead: 7 * time.Second}
			var dead []string
			for _, at := range c.looks {
				dead = w.still(standing, start.Add(time.Duration(at)*time.Second))
			}
			if got := slices.Equal(dead, []string{"other"}); got != c.dead {
				t.Errorf("taken for dead: %v", dead)
			}
		})
	}
}
