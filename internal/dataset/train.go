package dataset

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// TrainCommand returns the shell commands that train a LoRA on a zip: with
// Replicate's FLUX trainer, by Replicate's own command-line tool
// (github.com/replicate/cli), which uploads the file. The weights go to a
// private model of the caller's account, made first: a training needs one that
// exists. It is for a person to run, for it costs money.
func TrainCommand(trigger string, images int, zip string) string {
	return trainCommand(trigger, images, zip, "")
}

// TrainStyleCommand is TrainCommand for a style's set. The trainer has no switch
// for styles, and a style's captions name what is shown, so that the trigger
// comes to mean the rest; but it advises to leave captions out more often than
// for a subject, where one step in twenty is its default.
func TrainStyleCommand(trigger string, images int, zip string) string {
	return trainCommand(trigger, images, zip, " caption_dropout_rate=0.15")
}

func trainCommand(trigger string, images int, zip, more string) string {
	return fmt.Sprintf(`owner=$(replicate account current --json | sed -n 's/.*"username": *"\([^"]*\)".*/\1/p')
replicate model create "$owner/%[1]s-lora" --private --hardware gpu-t4
replicate train ostris/flux-dev-lora-trainer --destination "$owner/%[1]s-lora" \
  %[2]s \
  %[3]s autocaption=false steps=%[4]d%[5]s
`, strings.ToLower(trigger), ShellQuote("input_images=@"+zip), ShellQuote("trigger_word="+word(trigger)), steps(images), more)
}

// steps is a hundred an image, within what the trainer's authors recommend.
func steps(images int) int { return min(max(100*images, 1000), 4000) }

// word keeps a trigger a string: the tool sends values that read as JSON, such
// as 1234 or true, as what they read as.
func word(trigger string) string {
	if json.Valid([]byte(trigger)) {
		return `"` + trigger + `"`
	}
	return trigger
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// ShellQuote makes an argument one word for a POSIX shell.
func ShellQuote(s string) string {
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
