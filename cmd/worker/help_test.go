package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset/internal/cli/clitest"
)

func TestEveryVerbHasHelpAndJSON(t *testing.T) {
	root := &cobra.Command{Use: "worker"}
	root.AddCommand(commands(nil)...)
	clitest.Help(t, root, "run", "fake-replicate")
}

func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exitCodes {
		if row := fmt.Sprintf("\n| %d | %s |\n", e.Code, e.Meaning); !strings.Contains(string(page), row) {
			t.Errorf("docs/operations.md does not have%s", row)
		}
	}
}
