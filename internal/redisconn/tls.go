package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"

	"github.com/redis/go-redis/v9"
)

// security reads the options of TLS, which a URL without TLS must not have: it
// would look safer than it is.
func (p *parts) security(o *redis.UniversalOptions) error {
	given := map[string]string{}
	for _, name := range []string{"ca", "cert", "key", "server_name", "tls"} {
		if v, ok := p.take(name); ok {
			given[name] = v
		}
	}
	if !p.tls {
		if len(given) > 0 {
			return invalid("has options of TLS and does not use it", "begin it with rediss://, rediss-sentinel:// or rediss-cluster://")
		}
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: given["server_name"]}
	if err := errors.Join(trust(c, given), identify(c, given)); err != nil {
		return err
	}
	o.TLSConfig = c
	return nil
}

// trust decides whose certificates are taken: the system's authorities', those
// of a file, or anybody's, which must be said in so many words.
func trust(c *tls.Config, given map[string]string) error {
	mode, skips := given["tls"]
	file, hasCA := given["ca"]
	switch {
	case skips && mode != "skip-verify":
		return invalid("has a tls option that is not skip-verify", "leave it out to verify certificates, or give tls=skip-verify")
	case skips && hasCA:
		return invalid("names a ca and skips the verification that needs it", "give one of the two")
	case skips:
		c.InsecureSkipVerify = true // the operator asked for it by name
	case hasCA:
		pem, err := os.ReadFile(file)
		if err != nil {
			return unreadable("ca", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return invalid("has a ca whose file holds no certificate", "name a file of PEM certificates")
		}
	}
	return nil
}

// identify loads our own certificate, for servers that ask for one.
func identify(c *tls.Config, given map[string]string) error {
	cert, hasCert := given["cert"]
	key, hasKey := given["key"]
	if hasCert != hasKey {
		return invalid("has one of cert and key", "give both or neither")
	}
	if !hasCert {
		return nil
	}
	certPEM, err := os.ReadFile(cert)
	if err != nil {
		return unreadable("cert", err)
	}
	keyPEM, err := os.ReadFile(key)
	if err != nil {
		return unreadable("key", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return invalid("has a cert and a key that do not belong together, or are no PEM files", "give a certificate and its own key")
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}

// unreadable says why a file cannot be read without naming it.
func unreadable(option string, err error) error {
	reason := "cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		reason = "may not be read by this user"
	}
	return invalid("has a "+option+" whose file "+reason, "name a PEM file by its absolute path")
}
