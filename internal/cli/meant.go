package cli

import (
	"errors"
	"fmt"
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

// wrongFlag says what is wrong with a flag, and which one was meant or how its value
// is written.
func wrongFlag(cmd *cobra.Command, err error) error {
	remedy := "see " + cmd.CommandPath() + " --help"
	if wrong, is := errors.AsType[*pflag.InvalidValueError](err); is {
		if write, known := writes[wrong.GetFlag().Value.Type()]; known {
			return trainset.Invalid(wrong.GetFlag().Name, fmt.Sprintf("%q is no %s", wrong.GetValue(), write.what), write.how+", or "+remedy)
		}
	}
	if unknown, is := errors.AsType[*pflag.NotExistError](err); is {
		remedy = meant("--", flagsLike(cmd, unknown.GetSpecifiedName())) + remedy
	}
	return trainset.Invalid("flag", err.Error(), remedy)
}

// writes are how the values of flags are written, by the name that pflag has for
// their type.
var writes = map[string]struct{ what, how string }{
	"int":      {"whole number that fits", "give one in digits"},
	"int64":    {"whole number that fits", "give one in digits"},
	"duration": {"time", "write it like 30s, 5m or 2h"},
	"bool":     {"answer that it takes", "write the flag alone, or =true or =false behind it"},
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
