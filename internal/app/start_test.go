package app_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// refusing is an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	return redistest.FreeAddress(t)
}

// hanging is an address where connections are taken and nothing is answered.
func hanging(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taken []net.Conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-ended
		for _, c := range taken {
			_ = c.Close()
		}
	})
	return ln.Addr().String()
}

func bucketAt(c *config.Config, addr string) {
	c.Storage.Bucket, c.Storage.Endpoint = "files", "http://"+addr
	c.Storage.AccessKey, c.Storage.AccessSecret = config.NewSecret("access"), config.NewSecret("secret")
}

// Whatever does not answer is named within five seconds, with the setting that
// leads there and what to do; the start is worth another try.
func TestAStartNamesWhatIsDownInTime(t *testing.T) {
	redisAt := func(scheme, path string) func(*config.Config, string) {
		return func(c *config.Config, addr string) { c.Redis.URL = config.NewSecret(scheme + addr + path) }
	}
	for name, c := range map[string]struct {
		set         func(c *config.Config, addr string)
		part, field string
	}{
		"redis":    {redisAt("redis://", ""), "redis", "REDIS_URL"},
		"sentinel": {redisAt("redis-sentinel://", "/main"), "redis", "REDIS_URL"},
		"cluster":  {redisAt("redis-cluster://", ""), "redis", "REDIS_URL"},
		"storage":  {bucketAt, "storage", "AWS_USER_FILES_BUCKET"},
		"provider": {func(c *config.Config, addr string) { c.Provider.BaseURL = "http://" + addr + "/v1" }, "provider", "REPLICATE_BASE_URL"},
		"webhooks": {func(c *config.Config, addr string) {
			c.Provider.BaseURL, c.HTTP.PublicURL = "http://"+addr+"/v1", "https://worker.test"
		}, "provider", "REPLICATE_BASE_URL"},
	} {
		for how, address := range map[string]func(*testing.T) string{"refuses": refusing, "hangs": hanging} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				cfg := quickSystem(t, redistest.Server(t)).config()
				c.set(&cfg, address(t))
				began := time.Now()
				down := failedStart(t, cfg)
				if took := time.Since(began); took >= 5*time.Second {
					t.Errorf("it took %v", took)
				}
				if down.Part != c.part || down.Field != c.field || down.Remedy == "" {
					t.Errorf("%+v does not say what is down", down)
				}
				if how == "refuses" && !strings.Contains(down.Problem, "connection refused") {
					t.Errorf("%q drops the cause", down.Problem)
				}
			})
		}
	}
}

// failedStart is why a worker with these settings does not start. The exit code
// is one after which systemd starts it again.
func failedStart(t *testing.T, cfg config.Config) *app.DownError {
	t.Helper()
	err := app.RunDeployed(t.Context(), cfg, zerolog.Nop(), nil)
	if code := cli.ExitCode(err); code != cli.ExitFailed {
		t.Errorf("exit code %d for %v", code, err)
	}
	var down *app.DownError
	if !errors.As(err, &down) {
		t.Fatalf("%v", err)
	}
	return down
}

// hung is a shared folder whose server is away: what is asked of it ends for no context.
type hung struct {
	storage.Store
	back chan struct{}
}

func (h hung) Check(context.Context) error { <-h.back; return nil }

func TestAStartDoesNotHangWithItsStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hung{storage.NewDirectory("/mounted"), make(chan struct{})}
		defer close(h.back)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := app.CheckStorage(ctx, h, config.Config{})
		var down *app.DownError
		if !errors.As(err, &down) || down.Field != "TRAINSET_OUT" || !strings.Contains(down.Problem, "/mounted") {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took >= 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A bucket that cannot be used may be so for each of its settings.
func TestABucketThatIsAwayNamesItsSettings(t *testing.T) {
	away := trying{storage.NewDirectory(t.TempDir()), errors.New("no answer")}
	err := app.CheckStorage(t.Context(), away, config.Config{Storage: config.Storage{Bucket: "b"}})
	var down *app.DownError
	if !errors.As(err, &down) {
		t.Fatal(err)
	}
	for _, setting := range []string{"AWS_ENDPOINT_URL_S3", "AWS_REGION", down.Field} {
		if !strings.Contains(down.Remedy, setting) {
			t.Errorf("%q does not name %s", down.Remedy, setting)
		}
	}
}

// trying is storage that fails when it is tried out.
type trying struct {
	storage.Store
	err error
}

func (s trying) Check(context.Context) error { return s.err }

// What another minute may mend ends a worker with 1: systemd does not start one
// again that ended with 2.
func TestWhatMayPassIsWorthAnotherStart(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(t *testing.T, c *config.Config)
		field string
	}{
		"a replica, just after a failover": {func(t *testing.T, c *config.Config) {
			t.Helper()
			host, port, _ := strings.Cut(redistest.Start(t).Addr, ":")
			c.Redis.URL = config.NewSecret("redis://" + redistest.Start(t, "replicaof "+host+" "+port).Addr)
		}, "REDIS_URL"},
		"a password that is being changed": {func(t *testing.T, c *config.Config) {
			t.Helper()
			c.Redis.URL = config.NewSecret("redis://:old@" + redistest.Start(t, "requirepass new").Addr)
		}, "REDIS_URL"},
		"a Redis that is full": {func(t *testing.T, c *config.Config) {
			t.Helper()
			c.Redis.URL = config.NewSecret("redis://" + redistest.Start(t, "maxmemory 1").Addr)
		}, "REDIS_URL"},
		"a busy HTTP port": {func(t *testing.T, c *config.Config) { t.Helper(); c.HTTP.Listen = hanging(t) }, "TRAINSET_HTTP_LISTEN"},
		"a folder that is not mounted": {func(t *testing.T, c *config.Config) {
			t.Helper()
			c.Storage.Out = filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(c.Storage.Out, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "TRAINSET_OUT"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quickSystem(t, redistest.Server(t)).config()
			c.set(t, &cfg)
			if down := failedStart(t, cfg); down.Field != c.field || down.Remedy == "" {
				t.Errorf("%+v", down)
			}
		})
	}
}

func TestARefusedTokenIsWorthAnotherStart(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		cfg := quickSystem(t, redistest.Server(t)).config()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		cfg.Provider.BaseURL = server.URL
		if down := failedStart(t, cfg); down.Field != "REPLICATE_API_TOKEN" || down.Remedy == "" {
			t.Errorf("%d: %+v", status, down)
		}
	}
}

// No finding about a server's state is about the settings alone.
func TestEachFindingIsWorthAnotherStart(t *testing.T) {
	for _, name := range []string{"version", "role", "writes", "persistence", "clock", "cluster", "nodes"} {
		r := redisconn.Report{Findings: []redisconn.Finding{
			{Name: name, State: redisconn.Fail, Detail: "is not as it must be", Remedy: "mend it"},
			{Name: "eviction", State: redisconn.Warn, Detail: "may lose something", Remedy: "set it"},
		}}
		err := app.Unfit(r)
		if err == nil || strings.Contains(err.Error(), "may lose") || !strings.Contains(err.Error(), "mend it") || cli.ExitCode(err) != cli.ExitFailed {
			t.Errorf("%s: exit %d, %v", name, cli.ExitCode(err), err)
		}
	}
	if err := app.Unfit(redisconn.Report{Findings: []redisconn.Finding{{Name: "clock", State: redisconn.OK}}}); err != nil {
		t.Error(err)
	}
}

// What is wrong without asking anyone ends a worker with 2.
func TestAWrongSettingIsNotWorthAnotherStart(t *testing.T) {
	for name, set := range map[string]func(c *config.Config){
		"a URL that is none":    func(c *config.Config) { c.Redis.URL = config.NewSecret("localhost") },
		"a bucket that is none": func(c *config.Config) { bucketAt(c, "127.0.0.1:1"); c.Storage.Bucket = "s3://files" },
	} {
		cfg := quickSystem(t, redistest.Any(t)).config()
		set(&cfg)
		if err := app.RunDeployed(t.Context(), cfg, zerolog.Nop(), nil); cli.ExitCode(err) != cli.ExitInput {
			t.Errorf("%s: exit %d, %v", name, cli.ExitCode(err), err)
		}
	}
}
