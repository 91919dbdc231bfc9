package redisconn_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/redistest"
)

// where is what a URL decides, without what every connection has in common.
type where struct {
	Addrs                          []string
	User, Password                 string
	DB                             int
	Primary, SentinelUser, SentPwd string
	Cluster, TLS                   bool
}

func whereOf(o *redis.UniversalOptions) where {
	return where{
		o.Addrs, o.Username, o.Password, o.DB, o.MasterName, o.SentinelUsername, o.SentinelPassword,
		o.IsClusterMode, o.TLSConfig != nil,
	}
}

func TestFormsOfTheURL(t *testing.T) {
	for given, want := range map[string]where{
		"redis://localhost":                      {Addrs: []string{"localhost:6379"}},
		"REDIS://localhost/":                     {Addrs: []string{"localhost:6379"}},
		"redis://10.0.0.1:7000/3":                {Addrs: []string{"10.0.0.1:7000"}, DB: 3},
		"redis://h?db=4":                         {Addrs: []string{"h:6379"}, DB: 4},
		"redis://[::1]":                          {Addrs: []string{"[::1]:6379"}},
		"redis://[fe80::1]:7000":                 {Addrs: []string{"[fe80::1]:7000"}},
		"redis://:pw@h":                          {Addrs: []string{"h:6379"}, Password: "pw"},
		"redis://ada:p%40%2F%3Aw+@my_redis:1/2":  {Addrs: []string{"my_redis:1"}, User: "ada", Password: "p@/:w+", DB: 2},
		"redis://ada:a:b@c@h":                    {Addrs: []string{"h:6379"}, User: "ada", Password: "a:b@c"},
		"rediss://h:6380/0":                      {Addrs: []string{"h:6380"}, TLS: true},
		"rediss://h?tls=skip-verify":             {Addrs: []string{"h:6379"}, TLS: true},
		"unix:///run/redis.sock":                 {Addrs: []string{"/run/redis.sock"}},
		"unix://ada:pw@/run/a%20b.sock?db=2":     {Addrs: []string{"/run/a b.sock"}, User: "ada", Password: "pw", DB: 2},
		"unix:///run/@redis.sock":                {Addrs: []string{"/run/@redis.sock"}},
		"redis-sentinel://s1,s2:7,[::1]/prim/5":  {Addrs: []string{"s1:26379", "s2:7", "[::1]:26379"}, Primary: "prim", DB: 5},
		"redis-sentinel://u:p@s1/my%20primary":   {Addrs: []string{"s1:26379"}, User: "u", Password: "p", Primary: "my primary"},
		"rediss-sentinel://s1/m":                 {Addrs: []string{"s1:26379"}, Primary: "m", TLS: true},
		"redis-cluster://n1,n2:7000":             {Addrs: []string{"n1:6379", "n2:7000"}, Cluster: true},
		"redis-cluster://u:p@n1/0":               {Addrs: []string{"n1:6379"}, User: "u", Password: "p", Cluster: true},
		"rediss-cluster://n1?server_name=r.test": {Addrs: []string{"n1:6379"}, Cluster: true, TLS: true},
		"redis-sentinel://s/m?sentinel_username=w&sentinel_password=x%26": {
			Addrs: []string{"s:26379"}, Primary: "m", SentinelUser: "w", SentPwd: "x&",
		},
	} {
		o, err := redisconn.Parse(given)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if diff := cmp.Diff(want, whereOf(o)); diff != "" {
			t.Errorf("%s:\n%s", given, diff)
		}
		// The settings are checked before anything connects: they must not refuse what works.
		c := config.Default()
		c.Redis.URL = config.NewSecret(given)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: the configuration refuses it: %v", given, err)
		}
	}
}

func TestWrongURLsAreFieldErrors(t *testing.T) {
	a := redistest.NewAuthority(t)
	cert, key := a.Issue(t, "one")
	_, other := a.Issue(t, "other")
	locked := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(locked, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for given, problem := range map[string]string{
		"":                                          "no URL",
		"hunter2":                                   "no URL",
		"localhost:6379":                            "no URL",
		"http://host":                               "no URL",
		"redis:/host":                               "no URL",
		"redis://":                                  "lacks the name",
		"redis:///0":                                "lacks the name",
		"redis://:6379":                             "lacks the name",
		"redis://a b":                               "lacks the name",
		"redis://::1":                               "lacks the name",
		"redis://[::1":                              "in brackets",
		"redis://[hunter2]":                         "in brackets",
		"redis://[::1]x:6379":                       "in brackets",
		"redis://h:0":                               "port",
		"redis://h:65536":                           "port",
		"redis://h:hunter2":                         "port",
		"redis://h:":                                "port",
		"redis://h1,h2":                             "several hosts",
		"redis://h/hunter2":                         "one database",
		"redis://h/-1":                              "one database",
		"redis://h/0/1":                             "one database",
		"redis://h/0?db=1":                          "one database",
		"redis://ada@h":                             "without a password",
		"redis://ada:@h":                            "without a password",
		"redis://:%zzhunter2@h":                     "password that is not percent-encoded",
		"redis://hunter2%:x@h":                      "user name that is not percent-encoded",
		"redis://:hunter2/@h":                       "slash before its @",
		"redis://:hunter2?x@h":                      "",
		"redis://:hun#ter2@h":                       "#",
		"redis://h?hunter2=1":                       "not known",
		"redis://h?sentinel_password=hunter2":       "not known",
		"redis://h?%zz=hunter2":                     "cannot be read",
		"redis://h?pool_size=1&pool_size=2":         "twice",
		"redis://h?pool_size=1":                     "pool_size",
		"redis://h?pool_size=hunter2":               "pool_size",
		"redis://h?dial_timeout=hunter2":            "dial_timeout",
		"redis://h?read_timeout=0s":                 "read_timeout",
		"redis://h?client_name=a%20hunter2":         "client_name",
		"redis://h?tls=skip-verify":                 "does not use it",
		"redis://h?ca=" + a.CA:                      "does not use it",
		"rediss://h?tls=hunter2":                    "skip-verify",
		"rediss://h?tls=":                           "skip-verify",
		"rediss://h?tls=skip-verify&ca=" + a.CA:     "verification that needs it",
		"rediss://h?ca=/hunter2/none":               "does not exist",
		"rediss://h?ca=" + locked:                   "holds no certificate",
		"rediss://h?cert=" + cert:                   "one of cert and key",
		"rediss://h?cert=" + cert + "&key=" + other: "belong together",
		"rediss://h?cert=" + cert + "&key=/hunter2": "does not exist",
		"rediss://h?cert=/hunter2&key=" + key:       "does not exist",
		"unix://":                                   "names no socket",
		"unix:///":                                  "names no socket",
		"unix://run/redis.sock":                     "names no socket",
		"unix:///a%zz":                              "path that is not percent-encoded",
		"redis-sentinel://s1,s2":                    "which primary",
		"redis-sentinel://s1/m/x":                   "one database",
		"redis-sentinel://s1/%zz":                   "primary's name",
		"redis-sentinel://s1/m?sentinel_username=hunter2": "without a sentinel_password",
		"redis-cluster://n1/1":                            "only 0",
		"redis-cluster://n1,,n2":                          "lacks the name",
	} {
		_, err := redisconn.Open(given)
		var field *trainset.FieldError
		if !errors.As(err, &field) || field.Field != "REDIS_URL" || field.Remedy == "" || !strings.Contains(field.Problem, problem) {
			t.Errorf("%q: got %v; want %q", given, err, problem)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q is quoted: %v", given, err)
		}
	}
}

func TestCredentialsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := where{
			Addrs: []string{"h:6379"}, User: rapid.String().Draw(t, "user"), Password: rapid.StringN(1, -1, -1).Draw(t, "password"),
			DB: rapid.IntRange(0, 65535).Draw(t, "db"),
		}
		given := fmt.Sprintf("redis://%s@h/%d", url.UserPassword(want.User, want.Password), want.DB)
		o, err := redisconn.Parse(given)
		if err != nil {
			t.Fatalf("%q: %v", given, err)
		}
		if diff := cmp.Diff(want, whereOf(o)); diff != "" {
			t.Fatalf("%q:\n%s", given, diff)
		}
	})
}

// Whatever is wrong with a URL, and wherever the password ended up in it.
func TestNoErrorShowsThePassword(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"redis", "rediss", "unix", "redis-sentinel", "redis-cluster", "://", "/", ":", "@", "?", "&", "=", "#", "%", ",", "[", "]", "h", "0",
		"ca", "cert", "key", "db", "tls", "pool_size", "client_name", "sentinel_username", "s3cret", "s3cret", " ", "\x00",
	})
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SampledFrom([]string{"", "redis://", "rediss://", "redis-sentinel://"}).Draw(t, "start") +
			strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), "")
		_, err := redisconn.Parse(given)
		if err == nil {
			return
		}
		var field *trainset.FieldError
		if !errors.As(err, &field) || strings.Contains(err.Error(), "s3cret") {
			t.Fatalf("%q: %v", given, err)
		}
	})
}

func TestOptionsReplaceDefaults(t *testing.T) {
	plain, err := redisconn.Parse("redis://h")
	if err != nil {
		t.Fatal(err)
	}
	if plain.PoolSize != 50 || plain.ClientName != "trainset" || !plain.ContextTimeoutEnabled || plain.DialTimeout != 3*time.Second {
		t.Errorf("defaults are %+v", plain)
	}
	o, err := redisconn.Parse("redis://h?pool_size=5&dial_timeout=1s&read_timeout=2s&client_name=me")
	if err != nil {
		t.Fatal(err)
	}
	if o.PoolSize != 5 || o.MaxIdleConns != 5 || o.DialTimeout != time.Second || o.ReadTimeout != 2*time.Second ||
		o.WriteTimeout != 2*time.Second || o.ClientName != "me" {
		t.Errorf("got %+v", o)
	}
}

func TestTLSVerifiesUnlessToldNotTo(t *testing.T) {
	a := redistest.NewAuthority(t)
	cert, key := a.Issue(t, "me")
	o, err := redisconn.Parse("rediss://h?server_name=r.test&ca=" + a.CA + "&cert=" + cert + "&key=" + key)
	if err != nil {
		t.Fatal(err)
	}
	if c := o.TLSConfig; c.InsecureSkipVerify || c.RootCAs == nil || len(c.Certificates) != 1 || c.ServerName != "r.test" {
		t.Errorf("got %+v", c)
	}
	if o, err = redisconn.Parse("rediss://h?tls=skip-verify"); err != nil || !o.TLSConfig.InsecureSkipVerify {
		t.Errorf("got %+v, %v", o, err)
	}
}
