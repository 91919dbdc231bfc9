package main

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset/internal/cli/clitest"
)

func TestEveryVerbHasHelpAndJSON(t *testing.T) {
	root := &cobra.Command{Use: "worker"}
	root.AddCommand(commands(nil)...)
	clitest.Help(t, root, "run", "fake-replicate")
}
