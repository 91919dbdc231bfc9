package app

import (
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
)

// Version of the program, for manifests.
const Version = "0.1.0"

// FromConfig turns settings into options.
func FromConfig(cfg config.Config, log zerolog.Logger) Options {
	o := Options{
		Token: cfg.Provider.Token.Reveal(), BaseURL: cfg.Provider.BaseURL, Model: cfg.Provider.Model,
		Judge: trainset.Judge(cfg.Judge.Kind), JudgeModel: cfg.Judge.JudgeModel, JudgePrice: cfg.Judge.Price,
		OpenAIKey: cfg.Judge.OpenAIKey.Reveal(), OpenAIBaseURL: cfg.Judge.OpenAIBaseURL, PublicURL: cfg.HTTP.PublicURL,
		PerUserDay: cfg.Money.PerUserDay, MaxOpenJobs: cfg.Money.MaxOpenJobs,
		PerMinute: cfg.Provider.PerMinute, MaxAttempts: cfg.Provider.MaxAttempts, Concurrency: cfg.Concurrency,
		AllowPrivateHosts: cfg.AllowPrivateHosts, Version: Version, Log: log,
	}
	if cfg.DebugDir != "" {
		o.Debug = DebugDir{Dir: cfg.DebugDir, Log: log}
	}
	return o
}
