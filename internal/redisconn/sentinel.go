package redisconn

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// replicas judges whether a failover would keep what was acknowledged.
func (n node) replicas() Finding {
	count, ok := n.info["connected_slaves"]
	if !ok {
		return unknown("replicas")
	}
	_, guarded := n.info["min_slaves_good_slaves"] // told only where min-replicas-to-write is set
	switch {
	case count == "0":
		return Finding{"replicas", Warn, "the primary has no replica to fail over to", "start one, or see why it does not follow"}
	case !guarded:
		return Finding{
			"replicas", Warn, "a primary that is cut off goes on taking writes, which the failover then drops",
			"set min-replicas-to-write 1 and min-replicas-max-lag 10",
		}
	}
	return Finding{"replicas", OK, count + " replicas follow, and writes are refused without one", ""}
}

// sentinel looks at the primary that the sentinels name, and asks them meanwhile:
// where there is no primary, they may say why.
func (c checker) sentinel(ctx context.Context, rdb *watched) (Report, error) {
	asked := make(chan Finding, 1)
	go func() { asked <- askSentinels(ctx, rdb.options) }()
	var n node
	err := ping(ctx, rdb)
	if err == nil {
		n, err = c.read(ctx, rdb.Client)
	}
	sentinels := Finding{"sentinel", Warn, "the sentinels do not answer in time", "see that they run, or correct their addresses"}
	select {
	case sentinels = <-asked:
	case <-ctx.Done():
		select {
		case sentinels = <-asked: // the end of the time came after it
		default:
		}
	}
	if err != nil {
		return Report{}, explain(fmt.Errorf("%w; %s", err, sentinels.Detail), rdb)
	}
	return Report{Mode: "sentinel", Findings: append(n.findings(), n.replicas(), sentinels)}, nil
}

// askSentinels asks every sentinel of the URL whether a failover could be agreed on.
func askSentinels(ctx context.Context, o *redis.UniversalOptions) Finding {
	answers := make([]error, len(o.Addrs))
	var wait sync.WaitGroup
	for i, addr := range o.Addrs {
		wait.Go(func() { answers[i] = ckquorum(ctx, o, addr) })
	}
	wait.Wait()
	var silent, complaints []string
	for i, err := range answers {
		switch {
		case err == nil:
		case !refused(err):
			silent = append(silent, fmt.Sprintf("%s (%v)", o.Addrs[i], err))
		case strings.HasPrefix(err.Error(), "NOPERM"), strings.Contains(err.Error(), "unknown command"), strings.Contains(err.Error(), "Unknown sentinel"):
			return Finding{"sentinel", Unknown, "the sentinels do not tell this user", "allow +sentinel|ckquorum"}
		default:
			complaints = append(complaints, o.Addrs[i]+" says "+err.Error())
		}
	}
	good := len(answers) - len(silent) - len(complaints)
	detail := fmt.Sprintf("%d of %d sentinels answer and could fail over", good, len(answers))
	if good == len(answers) {
		return Finding{"sentinel", OK, detail, ""}
	}
	if len(silent) > 0 {
		complaints = append(complaints, "no answer from "+strings.Join(silent, ", "))
	}
	return Finding{"sentinel", Warn, detail + ": " + strings.Join(complaints, "; "), "start the missing sentinels, or correct their addresses"}
}

func ckquorum(ctx context.Context, o *redis.UniversalOptions, addr string) error {
	s := redis.NewSentinelClient(&redis.Options{
		Addr: addr, Username: o.SentinelUsername, Password: o.SentinelPassword, ClientName: o.ClientName, DisableIdentity: true,
		TLSConfig: o.TLSConfig, DialTimeout: o.DialTimeout, DialerRetries: 1, ReadTimeout: o.ReadTimeout,
		ContextTimeoutEnabled: true, MaxRetries: -1, PoolSize: 1, MaintNotificationsConfig: o.MaintNotificationsConfig,
	})
	defer s.Close()                            //nolint:errcheck // it was only asked
	return s.CkQuorum(ctx, o.MasterName).Err() //nolint:wrapcheck // its reply is judged
}
