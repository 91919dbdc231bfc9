package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func dotenv(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadOfNothingIsDefault(t *testing.T) {
	got, err := Load(nil, filepath.Join(t.TempDir(), "missing"))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Provider:    Provider{PerMinute: 600, MaxAttempts: 5},
		Storage:     Storage{Out: "out"},
		Money:       Money{MaxOpenJobs: 40},
		Judge:       Judge{Kind: "replicate"},
		Log:         Log{Level: "warn", Format: "console"},
		Concurrency: 600,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadReadsEveryVariable(t *testing.T) {
	given := []string{
		"REPLICATE_API_TOKEN=r8_abc", "REPLICATE_BASE_URL=http://127.0.0.1:8091/v1", "TRAINSET_RATE_PER_MINUTE=60",
		"TRAINSET_MODEL=owner/name", "TRAINSET_MAX_ATTEMPTS=2", "REDIS_URL=rediss://u:p@host:6379/1", "TRAINSET_OUT=/data",
		"ALLOW_PRIVATE_HOSTS=true", "LOG_LEVEL=debug", "LOG_FORMAT=json", "TRAINSET_DEBUG_DIR=/tmp/d", "TRAINSET_CONCURRENCY=7",
		"AWS_USER_FILES_BUCKET=files", "TRAINSET_S3_PREFIX=a/b", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=us-east-2",
		"AWS_ENDPOINT_URL_S3=http://s3:7070", "TRAINSET_S3_PATH_STYLE=false", "AWS_ACCESS_KEY=a1", "AWS_ACCESS_SECRET=s1",
		"AWS_ACCESS_KEY_ID=a2", "AWS_SECRET_ACCESS_KEY=s2", "AWS_SESSION_TOKEN=t2",
		"TRAINSET_HTTP_LISTEN=:8080", "TRAINSET_HTTP_TOKEN=sixteen-or-more-h", "TRAINSET_DASHBOARD_WRITE=true", "PUBLIC_URL=https://w.example/hooks",
		"MAX_COST_PER_USER_PER_DAY=$2.50", "TRAINSET_MAX_OPEN_JOBS_PER_USER=3",
		"OPENAI_API_KEY=sk-1", "OPENAI_BASE_URL=https://ai.example/v1", "TRAINSET_JUDGE=openai", "TRAINSET_JUDGE_MODEL=gpt-4o", "TRAINSET_JUDGE_PRICE=0.02",
		"TRAINSET_SIMULATE=true", "UNRELATED=1", "=C:=odd",
	}
	got, err := Load(given, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Provider: Provider{
			Token: NewSecret("r8_abc"), BaseURL: "http://127.0.0.1:8091/v1", PerMinute: 60, Model: "owner/name", MaxAttempts: 2,
			Simulate: true,
		},
		Redis: Redis{URL: NewSecret("rediss://u:p@host:6379/1")}, AllowPrivateHosts: true,
		Storage: Storage{
			Out: "/data", Bucket: "files", Prefix: "a/b", Region: "eu-west-1", DefaultRegion: "us-east-2", Endpoint: "http://s3:7070",
			PathStyle: new(bool), AccessKey: NewSecret("a1"), AccessSecret: NewSecret("s1"),
			KeyID: NewSecret("a2"), KeySecret: NewSecret("s2"), SessionToken: NewSecret("t2"),
		},
		HTTP:  HTTP{Listen: ":8080", AccessToken: NewSecret("sixteen-or-more-h"), DashboardWrite: true, PublicURL: "https://w.example/hooks"},
		Money: Money{PerUserDay: 2_500_000, MaxOpenJobs: 3},
		Judge: Judge{Kind: "openai", JudgeModel: "gpt-4o", Price: 20_000, OpenAIKey: NewSecret("sk-1"), OpenAIBaseURL: "https://ai.example/v1", Given: true},
		Log:   Log{Level: "debug", Format: "json"}, DebugDir: "/tmp/d", Concurrency: 7,
	}
	for _, v := range Variables() {
		if !strings.Contains(fmt.Sprint(given), v.Name+"=") {
			t.Errorf("%s is not read here", v.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentWinsOverDotenv(t *testing.T) {
	path := dotenv(t, "TRAINSET_OUT=file\nLOG_LEVEL=\"info\" # comment\nREPLICATE_API_TOKEN=r8_file\n")
	got, err := Load([]string{"TRAINSET_OUT= real \r", "REPLICATE_API_TOKEN="}, path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Storage.Out != "real" || got.Log.Level != "info" {
		t.Errorf("out %q, level %q; want real, info", got.Storage.Out, got.Log.Level)
	}
	if got.Provider.Token.IsSet() {
		t.Error("a token that the environment empties was read from the file")
	}
}

// fieldErrors fails unless err is a flat join of field errors.
func fieldErrors(t *testing.T, err error) []string {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is no join", err)
	}
	var fields []string
	for _, one := range joined.Unwrap() {
		var field *trainset.FieldError
		if !errors.As(one, &field) {
			t.Fatalf("%v is no field error", one)
		}
		if field.Problem == "" || field.Remedy == "" {
			t.Errorf("%+v lacks a problem or a remedy", field)
		}
		fields = append(fields, field.Field)
	}
	return fields
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	path := dotenv(t, "TRAINSET_MAX_ATTEMPTS=0\nTRAINSET_MODEL=flux\n")
	_, err := Load([]string{
		"REPLICATE_API_TOKEN=r8 hidden", "REPLICATE_BASE_URL=ftp://x", "TRAINSET_RATE_PER_MINUTE=many", "REDIS_URL=http://hidden@x",
		"ALLOW_PRIVATE_HOSTS=perhaps", "LOG_LEVEL=loud", "LOG_FORMAT=xml", "TRAINSET_CONCURRENCY=100000",
		"AWS_USER_FILES_BUCKET=s3://hidden/x", "TRAINSET_S3_PREFIX=/a", "AWS_ENDPOINT_URL_S3=http://u:hidden@host", "TRAINSET_S3_PATH_STYLE=x",
		"AWS_ACCESS_KEY=hidden", "AWS_SECRET_ACCESS_KEY=hidden", "TRAINSET_HTTP_LISTEN=8080", "TRAINSET_HTTP_TOKEN=hidden by a long text",
		"TRAINSET_DASHBOARD_WRITE=x", "PUBLIC_URL=http://w.example", "MAX_COST_PER_USER_PER_DAY=0", "TRAINSET_MAX_OPEN_JOBS_PER_USER=-1",
		"TRAINSET_JUDGE=openai", "TRAINSET_JUDGE_MODEL=a b", "OPENAI_BASE_URL=http://ai.example", "TRAINSET_SIMULATE=x",
	}, path)
	got := fieldErrors(t, err)
	want := []string{
		"TRAINSET_RATE_PER_MINUTE", "ALLOW_PRIVATE_HOSTS", "REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "TRAINSET_MODEL",
		"TRAINSET_MAX_ATTEMPTS", "REDIS_URL", "LOG_LEVEL", "LOG_FORMAT", "TRAINSET_CONCURRENCY",
		"AWS_USER_FILES_BUCKET", "TRAINSET_S3_PREFIX", "AWS_ENDPOINT_URL_S3", "TRAINSET_S3_PATH_STYLE", "AWS_ACCESS_SECRET",
		"AWS_ACCESS_KEY_ID", "TRAINSET_HTTP_LISTEN", "TRAINSET_HTTP_TOKEN", "TRAINSET_DASHBOARD_WRITE", "PUBLIC_URL",
		"MAX_COST_PER_USER_PER_DAY", "TRAINSET_MAX_OPEN_JOBS_PER_USER", "TRAINSET_JUDGE_MODEL", "OPENAI_BASE_URL",
		"TRAINSET_SIMULATE",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("an error quotes a secret: %v", err)
	}
}

func TestMalformedDotenvIsNamedByLineAndNotQuoted(t *testing.T) {
	path := dotenv(t, "TRAINSET_OUT=\"a\nb\"\n\nREPLICATE_API_TOKEN r8_hidden\nLOG_LEVEL=info\n")
	_, err := Load([]string{"LOG_FORMAT=xml"}, path)
	if diff := cmp.Diff([]string{path, "LOG_FORMAT"}, fieldErrors(t, err)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Error(), "line 4 ") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v; want line 4 named, and no secret", err)
	}
}

func TestUnreadableDotenvIsAnError(t *testing.T) {
	if _, err := Load(nil, t.TempDir()); err == nil {
		t.Error("a directory was read as .env")
	}
}

func TestTokenIsSentInClearOnlyWhereAllowed(t *testing.T) {
	for _, tc := range []struct {
		url           string
		plain, closed bool // accepted without and with ALLOW_PRIVATE_HOSTS
	}{
		{"https://api.replicate.com/v1", true, true},
		{"http://127.0.0.1:8091/v1", true, true},
		{"http://[::1]:8091/v1", true, true},
		{"http://localhost:8091/v1", true, true},
		{"http://fake:8091/v1", false, true},
		{"https://user:pass@host/v1", false, false},
		{"https:///v1", false, false},
		{"https://host/v1?x=1", false, false},
		{"host/v1", false, false},
		{"http://%zz/", false, false},
	} {
		for allow, want := range map[bool]bool{false: tc.plain, true: tc.closed} {
			c := Default()
			c.Provider.BaseURL, c.AllowPrivateHosts = tc.url, allow
			if got := c.Validate() == nil; got != want {
				t.Errorf("%s, private hosts %t: accepted %t, want %t", tc.url, allow, got, want)
			}
		}
	}
}

func TestRedisURLForms(t *testing.T) {
	for url, want := range map[string]bool{
		"redis://localhost:6379/0": true, "rediss://:pw@host/2": true, "unix:///run/redis.sock?db=1": true,
		"redis-sentinel://s1:26379,s2:26379/mymaster/0": true, "rediss-cluster://u:p@n1:6379,n2:6379": true,
		"redis://": false, "redis://:pw@": false, "redis-cluster:///0": false, "localhost:6379": false, "http://host": false, "unix://": false,
	} {
		c := Default()
		c.Redis.URL = NewSecret(url)
		if got := c.Validate() == nil; got != want {
			t.Errorf("%s: accepted %t, want %t", url, got, want)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := "s3cret" + rapid.String().Draw(t, "rest")
		verb := rapid.SampledFrom([]string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s"}).Draw(t, "verb")
		c := Default()
		c.Provider.Token = NewSecret(value)
		hidden := struct{ s Secret }{c.Provider.Token}
		asJSON, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf(verb+verb+verb+verb, c, &c, c.Provider.Token, hidden) + string(asJSON)
		if strings.Contains(out, "s3cret") || strings.Contains(out, fmt.Sprintf("%x", "s3cret")) {
			t.Fatalf("printed: %s", out)
		}
		if c.Provider.Token.Reveal() != value {
			t.Fatal("the value is lost")
		}
	})
}

func TestSecretSaysWhetherItIsSet(t *testing.T) {
	if got := fmt.Sprint(NewSecret("x")); got != "[redacted]" {
		t.Errorf("set: %q", got)
	}
	if got := fmt.Sprint(NewSecret("")); got != "" {
		t.Errorf("unset: %q", got)
	}
}

func TestVariablesAreUniqueAndDescribed(t *testing.T) {
	names, goNames := map[string]bool{}, map[string]bool{}
	for _, v := range Variables() {
		if names[v.Name] || goNames[v.field] {
			t.Errorf("%s (%s) appears twice; errors find a variable by its field's name", v.Name, v.field)
		}
		names[v.Name], goNames[v.field] = true, true
		if v.Doc == "" || v.Allow == "" || strings.Contains(v.Doc+v.Allow, "|") {
			t.Errorf("%s lacks a description or breaks the table", v.Name)
		}
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, []byte(Markdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Markdown(), string(got)); diff != "" {
		t.Errorf("run go test ./internal/config -update:\n%s", diff)
	}
}

// A password that lost a part would be refused by Redis, and nobody would know
// why: systemd and docker --env-file leave the same line as it is.
func TestADollarInDotenvIsRefused(t *testing.T) {
	for _, value := range []string{
		`redis://:pa$WORD@host`, `redis://:pa$word@host`, `"redis://:pa$WORD@host"`, `"redis://:pa${WORD}@host"`, `redis://:pa$@host`,
		`redis://:pa\$WORD@host`, `"redis://:pa\$WORD@host"`, `redis://:pa\\$WORD@host`, `"redis://:pa\\$WORD@host"`,
	} {
		path := dotenv(t, "OTHERS=$HOME # $REDIS_URL\nREDIS_URL="+value+"\n# $REDIS_URL\nLOG_LEVEL=info\n")
		_, err := Load(nil, path)
		if diff := cmp.Diff([]string{path}, fieldErrors(t, err)); diff != "" {
			t.Errorf("%s: %s", value, diff)
		}
		if text := err.Error(); !strings.Contains(text, "line 2: the $ in REDIS_URL") || strings.Contains(text, "redis:") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestADollarThatAllReadAlikeIsTaken(t *testing.T) {
	for value, want := range map[string]string{
		`'redis://:pa$WORD@host'`:    "redis://:pa$WORD@host",
		`'redis://:pa\$WORD@host'`:   `redis://:pa\$WORD@host`,
		`redis://:pa%24WORD@host`:    "redis://:pa%24WORD@host",
		`redis://host # not a $WORD`: "redis://host",
	} {
		got, err := Load(nil, dotenv(t, "OTHERS=$HOME\nREDIS_URL="+value+"\n# $REDIS_URL\n"))
		if err != nil || got.Redis.URL.Reveal() != want {
			t.Errorf("%s: read as %q, %v", value, got.Redis.URL.Reveal(), err)
		}
	}
}
