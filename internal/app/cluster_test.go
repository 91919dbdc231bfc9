package app_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// clustered is a system on a Redis Cluster, whose user may do what the manual
// says and no more.
type clustered struct {
	*system

	addrs []string
	nodes []*redistest.Node
}

const passwordOfTest = "s3cret"

func newClustered(t *testing.T) *clustered {
	t.Helper()
	c := &clustered{nodes: redistest.Cluster(t)}
	for _, n := range c.nodes {
		c.addrs = append(c.addrs, n.Addr)
		redistest.SetUser(t, n.Client(t), redistest.UserOfServer, passwordOfTest)
		redistest.SetUser(t, n.Client(t), redistest.UserInCluster, passwordOfTest)
	}
	rdb, err := redisconn.Open("redis-cluster://trainset:" + passwordOfTest + "@" + strings.Join(c.addrs, ","))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	c.system = quickSystem(t, rdb)
	c.options.PerUserDay = 10_000_000 // so that there is a budget to keep
	return c
}

// startBehind starts a worker that reaches the cluster over a line of its own.
func (c *clustered) startBehind(t *testing.T) *wire {
	t.Helper()
	l := &wire{open: map[net.Conn]bool{}}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.addrs, Username: "trainset", Password: passwordOfTest, Dialer: l.dial})
	t.Cleanup(func() { _ = rdb.Close() })
	usual := c.rdb
	c.rdb = rdb
	c.start()
	c.rdb = usual
	return l
}

// wire is a line that can be cut: who is behind it is gone for all others.
type wire struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	down bool
}

func (l *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.down {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if err == nil {
		l.open[conn] = true
	}
	return conn, err
}

func (l *wire) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for conn := range l.open {
		_ = conn.Close()
	}
	l.open = map[net.Conn]bool{}
}

func (l *wire) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// emptyQueue forgets every task, as the nodes' administrator.
func (c *clustered) emptyQueue(t *testing.T) {
	t.Helper()
	for _, n := range c.nodes {
		rdb := n.Client(t)
		for _, key := range rdb.Keys(t.Context(), "asynq:*").Val() {
			if err := rdb.Del(t.Context(), key).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Whole jobs run on a cluster, which refuses what touches two slots at once, and
// under the documented user, to whom it refuses the rest: from the request to the
// set, over a lost queue, a canceled job that is taken up again, and a worker
// that is gone.
func TestWholeJobsRunOnACluster(t *testing.T) {
	t.Parallel() // it mostly waits
	c := newClustered(t)

	// Both kinds, after the queue has lost them.
	actor := c.request("a", 3)
	actor.MaxCost = 1_000_000
	style := c.styleRequest("s", small)
	id := c.enqueue(actor)
	if _, err := c.client.EnqueueStyle(t.Context(), style); err != nil {
		t.Fatal(err)
	}
	c.emptyQueue(t)
	line := c.startBehind(t)
	if job := c.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != 3 {
		t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
	}
	c.sameKeys(c.ended(id), c.manifest(actor))
	if job := c.ended(style.JobID()); job.State != trainset.JobSucceeded || job.Succeeded() != 6 {
		t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
	}
	c.styleManifest(style)

	// Canceled, and taken up again.
	c.provider.Configure(func(o *fake.Settings) { o.Latency.Fixed = 3 * time.Second })
	again := c.request("b", 2)
	id = c.enqueue(again)
	redistest.Await(t, "both are asked for", func() bool { return asked(c.provider, 3+2+2) })
	if err := c.client.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if job := c.ended(id); job.State != trainset.JobCanceled {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	if _, err := (operate.Raiser{Ledger: ledger.New(c.rdb, ledger.Options{})}).Retry(t.Context(), id, plan.Limits{}, false); err != nil {
		t.Fatal(err)
	}

	// And in the midst of that its worker is gone.
	redistest.Await(t, "both are asked for again", func() bool { return asked(c.provider, 3+2+2+2) })
	line.cut()
	t.Cleanup(line.mend) // before the worker is stopped, which waits for its own
	c.start()
	if job := c.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != 2 {
		t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
	}
	c.manifest(again)
	c.made(3 + 2 + 2 + 2)
	for _, n := range c.nodes {
		redistest.NothingDenied(t, n.Client(t))
	}
}

// asked reports whether the provider was asked for so many predictions.
func asked(p *fake.Server, n int) bool { return p.Stats().Predictions >= n }
