package redisconn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/wait"
)

// State is what a finding means.
type State string

// The states, from good to bad.
const (
	OK      State = "ok"
	Unknown State = "unknown" // the server does not tell
	Warn    State = "warn"    // it works, and may lose something
	Fail    State = "fail"    // it cannot work
)

var severity = map[State]int{OK: 0, Unknown: 1, Warn: 2, Fail: 3}

// Finding is one thing that was looked at. It holds no secret.
type Finding struct {
	Name   string `json:"name"` // stable: version, role, writes, eviction, persistence, clock, cluster, nodes, replicas, sentinel
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"` // empty when all is well
}

// Report is what Check found.
type Report struct {
	Mode     string    `json:"mode"` // server, sentinel or cluster
	Findings []Finding `json:"findings"`
}

// Worst is the worst state of any finding.
func (r Report) Worst() State {
	worst := OK
	for _, f := range r.Findings {
		if severity[f.State] > severity[worst] {
			worst = f.State
		}
	}
	return worst
}

// Check asks the servers behind a client whether they will do. An error means
// that none answered; what a server does not let its user read is a finding
// of state Unknown. It writes a key that is gone a second later.
func Check(ctx context.Context, rdb redis.UniversalClient) (Report, error) {
	return checker{now: time.Now}.check(ctx, rdb)
}

// checker has the clock that the servers' is compared with.
type checker struct{ now func() time.Time }

func (c checker) check(ctx context.Context, rdb redis.UniversalClient) (Report, error) {
	if rdb, ok := rdb.(*watched); ok {
		return c.sentinel(ctx, rdb)
	}
	if err := ping(ctx, rdb); err != nil {
		return Report{}, explain(err, rdb)
	}
	if rdb, ok := rdb.(*redis.ClusterClient); ok {
		return c.cluster(ctx, rdb)
	}
	n, err := c.read(ctx, rdb)
	if err != nil {
		return Report{}, explain(err, rdb)
	}
	return Report{Mode: "server", Findings: n.findings()}, nil
}

// ping waits no longer than the context says, which not every client does: the
// one that asks sentinels has a patience of its own.
func ping(ctx context.Context, rdb redis.UniversalClient) error {
	err, ok := wait.Bounded(ctx, 0, func() error { return rdb.Ping(ctx).Err() })
	if !ok {
		return fmt.Errorf("no answer in time: %w", context.Cause(ctx))
	}
	return err
}

// cluster looks at every primary, and at what the cluster says of itself.
func (c checker) cluster(ctx context.Context, rdb *redis.ClusterClient) (Report, error) {
	var mu sync.Mutex
	var nodes []node
	var silent []string
	err := rdb.ForEachMaster(ctx, func(ctx context.Context, one *redis.Client) error {
		n, err := c.read(ctx, one)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			silent = append(silent, one.Options().Addr)
			return nil // it is a finding, and the others are still to be asked
		}
		nodes = append(nodes, n)
		return nil
	})
	if err != nil {
		return Report{}, explain(err, rdb)
	}
	r := Report{Mode: "cluster", Findings: append(merge(nodes), clusterState(rdb.ClusterInfo(ctx).Result()))}
	if len(silent) > 0 {
		r.Findings = append(r.Findings, Finding{"nodes", Fail, "these nodes do not answer: " + strings.Join(silent, ", "), "start them, or let their replicas take over"})
	}
	return r, nil
}

// clusterState reads CLUSTER INFO.
func clusterState(text string, err error) Finding {
	if err != nil {
		return Finding{"cluster", Unknown, "this user may not read CLUSTER INFO", "allow +cluster|info"}
	}
	info := fields(text)
	detail := fmt.Sprintf("%s of %d slots served by %s primaries, %s nodes known",
		info["cluster_slots_ok"], slots, info["cluster_size"], info["cluster_known_nodes"])
	if info["cluster_state"] != "ok" {
		return Finding{"cluster", Fail, "the cluster is down: " + detail, "see CLUSTER NODES; bring the missing primaries back"}
	}
	return Finding{"cluster", OK, detail, ""}
}

const slots = 16384
