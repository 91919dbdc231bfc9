//go:build unix

package chaos

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

const (
	listenVariable = "CHAOS_LISTEN"
	certVariable   = "CHAOS_CERT"
	keyVariable    = "CHAOS_KEY"
	seedVariable   = "CHAOS_SEED"
	faultsVariable = "CHAOS_FAULTS"
	tokenOfTest    = "r8_chaos"
)

// runProvider is the simulated provider over TLS and HTTP/2. It lists late and
// without inputs, writes inputs in its own way, has a clock of its own and
// refuses what is over its limit.
func runProvider(ctx context.Context) error {
	seed, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %w", seedVariable, err)
	}
	var faults []fake.Fault
	if err := json.Unmarshal([]byte(os.Getenv(faultsVariable)), &faults); err != nil {
		return fmt.Errorf("%s: %w", faultsVariable, err)
	}
	cert, err := tls.LoadX509KeyPair(os.Getenv(certVariable), os.Getenv(keyVariable))
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	var lc net.ListenConfig
	plain, err := lc.Listen(ctx, "tcp", os.Getenv(listenVariable))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	ln := tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12})
	s := fake.New(fake.Options{
		Token: tokenOfTest, Seed: seed, Faults: faults, AllowLoopbackWebhooks: true, PreEncoded: true, Plain: true,
		Settings: fake.Settings{
			Latency:     fake.Latency{Start: 100 * time.Millisecond, Fixed: 700 * time.Millisecond, Spread: 0.6},
			ListLag:     2 * time.Second,
			ShallowRows: true, NormalizeInputs: true, ClockSkew: 7 * time.Second, RateLimit: 600,
		},
	})
	_, _ = fmt.Fprintln(os.Stdout, serving)
	return fake.Serve(ctx, ln, s)
}

// provider is the simulated one's operator: it reads the log and the counts.
type provider struct {
	base string // without the proxy: the operator's line is never cut
	http *http.Client
}

// startProvider runs the provider in a process of its own.
func startProvider(t *testing.T, a authority, seed uint64, faults []fake.Fault) (p provider, addr string) {
	t.Helper()
	encoded, err := json.Marshal(faults)
	if err != nil {
		t.Fatal(err)
	}
	addr = redistest.FreeAddress(t)
	cmd, err := child("provider", listenVariable+"="+addr, certVariable+"="+a.cert, keyVariable+"="+a.key,
		seedVariable+"="+strconv.FormatUint(seed, 10), faultsVariable+"="+string(encoded))
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if !awaitLine(bufio.NewScanner(out), serving) {
		_ = cmd.Wait() // for the rest of what it said
		t.Fatalf("the provider does not serve: %s", problems.String())
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return provider{"https://" + addr, &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
	}}, addr
}

func (p provider) log(ctx context.Context) (log []fake.Entry, err error) {
	return p.logAfter(ctx, 0)
}

// logAfter is what follows the first n predictions: reading all of it again and
// again would take a core.
func (p provider) logAfter(ctx context.Context, n int) (log []fake.Entry, err error) {
	return log, p.read(ctx, "/_fake/log?after="+strconv.Itoa(n), &log)
}

func (p provider) stats(ctx context.Context) (s fake.Stats, err error) {
	return s, p.read(ctx, "/_fake/stats", &s)
}

func (p provider) read(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return fmt.Errorf("asking the provider for %s: %w", path, err)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return fmt.Errorf("asking the provider for %s: %w", path, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Errorf("reading the provider's %s: %w", path, err)
	}
	return nil
}
