package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

const tokenOfTest = "r8_secret_of_the_test"

// deployment is a whole system to operate on: a redis-server, a simulated
// provider, a folder of objects, and a worker where one is started.
type deployment struct {
	rdb      *redis.Client
	provider *fake.Server
	base     string // of the provider
	store    *storage.Directory
	client   *client.Client
	folder   string
	rate     int
	worker   *app.Worker // nil while none runs
}

func deploy(tb testing.TB, faults ...fake.Fault) *deployment {
	tb.Helper()
	d := &deployment{
		rdb: redistest.Server(tb), folder: tb.TempDir(), rate: 6000,
		provider: fake.New(fake.Options{PreEncoded: true, Plain: true, Settings: fake.Settings{Latency: fake.Latency{Fixed: 50 * time.Millisecond}}, Faults: faults, Seed: 1}),
	}
	server := httptest.NewServer(d.provider)
	d.base, d.store, d.client = server.URL+"/v1", storage.NewDirectory(filepath.Join(d.folder, "out")), client.FromRedis(d.rdb)
	tb.Cleanup(func() { server.Close(); _ = d.provider.Close() })
	tb.Cleanup(d.stop)
	return d
}

func (d *deployment) start() error {
	w, err := app.NewWorker(d.rdb, d.store, app.Options{
		Token: tokenOfTest, BaseURL: d.base, PerMinute: d.rate, MaxAttempts: 2, Version: "test", Log: zerolog.Nop(),
		Debug: app.DebugDir{Dir: filepath.Join(d.folder, "debug"), Log: zerolog.Nop()},
	})
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return err
	}
	d.worker = w
	return nil
}

func (d *deployment) stop() {
	if d.worker != nil {
		d.worker.Stop()
		d.worker = nil
	}
}

// environ is what an operator of it sets.
func (d *deployment) environ() map[string]string {
	return map[string]string{
		"REDIS_URL": "unix://" + d.rdb.Options().Addr, "TRAINSET_OUT": filepath.Join(d.folder, "out"), "TRAINSET_DEBUG_DIR": filepath.Join(d.folder, "debug"),
		"REPLICATE_API_TOKEN": tokenOfTest, "REPLICATE_BASE_URL": d.base,
	}
}

// layout is where an actor's job of a test is.
func layout(key string) dataset.Layout {
	return dataset.Layout{User: "ada", Kind: trainset.KindActor, Subject: "zara", Job: trainset.NewJobID("ada", trainset.KindActor, key)}
}

// actor asks for an actor's set.
func (d *deployment) actor(t *testing.T, key string, images int) (trainset.JobID, error) {
	t.Helper()
	var req trainset.ActorRequest
	req.User, req.Actor, req.Key, req.Images, req.Trigger = "ada", "zara", key, images, "zrkwoman"
	req.Portrait.Key = dataset.Upload(req.JobID())
	if err := d.keep(t, req.Portrait.Key, "portrait.png"); err != nil {
		return "", err
	}
	job, err := d.client.EnqueueActor(t.Context(), req)
	return job.ID, err
}

// style asks for a style's set.
func (d *deployment) style(t *testing.T, key string, images int) (trainset.JobID, error) {
	t.Helper()
	var req trainset.StyleRequest
	req.User, req.Style, req.Key, req.Images, req.Trigger = "ada", "ink", key, images, "zrkink"
	req.Grids, req.MaxGrids, req.Enhance = 1, 1, trainset.EnhanceNone
	req.Image.Key = dataset.Upload(req.JobID())
	if err := d.keep(t, req.Image.Key, "style.png"); err != nil {
		return "", err
	}
	job, err := d.client.EnqueueStyle(t.Context(), req)
	return job.ID, err
}

func (d *deployment) keep(t *testing.T, key, example string) error {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", example))
	if err != nil {
		return fmt.Errorf("reading the example: %w", err)
	}
	return d.store.Put(t.Context(), key, data, storage.PutOptions{})
}
