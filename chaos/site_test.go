//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// scenario is what is asked for and how hard it is made.
type scenario struct {
	seed    uint64
	workers int
	users   int
	actors  int // jobs, of images each
	images  int
	styles  int // jobs, of one grid each

	each     int           // faults of each kind at the provider
	holds    int           // replies that the provider holds back
	low      int           // answers that lower the limit to 6 a minute
	grace    time.Duration // how long an unanswered create is looked for
	start    time.Duration // how long a prediction may wait to start
	lower    time.Duration // how long a lower limit is believed
	frozen   time.Duration // how long a worker is stopped
	between  time.Duration // blows, on average
	blows    map[blow]int
	takeover time.Duration // how long a killed worker's task may lie idle
	within   time.Duration // all of it
}

// creates is about how many creates the jobs need.
func (s scenario) creates() int { return s.actors*s.images + 3*s.styles }

// enhancements are taken in turn by style jobs. A whole grid costs the most to
// draw and to read, so that one job in four has one.
var enhancements = []trainset.Enhance{trainset.EnhanceTile, trainset.EnhanceGrid, trainset.EnhanceNone, trainset.EnhanceNone}

// site is a deployment that is about to have a bad time.
type site struct {
	scenario  scenario
	dir       string
	redis     *redisServer
	rdb       *redis.Client // past the line that is cut
	ledger    *ledger.Ledger
	storage   storage.Store // likewise
	provider  provider
	provide   line // workers to provider
	store     line // workers and producers to Redis
	objects   *line
	fleet     *fleet
	takeovers *takeovers
	client    *client.Client // by the line that is cut, as producers are
	jobs      []trainset.JobID
}

// open starts everything but the jobs.
func open(t *testing.T, s scenario, blind bool) *site {
	t.Helper()
	dir := os.Getenv("CHAOS_DIR")
	if dir == "" {
		dir = t.TempDir()
	} else {
		dir = filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-"))
	}
	for _, folder := range []string{"redis", "out"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	x := &site{scenario: s, dir: dir, redis: startRedis(t, filepath.Join(dir, "redis"))}
	x.rdb = redis.NewClient(&redis.Options{Addr: x.redis.addr})
	t.Cleanup(func() { _ = x.rdb.Close() })
	x.ledger = ledger.New(x.rdb, ledger.Options{})
	a := newAuthority(t, dir)
	var addr string
	x.provider, addr = startProvider(t, a, s.seed, faultsOf(rand.New(rand.NewPCG(s.seed, 1)), s))
	x.provide, x.store = openLine(t, "provider", addr), openLine(t, "redis", x.redis.addr)
	where := x.openStorage(t)
	var err error
	if x.client, err = client.New("redis://" + x.store.addr + "/0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.client.Close() })
	x.startWorkers(t, a, where, blind)
	x.takeovers = &takeovers{ledger: x.ledger, fleet: x.fleet, goal: s.takeover}
	return x
}

// openStorage opens the test's own way to the objects and returns the workers'.
func (x *site) openStorage(t *testing.T) config.Storage {
	t.Helper()
	where, addr := openStorage(t, x.dir)
	own := where
	if addr != "" {
		l := openLine(t, "storage", addr)
		x.objects, own.Endpoint, where.Endpoint = &l, "http://"+addr, "http://"+l.addr
	}
	var err error
	if x.storage, err = app.OpenStorage(t.Context(), config.Config{Storage: own}); err != nil {
		t.Fatal(err)
	}
	return where
}

func (x *site) startWorkers(t *testing.T, a authority, where config.Storage, blind bool) {
	t.Helper()
	log, err := os.Create(filepath.Join(x.dir, "workers.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	env := []string{
		"REDIS_URL=redis://" + x.store.addr + "/0", "REPLICATE_API_TOKEN=" + tokenOfTest, "REPLICATE_BASE_URL=https://" + x.provide.addr + "/v1",
		"SSL_CERT_FILE=" + a.cert, "TRAINSET_OUT=" + where.Out, "TRAINSET_RATE_PER_MINUTE=600", graceVariable + "=" + x.scenario.grace.String(),
		startVariable + "=" + x.scenario.start.String(), lowerVariable + "=" + x.scenario.lower.String(),
	}
	if where.Bucket != "" {
		env = append(env, "AWS_USER_FILES_BUCKET="+where.Bucket, "AWS_REGION="+where.Region, "AWS_ENDPOINT_URL_S3="+where.Endpoint,
			"AWS_ACCESS_KEY="+where.AccessKey.Reveal(), "AWS_ACCESS_SECRET="+where.AccessSecret.Reveal())
	}
	if blind {
		env = append(env, blindVariable+"=1")
	}
	addresses := make([]string, x.scenario.workers)
	for slot := range addresses {
		addresses[slot] = redistest.FreeAddress(t)
	}
	x.fleet = startFleet(t, x.scenario.workers, x.scenario.seed, log, func(slot int) []string {
		return append(env[:len(env):len(env)], "TRAINSET_HTTP_LISTEN="+addresses[slot], "PUBLIC_URL=http://"+addresses[slot])
	})
}

// requests draws what the producers ask for.
func (x *site) requests(random *rand.Rand) []trainset.Request {
	s := x.scenario
	var all []trainset.Request
	for n := range s.actors {
		var r trainset.ActorRequest
		r.User, r.Actor, r.Key, r.Images, r.Trigger = x.user(n), fmt.Sprintf("actor%d", n), fmt.Sprintf("key%d", n), s.images, "zrkwoman"
		r.Portrait.Key = "uploads/shared/portrait.png"
		all = append(all, r)
	}
	for n := range s.styles {
		var r trainset.StyleRequest
		r.User, r.Style, r.Key, r.Images, r.Trigger = x.user(n), fmt.Sprintf("style%d", n), fmt.Sprintf("key%d", n), 2, "zrkink"
		r.Grids, r.MaxGrids, r.Enhance = 1, 3, enhancements[n%len(enhancements)]
		r.Image.Key = "uploads/shared/style.png"
		all = append(all, r)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (x *site) user(n int) string { return fmt.Sprintf("user%d", n%x.scenario.users) }

// enqueue asks for all jobs, each as often as it takes: that one key is one
// job is what makes this safe.
func (x *site) enqueue(ctx context.Context, random *rand.Rand) error {
	for _, example := range []string{"portrait.png", "style.png"} {
		b, err := os.ReadFile(filepath.Join("..", "examples", example))
		if err != nil {
			return fmt.Errorf("reading an example: %w", err)
		}
		if err := x.storage.Put(ctx, "uploads/shared/"+example, b, storage.PutOptions{ContentType: "image/png"}); err != nil {
			return fmt.Errorf("storing an example: %w", err)
		}
	}
	for _, req := range x.requests(random) {
		x.jobs = append(x.jobs, req.JobID())
		var err error
		ask := func() bool {
			switch r := req.(type) {
			case trainset.ActorRequest:
				_, err = x.client.EnqueueActor(ctx, r)
			case trainset.StyleRequest:
				_, err = x.client.EnqueueStyle(ctx, r)
			}
			return err == nil
		}
		if !until(ctx, 200*time.Millisecond, ask) {
			return fmt.Errorf("enqueueing: %w", err)
		}
	}
	return nil
}
