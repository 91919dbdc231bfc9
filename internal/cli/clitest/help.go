// Package clitest holds what both commands' help is tested with. It must not
// know what any command does.
package clitest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Help makes sure that each command below a root says what it does and with which
// codes it may exit, and that its examples, read as a shell would, name commands and
// flags that there are.
// All print JSON when asked to, but for those that are named.
func Help(t *testing.T, root *cobra.Command, silent ...string) {
	t.Helper()
	for _, cmd := range root.Commands() {
		t.Run(cmd.Name(), func(t *testing.T) {
			if cmd.Long == "" || cmd.Short == "" || !strings.HasSuffix(cmd.Long, ".") {
				t.Errorf("it does not say what it does: %q, %q", cmd.Short, cmd.Long)
			}
			if !exits.MatchString(cmd.Long) {
				t.Errorf("it does not say with which codes it exits: %q", cmd.Long)
			}
			if json := cmd.Flags().Lookup("json") != nil; json == slices.Contains(silent, cmd.Name()) {
				t.Errorf("--json: %t", json)
			}
			named := false
			for line := range strings.Lines(cmd.Example) {
				named = named || example(t, root, strings.TrimSpace(line), cmd)
			}
			if !named {
				t.Errorf("no example shows it: %q", cmd.Example)
			}
		})
	}
}

var (
	exits    = regexp.MustCompile(`(?m)^Exit codes: 0 .*, 1 .*, 2 .*, 130 .*\.$`)
	joints   = regexp.MustCompile(`\s(?:\||&&)\s`)
	quoted   = regexp.MustCompile(`'[^']*'`)
	variable = regexp.MustCompile(`^[A-Z_]+=`)
)

// example reads one line and reports whether it shows the command.
func example(t *testing.T, root *cobra.Command, line string, shown *cobra.Command) bool {
	t.Helper()
	named := false
	for _, part := range joints.Split(quoted.ReplaceAllString(line, "quoted"), -1) {
		words := strings.Fields(part)
		for len(words) > 0 && variable.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) == 0 || words[0] != root.Name() {
			continue // another program's
		}
		cmd, args, err := root.Find(words[1:])
		if err != nil || cmd == root {
			t.Errorf("%s: there is no such command: %v", line, err)
			continue
		}
		if err := cmd.ParseFlags(args); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		named = named || cmd == shown
	}
	return named
}
