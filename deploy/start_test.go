package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

// A flag that redis-server does not know ends it, and one that it knows must
// say what is meant.
func TestRedisStartsAsComposeSays(t *testing.T) {
	command := compose(t, "", nil).Services["redis"].Command
	if command[0] != "redis-server" || len(command)%2 != 1 {
		t.Fatalf("command: %q", command)
	}
	var lines []string
	for pair := range slices.Chunk(command[1:], 2) {
		lines = append(lines, strings.TrimPrefix(pair[0], "--")+" "+pair[1])
	}
	rdb := redistest.Start(t, lines...).Client(t)
	got := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory-policy"} {
		values, err := rdb.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		got[name] = values[name]
	}
	want := map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// moved changes what is true of a container only: where the port and the
// folder are.
func moved(args []string, port, folder string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		switch {
		case arg == ":7070":
			args[i] = "127.0.0.1:" + port
		case strings.HasPrefix(arg, "/objects"):
			args[i] = folder + strings.TrimPrefix(arg, "/objects")
		}
	}
	return args
}

// TestWorkerReachesStorageAsComposeSays makes the bucket and starts the S3
// server as the file says, asks what its health check asks, and opens storage
// with a worker's settings.
func TestWorkerReachesStorageAsComposeSays(t *testing.T) {
	binary := storagetest.GatewayBinary(t)
	services := compose(t, "", nil, "simulated").Services
	folder, port := t.TempDir(), redistest.FreePort(t)
	entry := moved(services["bucket"].Entrypoint, port, folder)
	if output, err := exec.CommandContext(t.Context(), entry[0], entry[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("making the bucket: %v\n%s", err, output)
	}
	server := exec.CommandContext(t.Context(), binary, moved(services["s3"].Command, port, folder)...)
	server.Env = append(os.Environ(), variables(services["s3"])...)
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Wait() }() // it is killed
	t.Cleanup(func() { <-ended })
	health := services["s3"].HealthCheck.Test
	storagetest.AwaitHealth(t, strings.Replace(health[len(health)-1], ":7070", ":"+port, 1), ended, &output)

	cfg, err := config.LoadWorker(variables(services["worker-simulated"]), "")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Storage.Endpoint = strings.Replace(cfg.Storage.Endpoint, "s3:7070", "127.0.0.1:"+port, 1)
	store, err := app.OpenStorage(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.(storage.Checker).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if path.Base(services["bucket"].Entrypoint[2]) != cfg.Storage.Bucket {
		t.Errorf("bucket %s is made, and %s is used", services["bucket"].Entrypoint[2], cfg.Storage.Bucket)
	}
}
