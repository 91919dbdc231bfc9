package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of a test.
type Authority struct {
	CA string // PEM file of its own certificate

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody else trusts.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{dir: tb.TempDir(), key: newKey(tb)}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.CA, _ = a.write(tb, "ca", a.cert, a.key)
	return a
}

// Issue makes a certificate for 127.0.0.1 and localhost, good for servers and
// for clients, and returns the PEM files of it and of its key.
func (a *Authority) Issue(tb testing.TB, name string) (cert, key string) {
	tb.Helper()
	return a.write(tb, name, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}, newKey(tb))
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func (a *Authority) write(tb testing.TB, name string, cert *x509.Certificate, key *ecdsa.PrivateKey) (certFile, keyFile string) {
	tb.Helper()
	signed, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return a.file(tb, name+".crt", "CERTIFICATE", signed), a.file(tb, name+".key", "PRIVATE KEY", private)
}

func (a *Authority) file(tb testing.TB, name, kind string, body []byte) string {
	tb.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Config is that of a client with a certificate of its own.
func (a *Authority) Config(tb testing.TB) *tls.Config {
	tb.Helper()
	cert, key := a.Issue(tb, "client")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.trusted(tb))
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

func (a *Authority) trusted(tb testing.TB) *x509.Certificate {
	tb.Helper()
	text, err := os.ReadFile(a.CA)
	if err != nil {
		tb.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// listen configures a port. With an authority, it takes TLS only, and clients
// only that have a certificate.
func listen(tb testing.TB, a *Authority, port string) []string {
	tb.Helper()
	if a == nil {
		return []string{"port " + port}
	}
	cert, key := a.Issue(tb, "server-"+port)
	return []string{
		"port 0", "tls-port " + port, "tls-cert-file " + cert, "tls-key-file " + key, "tls-ca-cert-file " + a.CA, "tls-auth-clients yes",
	}
}

// TLS starts a server that speaks TLS only and asks every client for a
// certificate of the same authority. Each line of config is one of redis.conf.
func TLS(tb testing.TB, a *Authority, config ...string) *Node {
	tb.Helper()
	return start(tb, a, nil, func(string) []string { return config })
}
