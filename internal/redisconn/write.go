package redisconn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const toPrimary = "point REDIS_URL at the primary, or use redis-sentinel:// to follow it"

// refusal is why a server that answers takes no writes.
type refusal struct{ sign, problem, remedy string }

// refusals are those that servers name.
var refusals = []refusal{
	{"OOM command", "is full, at its maxmemory, and takes no writes", "raise its maxmemory, or make room: worker delete removes jobs that have ended"},
	{"READONLY", "is a read-only replica", toPrimary},
	{"NOREPLICAS", "has fewer replicas than its min-replicas-to-write, and takes no writes", "start its replicas, or lower min-replicas-to-write"},
	{"MISCONF", "cannot write to its disk, and takes no writes", "see its disk and its log"},
	{"EXECABORT", "refuses a transaction, as one does that is full or a replica", "see worker doctor"},
}

func refusalOf(err error) (refusal, bool) {
	for _, r := range refusals {
		if strings.Contains(err.Error(), r.sign) {
			return r, true
		}
	}
	return refusal{}, false
}

// Writable asks each primary behind a client to take a write, which is gone a second
// later. The error of one that does not, or does not answer, says what to do.
func Writable(ctx context.Context, rdb redis.UniversalClient) error {
	var err error
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, one *redis.Client) error { return write(ctx, one) })
	} else {
		err = write(ctx, rdb)
	}
	if err != nil {
		return explain(err, rdb)
	}
	return nil
}

// Advise adds to an error that came of a server which takes no writes what to do.
func Advise(err error) error {
	if err == nil {
		return nil
	}
	if r, known := refusalOf(err); known {
		return fmt.Errorf("%w; the server at REDIS_URL %s: %s", err, r.problem, r.remedy)
	}
	return err
}

// mostKeys is how many keys are tried: a node of a cluster takes those of its own
// slots alone.
const mostKeys = 100

// write has a server take a key for a second. A node of a cluster that has none of
// the keys, as one without slots, need not take any.
func write(ctx context.Context, rdb redis.Cmdable) error {
	for i := range mostKeys {
		err := rdb.Set(ctx, fmt.Sprintf("trainset:try:%d", i), "", time.Second).Err()
		if !redis.HasErrorPrefix(err, "MOVED") && !redis.HasErrorPrefix(err, "ASK") {
			return err //nolint:wrapcheck // the caller says what was done
		}
	}
	return nil
}

// writes judges the answer to a write.
func (n node) writes() Finding {
	role := n.info["role"]
	switch {
	case role != "" && role != "master":
		return Finding{"writes", Unknown, "a replica is not asked to take any", toPrimary}
	case !n.tried:
		return unknown("writes")
	case n.wrote == nil:
		return Finding{"writes", OK, "the server takes them", ""}
	}
	if r, known := refusalOf(n.wrote); known {
		return Finding{"writes", Fail, "the server " + r.problem, r.remedy}
	}
	return Finding{"writes", Fail, "the server takes none: " + n.wrote.Error(), "give this user the rights that docs/redis.md lists"}
}
