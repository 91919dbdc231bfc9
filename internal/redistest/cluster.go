package redistest

import (
	"net"
	"strings"
	"testing"
)

const slots = 16384

// Cluster is a Redis Cluster of three primaries without replicas, all slots
// served. Each line of config is one of redis.conf, for every node.
func Cluster(tb testing.TB, config ...string) []*Node {
	tb.Helper()
	return cluster(tb, nil, config)
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
