package main

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/openai"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/replicate"
)

func doctorCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Try out everything that work depends on, and say what to do",
		Long: "Doctor looks at the settings, Redis (version, eviction, persistence, clock), storage (writing, reading,\n" +
			"conditional put), the provider's token, the models' inputs, the judge's key where it is OpenAI's,\n" +
			"free disk space, the address of the HTTP server and the public URL. It\n" +
			"spends nothing and leaves nothing behind. It exits with 1 when a check has failed; a warning is none.",
		Example: "  worker doctor\n  worker doctor --json | jq '.[] | select(.state==\"fail\")'",
		Args:    none, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := diagnose(cmd.Context(), v.environ)
			s := site{json: v.json, stdout: cmd.OutOrStdout()}
			if err := s.say(checks, func(w io.Writer) error { return writeChecks(w, checks) }); err != nil {
				return err
			}
			if operate.Failed(checks) {
				return &cli.ExitError{Code: cli.ExitFailed}
			}
			return nil
		},
	}
	v.jsonFlag(cmd)
	return cmd
}

// diagnose looks at the settings and, where they can be read, at all that they
// name.
func diagnose(ctx context.Context, environ []string) []operate.Check {
	cfg, err := config.LoadWorker(environ, ".env", config.RedisURL(redisconn.Valid))
	if err != nil {
		return append(settings(err), misspelt(environ)...)
	}
	checks := []operate.Check{{Name: "settings", State: operate.OK, Detail: "can be read"}}
	if err := missing(cfg); err != nil {
		checks = settings(err)
	}
	checks = append(checks, misspelt(environ)...)
	return append(checks, operate.Doctor(ctx, probes(ctx, cfg)...)...)
}

// misspelt is a check for each variable that was meant to be a setting.
func misspelt(environ []string) []operate.Check {
	var all []operate.Check
	for _, m := range config.Misspelt(environ, ".env") {
		all = append(all, operate.Check{Name: "settings", State: operate.Warn, Detail: m.Field + " " + m.Problem, Remedy: m.Remedy})
	}
	return all
}

// settings is a check for each thing that is wrong in them.
func settings(err error) []operate.Check {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []operate.Check
		for _, one := range joined.Unwrap() {
			all = append(all, settings(one)...)
		}
		return all
	}
	c := operate.Check{Name: "settings", State: operate.Fail, Detail: err.Error()}
	if field, ok := errors.AsType[*trainset.FieldError](err); ok {
		c.Detail, c.Remedy = field.Field+" "+field.Problem, field.Remedy
	}
	return []operate.Check{c}
}

func probes(ctx context.Context, cfg config.Config) []operate.Probe {
	all := []operate.Probe{redisProbe(cfg), storageProbe(ctx, cfg)}
	all = append(all, providerProbes(cfg)...)
	all = append(all, judgeProbe(cfg))
	if cfg.Storage.Bucket == "" {
		all = append(all, operate.Disk("disk", cfg.Storage.Out))
	} else {
		all = append(all, skipped("disk", "images go to a bucket"))
	}
	if cfg.DebugDir != "" {
		all = append(all, operate.Disk("debug disk", cfg.DebugDir))
	}
	if cfg.HTTP.Listen == "" {
		all = append(all, skipped("http", "TRAINSET_HTTP_LISTEN is empty: there is no server"))
	} else {
		all = append(all, operate.Listen(cfg.HTTP.Listen))
	}
	if cfg.HTTP.PublicURL == "" {
		return append(all, skipped("public url", "PUBLIC_URL is not set: predictions are polled"))
	}
	return append(all, operate.PublicURL(cfg.HTTP.PublicURL, app.WebhookPath))
}

func skipped(name, why string) operate.Probe {
	return operate.Probe{Name: name, Look: func(context.Context) []operate.Check {
		return []operate.Check{{Name: name, State: operate.Skipped, Detail: why}}
	}}
}

// broken is a part that could not even be made; the remedy is for errors that
// have none.
func broken(name string, err error, remedy string) operate.Probe {
	return operate.Probe{Name: name, Look: func(context.Context) []operate.Check {
		c := settings(err)
		for i := range c {
			c[i].Name, c[i].Remedy = name, cmp.Or(c[i].Remedy, remedy)
		}
		return c
	}}
}

func redisProbe(cfg config.Config) operate.Probe {
	if !cfg.Redis.URL.IsSet() {
		return skipped("redis", "REDIS_URL is not set")
	}
	return operate.Redis(func(ctx context.Context) (redisconn.Report, error) {
		rdb, err := redisconn.Open(cfg.Redis.URL.Reveal())
		if err != nil {
			return redisconn.Report{}, err
		}
		defer rdb.Close() //nolint:errcheck // the command ends
		return redisconn.Check(ctx, rdb)
	})
}

func storageProbe(ctx context.Context, cfg config.Config) operate.Probe {
	store, err := app.OpenStorage(ctx, cfg)
	if err != nil {
		return broken("storage", err, "see the settings of storage, and the files that AWS_CONFIG_FILE and AWS_CA_BUNDLE name")
	}
	return operate.Storage(store)
}

func providerProbes(cfg config.Config) []operate.Probe {
	p, err := provider(cfg)
	switch {
	case err != nil:
		return []operate.Probe{broken("token", err, "correct REPLICATE_API_TOKEN and REPLICATE_BASE_URL")}
	case cfg.Provider.Simulate:
		return []operate.Probe{skipped("token", "pictures are simulated"), skipped("models", "pictures are simulated")}
	case p == nil:
		return []operate.Probe{skipped("token", "REPLICATE_API_TOKEN is not set"), skipped("models", "they want a token")}
	}
	return []operate.Probe{operate.Token(p), operate.Models(p, models(cfg)...)}
}

func judgeProbe(cfg config.Config) operate.Probe {
	if trainset.Judge(cfg.Judge.Kind) != trainset.JudgeOpenAI {
		return skipped("judge", "TRAINSET_JUDGE is "+cfg.Judge.Kind+", which needs no key of its own")
	}
	o := openai.Options{Key: cfg.Judge.OpenAIKey.Reveal(), BaseURL: cfg.Judge.OpenAIBaseURL}
	list := func(ctx context.Context) ([]string, error) { return openai.Models(ctx, o) }
	return operate.Judge(cmp.Or(cfg.Judge.JudgeModel, openai.DefaultModel), list, openai.ErrNoList)
}

// models are those that are asked where a request names none.
func models(cfg config.Config) []string {
	names := []string{cmp.Or(cfg.Provider.Model, replicate.DefaultActorModel)}
	if style := cmp.Or(cfg.Provider.Model, replicate.DefaultStyleModel); style != names[0] {
		names = append(names, style)
	}
	if trainset.Judge(cfg.Judge.Kind) == trainset.JudgeReplicate {
		names = append(names, cmp.Or(cfg.Judge.JudgeModel, replicate.DefaultJudgeModel))
	}
	return append(names, replicate.DefaultEnhanceModel)
}

func writeChecks(w io.Writer, checks []operate.Check) error {
	t := cli.Table{Columns: []cli.Column{{Title: "state"}, {Title: "check"}, {Title: "finding"}}}
	count := map[operate.State]int{}
	for _, c := range checks {
		count[c.State]++
		t.Add(string(c.State), c.Name, c.Detail)
		if c.Remedy != "" {
			t.Add("", "", "→ "+c.Remedy)
		}
	}
	if err := t.Write(w); err != nil {
		return err
	}
	if count[operate.Fail]+count[operate.Warn] == 0 {
		return printf(w, "\nall is well\n")
	}
	return printf(w, "\n%d failed, %d warnings\n", count[operate.Fail], count[operate.Warn])
}
