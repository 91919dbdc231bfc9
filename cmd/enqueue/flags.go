package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redisconn"
)

// runFlags say how a command works, whatever it is asked for.
type runFlags struct {
	out, debugDir                                     string
	simulate, volatileRun, noWait, estimateOnly, json bool
}

func (f *runFlags) register(s *pflag.FlagSet) {
	s.StringVar(&f.out, "out", "", "root folder of the data sets (default TRAINSET_OUT, else out)")
	s.StringVar(&f.debugDir, "debug-dir", "", "keep requests, raw outputs and rejected images here")
	s.BoolVar(&f.noWait, "no-wait", false, "return as soon as the job is queued (needs REDIS_URL; not with --simulate)")
	s.BoolVar(&f.estimateOnly, "estimate", false, "print images, cost and time, and spend nothing")
	s.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	s.BoolVar(&f.simulate, "simulate", false, "make simulated pictures in this process, also with REDIS_URL, for nothing and without a token")
	s.BoolVar(&f.volatileRun, "volatile", false, "work without redis-server: a crash forgets what was paid for")
}

// jobFlags are what a person may say of a job of either kind.
type jobFlags struct {
	runFlags

	source, subject                                             string
	user, trigger, name, profile, key, maxCost, model, priority string
	seed                                                        int64
	images                                                      int
	fresh                                                       bool
}

// register declares the flags; those of the image and of the subject are named
// as the kind's requests name them.
func (f *jobFlags) register(cmd *cobra.Command, kind trainset.Kind) {
	s, k := cmd.Flags(), kinds[kind]
	s.StringVar(&f.source, k.source, "", k.shows+": a file or an http(s) URL (required)")
	for _, other := range kinds {
		if other.source != k.source {
			_ = s.SetAnnotation(k.source, cli.AlsoCalled, []string{other.source}) // it is defined
		}
	}
	s.StringVar(&f.subject, string(kind), "", fmt.Sprintf("the %s's ID (default: from the name of the image)", kind))
	s.StringVar(&f.user, "user", defaultUser, "who asks")
	s.StringVar(&f.trigger, "trigger", "", fmt.Sprintf("the rare word that stands for the %s in captions (default: derived)", kind))
	s.StringVar(&f.name, "name", "", fmt.Sprintf("the %s's display name", kind))
	s.StringVar(&f.profile, "caption-profile", "", k.profiles)
	s.Int64Var(&f.seed, "seed", 0, "makes the job's random choices (default: from the job)")
	s.StringVar(&f.key, "key", "", "idempotency key (default: from the image and every flag that changes the result); --new adds to it")
	s.BoolVar(&f.fresh, "new", false, "make another set although this one was asked for before: its key, --key or not, ends in random letters")
	s.IntVar(&f.images, "images", k.images, fmt.Sprintf("how many images, 1 to %d", k.most))
	s.StringVar(&f.maxCost, "max-cost", "", "most that the job may spend, in US dollars")
	s.StringVar(&f.model, "model", "", "the model that makes the images (default TRAINSET_MODEL, else "+k.model+")")
	s.StringVar(&f.priority, "priority", string(trainset.PriorityNormal), "low, normal or high")
	f.runFlags.register(s)
	complete(cmd, "caption-profile", names(k.captions()...)...)
	complete(cmd, "priority", string(trainset.PriorityLow), string(trainset.PriorityNormal), string(trainset.PriorityHigh))
}

const defaultUser = "local"

// order is what the flags ask for, with everything that is wrong in them alone.
func (f *jobFlags) order(s *pflag.FlagSet, kind trainset.Kind) (order, []error) {
	var problems []error
	o := order{
		kind: kind, source: f.source, subject: f.subject, fresh: f.fresh,
		options: trainset.Options{
			Version: trainset.RequestVersion, User: f.user, Key: f.key, Trigger: f.trigger, Name: f.name,
			CaptionProfile: trainset.CaptionProfile(f.profile), Images: f.images, Model: f.model, Priority: trainset.Priority(f.priority), Simulate: f.simulate,
		},
	}
	if f.images == 0 {
		problems = append(problems, trainset.Invalid("images", "0 is out of range", fmt.Sprintf("give 1 to %d", kinds[kind].most)))
	}
	if s.Changed("seed") {
		o.options.Seed = &f.seed
	}
	if f.maxCost != "" {
		cost, err := trainset.ParseMoney(f.maxCost)
		if err != nil || cost <= 0 {
			problems = append(problems, trainset.Invalid("max_cost_usd", fmt.Sprintf("%q is no amount above zero", f.maxCost), "write US dollars, like 1.50"))
		}
		o.options.MaxCost = max(cost, 0)
	}
	return o, problems
}

// setup is what every command begins with: its settings and where it writes.
type setup struct {
	runFlags

	config         config.Config
	stdout, stderr io.Writer
}

// load reads the settings and puts the flags over them.
func (f runFlags) load(cmd *cobra.Command, environ []string) (setup, error) {
	cfg, err := config.Load(environ, ".env", config.RedisURL(redisconn.Valid))
	if err != nil {
		return setup{}, err
	}
	for _, m := range config.Misspelt(environ, ".env") {
		cmd.PrintErrln("warning:", m)
	}
	if f.out != "" {
		cfg.Storage.Out = f.out
	}
	if f.debugDir != "" {
		cfg.DebugDir = f.debugDir
	}
	problems := []error{folder("out", f.out), folder("debug-dir", f.debugDir)}
	if f.out == "" && !deployed(cfg, f.simulate) {
		problems = append(problems, folder("TRAINSET_OUT", cfg.Storage.Out))
	}
	if err := errors.Join(problems...); err != nil {
		return setup{}, err
	}
	return setup{runFlags: f, config: cfg, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}, nil
}

// folder refuses a path where something else than a folder is, or is on the
// way to it.
func folder(field, path string) error {
	if path == "" {
		return nil
	}
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && !info.IsDir():
			return trainset.Invalid(field, at+" is no folder", "give a folder, or one that can be made")
		case err == nil || at == filepath.Dir(at):
			return nil
		}
	}
}

// deployed reports whether the workers of a Redis do the work.
func (s setup) deployed() bool { return deployed(s.config, s.simulate) }

// checkMode says whether real images can be made, or simulated ones are wanted.
func (s setup) checkMode() error {
	switch {
	case s.estimateOnly || s.deployed():
		return nil
	case s.noWait && s.simulate:
		return trainset.Invalid("no-wait", "simulated pictures are made in this process, also with REDIS_URL", "leave it out")
	case s.noWait:
		return trainset.Invalid("no-wait", "without REDIS_URL this command itself does the work", "leave it out, or set REDIS_URL")
	case !s.simulate && !s.config.Provider.Token.IsSet():
		return trainset.Invalid("REPLICATE_API_TOKEN", "is not set, so no real images can be made",
			"set it to make them (see --estimate for the cost), or give --simulate for simulated pictures that cost nothing")
	}
	return nil
}
