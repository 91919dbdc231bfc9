// Package redisconn turns REDIS_URL into a connection, for the client, the
// worker and asynq alike, and says whether the server behind it will do. It
// must not know what is kept there: keys, scripts and queues are others'.
//
// The forms of the URL, which docs/redis.md explains to operators:
//
//	redis://[user:password@]host[:6379][/db]
//	rediss://…                                  the same with TLS
//	unix://[user:password@]/path/to/socket[?db=n]
//	redis-sentinel://[user:password@]s1[:26379],s2,…/name[/db]
//	rediss-sentinel://…                         TLS to sentinels and servers
//	redis-cluster://[user:password@]n1[:6379],n2,…
//	rediss-cluster://…                          TLS to every node
//
// A user is one of the server's ACL; without one, the password is the default
// user's. What is special in a URL is percent-encoded in them. Options:
//
//	pool_size                         connections at most; 50 by default
//	dial_timeout, read_timeout        durations; 3s and 5s by default
//	client_name                       in CLIENT LIST; "trainset" by default
//	db                                database, where the path does not name it
//	sentinel_username, sentinel_password   the sentinels' own credentials
//	ca, cert, key                     PEM files: whom to trust; who we are
//	server_name                       name in the servers' certificates
//	tls=skip-verify                   trust any certificate
//
// No error repeats the URL or a part of it, for any part may be a password
// that was not encoded.
package redisconn

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/actormaker/trainset/internal/wait"
)

// What every connection has in common. A worker holds hundreds of goroutines
// that wait for the provider and now and then say something short to Redis, so
// connections are shared; only those that follow a job hold one for a second
// at a time.
const (
	poolSize    = 50
	idleConns   = poolSize        // fewer are closed and dialled again all through a rush
	idleTime    = 5 * time.Minute // below what firewalls forget after
	dialTimeout = 3 * time.Second
	// readTimeout is generous: a reply that was not waited for leaves a task
	// with the queue until it is recovered, and a journal that must be read again.
	readTimeout = 5 * time.Second
	dialTries   = 2 // within each try of a command
	retries     = 3 // of a command, which is safe: scripts check what they find
	clientName  = "trainset"
)

// Open makes a client of the Redis at a URL. It dials nothing yet: Check does.
// The caller closes the client. It serves asynq, too.
func Open(url string) (redis.UniversalClient, error) {
	o, err := Parse(url)
	if err != nil {
		return nil, err
	}
	if o.MasterName != "" {
		return &watched{Client: redis.NewFailoverClient(o.Failover()), options: o}, nil
	}
	return redis.NewUniversalClient(o), nil
}

// watched is a client of whichever server the sentinels call the primary. It
// remembers the sentinels, for Check to ask.
type watched struct {
	*redis.Client
	options *redis.UniversalOptions
}

// closeWithin is how long Close waits.
const closeWithin = 250 * time.Millisecond

// Close leaves a client that still waits for a silent sentinel to end by itself,
// when that has had its time: it cannot be interrupted.
func (w *watched) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	err, _ := wait.Bounded(ctx, 0, w.Client.Close)
	return err
}

func defaults() *redis.UniversalOptions {
	return &redis.UniversalOptions{
		ClientName: clientName, PoolSize: poolSize, MaxIdleConns: idleConns, ConnMaxIdleTime: idleTime,
		DialTimeout: dialTimeout, DialerRetries: dialTries, ReadTimeout: readTimeout, WriteTimeout: readTimeout,
		MaxRetries: retries, ContextTimeoutEnabled: true,
		// Two commands at each connect that a user with few rights may not send.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
