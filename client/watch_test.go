package client_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// end cancels a job that no worker has in hand, as one would.
func end(ctx context.Context, t *testing.T, rdb redis.UniversalClient, id trainset.JobID) {
	t.Helper()
	l := ledger.New(rdb, ledger.Options{})
	if err := l.Cancel(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx, id, ledger.Ending{State: trainset.JobCanceled, Reason: "asked to"}); err != nil {
		t.Fatal(err)
	}
}

// Each Watch that waits at Redis holds a connection: fifty of them would keep all
// else waiting, and each other.
func TestWatchesLeaveConnectionsForOthers(t *testing.T) {
	node := redistest.Start(t)
	c := connected(t, node, "?pool_size=4")
	job, err := c.EnqueueActor(t.Context(), request("k"))
	if err != nil {
		t.Fatal(err)
	}
	const many = 50
	var seen, ended sync.WaitGroup
	seen.Add(many)
	for range many {
		ended.Go(func() {
			first := sync.OnceFunc(seen.Done)
			last := trainset.Job{}
			for j, err := range c.Watch(t.Context(), job.ID) {
				if err != nil {
					t.Error(err)
				}
				last = j
				first()
			}
			if last.State != trainset.JobCanceled {
				t.Errorf("the last that was seen of the job is %q", last.State)
			}
		})
	}
	seen.Wait()
	redistest.Await(t, "Watches wait at Redis", func() bool {
		info, err := node.Client(t).Info(t.Context(), "clients").Result()
		return err == nil && !strings.Contains(info, "blocked_clients:0") && !strings.Contains(info, "blocked_clients:1")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for range 20 {
		if _, err := c.Get(ctx, job.ID); err != nil {
			t.Fatal("nothing is left for others: ", err)
		}
	}
	end(t.Context(), t, node.Client(t), job.ID)
	ended.Wait()
}

// A Redis that lost its data, or a job that was deleted between two looks, adds
// nothing to a job's timeline.
func TestWatchTellsThatAJobIsGoneAndIsBack(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		c := client.FromRedis(rdb)
		job, err := c.EnqueueActor(t.Context(), request("k"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var seen []string
		for j, err := range c.Watch(ctx, job.ID) {
			switch {
			case err == nil && len(seen) == 0:
				seen, err = append(seen, "there"), rdb.FlushDB(ctx).Err()
			case errors.Is(err, trainset.ErrNotFound):
				seen = append(seen, "gone")
				_, err = c.EnqueueActor(ctx, request("k"))
			case err == nil && j.State == trainset.JobQueued:
				seen = append(seen, "back")
				end(ctx, t, rdb, job.ID)
			}
			if err != nil && !errors.Is(err, trainset.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if got := len(seen); got != 3 || seen[1] != "gone" || seen[2] != "back" {
			t.Errorf("watched that the job is %q", seen)
		}
	})
}

// lapse is a Redis that answers no pipeline, as a job is read by, while it lasts.
type lapse struct{ lasts atomic.Bool }

var errLapse = errors.New("the connection broke")

func (*lapse) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*lapse) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (l *lapse) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !l.lasts.Load() {
			return next(ctx, cmds)
		}
		for _, c := range cmds {
			c.SetErr(errLapse)
		}
		return errLapse
	}
}

// The connection may break between the news of a change and reading the job; what
// was not read then is the last there is to read of one that has ended.
func TestWatchReadsAgainWhatItCouldNotRead(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		mine := redis.NewClient(rdb.Options())
		t.Cleanup(func() { _ = mine.Close() })
		broken := &lapse{}
		mine.AddHook(broken)
		c := client.FromRedis(mine)
		job, err := c.EnqueueActor(t.Context(), request("k"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		last, failures := trainset.Job{}, 0
		for j, err := range c.Watch(ctx, job.ID) {
			switch {
			case errors.Is(err, errLapse):
				failures++
				broken.lasts.Store(false)
			case err != nil:
				t.Fatal(err)
			case last.ID == "":
				broken.lasts.Store(true)
				end(ctx, t, rdb, job.ID)
			}
			if err == nil {
				last = j
			}
		}
		if failures != 1 || last.State != trainset.JobCanceled {
			t.Errorf("after %d failures the job was last seen %q", failures, last.State)
		}
	})
}
