package cli

import (
	"io"
	"testing"

	"github.com/spf13/cobra"
)

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
