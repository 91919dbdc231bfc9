package config

import (
	"fmt"
	"strings"
)

const preface = `# Configuration

Settings come from the environment and from a file named ` + "`.env`" + ` in the working directory; the environment wins. An
empty variable counts as unset. Everything that is wrong is reported at once, with exit code 2. Flags of the commands
override what is set here. Secrets are never printed.

This page is generated from the tags of ` + "`internal/config`" + `: run ` + "`go test ./internal/config -update`" + ` after a change there.
`

// Markdown is docs/configuration.md: every variable, by group.
func Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	group := "none yet"
	for _, v := range Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n## %s\n\n| variable | default | what it sets | values |\n|---|---|---|---|\n", title(group))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, shown(v), v.Doc, v.Allow)
	}
	return b.String()
}

func title(group string) string {
	if group == "" {
		return "The process"
	}
	return group
}

func shown(v Variable) string {
	switch {
	case v.Secret:
		return "unset (secret)"
	case v.Default == "":
		return "unset"
	}
	return "`" + v.Default + "`"
}
