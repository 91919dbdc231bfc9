package main

import (
	"context"
	"errors"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redisconn"
)

func runCommand(environ []string) *cobra.Command {
	return &cobra.Command{
		Use:     "run",
		Short:   "Serve the queues of REDIS_URL until stopped",
		Long:    "Run serves the queues of the Redis at REDIS_URL. Any number of workers may share it.\nSIGTERM and Ctrl-C stop it: predictions go on at the provider and are taken over by the next worker.",
		Example: "  REDIS_URL=redis://localhost:6379/0 worker run",
		Args:    none, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadWorker(environ, ".env", config.RedisURL(redisconn.Valid))
			if err != nil {
				return err
			}
			log := cli.Logger(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
			for _, m := range config.Misspelt(environ, ".env") {
				log.Warn().Str("variable", m.Field).Str("remedy", m.Remedy).Msg("a variable is no setting, and is ignored")
			}
			return serve(cmd.Context(), cfg, log)
		},
	}
}

// missing reports every setting that a worker cannot do without.
func missing(cfg config.Config) error {
	var problems []error
	if !cfg.Redis.URL.IsSet() {
		problems = append(problems, trainset.Invalid("REDIS_URL", "is not set", "give the Redis that producers enqueue to"))
	}
	if !cfg.Provider.Token.IsSet() && !cfg.Provider.Simulate {
		problems = append(problems, trainset.Invalid("REPLICATE_API_TOKEN", "is not set", "give the token of the account that pays, or TRAINSET_SIMULATE=true for simulated pictures"))
	}
	return errors.Join(problems...)
}

func serve(ctx context.Context, cfg config.Config, log zerolog.Logger) error {
	if err := missing(cfg); err != nil {
		return err
	}
	return app.RunDeployed(ctx, cfg, log, nil)
}
