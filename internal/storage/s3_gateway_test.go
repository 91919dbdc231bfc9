package storage_test

import (
	"bytes"
	"context"
	"fmt"
	"go/build"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

// gateway starts a real S3 server, versitygw, with the bucket in it.
func gateway(t *testing.T) storage.S3Options {
	t.Helper()
	binary := gatewayBinary(t)
	folder := t.TempDir() // the server changes into it
	if err := os.Mkdir(filepath.Join(folder, bucket), 0o750); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	o := storage.S3Options{
		Bucket: bucket, Endpoint: "http://" + address, AccessKey: "gateway-access", SecretKey: "gateway-secret", PathStyle: true,
	}
	server := exec.CommandContext(t.Context(), binary, "--port", address, "--health", "/health", "--quiet", "posix", folder)
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+o.AccessKey, "ROOT_SECRET_KEY="+o.SecretKey)
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait() // it ends by being killed, or else its output tells more
	}()
	awaitHealth(t, o.Endpoint+"/health", ended, &output)
	t.Cleanup(func() {
		<-ended // the test's context has ended by now, and the server with it
	})
	return o
}

func gatewayBinary(t *testing.T) string {
	t.Helper()
	if binary, err := exec.LookPath("versitygw"); err == nil {
		return binary
	}
	for _, folder := range filepath.SplitList(build.Default.GOPATH) {
		if binary, err := exec.LookPath(filepath.Join(folder, "bin", "versitygw")); err == nil {
			return binary
		}
	}
	t.Skip("no versitygw on PATH or in GOPATH/bin: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var l net.ListenConfig
	listener, err := l.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // only wanted for its number
	return listener.Addr().String()
}

// awaitHealth asks until the server answers, ends or has had its time.
func awaitHealth(t *testing.T, url string, ended <-chan struct{}, output *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _, err := fetch(ctx, url); err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-ended:
			t.Fatalf("versitygw ended:\n%s", output)
		case <-ctx.Done():
			t.Fatal("versitygw does not answer")
		case <-tick.C:
		}
	}
}

func fetch(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}

// TestS3OnAGateway shares one server among all that needs a real one: credentials, signatures, checksums.
func TestS3OnAGateway(t *testing.T) {
	o := gateway(t)
	t.Run("Suite", func(t *testing.T) {
		stores := 0
		storagetest.Run(t, func(t *testing.T) storage.Store {
			t.Helper()
			stores++
			of := o
			of.Prefix = fmt.Sprintf("suite/%d", stores)
			return open(t, of)
		})
	})
	t.Run("Link", func(t *testing.T) { linkOpens(t, o) })
	t.Run("Explains", func(t *testing.T) { explainsRefusals(t, o) })
}

func linkOpens(t *testing.T, o storage.S3Options) {
	t.Helper()
	s := open(t, o)
	err := s.Put(t.Context(), "jobs/1/a.txt", []byte("a caption"), storage.PutOptions{ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.Link(t.Context(), "jobs/1/a.txt", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(link, o.SecretKey) {
		t.Errorf("the link holds the secret: %s", link)
	}
	if status, body, err := fetch(t.Context(), link); err != nil || status != http.StatusOK || body != "a caption" {
		t.Errorf("the link gives %d %q, %v", status, body, err)
	}
	forged := strings.Replace(link, "a.txt", "b.txt", 1)
	if status, _, err := fetch(t.Context(), forged); err != nil || status != http.StatusForbidden {
		t.Errorf("a link changed to another object gives %d, %v", status, err)
	}
	bare, _, _ := strings.Cut(link, "?")
	if status, _, err := fetch(t.Context(), bare); err != nil || status != http.StatusForbidden {
		t.Errorf("without the signature: %d, %v", status, err)
	}
}

func explainsRefusals(t *testing.T, o storage.S3Options) {
	t.Helper()
	for remedy, change := range map[string]func(*storage.S3Options){
		"access key":        func(o *storage.S3Options) { o.AccessKey = "someone-else" },
		"secret key":        func(o *storage.S3Options) { o.SecretKey = "mistyped-secret" },
		"create the bucket": func(o *storage.S3Options) { o.Bucket = "no-such-bucket" },
	} {
		wrong := o
		change(&wrong)
		err := open(t, wrong).Check(t.Context())
		if err == nil || !storage.Permanent(err) || !strings.Contains(err.Error(), remedy) ||
			!strings.Contains(err.Error(), "write") || strings.Contains(err.Error(), wrong.SecretKey) {
			t.Errorf("Check: %v; want a permanent failure to write that says %q", err, remedy)
		}
	}
}
