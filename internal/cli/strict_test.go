package cli

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What is not known is refused with what may have been meant.
func TestWhatMayBeMeantIsSaid(t *testing.T) {
	for args, want := range map[string]string{
		"jbos":          `arguments: "jbos" is not expected; did you mean job or jobs? see worker --help for the commands`,
		"quit":          `arguments: "quit" is not expected; see worker --help for the commands`,
		"j":             `arguments: "j" is not expected; did you mean job or jobs? see worker --help for the commands`,
		"jobs --stat x": `flag: unknown flag: --stat; did you mean --state? see worker jobs --help`,
		"jobs --phase":  `flag: unknown flag: --phase; did you mean --state? see worker jobs --help`,
		"jobs --colour": `flag: unknown flag: --colour; see worker jobs --help`,
		"jobs -s x":     `flag: unknown shorthand flag: 's' in -s; did you mean --state? see worker jobs --help`,
	} {
		run := func(*cobra.Command, []string) error { return nil }
		root := &cobra.Command{Use: "worker", RunE: run, SilenceErrors: true, SilenceUsage: true}
		jobs := &cobra.Command{Use: "jobs", RunE: run}
		jobs.Flags().String("state", "", "")
		jobs.Flags().String("secret", "", "")
		if err := errors.Join(jobs.Flags().MarkHidden("secret"), jobs.Flags().SetAnnotation("state", AlsoCalled, []string{"phase"})); err != nil {
			t.Fatal(err)
		}
		root.AddCommand(jobs, &cobra.Command{Use: "job", RunE: run})
		root.SetOut(io.Discard)
		Strict(root)
		root.SetArgs(strings.Fields(args))
		if err := root.Execute(); err == nil || err.Error() != want || ExitCode(err) != ExitInput {
			t.Errorf("%s: %v, exit %d", args, err, ExitCode(err))
		}
	}
}

// A value that is none of its flag's is told in the command's words.
func TestWrongValuesAreToldHowTheyAreWritten(t *testing.T) {
	long := strings.Repeat("9", 30)
	for flag, want := range map[string]string{
		"--limit=1.5":    `limit: "1.5" is no whole number that fits; give one in digits, or see worker --help`,
		"--seed=" + long: `seed: "` + long + `" is no whole number that fits; give one in digits, or see worker --help`,
		"--wait=3":       `wait: "3" is no time; write it like 30s, 5m or 2h, or see worker --help`,
		"--yes=no":       `yes: "no" is no answer that it takes; write the flag alone, or =true or =false behind it, or see worker --help`,
		"--limit":        `flag: flag needs an argument: --limit; see worker --help`,
	} {
		root := &cobra.Command{Use: "worker", RunE: func(*cobra.Command, []string) error { return nil }, SilenceErrors: true, SilenceUsage: true}
		root.Flags().Int("limit", 0, "")
		root.Flags().Int64("seed", 0, "")
		root.Flags().Duration("wait", 0, "")
		root.Flags().Bool("yes", false, "")
		Strict(root)
		root.SetArgs([]string{flag})
		if err := root.Execute(); err == nil || err.Error() != want || ExitCode(err) != ExitInput {
			t.Errorf("%s: %v, exit %d", flag, err, ExitCode(err))
		}
	}
}

func TestCobrasOwnCommandsRefuseWhatTheyDoNotKnow(t *testing.T) {
	for _, c := range []struct {
		want int
		args []string
	}{
		{ExitSucceeded, []string{"completion"}},
		{ExitSucceeded, []string{"completion", "bash"}},
		{ExitInput, []string{"completion", "foo"}},
		{ExitInput, []string{"completion", "bash", "foo"}},
		{ExitSucceeded, []string{"help"}},
		{ExitSucceeded, []string{"help", "run"}},
		{ExitSucceeded, []string{"help", "completion", "bash"}},
		{ExitInput, []string{"help", "foo"}},
		{ExitInput, []string{"help", "run", "foo"}},
		{ExitInput, []string{"help", "completion", "foo"}},
	} {
		run := func(*cobra.Command, []string) error { return nil }
		root := &cobra.Command{Use: "root", Args: cobra.NoArgs, RunE: run, SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(&cobra.Command{Use: "run", Args: cobra.NoArgs, RunE: run})
		root.SetOut(io.Discard)
		Strict(root)
		root.SetArgs(c.args)
		if err := root.Execute(); ExitCode(err) != c.want {
			t.Errorf("%q: %v, exit %d", c.args, err, ExitCode(err))
		}
	}
}
