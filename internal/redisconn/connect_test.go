package redisconn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
)

const patience = 20 * time.Second

func open(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	rdb, err := redisconn.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func request(key string) trainset.ActorRequest {
	return trainset.ActorRequest{
		Options: trainset.Options{Version: 1, User: "ada", Key: key}, Actor: "zara",
		Portrait: trainset.Reference{URL: "https://example.org/p.png"},
	}.WithDefaults()
}

// worker is an asynq server that tells of each task it processes.
type worker struct {
	client *asynq.Client
	server *asynq.Server
	done   chan string
}

type silent struct{ asynq.Logger }

func (silent) Debug(...any)   {}
func (silent) Info(...any)    {}
func (silent) Warn(...any)    {}
func (silent) Error(...any)   {}
func (silent) Fatal(v ...any) { log.Panic(v...) }

func startWorker(t *testing.T, rdb redis.UniversalClient) *worker {
	t.Helper()
	w := &worker{client: asynq.NewClientFromRedisClient(rdb), done: make(chan string, 100)}
	w.server = asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 4, Queues: map[string]int{trainset.QueueControl: 1}, Logger: silent{},
		TaskCheckInterval: 10 * time.Millisecond, DelayedTaskCheckInterval: 50 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 0 },
	})
	err := w.server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		if n, _ := asynq.GetRetryCount(ctx); n == 0 && task.Type() == "test:retry" {
			return fmt.Errorf("once more")
		}
		w.done <- string(task.Payload())
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.server.Shutdown)
	return w
}

// process hands a task over and waits until it was processed.
func (w *worker) process(t *testing.T, kind, body string, o ...asynq.Option) {
	t.Helper()
	o = append([]asynq.Option{asynq.Queue(trainset.QueueControl), asynq.Retention(time.Hour)}, o...)
	redistest.Await(t, "a task is enqueued", func() bool {
		_, err := w.client.EnqueueContext(t.Context(), asynq.NewTask(kind, []byte(body)), o...)
		if err != nil {
			t.Logf("enqueueing again: %v", err)
		}
		return err == nil
	})
	for {
		select {
		case got := <-w.done:
			if got == body {
				return
			}
		case <-time.After(patience):
			t.Fatalf("task %q was not processed", body)
		}
	}
}

// roundTrip records a job and reads it back.
func roundTrip(t *testing.T, rdb redis.UniversalClient, key string) {
	t.Helper()
	l, req := ledger.New(rdb, ledger.Options{}), request(key)
	if _, created, err := l.Create(t.Context(), req); err != nil || !created {
		t.Fatalf("creating: %v, %v", created, err)
	}
	r, err := l.Load(t.Context(), req.JobID())
	if err != nil || r.State != trainset.JobQueued || r.User != "ada" {
		t.Fatalf("loaded %+v, %v", r, err)
	}
	recent, err := l.Recent(t.Context(), "ada", 100)
	if err != nil || !slices.Contains(recent, req.JobID()) {
		t.Fatalf("recent jobs are %v, %v", recent, err)
	}
}

// exercise is what each kind of server must allow: the queue, the ledger, the
// limits and the producers' client. The worker that it returns is still running.
func exercise(t *testing.T, rdb redis.UniversalClient) *worker {
	t.Helper()
	w := startWorker(t, rdb)
	w.process(t, "test:plain", "a task")
	for i := range 10 { // in a cluster, jobs live on different nodes
		roundTrip(t, rdb, fmt.Sprint("job ", i))
	}
	g := limit.New(rdb, "account", limit.Options{PerMinute: 60_000})
	defer g.Close()
	if err := g.Permit(t.Context(), "ada"); err != nil {
		t.Errorf("permit: %v", err)
	}
	c := client.FromRedis(rdb)
	job, err := c.EnqueueActor(t.Context(), request("by the client"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Cancel(t.Context(), job.ID); err != nil {
		t.Errorf("canceling: %v", err)
	}
	for job, err := range c.Watch(t.Context(), job.ID) {
		if err != nil || job.ID == "" {
			t.Errorf("watched %+v, %v", job, err)
		}
		break
	}
	return w
}

// check fails on any finding that is worse than expected for a name.
func check(t *testing.T, rdb redis.UniversalClient, mode string, want map[string]redisconn.State) {
	t.Helper()
	r, err := redisconn.Check(t.Context(), rdb)
	if err != nil {
		t.Fatal(err)
	}
	if r.Mode != mode {
		t.Errorf("mode is %s, want %s", r.Mode, mode)
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		seen[f.Name] = true
		expected := redisconn.OK
		if s, ok := want[f.Name]; ok {
			expected = s
		}
		if f.State != expected {
			t.Errorf("%s is %s (%s), want %s", f.Name, f.State, f.Detail, expected)
		}
		if (f.State == redisconn.OK) != (f.Remedy == "") || f.Detail == "" {
			t.Errorf("%+v lacks a detail or a remedy", f)
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("nothing was found about %s", name)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	rdb := open(t, "unix://"+redistest.Server(t).Options().Addr+"?db=3")
	exercise(t, rdb)
	check(t, rdb, "server", map[string]redisconn.State{"persistence": redisconn.Warn})
}

func TestPassword(t *testing.T) {
	const password = "p@ss/wörd?#%"
	n := redistest.Start(t, `requirepass "`+password+`"`, "appendonly yes", "appendfsync always", "maxmemory 100mb", "maxmemory-policy noeviction")
	rdb := open(t, "redis://:"+url.PathEscape(password)+"@"+n.Addr+"/1")
	exercise(t, rdb)
	check(t, rdb, "server", nil)

	for url, problem := range map[string]string{"redis://:wrong@" + n.Addr: "refuses", "redis://" + n.Addr: "wants one"} {
		_, err := redisconn.Check(t.Context(), open(t, url))
		if err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "wrong@") {
			t.Errorf("%s: got %v; want %q", url, err, problem)
		}
	}
}

// trusting is what a URL needs for the servers of an authority: it, and a
// certificate of ours.
func trusting(t *testing.T, a *redistest.Authority) (ca, mine string) {
	t.Helper()
	cert, key := a.Issue(t, "ours")
	return "ca=" + a.CA, "cert=" + cert + "&key=" + key
}

func TestTLSNeedsTheAuthorityAndACertificate(t *testing.T) {
	a := redistest.NewAuthority(t)
	server := "rediss://" + redistest.TLS(t, a).Addr + "?"
	ca, mine := trusting(t, a)
	rdb := open(t, server+ca+"&"+mine)
	exercise(t, rdb)
	check(t, rdb, "server", map[string]redisconn.State{"persistence": redisconn.Warn})

	if _, err := redisconn.Check(t.Context(), open(t, server+"tls=skip-verify&"+mine)); err != nil {
		t.Errorf("without verification: %v", err)
	}
	for name, url := range map[string]string{
		"an unknown authority": server + mine,
		"no certificate":       server + ca,
		"another name":         server + "server_name=other.test&" + ca + "&" + mine,
	} {
		_, err := redisconn.Check(t.Context(), open(t, url))
		var field *trainset.FieldError
		if !errors.As(err, &field) || !strings.Contains(field.Problem, "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that misses a certificate may be gone before what it says of that is read.
func TestTLSThatIsCutOffMayWantACertificate(t *testing.T) {
	a := redistest.NewAuthority(t)
	ca, mine := trusting(t, a)
	pair, err := tls.LoadX509KeyPair(a.Issue(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			accepted, err := ln.Accept()
			if err != nil {
				return
			}
			if c, ok := accepted.(*tls.Conn); ok && c.HandshakeContext(t.Context()) == nil {
				_ = c.NetConn().Close()
			}
		}
	}()
	server := "rediss://" + ln.Addr().String() + "?"
	var field *trainset.FieldError
	if _, err := redisconn.Check(t.Context(), open(t, server+ca)); !errors.As(err, &field) || !strings.Contains(field.Remedy, "cert=") {
		t.Errorf("without a certificate: %v", err)
	} else if strings.Count(err.Error(), field.Problem) != 1 {
		t.Errorf("it says twice: %v", err)
	}
	if _, err := redisconn.Check(t.Context(), open(t, server+ca+"&"+mine)); err == nil || errors.As(err, &field) {
		t.Errorf("with one: %v", err)
	}
}

func TestTLSCluster(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	a := redistest.NewAuthority(t)
	nodes := redistest.TLSCluster(t, a)
	ca, mine := trusting(t, a)
	rdb := open(t, "rediss-cluster://"+nodes[2].Addr+"?"+ca+"&"+mine)
	exercise(t, rdb)
	check(t, rdb, "cluster", map[string]redisconn.State{"persistence": redisconn.Warn})
}

func TestTLSSentinel(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	a := redistest.NewAuthority(t)
	s := redistest.Sentinel(t, redistest.Guards{TLS: a})
	ca, mine := trusting(t, a)
	rdb := open(t, "rediss-sentinel://"+s.Sentinels[0].Addr+","+s.Sentinels[1].Addr+"/"+s.Name+"/1?"+ca+"&"+mine)
	exercise(t, rdb)
	check(t, rdb, "sentinel", map[string]redisconn.State{"persistence": redisconn.Warn, "replicas": redisconn.Warn})

	s.Sentinels[1].Kill()
	check(t, rdb, "sentinel", map[string]redisconn.State{
		"persistence": redisconn.Warn, "replicas": redisconn.Warn, "sentinel": redisconn.Warn,
	})
}

// A server that waits for more, as Redis does when it is spoken TLS to, must
// not hold a command beyond its deadline.
func TestDeadlineEndsAHandshake(t *testing.T) {
	n := redistest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := redisconn.Check(ctx, open(t, "rediss://"+n.Addr)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestCluster(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	nodes := redistest.Cluster(t, "appendonly yes", "appendfsync always")
	rdb := open(t, "redis-cluster://"+nodes[0].Addr+","+nodes[1].Addr)
	exercise(t, rdb)
	check(t, rdb, "cluster", map[string]redisconn.State{"cluster": redisconn.OK})

	if err := nodes[1].Client(t).ConfigSet(t.Context(), "appendfsync", "no").Err(); err != nil {
		t.Fatal(err)
	}
	r, err := redisconn.Check(t.Context(), rdb)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Name == "persistence" && (f.State != redisconn.Warn || !strings.HasPrefix(f.Detail, nodes[1].Addr+": ")) {
			t.Errorf("one node that does not sync is reported as %+v", f)
		}
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	p := redistest.Guards{Server: "server-pw", Sentinel: "sentinel-pw"}
	s := redistest.Sentinel(t, p)
	for _, n := range []*redistest.Node{s.Primary, s.Replica} { // ACLs are not replicated
		redistest.SetUser(t, admin(t, n, p.Server), redistest.UserOfServer, "a")
	}
	var addrs []string
	for _, n := range s.Sentinels {
		addrs = append(addrs, n.Addr)
		redistest.SetUser(t, admin(t, n, p.Sentinel), redistest.UserOfSentinel, "b")
	}
	rdb := open(t, "redis-sentinel://trainset:a@"+strings.Join(addrs, ",")+"/"+s.Name+"?sentinel_username=trainset-sentinel&sentinel_password=b")
	check(t, rdb, "sentinel", map[string]redisconn.State{"persistence": redisconn.Warn, "replicas": redisconn.Warn, "sentinel": redisconn.OK})
	w := startWorker(t, rdb)
	w.process(t, "test:plain", "before")
	roundTrip(t, rdb, "before")

	// A watcher's word is the signal; what was written must have reached the replica.
	watcher := redis.NewSentinelClient(&redis.Options{Addr: addrs[0], Password: p.Sentinel})
	t.Cleanup(func() { _ = watcher.Close() })
	switched := watcher.Subscribe(t.Context(), "+switch-master")
	t.Cleanup(func() { _ = switched.Close() })
	if _, err := switched.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	primary := admin(t, s.Primary, p.Server)
	redistest.Await(t, "the replica has everything", func() bool {
		info := primary.Info(t.Context(), "replication").Val()
		return strings.Contains(info, "state=online") && offset(info, "master_repl_offset:") == offset(info, ",offset=")
	})
	s.Primary.Kill()
	select {
	case <-switched.Channel():
	case <-time.After(patience):
		t.Fatal("the sentinels did not fail over")
	}

	w.process(t, "test:plain", "after")
	if r, err := ledger.New(rdb, ledger.Options{}).Load(t.Context(), request("before").JobID()); err != nil || r.User != "ada" {
		t.Errorf("the job from before: %+v, %v", r, err)
	}
	roundTrip(t, rdb, "after")
	check(t, rdb, "sentinel", map[string]redisconn.State{"persistence": redisconn.Warn, "replicas": redisconn.Warn})
	redistest.NothingDenied(t, admin(t, s.Replica, p.Server))
	for _, n := range s.Sentinels {
		redistest.NothingDenied(t, admin(t, n, p.Sentinel))
	}
}

// admin connects as the default user.
func admin(t *testing.T, n *redistest.Node, password string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: n.Addr, Password: password})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// offset is the number that follows a mark in INFO.
func offset(info, mark string) string {
	_, after, _ := strings.Cut(info, mark)
	return after[:strings.IndexFunc(after+" ", func(r rune) bool { return r < '0' || r > '9' })]
}

// What a server answers to a URL that is not its own says what is wrong with that.
func TestAWrongURLIsExplained(t *testing.T) {
	plain, locked := redistest.Start(t).Addr, redistest.Start(t, "requirepass right").Addr
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for name, c := range map[string]struct{ url, problem string }{
		"database": {"redis://" + plain + "/99", "names a database that the server does not have"},
		"cluster":  {"redis-cluster://" + plain, "is written for a cluster"},
		"sentinel": {"redis-sentinel://" + plain + "/primary", "is written for sentinels"},
		"password": {"redis://:wrong@" + locked, "has a user or password that the server refuses"},
		"none":     {"redis://" + locked, "has no password"},
		"web":      {"redis://" + web.Listener.Addr().String(), "leads to an HTTP server"},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := open(t, c.url)
			var field *trainset.FieldError
			if err := redisconn.Answers(t.Context(), rdb); !errors.As(err, &field) || field.Field != "REDIS_URL" || !strings.Contains(field.Problem, c.problem) || field.Remedy == "" {
				t.Errorf("%v, want %q", err, c.problem)
			}
			if _, err := redisconn.Check(t.Context(), rdb); !errors.As(err, &field) || !strings.Contains(field.Problem, c.problem) {
				t.Errorf("checked: %v, want %q", err, c.problem)
			}
		})
	}
}

// A server that has enough clients says so and hangs up, and which of the two is
// noticed is chance.
func TestAServerThatHasEnoughClientsIsExplained(t *testing.T) {
	node := redistest.Start(t)
	admin := node.Client(t)
	if err := admin.ConfigSet(t.Context(), "maxclients", "1").Err(); err != nil {
		t.Fatal(err)
	}
	err := redisconn.Answers(t.Context(), open(t, "redis://"+node.Addr))
	if err == nil || !strings.Contains(err.Error(), "maxclients") {
		t.Errorf("error %v", err)
	}
}

// A server without TLS waits for more of what it is sent.
func TestALackOfTLSIsGuessed(t *testing.T) {
	rdb := open(t, "rediss://"+redistest.Start(t).Addr)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := redisconn.Answers(ctx, rdb); err == nil || !strings.Contains(err.Error(), "write redis:// instead") {
		t.Errorf("TLS to a server without: %v", err)
	}
}
