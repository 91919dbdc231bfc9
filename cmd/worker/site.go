package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// site is the system that a verb operates on.
type site struct {
	config config.Config
	client *client.Client
	ledger *ledger.Ledger
	queue  *queue.Queue
	gate   *limit.Gate   // of the account that the token names
	budget *limit.Budget // without a cap: what users have spent, whatever they may

	json           bool
	stdout, stderr io.Writer
	writable       func(context.Context) error // whether Redis takes writes
	close          func()
}

// patience is how long a Redis may take to answer the first question.
const patience = 5 * time.Second

// open connects to the Redis of the settings, which must answer.
func open(ctx context.Context, cmd *cobra.Command, environ []string) (*site, error) {
	cfg, err := config.Load(environ, ".env", config.RedisURL(redisconn.Valid))
	if err != nil {
		return nil, err
	}
	if !cfg.Redis.URL.IsSet() {
		return nil, trainset.Invalid("REDIS_URL", "is not set", "give the Redis of the workers")
	}
	rdb, err := redisconn.Open(cfg.Redis.URL.Reveal())
	if err != nil {
		return nil, err
	}
	s := &site{
		config: cfg, client: client.FromRedis(rdb), ledger: ledger.New(rdb, ledger.Options{}), queue: queue.New(rdb, nil),
		stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(),
		writable: func(ctx context.Context) error { return redisconn.Writable(ctx, rdb) },
	}
	s.budget = limit.NewBudget(rdb, 0, nil)
	s.gate = limit.New(rdb, app.AccountOf(cfg), limit.Options{PerMinute: cfg.Provider.PerMinute})
	s.close = func() { s.gate.Close(); _ = rdb.Close() } // the command ends
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := redisconn.Answers(asking, rdb); err != nil {
		s.close()
		if field, ok := errors.AsType[*trainset.FieldError](err); ok {
			return nil, field
		}
		return nil, fmt.Errorf("the Redis at REDIS_URL does not answer: %w; see worker doctor", err)
	}
	return s, nil
}

func (s *site) storage(ctx context.Context) (storage.Store, error) {
	return app.OpenStorage(ctx, s.config)
}

// pays reports whether the settings say whose account the gate is of.
func (s *site) pays() bool { return s.config.Provider.Token.IsSet() || s.config.Provider.Simulate }

// provider returns a client of the provider, or nil where there is no token for it.
func provider(cfg config.Config) (*replicate.Client, error) {
	if !cfg.Provider.Token.IsSet() || cfg.Provider.Simulate {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	return replicate.New(replicate.Options{Token: cfg.Provider.Token.Reveal(), BaseURL: cfg.Provider.BaseURL})
}

// verb is a command of those who operate a system.
type verb struct {
	environ []string
	json    bool
}

func (v *verb) command(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, s *site, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := open(cmd.Context(), cmd, v.environ)
			if err != nil {
				return err
			}
			defer s.close()
			s.json = v.json
			return redisconn.Advise(run(cmd.Context(), s, args))
		},
	}
	v.jsonFlag(cmd)
	return cmd
}

func (v *verb) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&v.json, "json", false, "print the result as one JSON value")
}

// ofJob is a command about one job.
func (v *verb) ofJob(use, short string, run func(ctx context.Context, s *site, id trainset.JobID) error) *cobra.Command {
	cmd := v.command(use+" JOB", short, oneJob, func(ctx context.Context, s *site, args []string) error {
		id, err := operate.Find(ctx, args[0], s.client)
		if err != nil {
			return err
		}
		return run(ctx, s, id)
	})
	cmd.ValidArgsFunction = completeJobs(v.environ)
	return cmd
}

func oneJob(_ *cobra.Command, args []string) error {
	const remedy = "give a job's ID, or its first 8 characters or more"
	switch {
	case len(args) == 0:
		return trainset.Invalid("job", "is missing", remedy)
	case len(args) > 1:
		return trainset.Invalid("arguments", fmt.Sprintf("%q is not expected", args[1]), remedy)
	}
	return nil
}

func none(cmd *cobra.Command, args []string) error {
	return cli.NoArguments("see "+cmd.CommandPath()+" --help")(cmd, args)
}

// say prints one JSON value where that was asked for, and text otherwise.
func (s *site) say(v any, text func(w io.Writer) error) error {
	if !s.json {
		return text(s.stdout)
	}
	e := json.NewEncoder(s.stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}

func printf(w io.Writer, format string, a ...any) error {
	if _, err := fmt.Fprintf(w, format, a...); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
