// Package client is for programs that ask for data sets: it enqueues requests,
// reads jobs, follows and cancels them, over the system's Redis.
//
// It links no worker code: it must not know the provider, images or storage.
// A Client is safe for concurrent use.
package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/wait"
)

// Client enqueues and follows jobs.
type Client struct {
	rdb    redis.UniversalClient
	owned  bool
	ledger *ledger.Ledger
	queue  *queue.Queue
}

// New makes a client of the Redis at a URL: redis://, rediss://, unix://,
// redis-sentinel:// or redis-cluster://; docs/redis.md has the forms. It dials
// nothing yet. A wrong URL is a *trainset.FieldError that does not repeat it.
func New(url string) (*Client, error) {
	rdb, err := redisconn.Open(url)
	if err != nil {
		return nil, err
	}
	c := FromRedis(rdb)
	c.owned = true
	return c, nil
}

// FromRedis makes a client over an open connection, which stays the caller's.
func FromRedis(rdb redis.UniversalClient) *Client {
	return &Client{rdb: rdb, ledger: ledger.New(rdb, ledger.Options{}), queue: queue.New(rdb, nil)}
}

// Close ends a connection that New made. It may be repeated.
func (c *Client) Close() error {
	if !c.owned {
		return nil
	}
	if err := c.rdb.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("client: closing the connection: %w", err)
	}
	return nil
}

// EnqueueActor asks for an actor's data set and returns the job at once. Asking
// again under the same key returns the same job; a different request under it
// is a *trainset.ConflictError. A request that is wrong is reported whole,
// each problem a *trainset.FieldError, and nothing is enqueued.
func (c *Client) EnqueueActor(ctx context.Context, req trainset.ActorRequest) (trainset.Job, error) {
	return c.enqueue(ctx, req.WithDefaults())
}

// EnqueueStyle asks for a style's data set, as EnqueueActor does for an actor's.
func (c *Client) EnqueueStyle(ctx context.Context, req trainset.StyleRequest) (trainset.Job, error) {
	return c.enqueue(ctx, req.WithDefaults())
}

func (c *Client) enqueue(ctx context.Context, req trainset.Request) (trainset.Job, error) {
	if err := errors.Join(req.Validate(), ledger.OwnUpload(ledger.SourceField(req.Kind()), req.JobID(), req.Source())); err != nil {
		return trainset.Job{}, err
	}
	first := plan.Step{Verb: plan.VerbAccept}.TaskID(req.JobID())
	r, created, err := c.ledger.Create(ctx, req, first)
	if err == nil && !created {
		r, err = c.ledger.Load(ctx, req.JobID())
	}
	if _, conflict := errors.AsType[*trainset.ConflictError](err); conflict || err == nil && !created {
		err = errors.Join(err, c.dropUnused(ctx, req))
	}
	if err != nil {
		return trainset.Job{}, fmt.Errorf("client: %w", err)
	}
	// The ledger knows the job and its task, so a sweeper would enqueue what fails
	// from here. Whoever asks again may come after such a failure, and what is queued
	// already stays so.
	for _, s := range plan.Needed(r) {
		if s.Verb != plan.VerbAccept {
			continue
		}
		if err := c.queue.Enqueue(ctx, r, s); err != nil {
			return r.Job(), fmt.Errorf("client: %w", err)
		}
	}
	return r.Job(), nil
}

// Get reads a job, or trainset.ErrNotFound.
func (c *Client) Get(ctx context.Context, id trainset.JobID) (trainset.Job, error) {
	r, err := c.ledger.Load(ctx, id)
	if err != nil {
		return trainset.Job{}, fmt.Errorf("client: %w", err)
	}
	r.HeldUp = c.queue.Paused(ctx).HeldUp(r)
	return r.Job(), nil
}

// Cancel asks a job to stop: nothing more is begun, what was made stays. A job
// that has ended is left as it is. Cancel may be repeated, and must be after an
// error: until then the workers may be late to notice.
func (c *Client) Cancel(ctx context.Context, id trainset.JobID) error {
	err := c.ledger.Cancel(ctx, id)
	if errors.Is(err, ledger.ErrStopped) {
		return nil
	}
	if err == nil {
		err = c.ledger.SignalCancel(ctx, id) // for those who wait for a permit or a prediction
	}
	if err == nil {
		err = c.ledger.CheckAt(ctx, id, time.Now()) // for a job that nobody has in hand
	}
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	return nil
}

// over reports whether a context has ended, or its deadline has passed: what waits
// for Redis fails at the deadline, a moment before the context ends.
func over(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}

// lookAgain is after how long a job is read although it has not changed: a queue that
// is paused or resumed, and a note that has expired, are no changes of it.
const lookAgain = 5 * time.Second

// Watch yields the job now and whenever it has changed, at most every 100 ms,
// until it has ended or the context does. An error does not end the sequence:
// Redis may come back, and then the job is yielded anew; the consumer decides. A
// job that there is not, or not any more, is trainset.ErrNotFound, once: it is
// yielded should it be asked for later.
//
// Any number of jobs may be followed at once. Half of the client's connections
// tell of changes at once; with more jobs than that a change may be seen a quarter
// of a second late, with thousands as many seconds. A context that is canceled is
// noticed within a second, and that a job is held up by a queue that was paused
// meanwhile within six.
func (c *Client) Watch(ctx context.Context, id trainset.JobID) iter.Seq2[trainset.Job, error] {
	const atMostEvery = 100 * time.Millisecond
	return func(yield func(trainset.Job, error) bool) {
		var looked time.Time
		for cursor, held := "", ""; !over(ctx); {
			next, err := c.ledger.Changes(ctx, id, cursor, time.Second)
			same := err == nil && next == cursor
			if same && time.Since(looked) < lookAgain {
				continue
			}
			cursor, looked = next, time.Now()
			var job trainset.Job
			if err == nil {
				job, err = c.Get(ctx, id)
			}
			if same && (err != nil || job.HeldUp == held) {
				continue // nothing new
			}
			held = job.HeldUp
			if over(ctx) || !yield(job, err) || err == nil && job.State.Ended() {
				return
			}
			if err != nil && !errors.Is(err, trainset.ErrNotFound) {
				cursor = "" // what was not read may have been the last there is
			}
			_ = wait.For(ctx, atMostEvery) // the loop asks the context
		}
	}
}
