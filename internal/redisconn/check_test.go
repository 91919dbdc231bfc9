package redisconn

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/redistest"
)

func finding(t *testing.T, r Report, name string) Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("%+v has nothing about %s", r, name)
	return Finding{}
}

func TestClocksApart(t *testing.T) {
	rdb := redistest.Server(t)
	for _, tc := range []struct {
		shift time.Duration
		want  State
		way   string
	}{
		{0, OK, "the server's"},
		{5 * time.Second, Warn, "ahead of"},
		{-5 * time.Second, Warn, "behind"},
		{time.Minute, Fail, "ahead of"},
		{-time.Hour, Fail, "behind"},
	} {
		c := checker{now: func() time.Time { return time.Now().Add(tc.shift) }}
		r, err := c.check(t.Context(), rdb)
		if err != nil {
			t.Fatal(err)
		}
		if f := finding(t, r, "clock"); f.State != tc.want || !strings.Contains(f.Detail, tc.way) {
			t.Errorf("%v apart: %+v", tc.shift, f)
		}
	}
}

// A slow answer says little about the clock; only what is certain counts.
func TestSlowAnswersAreNoSkew(t *testing.T) {
	n := node{timed: true, ahead: 20 * time.Second, within: 19 * time.Second}
	if f := n.clock(); f.State != OK {
		t.Errorf("got %+v", f)
	}
}

func TestServersThatTellNothingAreUnknown(t *testing.T) {
	for _, f := range (node{}).findings() {
		if f.State != Unknown || f.Remedy == "" {
			t.Errorf("got %+v", f)
		}
	}
	r, err := Check(t.Context(), redistest.Mini(t))
	if err != nil || r.Worst() != Unknown || finding(t, r, "version").State != Unknown {
		t.Errorf("miniredis: %+v, %v", r, err)
	}
}

func TestVersions(t *testing.T) {
	for v, want := range map[string]State{
		"6.2.0": OK, "7.0.15": OK, "10.0": OK, "6.0.20": Fail, "5.0.7": Fail, "unstable": Unknown,
	} {
		n := node{info: map[string]string{"redis_version": v}}
		if f := n.version(); f.State != want {
			t.Errorf("%s: %+v", v, f)
		}
	}
}

func TestSettingsOfARealServer(t *testing.T) {
	rdb, ctx := redistest.Server(t), t.Context()
	states := func() [2]State {
		r, err := Check(ctx, rdb)
		if err != nil {
			t.Fatal(err)
		}
		return [2]State{finding(t, r, "eviction").State, finding(t, r, "persistence").State}
	}
	for _, step := range []struct {
		name, value string
		want        [2]State
	}{
		{"maxmemory", "0", [2]State{OK, Warn}},
		{"maxmemory-policy", "allkeys-lru", [2]State{OK, Warn}},
		{"maxmemory", "100mb", [2]State{Warn, Warn}},
		{"maxmemory-policy", "noeviction", [2]State{OK, Warn}},
		{"appendonly", "yes", [2]State{OK, Warn}},
		{"appendfsync", "always", [2]State{OK, OK}},
		{"appendfsync", "no", [2]State{OK, Warn}},
	} {
		if err := rdb.ConfigSet(ctx, step.name, step.value).Err(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, states()); diff != "" {
			t.Errorf("after %s %s, of eviction and persistence:\n%s", step.name, step.value, diff)
		}
	}
	n := node{info: map[string]string{"aof_enabled": "1", "aof_last_write_status": "err"}, fsync: "always"}
	if f := n.persistence(); f.State != Fail {
		t.Errorf("a file that cannot be written: %+v", f)
	}
}

func TestAReplicaFails(t *testing.T) {
	primary := redistest.Start(t)
	host, port, _ := strings.Cut(primary.Addr, ":")
	replica := redistest.Start(t, "replicaof "+host+" "+port)
	r, err := Check(t.Context(), replica.Client(t))
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, r, "role"); f.State != Fail || r.Worst() != Fail {
		t.Errorf("got %+v", f)
	}
}

func TestASilentServerIsAnError(t *testing.T) {
	n := redistest.Start(t)
	rdb := n.Client(t)
	n.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if r, err := Check(ctx, rdb); err == nil {
		t.Errorf("a dead server was found to be %+v", r)
	}
}

func TestMergeKeepsTheWorstAndNamesIt(t *testing.T) {
	healthy := map[string]string{
		"redis_version": "7.0.15", "role": "master", "maxmemory_policy": "noeviction", "aof_enabled": "1", "aof_last_write_status": "ok",
	}
	old := map[string]string{
		"redis_version": "6.0.1", "role": "master", "maxmemory_policy": "noeviction", "aof_enabled": "0",
	}
	got := merge([]node{{addr: "b:1", info: old, timed: true, tried: true}, {addr: "a:1", info: healthy, fsync: "always", timed: true, tried: true}, {addr: "c:1", info: old, timed: true, tried: true}})
	states := map[string]State{}
	for _, f := range got {
		states[f.Name] = f.State
		if f.State != OK && !strings.HasPrefix(f.Detail, "b:1, c:1: ") {
			t.Errorf("%+v does not say whose it is", f)
		}
	}
	want := map[string]State{"version": Fail, "role": OK, "writes": OK, "eviction": OK, "persistence": Warn, "clock": OK}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Error(diff)
	}
	if all := merge([]node{{addr: "a:1", info: old}, {addr: "b:1", info: old}}); strings.Contains(all[0].Detail, "a:1") {
		t.Errorf("what all share is put on one: %+v", all[0])
	}
}

func TestAClusterThatIsDownFails(t *testing.T) {
	f := clusterState("cluster_state:fail\r\ncluster_slots_ok:10922\r\ncluster_size:3\r\ncluster_known_nodes:3\r\n", nil)
	if f.State != Fail || !strings.Contains(f.Detail, "10922 of 16384") {
		t.Errorf("got %+v", f)
	}
}
