package config

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorkerHasDefaultsOfItsOwn(t *testing.T) {
	for _, tc := range []struct {
		name          string
		environ       []string
		dotenv        string
		level, listen string
	}{
		{"nothing set", nil, "", "info", "127.0.0.1:8080"},
		{"set", []string{"LOG_LEVEL=error", "TRAINSET_HTTP_LISTEN=127.0.0.1:0"}, "", "error", "127.0.0.1:0"},
		{"set in the file", nil, "LOG_LEVEL=debug\nTRAINSET_HTTP_LISTEN=[::1]:9\n", "debug", "[::1]:9"},
		{"no server", []string{"TRAINSET_HTTP_LISTEN= ", "LOG_LEVEL="}, "TRAINSET_HTTP_LISTEN=127.0.0.1:9\n", "info", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := LoadWorker(tc.environ, dotenv(t, tc.dotenv))
			if err != nil {
				t.Fatal(err)
			}
			if got.Log.Level != tc.level || got.HTTP.Listen != tc.listen {
				t.Errorf("level %q, listen %q; want %q, %q", got.Log.Level, got.HTTP.Listen, tc.level, tc.listen)
			}
		})
	}
}

// Whatever is no default of the worker is the same for both commands.
func TestWorkerDiffersOnlyWhereItSaysSo(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	one, err := Load(nil, missing)
	if err != nil {
		t.Fatal(err)
	}
	other, err := LoadWorker(nil, missing)
	if err != nil {
		t.Fatal(err)
	}
	one.Log.Level, one.HTTP.Listen = "info", "127.0.0.1:8080"
	if diff := cmp.Diff(one, other); diff != "" {
		t.Error(diff)
	}
}

func TestServerBeyondLoopbackNeedsToken(t *testing.T) {
	for listen, want := range map[string]struct{ bare, token bool }{
		"":               {true, true},
		"127.0.0.1:8080": {true, true},
		"[::1]:8080":     {true, true},
		"localhost:0":    {true, true},
		":8080":          {false, true},
		"0.0.0.0:8080":   {false, true},
		"[::]:8080":      {false, true},
		"worker:8080":    {false, true},
		"127.0.0.1":      {false, false},
		"127.0.0.1:x":    {false, false},
		"127.0.0.1:":     {false, false},
		":65536":         {false, false},
		"127.0.0.1:-1":   {false, false},
	} {
		c := Default()
		c.HTTP.Listen = listen
		if got := c.Validate() == nil; got != want.bare {
			t.Errorf("%q without a token: accepted %t, want %t", listen, got, want.bare)
		}
		c.HTTP.AccessToken = NewSecret("sixteen-or-more-")
		if got := c.Validate() == nil; got != want.token {
			t.Errorf("%q with a token: accepted %t, want %t", listen, got, want.token)
		}
	}
}

func TestTokenOfServerIsLong(t *testing.T) {
	for token, want := range map[string]bool{"": true, "fifteen-letters": false, "sixteen-letters-": true, "sixteen letters ": false} {
		c := Default()
		c.HTTP.AccessToken = NewSecret(token)
		if got := c.Validate() == nil; got != want {
			t.Errorf("%q: accepted %t, want %t", token, got, want)
		}
	}
}

func TestWebhooksComeInClearOnlyFromProvidersOfOurs(t *testing.T) {
	replicate := Default()
	simulated, local, closed := replicate, replicate, replicate
	simulated.Provider.Simulate = true
	local.Provider.BaseURL = "http://127.0.0.1:8091/v1"
	closed.AllowPrivateHosts = true
	for url, want := range map[string]struct{ replicate, near, closed bool }{
		"https://w.example":        {true, true, true},
		"https://w.example/prefix": {true, true, true},
		"http://127.0.0.1:8080":    {false, true, true},
		"http://localhost:8080":    {false, true, true},
		"http://worker:8080":       {false, false, true},
		"https://u:p@w.example":    {false, false, false},
		"https://w.example/?a=1":   {false, false, false},
		"w.example":                {false, false, false},
	} {
		for name, tc := range map[string]struct {
			c    Config
			want bool
		}{"replicate": {replicate, want.replicate}, "simulated": {simulated, want.near}, "local": {local, want.near}, "closed": {closed, want.closed}} {
			tc.c.HTTP.PublicURL = url
			if got := tc.c.Validate() == nil; got != tc.want {
				t.Errorf("%s, %s provider: accepted %t, want %t", url, name, got, tc.want)
			}
		}
	}
}

func TestOpenAIJudgeNeedsKeyOrServer(t *testing.T) {
	for _, tc := range []struct {
		kind, key, url string
		want           bool
	}{
		{"openai", "", "", false},
		{"openai", "sk", "", true},
		{"openai", "", "http://127.0.0.1:11434/v1", true},
		{"replicate", "", "", true},
		{"local", "", "", true},
		{"", "", "", false},
		{"human", "", "", false},
	} {
		c := Default()
		c.Judge = Judge{Kind: tc.kind, OpenAIKey: NewSecret(tc.key), OpenAIBaseURL: tc.url}
		if got := c.Validate() == nil; got != tc.want {
			t.Errorf("%+v: accepted %t, want %t", tc, got, tc.want)
		}
	}
}

func TestDailyCapIsAmountAboveZero(t *testing.T) {
	for text, want := range map[string]bool{"25": true, "$1.50": true, "0.000001": true, "0": false, "-1": false, "0.0000001": false, "much": false} {
		got, err := Load([]string{"MAX_COST_PER_USER_PER_DAY=" + text}, "")
		if (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
		if want && got.Money.PerUserDay <= 0 {
			t.Errorf("%s is read as %s", text, got.Money.PerUserDay)
		}
	}
}

// A setting that the printing of a struct could give away must be a Secret.
func TestSecretsAreSecret(t *testing.T) {
	secret := map[string]bool{}
	for _, v := range Variables() {
		secret[v.Name] = v.Secret
	}
	for _, name := range []string{
		"REPLICATE_API_TOKEN", "REDIS_URL", "AWS_ACCESS_KEY", "AWS_ACCESS_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "TRAINSET_HTTP_TOKEN", "OPENAI_API_KEY",
	} {
		if !secret[name] {
			t.Errorf("%s is printed", name)
		}
	}
}
