package storagetest

import (
	"bytes"
	"context"
	"go/build"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// Gateway is a real S3 server of the test's own, versitygw, with an empty
// bucket in it. The test is skipped where none is installed.
func Gateway(tb testing.TB, bucket string) storage.S3Options {
	tb.Helper()
	binary := GatewayBinary(tb)
	folder := tb.TempDir() // the server changes into it
	if err := os.Mkdir(filepath.Join(folder, bucket), 0o750); err != nil {
		tb.Fatal(err)
	}
	address := redistest.FreeAddress(tb)
	o := storage.S3Options{
		Bucket: bucket, Endpoint: "http://" + address, AccessKey: "gateway-access", SecretKey: "gateway-secret", PathStyle: true,
	}
	// Killed by the clean-up and not by the test's context: other clean-ups may
	// still store something.
	server := exec.Command(binary, "--port", address, "--health", "/health", "--quiet", "posix", folder) //nolint:noctx // see above
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+o.AccessKey, "ROOT_SECRET_KEY="+o.SecretKey)
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait() // it ends by being killed, or else its output tells more
	}()
	tb.Cleanup(func() { _ = server.Process.Kill(); <-ended })
	AwaitHealth(tb, o.Endpoint+"/health", ended, &output)
	return o
}

// GatewayBinary is where versitygw is installed. The test is skipped where it is
// not.
func GatewayBinary(tb testing.TB) string {
	tb.Helper()
	if binary, err := exec.LookPath("versitygw"); err == nil {
		return binary
	}
	for _, folder := range filepath.SplitList(build.Default.GOPATH) {
		if binary, err := exec.LookPath(filepath.Join(folder, "bin", "versitygw")); err == nil {
			return binary
		}
	}
	tb.Skip("versitygw is not installed: make setup installs it")
	return ""
}

// AwaitHealth asks until the server at the URL answers, ends or has had its time:
// the test then fails with what the server wrote.
func AwaitHealth(tb testing.TB, url string, ended <-chan struct{}, output *bytes.Buffer) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !healthy(ctx, url) {
		select {
		case <-ended:
			tb.Fatalf("versitygw ended:\n%s", output)
		case <-ctx.Done():
			tb.Fatal("versitygw does not answer " + url)
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close() // only its status is wanted
	return answer.StatusCode == http.StatusOK
}
