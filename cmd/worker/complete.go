package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/config"
)

// complete offers a flag's values to the shell. It is called once for a flag
// that exists, the only thing that can go wrong.
func complete[T ~string](cmd *cobra.Command, flag string, values ...T) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(names(values), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("completion of --" + flag + ": " + err.Error())
	}
}

func names[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// completeJobs offers the IDs of recent jobs where a Redis is set and answers
// before the person at the keyboard gets impatient.
func completeJobs(environ []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		const noFiles = cobra.ShellCompDirectiveNoFileComp
		cfg, err := config.Load(environ, ".env")
		if err != nil || len(args) > 0 || !cfg.Redis.URL.IsSet() {
			return nil, noFiles
		}
		c, err := client.New(cfg.Redis.URL.Reveal())
		if err != nil {
			return nil, noFiles
		}
		defer c.Close() //nolint:errcheck // the command ends
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		found, err := c.Find(ctx, prefix)
		if err != nil {
			return nil, noFiles
		}
		return names(found[:min(len(found), 50)]), noFiles
	}
}
