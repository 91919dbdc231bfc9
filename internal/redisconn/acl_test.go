package redisconn_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestDocumentedUserSuffices(t *testing.T) {
	n := redistest.Start(t)
	admin := n.Client(t)
	redistest.SetUser(t, admin, redistest.UserOfServer, "s3cret")
	rdb := open(t, "redis://trainset:s3cret@"+n.Addr+"/2")
	operate(t, rdb, exercise(t, rdb))
	l := ledger.New(rdb, ledger.Options{})
	if err := l.SignalCancel(t.Context(), request("x").JobID()); err != nil {
		t.Error(err)
	}
	attend(t, l)
	redistest.NothingDenied(t, admin)

	// It can neither read what is not ours nor the server's settings.
	if err := rdb.Get(t.Context(), "foreign").Err(); err == nil || errors.Is(err, redis.Nil) {
		t.Errorf("reading a foreign key: %v", err)
	}
	for _, cmd := range [][]any{{"flushall"}, {"keys", "*"}, {"config", "get", "requirepass"}, {"acl", "list"}} {
		if err := rdb.Do(t.Context(), cmd...).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%v: %v", cmd, err)
		}
	}
	if err := n.Client(t).ConfigSet(t.Context(), "appendonly", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	check(t, rdb, "server", map[string]redisconn.State{"persistence": redisconn.Unknown})
}

// attend does what a worker does to be seen by the others.
func attend(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() { defer close(left); l.Attend(ctx, "here") }()
	redistest.Await(t, "the worker is seen", func() bool {
		absent, err := l.Absent(t.Context(), "here", []string{"nobody"})
		return err == nil && len(absent) == 1
	})
	leave()
	<-left
}

// operate does to tasks what the dashboard and the recovery of tasks do.
func operate(t *testing.T, rdb redis.UniversalClient, w *worker) {
	t.Helper()
	w.process(t, "test:retry", "again")
	w.process(t, "test:plain", "unique", asynq.Unique(time.Minute))
	i, q := asynq.NewInspectorFromRedisClient(rdb), trainset.QueueControl
	later := func(id string) {
		if _, err := w.client.EnqueueContext(t.Context(), asynq.NewTask("test:plain", nil), asynq.Queue(q), asynq.TaskID(id), asynq.ProcessIn(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	later("a")
	later("b")
	info, err := i.GetQueueInfo(q)
	if err != nil || info.Scheduled != 2 {
		t.Errorf("queue %+v: %v", info, err)
	}
	list := func(_ []*asynq.TaskInfo, err error) error { return err }
	count := func(_ int, err error) error { return err }
	for name, err := range map[string]error{
		"archive": i.ArchiveTask(q, "a"), "run": i.RunTask(q, "a"), "delete": i.DeleteTask(q, "b"),
		"pause": i.PauseQueue(q), "unpause": i.UnpauseQueue(q), "cancel": i.CancelProcessing("nobody"),
		"pending": list(i.ListPendingTasks(q)), "active": list(i.ListActiveTasks(q)), "scheduled": list(i.ListScheduledTasks(q)),
		"retry": list(i.ListRetryTasks(q)), "archived": list(i.ListArchivedTasks(q)), "completed": list(i.ListCompletedTasks(q)),
		"archive all": count(i.ArchiveAllScheduledTasks(q)), "delete archived": count(i.DeleteAllArchivedTasks(q)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := i.History(q, 2); err != nil {
		t.Errorf("history: %v", err)
	}
	if _, err := i.Servers(); err != nil {
		t.Errorf("servers: %v", err)
	}
}

func TestDocumentedUserSufficesInACluster(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	nodes := redistest.Cluster(t)
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.Addr)
		redistest.SetUser(t, n.Client(t), redistest.UserOfServer, "s3cret")
		redistest.SetUser(t, n.Client(t), redistest.UserInCluster, "s3cret")
	}
	rdb := open(t, "redis-cluster://trainset:s3cret@"+strings.Join(addrs, ","))
	operate(t, rdb, exercise(t, rdb))
	attend(t, ledger.New(rdb, ledger.Options{}))
	for _, n := range nodes {
		redistest.NothingDenied(t, n.Client(t))
	}
	check(t, rdb, "cluster", map[string]redisconn.State{"persistence": redisconn.Warn})
}

// sourceCommands are the commands that asynq and our own packages can send, as
// their source says: in scripts, and by the methods of go-redis.
func sourceCommands(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}",
		"github.com/hibiken/asynq/internal/rdb", "../ledger", "../limit").Output()
	if err != nil {
		t.Skipf("go list does not work here: %v", err)
	}
	var files []string
	for dir := range strings.Lines(string(out)) {
		in, err := filepath.Glob(filepath.Join(strings.TrimSpace(dir), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, in...)
	}
	scripts := regexp.MustCompile(`redis\.p?call\(['"](\w+)`)
	methods := regexp.MustCompile(`(?:\br\.client|\brdb|\bp)\.([A-Z]\w*)\(ctx|(?:\br\.client)\.([A-Z]\w*)\(context`)
	seen := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range scripts.FindAllSubmatch(source, -1) {
			seen[strings.ToLower(string(m[1]))] = true
		}
		for _, m := range methods.FindAllSubmatch(source, -1) {
			seen[commandOf(string(m[1])+string(m[2]))] = true
		}
	}
	var commands []string
	for c := range seen {
		if c != "" && !strings.HasPrefix(c, "cluster") {
			commands = append(commands, c)
		}
	}
	return commands
}

// commandOf names the command of a method whose name says more than that.
func commandOf(method string) string {
	switch method {
	case "Pipelined", "TxPipelined":
		return ""
	case "ZAddNX", "ZAddXX":
		return "zadd"
	case "ZRangeArgs", "ZRangeArgsWithScores", "ZRangeWithScores":
		return "zrange"
	case "ZRevRangeWithScores":
		return "zrevrange"
	case "PubSubNumSub":
		return "pubsub|numsub"
	case "XRevRangeN":
		return "xrevrange"
	}
	return strings.ToLower(method)
}

func TestDocumentedUserHasNothingMore(t *testing.T) {
	want := append(sourceCommands(t),
		"ping", "select", "client|setname", "info", "time", // each connection, and Check
		"multi", "exec", "eval", "evalsha", // transactions and scripts
	)
	var got []string
	for _, w := range redistest.Documented(t, redistest.UserOfServer, "x") {
		if name, ok := strings.CutPrefix(w.(string), "+"); ok {
			if name == "memory|usage" {
				name = "memory"
			}
			got = append(got, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("docs/redis.md allows (+) or lacks (-):\n%s", diff)
	}
}
