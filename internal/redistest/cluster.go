package redistest

import (
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// Cluster is a Redis Cluster of three primaries without replicas, all slots
// served. Each line of config is one of redis.conf, for every node.
func Cluster(tb testing.TB, config ...string) []*Node {
	tb.Helper()
	return cluster(tb, nil, config)
}

// Everywhere runs a test on what Each has, and in a cluster.
func Everywhere(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	Each(t, func(t *testing.T, rdb *redis.Client) { test(t, rdb) })
	t.Run("cluster", func(t *testing.T) { test(t, ClusterClient(t)) })
}

// ClusterClient is connected to a Cluster of its own.
func ClusterClient(tb testing.TB) *redis.ClusterClient {
	tb.Helper()
	var addrs []string
	for _, n := range Cluster(tb) {
		addrs = append(addrs, n.Addr)
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// TLSCluster is a cluster that speaks TLS only, among its nodes as well.
func TLSCluster(tb testing.TB, a *Authority, config ...string) []*Node {
	tb.Helper()
	return cluster(tb, a, append([]string{"tls-cluster yes"}, config...))
}

func cluster(tb testing.TB, a *Authority, config []string) []*Node {
	tb.Helper()
	nodes := make([]*Node, 3)
	ports := make([]string, len(nodes)) // of the cluster's own bus
	for i := range nodes {
		nodes[i] = start(tb, a, nil, func(string) []string {
			ports[i] = FreePort(tb)
			return append([]string{"cluster-enabled yes", "cluster-port " + ports[i], "cluster-node-timeout 2000"}, config...)
		})
	}
	for i, n := range nodes {
		rdb, ctx := n.Client(tb), tb.Context()
		if err := rdb.ClusterAddSlotsRange(ctx, i*slots/len(nodes), (i+1)*slots/len(nodes)-1).Err(); err != nil {
			tb.Fatal(err)
		}
		// Nodes that all begin in one epoch would have to settle it among them.
		if err := rdb.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			tb.Fatal(err)
		}
	}
	for i, n := range nodes[1:] {
		host, port, err := net.SplitHostPort(n.Addr)
		if err != nil {
			tb.Fatal(err)
		}
		if err := nodes[0].Client(tb).Do(tb.Context(), "cluster", "meet", host, port, ports[i+1]).Err(); err != nil {
			tb.Fatal(err)
		}
	}
	for _, n := range nodes {
		rdb := n.Client(tb)
		Await(tb, "node "+n.Addr+" knows the whole cluster", func() bool {
			info := rdb.ClusterInfo(tb.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return nodes
}
