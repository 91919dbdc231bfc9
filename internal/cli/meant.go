package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/actormaker/trainset"
)

// AlsoCalled is the annotation of a flag with what people call it instead.
const AlsoCalled = "trainset_also_called"

const (
	slips     = 2 // letters that are wrong, missing or too many in a name that was meant to be another
	mostMeant = 3
)

// unknownCommand refuses what stands where a root has its commands.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return NoArguments(meant("", root.SuggestionsFor(args[0]))+"see "+root.Name()+" --help for the commands")(root, args)
}

// unknownFlag says what is wrong with a flag, and which one was meant.
func unknownFlag(cmd *cobra.Command, err error) error {
	remedy := "see " + cmd.CommandPath() + " --help"
	if unknown, is := errors.AsType[*pflag.NotExistError](err); is {
		remedy = meant("--", flagsLike(cmd, unknown.GetSpecifiedName())) + remedy
	}
	return trainset.Invalid("flag", err.Error(), remedy)
}

// flagsLike are the names of a command's flags that are like one: what cobra finds
// among commands of those names.
func flagsLike(cmd *cobra.Command, name string) []string {
	flags := &cobra.Command{SuggestionsMinimumDistance: slips}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags.AddCommand(&cobra.Command{Use: f.Name, SuggestFor: f.Annotations[AlsoCalled], Run: func(*cobra.Command, []string) {}})
		}
	})
	return flags.SuggestionsFor(name)
}

// meant asks whether one of some names was meant; nothing where there is none.
func meant(before string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	names = names[:min(len(names), mostMeant)]
	return "did you mean " + before + strings.Join(names, " or "+before) + "? "
}
