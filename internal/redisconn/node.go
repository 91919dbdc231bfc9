package redisconn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// node is what one server tells of itself.
type node struct {
	addr   string
	info   map[string]string // nil when this user may not read it
	fsync  string            // appendfsync; empty when this user may not read it
	ahead  time.Duration     // our clock before the server's
	within time.Duration     // what the round trip leaves open of that
	timed  bool
	wrote  error // the answer to a write
	tried  bool  // whether there was one
}

// read asks one server. What it refuses is left out; not answering is an error.
func (c checker) read(ctx context.Context, rdb redis.Cmdable) (node, error) {
	var n node
	if one, ok := rdb.(*redis.Client); ok {
		n.addr = one.Options().Addr
	}
	text, err := rdb.Info(ctx).Result()
	if err == nil {
		n.info = fields(text)
	} else if !refused(err) {
		return n, fmt.Errorf("reading INFO: %w", err)
	}
	config, err := rdb.ConfigGet(ctx, "appendfsync").Result()
	if err != nil && !refused(err) {
		return n, fmt.Errorf("reading CONFIG: %w", err)
	}
	n.fsync = config["appendfsync"]
	before := c.now()
	theirs, err := rdb.Time(ctx).Result()
	if err != nil && !refused(err) {
		return n, fmt.Errorf("reading TIME: %w", err)
	}
	if err == nil {
		n.within = c.now().Sub(before) / 2
		n.ahead, n.timed = before.Add(n.within).Sub(theirs), true
	}
	if n.wrote, n.tried = write(ctx, rdb), true; n.wrote != nil && !refused(n.wrote) {
		return n, fmt.Errorf("writing: %w", n.wrote)
	}
	return n, nil
}

// refused reports whether the server answered, with a no.
func refused(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// fields reads the lines "name:value" of INFO and CLUSTER INFO.
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[name] = value
		}
	}
	return m
}

// findings judges a server. Their order and names are the same for every one.
func (n node) findings() []Finding {
	return []Finding{n.version(), n.role(), n.writes(), n.eviction(), n.persistence(), n.clock()}
}

func unknown(name string) Finding {
	return Finding{name, Unknown, "the server does not tell this user", "allow +info, or see to it yourself"}
}

func (n node) version() Finding {
	v, ok := n.info["redis_version"]
	if !ok {
		return unknown("version")
	}
	var major, minor int
	if _, err := fmt.Sscanf(v, "%d.%d", &major, &minor); err != nil {
		return Finding{"version", Unknown, "the server calls its version " + strconv.Quote(v), "see that it does what Redis 6.2 does"}
	}
	if major < 6 || major == 6 && minor < 2 {
		return Finding{"version", Fail, "the server is Redis " + v + ", and jobs are found with commands of 6.2", "upgrade it to 6.2 or later"}
	}
	return Finding{"version", OK, "Redis " + v, ""}
}

func (n node) role() Finding {
	switch role := n.info["role"]; role {
	case "":
		return unknown("role")
	case "master":
		return Finding{"role", OK, "primary with " + n.info["connected_slaves"] + " replicas", ""}
	default:
		return Finding{"role", Fail, "the server is a replica and takes no writes", toPrimary}
	}
}

func (n node) eviction() Finding {
	policy, ok := n.info["maxmemory_policy"]
	if !ok {
		return unknown("eviction")
	}
	most := n.info["maxmemory"]
	switch {
	case policy == "noeviction":
		return Finding{"eviction", OK, "nothing is evicted", ""}
	case most == "0":
		return Finding{"eviction", OK, "memory has no limit, so that nothing is evicted", ""}
	}
	return Finding{
		"eviction", Warn, "at " + most + " bytes the server drops keys by " + policy + ": a journal of paid calls among them, or half of a task",
		"set maxmemory-policy noeviction",
	}
}

func (n node) persistence() Finding {
	aof, ok := n.info["aof_enabled"]
	if !ok {
		return unknown("persistence")
	}
	f := Finding{Name: "persistence", State: Warn, Remedy: "set appendonly yes and appendfsync always"}
	switch {
	case aof != "1":
		f.Detail = "nothing is appended to disk: a restart forgets what was paid for since the last snapshot"
	case n.info["aof_last_write_status"] != "ok":
		f.State, f.Detail, f.Remedy = Fail, "the server cannot write its append-only file, and takes no writes", "look at its disk and its log"
	case n.fsync == "":
		f.State, f.Detail, f.Remedy = Unknown, "writes are appended to a file; how often it is synced the server does not tell this user",
			"set appendfsync always, and allow +config|get to have it checked"
	case n.fsync != "always":
		f.Detail, f.Remedy = "the append-only file is synced "+n.fsync+": a power cut forgets the last second or more", "set appendfsync always; a job writes less than once a second"
	default:
		f.State, f.Detail, f.Remedy = OK, "every write is synced to disk before it is acknowledged", ""
	}
	return f
}

// How far clocks may differ. Leases of tasks run by the workers' clocks: half a
// minute ahead, a worker takes the tasks of the living for those of the dead.
const (
	skewWarn = 2 * time.Second
	skewFail = 30 * time.Second
)

func (n node) clock() Finding {
	if !n.timed {
		return Finding{"clock", Unknown, "the server does not tell this user its time", "allow +time"}
	}
	skew, way := n.ahead, "ahead of"
	if skew < 0 {
		skew, way = -skew, "behind"
	}
	detail := fmt.Sprintf("this clock is %v %s the server's", skew.Round(time.Millisecond), way)
	switch certain := skew - n.within; {
	case certain >= skewFail:
		return Finding{"clock", Fail, detail + ", so that tasks under way look lost", "set both by NTP"}
	case certain >= skewWarn:
		return Finding{"clock", Warn, detail, "set both by NTP"}
	}
	return Finding{"clock", OK, detail, ""}
}

// merge reports each finding once for all nodes: the worst, and whose it is.
func merge(nodes []node) []Finding {
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.addr, b.addr) })
	var merged []Finding
	who := map[string][]string{} // addresses by finding and detail
	for _, n := range nodes {
		for i, f := range n.findings() {
			who[f.Name+f.Detail] = append(who[f.Name+f.Detail], n.addr)
			switch {
			case i == len(merged):
				merged = append(merged, f)
			case severity[f.State] > severity[merged[i].State]:
				merged[i] = f
			}
		}
	}
	for i, f := range merged {
		if whose := who[f.Name+f.Detail]; f.State != OK && len(whose) < len(nodes) {
			merged[i].Detail = strings.Join(whose, ", ") + ": " + f.Detail
		}
	}
	return merged
}
