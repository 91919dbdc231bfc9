package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

// fleet is a deployment whose parts are processes that may die: a redis-server
// that writes every command to disk, an S3 server, and workers.
type fleet struct {
	redis    *redistest.Node
	rdb      *redis.Client
	ledger   *ledger.Ledger
	client   *client.Client
	provider *fake.Server // in the test's own process: it counts
	store    storage.Store
	environ  []string
}

// newFleet starts everything but workers. Predictions take a while, so that
// all of a job are at the provider at once.
func newFleet(t *testing.T, latency time.Duration) *fleet {
	t.Helper()
	node := redistest.Start(t, "appendonly yes", "appendfsync always", "maxmemory-policy noeviction")
	objects := storagetest.Gateway(t, "data-sets")
	rdb := node.Client(t)
	f := &fleet{
		redis: node, rdb: rdb, ledger: ledger.New(rdb, ledger.Options{}), client: client.FromRedis(rdb),
		provider: fake.New(fake.Options{PreEncoded: true, Plain: true, Settings: fake.Settings{Latency: fake.Latency{Fixed: latency}}, Seed: 1}),
	}
	server := httptest.NewServer(f.provider)
	t.Cleanup(func() { server.Close(); _ = f.provider.Close() })
	var err error
	if f.store, err = storage.NewS3(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	f.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir(),
		"REDIS_URL=redis://" + node.Addr + "/0", "REPLICATE_API_TOKEN=" + tokenOfTest, "REPLICATE_BASE_URL=" + server.URL + "/v1",
		"TRAINSET_RATE_PER_MINUTE=6000", "TRAINSET_HTTP_LISTEN=", "LOG_FORMAT=json",
		"AWS_USER_FILES_BUCKET=" + objects.Bucket, "AWS_ENDPOINT_URL_S3=" + objects.Endpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY=" + objects.AccessKey, "AWS_ACCESS_SECRET=" + objects.SecretKey,
	}
	return f
}

// process is a worker of its own.
type process struct {
	owner string // its name in the ledger
	cmd   *exec.Cmd
	ended chan struct{}
}

// worker starts one and returns when it serves.
func (f *fleet) worker(t *testing.T) *process {
	t.Helper()
	before, err := f.ledger.Beats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command("worker", "run"), ended: make(chan struct{})} //nolint:noctx // killed by the clean-up, before Redis
	p.cmd.Env, p.cmd.Dir = f.environ, t.TempDir()
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	serving := make(chan struct{})
	go func() { defer close(p.ended); p.read(log, serving) }()
	select {
	case <-serving:
	case <-p.ended:
		t.Fatal("the worker has ended")
	case <-time.After(patient):
		t.Fatal("the worker does not serve")
	}
	redistest.Await(t, "the worker is known", func() bool {
		beats, err := f.ledger.Beats(t.Context())
		for owner := range beats {
			if _, old := before[owner]; !old {
				p.owner = owner
			}
		}
		return err == nil && p.owner != ""
	})
	return p
}

// read reads the log to its end.
func (p *process) read(log io.Reader, serving chan<- struct{}) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if serving != nil && strings.Contains(lines.Text(), `"serving"`) {
			close(serving)
			serving = nil
		}
	}
	_ = p.cmd.Wait() // most are killed
}

// kill ends the process as a crash would. It may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// actor asks for an actor's set, whose portrait is in the bucket.
func (f *fleet) actor(t *testing.T, images int) trainset.ActorRequest {
	t.Helper()
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Images, req.Trigger = "ada", "zara", "k", images, "zrkwoman"
	req.Portrait.Key = dataset.Upload(req.JobID())
	portrait, err := os.ReadFile("../../examples/portrait.png")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Put(t.Context(), req.Portrait.Key, portrait, storage.PutOptions{ContentType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.EnqueueActor(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return req
}

// accepted waits until the provider has all predictions of a job, and returns
// who waits for each.
func (f *fleet) accepted(t *testing.T, id trainset.JobID, want int) map[string]string {
	t.Helper()
	owners := map[string]string{}
	until(t, "all predictions are at the provider", func() bool {
		r, err := f.ledger.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		clear(owners)
		for _, a := range r.Attempts {
			if a.State == plan.AttemptAccepted {
				owners[a.ID] = a.Owner
			}
		}
		return len(owners) == want
	})
	return owners
}

// ended follows a job to its end, through whatever happens to Redis.
func (f *fleet) ended(t *testing.T, id trainset.JobID) trainset.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var last trainset.Job
	for job, err := range f.client.Watch(ctx, id) {
		if err != nil {
			continue
		}
		if last = job; job.State.Ended() {
			return job
		}
	}
	t.Fatalf("job %s is %s (%s) with %d images", id, last.State, last.Reason, last.Succeeded())
	return last
}

// whole makes sure that a job has succeeded, that each image was asked for
// once, and that the set is in the bucket.
func (f *fleet) whole(t *testing.T, job trainset.Job, images int) {
	t.Helper()
	if job.State != trainset.JobSucceeded || job.Succeeded() != images {
		t.Errorf("job %s (%s) with %d images", job.State, job.Reason, job.Succeeded())
	}
	if n := f.provider.Stats().Predictions; n != images {
		t.Errorf("the provider was asked for %d predictions for %d images", n, images)
	}
	if job.Output == nil {
		t.Fatal("there is no set")
	}
	var m trainset.Manifest
	if err := json.Unmarshal(f.object(t, job.Output.Manifest), &m); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{m.Files.Zip.File: m.Files.Zip.SHA256}
	for i, it := range m.Items {
		files[it.File] = it.SHA256
		if key := path.Join(m.Folder, it.File); key != job.ImageKey(job.Items[i]) {
			t.Errorf("item %d is %s, in the manifest %s", it.Index, job.ImageKey(job.Items[i]), key)
		}
	}
	if len(files) != images+1 {
		t.Errorf("the set has only %v", slices.Sorted(maps.Keys(files)))
	}
	for file, want := range files {
		if sum := sha256.Sum256(f.object(t, path.Join(m.Folder, file))); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not what the manifest says", file)
		}
	}
}

func (f *fleet) object(t *testing.T, key string) []byte {
	t.Helper()
	b, err := f.store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a killed worker was waiting for, another waits for.
func TestAKilledWorkersPredictionsAreNotPaidForAgain(t *testing.T) {
	f := newFleet(t, 5*time.Second)
	first, second := f.worker(t), f.worker(t)
	id := f.actor(t, 12).JobID()
	owners := f.accepted(t, id, 12)
	held := map[string]int{}
	for _, owner := range owners {
		held[owner]++
	}
	victim := first
	if held[second.owner] > held[first.owner] {
		victim = second
	}
	victim.kill()
	t.Logf("killed a worker that waited for %d predictions of 12", held[victim.owner])
	f.whole(t, f.ended(t, id), 12)

	r, err := f.ledger.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, a := range r.Attempts {
		if owners[a.ID] == victim.owner && a.Owner != victim.owner {
			taken++
		}
	}
	if taken == 0 {
		t.Error("nothing was taken over: the worker was killed too late")
	}
}

// soon is when a worker goes on with what it had in hand while Redis was away,
// on a machine that has much else to do. The queue alone takes 60 to 120 s.
const soon = 40 * time.Second

// A Redis that goes away while predictions run, and comes back when they have
// ended, has forgotten nothing that was journalled.
func TestRedisComesBackInMidJob(t *testing.T) {
	for name, end := range map[string]func(*redistest.Node){"killed": (*redistest.Node).Kill, "stopped": (*redistest.Node).Stop} {
		t.Run(name, func(t *testing.T) {
			const images = 6
			f := newFleet(t, 3*time.Second)
			f.worker(t)
			id := f.actor(t, images).JobID()
			f.accepted(t, id, images)
			end(f.redis)
			until(t, "the provider has made all images", func() bool {
				return !slices.ContainsFunc(f.provider.Log(), func(e fake.Entry) bool { return e.Done.IsZero() })
			})
			f.redis.Restart(t)
			back := time.Now()
			f.whole(t, f.ended(t, id), images)
			if took := time.Since(back); took > soon {
				t.Errorf("it took %s to go on", took)
			}
		})
	}
}
