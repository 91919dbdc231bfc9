package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
)

// Strict has a root refuse commands and flags that it does not know, with those that
// may have been meant. The commands that cobra adds below it, completion and help,
// refuse such arguments, too, where they show help as if all was well.
func Strict(root *cobra.Command) {
	root.SetFlagErrorFunc(wrongFlag)
	root.SuggestionsMinimumDistance = slips
	root.Args = unknownCommand
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = NoArguments("give bash, fish, powershell or zsh")
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = NoArguments("leave it out")
			}
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				_, rest, err := root.Find(args)
				if err != nil {
					return trainset.Invalid("arguments", err.Error(), "see "+root.Name()+" --help for the commands")
				}
				return NoArguments("see "+root.Name()+" --help for the commands")(nil, rest)
			}
		}
	}
}

// NoArguments refuses any, with what to do instead.
func NoArguments(remedy string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return trainset.Invalid("arguments", fmt.Sprintf("%q is not expected", args[0]), remedy)
		}
		return nil
	}
}
