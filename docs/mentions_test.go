package docs_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	span    = regexp.MustCompile("`([^`\n]+)`")
	mention = regexp.MustCompile(`^(?:[A-Z_]+=\S* )*(?:go run \./cmd/)?(enqueue|worker)((?: [a-z][a-z-]*)?)(.*)$`)
	flag    = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// Commands and flags that are only mentioned, within a sentence or a table, exist.
func TestMentionsOfCommandsAndFlagsAreTrue(t *testing.T) {
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	h := helps{t: t, bin: bin, known: map[string]string{}}
	checked := 0
	for _, name := range documents(t) {
		_, prose := split(read(t, name))
		for _, m := range span.FindAllStringSubmatch(prose, -1) {
			if problem := h.check(m[1]); problem != "" {
				t.Errorf("%s: `%s`: %s", name, m[1], problem)
			}
			checked++
		}
	}
	if checked < 200 {
		t.Errorf("only %d mentions were found", checked)
	}
	for wrong, problem := range map[string]string{
		"worker jump": "worker has no such command", "enqueue style --grid 3": "enqueue style has no --grid", "--portraits PATH": "no command has --portraits",
	} {
		if got := h.check(wrong); got != problem {
			t.Errorf("%s: %q, want %q", wrong, got, problem)
		}
	}
}

// helps asks the commands for their help, once each.
type helps struct {
	t     *testing.T
	bin   string
	known map[string]string
}

func (h helps) of(command ...string) string {
	key := strings.Join(command, " ")
	if text, ok := h.known[key]; ok {
		return text
	}
	out, err := exec.CommandContext(h.t.Context(), filepath.Join(h.bin, command[0]), append(command[1:], "--help")...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s --help: %v\n%s", key, err, out)
	}
	h.known[key] = string(out)
	return h.known[key]
}

// verbs are a command's own, and those that cobra gives it.
func (h helps) verbs(command string) []string {
	var all []string
	_, list, _ := strings.Cut(h.of(command), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.SplitSeq(list, "\n") {
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, words[0])
		}
	}
	return all
}

// check says what is wrong with a mention, or nothing.
func (h helps) check(text string) string {
	m := mention.FindStringSubmatch(text)
	switch {
	case m != nil && m[2] != "":
		verb := strings.TrimSpace(m[2])
		if !slices.Contains(h.verbs(m[1]), verb) {
			return m[1] + " has no such command"
		}
		for _, f := range flag.FindAllString(m[3], -1) {
			if !flagIn(h.of(m[1], verb), f) {
				return m[1] + " " + verb + " has no " + f
			}
		}
	case strings.HasPrefix(text, "--") && !slices.Contains(othersFlags, strings.Fields(text)[0]):
		f := flag.FindString(text)
		if !slices.ContainsFunc(h.all(), func(help string) bool { return flagIn(help, f) }) {
			return "no command has " + f
		}
	}
	return ""
}

// othersFlags are mentioned by themselves and belong to other programs.
var othersFlags = []string{"--entrypoint"}

func flagIn(help, f string) bool {
	return regexp.MustCompile(regexp.QuoteMeta(f) + `\b[^-]`).MatchString(help)
}

func (h helps) all() []string {
	var all []string
	for _, command := range []string{"enqueue", "worker"} {
		for _, verb := range h.verbs(command) {
			all = append(all, h.of(command, verb))
		}
	}
	return all
}
