//go:build unix

package chaos

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"go/build"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redistest"
)

// authority is a certificate that vouches for itself, in files.
type authority struct {
	cert, key string
	root      *x509.Certificate
}

// newAuthority makes a certificate for the loopback.
func newAuthority(t *testing.T, dir string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the chaos run's provider"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{a.cert: {Type: "CERTIFICATE", Bytes: der}, a.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// redisServer is a redis-server that writes every command to disk before it
// answers, and that can die and come back.
type redisServer struct {
	bin, dir, addr string

	mu  sync.Mutex
	cmd *exec.Cmd
}

func startRedis(t *testing.T, dir string) *redisServer {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: make setup installs it")
	}
	r := &redisServer{bin: bin, dir: dir, addr: redistest.FreeAddress(t)}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	return r
}

// start returns when the server has read its log and serves.
func (r *redisServer) start() error {
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	cmd := exec.Command(r.bin, "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--save", "", //nolint:noctx // killed by its owner
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--loglevel", "notice")
	cmd.SysProcAttr = dieWithUs()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	r.mu.Lock()
	r.cmd = cmd
	r.mu.Unlock()
	if !awaitLine(bufio.NewScanner(out), "Ready to accept connections") {
		_ = cmd.Wait() // why is of no use: it is tried again
		return errors.New("starting redis-server: it ended at once")
	}
	return nil
}

// kill ends the process as a crash would.
func (r *redisServer) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // that it was killed is no news
}

// openStorage says where objects go: a real S3 server where one is installed,
// else a folder.
func openStorage(t *testing.T, dir string) (s config.Storage, addr string) {
	t.Helper()
	binary, ok := gatewayBinary()
	if !ok {
		return config.Storage{Out: filepath.Join(dir, "out")}, ""
	}
	const bucket = "chaos"
	folder := filepath.Join(dir, "s3")
	if err := os.MkdirAll(filepath.Join(folder, bucket), 0o750); err != nil {
		t.Fatal(err)
	}
	s = config.Storage{
		Out: filepath.Join(dir, "out"), Bucket: bucket, Region: "us-east-1",
		AccessKey: config.NewSecret("chaos-access"), AccessSecret: config.NewSecret("chaos-secret"),
	}
	addr = redistest.FreeAddress(t)
	cmd := exec.Command(binary, "--port", addr, "--health", "/health", "--quiet", "posix", folder) //nolint:noctx // killed below
	cmd.SysProcAttr = dieWithUs()
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey.Reveal(), "ROOT_SECRET_KEY="+s.AccessSecret.Reveal())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if !until(ctx, 20*time.Millisecond, func() bool { return answers(ctx, "http://"+addr+"/health") }) {
		t.Fatal("the S3 server does not answer")
	}
	return s, addr
}

func gatewayBinary() (string, bool) {
	if binary, err := exec.LookPath("versitygw"); err == nil {
		return binary, true
	}
	for _, folder := range filepath.SplitList(build.Default.GOPATH) {
		if binary, err := exec.LookPath(filepath.Join(folder, "bin", "versitygw")); err == nil {
			return binary, true
		}
	}
	return "", false
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only its status is wanted
	return resp.StatusCode == http.StatusOK
}

// line is a connection that can be cut: a proxy between the workers and what
// they need.
type line struct {
	addr  string
	proxy *toxiproxy.Proxy
}

func openLine(t *testing.T, name, upstream string) line {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := line{addr: redistest.FreeAddress(t)}
	l.proxy = toxiproxy.NewProxy(server, name, l.addr, upstream)
	if err := l.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

// cut breaks every connection and refuses new ones for a while.
func (l line) cut(ctx context.Context, d time.Duration) error {
	l.proxy.Stop()
	pause(ctx, d)
	return insist(ctx, l.proxy.Start)
}

// insist tries again for a while: somebody's outgoing connection may have been
// given the port that was free.
func insist(ctx context.Context, start func() error) (err error) {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	until(bound, 300*time.Millisecond, func() bool { err = start(); return err == nil })
	return err
}
