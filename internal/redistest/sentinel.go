package redistest

import (
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Watched is a primary with a replica, watched by three sentinels that fail
// over when the primary has been silent for a second.
type Watched struct {
	Name             string // what the sentinels call the primary
	Primary, Replica *Node
	Sentinels        []*Node
}

// Guards protect the servers that sentinels watch, and the sentinels.
type Guards struct {
	Server, Sentinel string     // passwords; where one is empty, anybody may connect
	TLS              *Authority // all speak TLS only, where it is not nil
}

// Sentinel starts a watched pair and waits until the sentinels could fail over.
func Sentinel(tb testing.TB, g Guards) *Watched {
	tb.Helper()
	var server, sentinel []string
	w := &Watched{Name: "mymaster"}
	if g.Server != "" {
		server = []string{"requirepass " + g.Server, "masterauth " + g.Server}
	}
	if g.TLS != nil {
		server = append(server, "tls-replication yes")
		sentinel = append(sentinel, "tls-replication yes")
	}
	server = append(server, "repl-diskless-sync-delay 0")
	w.Primary = start(tb, g.TLS, nil, func(string) []string { return server })
	host, port, err := net.SplitHostPort(w.Primary.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	server = append(server, "replicaof "+host+" "+port)
	w.Replica = start(tb, g.TLS, nil, func(string) []string { return server })
	sentinel = append(sentinel,
		"sentinel monitor "+w.Name+" "+host+" "+port+" 2",
		"sentinel down-after-milliseconds "+w.Name+" 1000",
		"sentinel failover-timeout "+w.Name+" 5000")
	if g.Server != "" {
		sentinel = append(sentinel, "sentinel auth-pass "+w.Name+" "+g.Server)
	}
	if g.Sentinel != "" {
		sentinel = append(sentinel, "requirepass "+g.Sentinel, "sentinel sentinel-pass "+g.Sentinel)
	}
	for range 3 {
		w.Sentinels = append(w.Sentinels, start(tb, g.TLS, []string{"--sentinel"}, func(string) []string { return sentinel }))
	}
	w.await(tb, g)
	return w
}

// await returns when every sentinel knows the other two and a replica that
// follows: before that, a failover would not be agreed on, or have no target.
func (w *Watched) await(tb testing.TB, g Guards) {
	tb.Helper()
	for _, s := range w.Sentinels {
		rdb := redis.NewSentinelClient(&redis.Options{Addr: s.Addr, Password: g.Sentinel, TLSConfig: s.tls})
		tb.Cleanup(func() { _ = rdb.Close() })
		Await(tb, "sentinel "+s.Addr+" knows the others and the replica", func() bool {
			primary := rdb.Master(tb.Context(), w.Name).Val()
			return primary["num-other-sentinels"] == "2" && primary["num-slaves"] == "1" && w.follows(tb, rdb)
		})
	}
}

func (w *Watched) follows(tb testing.TB, rdb *redis.SentinelClient) bool {
	tb.Helper()
	for _, replica := range rdb.Replicas(tb.Context(), w.Name).Val() {
		if replica["master-link-status"] == "ok" && !strings.Contains(replica["flags"], "down") {
			return true
		}
	}
	return false
}
