package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// Answers asks a server for a sign of life. Its error is what Explain makes of the
// reason.
func Answers(ctx context.Context, rdb redis.UniversalClient) error {
	if err := ping(ctx, rdb); err != nil {
		return Explain(hinted(err, rdb))
	}
	return nil
}

// mistakes are the reasons that a server, or whatever else is there, gives a client
// whose URL is wrong, by what its answer has in it.
var mistakes = []struct{ sign, problem, remedy string }{
	{"WRONGPASS", "has a user or password that the server refuses", "correct it, or the user in the server's ACL"},
	{"NOAUTH", "has no password, and the server wants one", "add it: redis://user:password@host"},
	{"NOPERM", "names a user whose ACL is too narrow", "give it the rights that docs/redis.md lists"},
	{"certificate", "leads to a server whose certificate is not trusted, or that wants one of ours", "name the authority's file with ca=, ours with cert= and key="},
	{"DB index is out of range", "names a database that the server does not have", "give a lower number; most have 0 to 15"},
	{"cluster support disabled", "is written for a cluster, and leads to a server that is none", "write redis:// or rediss:// for a single server"},
	{"unknown command 'sentinel'", "is written for sentinels, and leads to a server that is none", "give the addresses of the sentinels, whose port mostly is 26379, or write redis:// for a single server"},
	{"max number of clients", "leads to a server that has as many clients as it takes", "raise its maxclients, or lower pool_size of those that use it"},
	{"reply: \"HTTP/", "leads to an HTTP server", "give the address and the port of Redis, which mostly is 6379"},
}

// Explain says which part of the URL is wrong, as a *trainset.FieldError, where what a
// server has answered means that. Else it returns the error itself, with a guess where
// the server has hung up.
func Explain(err error) error {
	if field, ok := errors.AsType[*trainset.FieldError](err); ok {
		return field
	}
	for _, m := range mistakes {
		if strings.Contains(err.Error(), m.sign) {
			return invalid(m.problem, m.remedy)
		}
	}
	if w, full := refusalOf(err); full {
		return invalid("leads to a server that "+w.problem, w.remedy)
	}
	if cutOff(err) { // what it has said before may be overtaken
		return fmt.Errorf("%w; a server hangs up that is being stopped, has as many clients as its maxclients, or wants TLS (rediss://)", err)
	}
	return err
}

// explain is what checks say of a server that does not answer.
func explain(err error, rdb redis.UniversalClient) error {
	reason := Explain(hinted(err, rdb))
	if field, ok := errors.AsType[*trainset.FieldError](reason); ok {
		return fmt.Errorf("redisconn: %w (%w)", field, err)
	}
	return fmt.Errorf("redisconn: redis does not answer: %w", reason)
}

// hinted adds what it may mean that a server says nothing, or hangs up.
func hinted(err error, rdb redis.UniversalClient) error {
	secure, certified := security(rdb)
	switch {
	case secure && !certified && cutOff(err):
		return invalid("leads to a server that ends our TLS connections, as one does that wants a certificate of ours", "name it with cert= and key=, or see the server's log")
	case secure && errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w; if the server has no TLS, write redis:// instead of rediss://", err)
	}
	return err
}

// security reports whether a client uses TLS, and whether with a certificate of ours.
func security(rdb redis.UniversalClient) (secure, certified bool) {
	var c *tls.Config
	switch rdb := rdb.(type) {
	case *redis.Client:
		c = rdb.Options().TLSConfig
	case *watched:
		c = rdb.options.TLSConfig
	case *redis.ClusterClient:
		c = rdb.Options().TLSConfig
	}
	return c != nil, c != nil && len(c.Certificates) > 0
}

// cutOff reports whether a server ended a connection. One that misses a certificate
// says so first, but what it says may be overtaken by the end, as its client takes
// a handshake of TLS 1.3 for done before the server has looked.
func cutOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}
