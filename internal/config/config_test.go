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
		Log:         Log{Level: "warn", Format: "console"},
		Concurrency: 300,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadReadsEveryVariable(t *testing.T) {
	got, err := Load([]string{
		"REPLICATE_API_TOKEN=r8_abc", "REPLICATE_BASE_URL=http://127.0.0.1:8091/v1", "TRAINSET_RATE_PER_MINUTE=60",
		"TRAINSET_MODEL=owner/name", "TRAINSET_MAX_ATTEMPTS=2", "REDIS_URL=rediss://u:p@host:6379/1", "TRAINSET_OUT=/data",
		"ALLOW_PRIVATE_HOSTS=true", "LOG_LEVEL=debug", "LOG_FORMAT=json", "TRAINSET_DEBUG_DIR=/tmp/d", "TRAINSET_CONCURRENCY=7",
		"UNRELATED=1", "=C:=odd",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Provider: Provider{
			Token: NewSecret("r8_abc"), BaseURL: "http://127.0.0.1:8091/v1", PerMinute: 60, Model: "owner/name", MaxAttempts: 2,
		},
		Redis: Redis{URL: NewSecret("rediss://u:p@host:6379/1")}, Storage: Storage{Out: "/data"}, AllowPrivateHosts: true,
		Log: Log{Level: "debug", Format: "json"}, DebugDir: "/tmp/d", Concurrency: 7,
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
	}, path)
	got := fieldErrors(t, err)
	want := []string{
		"TRAINSET_RATE_PER_MINUTE", "ALLOW_PRIVATE_HOSTS", "REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "TRAINSET_MODEL",
		"TRAINSET_MAX_ATTEMPTS", "REDIS_URL", "LOG_LEVEL", "LOG_FORMAT", "TRAINSET_CONCURRENCY",
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
		"redis://": false, "localhost:6379": false, "http://host": false, "unix://": false,
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
