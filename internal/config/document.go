package config

import (
	"fmt"
	"strings"
)

const preface = `# Configuration

Settings come from the environment and from a file named ` + "`.env`" + ` in the working directory; the environment wins. An
empty variable counts as unset, unless its row says otherwise. Everything that is wrong is reported at once, with exit code 2. Flags of the commands
override what is set here. A name that is misspelt is ignored; ` + "`enqueue`, `worker run`" + ` and ` + "`worker doctor`" + ` warn of it, with the nearest. Secrets are never printed.

In ` + "`.env`" + ` a ` + "`$`" + ` must be in single quotes, or be written as ` + "`%24`" + ` in a URL: outside of them docker compose and other readers of such files
put another variable there. ` + "`docker --env-file`" + ` knows no quotes, so that ` + "`%24`" + ` alone is read alike by all.

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
	b.WriteString(sdkSection())
	b.WriteString(usualSection)
	return b.String()
}

// usualSection is of variables that are no settings: other programs heed them, too.
const usualSection = `
## Read as by other programs

From the environment, not from ` + "`.env`" + `:

| variable | what it does |
|---|---|
| ` + "`NO_COLOR`" + ` | set to anything: progress on a terminal is without colour |
| ` + "`TERM`" + ` | ` + "`dumb`" + `: progress is printed in lines, as where the output is no terminal |
| ` + "`XDG_RUNTIME_DIR`" + ` | where ` + "`enqueue`" + ` without ` + "`REDIS_URL`" + ` has the socket of its own redis-server, in a folder of the user's; the folder for temporary files when unset |
| ` + "`TMPDIR`" + ` | the folder for temporary files; ` + "`/tmp`" + ` when unset |
| ` + "`GOMEMLIMIT`" + ` | what ` + "`worker run`" + `, and ` + "`enqueue`" + ` without ` + "`REDIS_URL`" + `, try to keep their memory below, such as ` + "`1GiB`" + `; 400 MiB when unset |
`

const sdkPreface = `
## Left to the AWS SDK

When a bucket is set, the SDK reads these and its other variables itself, from the environment and not from ` + "`.env`" + `; those about
credentials only where neither pair of keys above is set. One that is needed and stands only in ` + "`.env`" + ` is reported as an error.

| variable | what it sets |
|---|---|
`

func sdkSection() string {
	var b strings.Builder
	b.WriteString(sdkPreface)
	for _, v := range leftToSDK {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.doc)
	}
	return b.String()
}

func title(group string) string {
	if group == "" {
		return "The process"
	}
	return group
}

// shown is the cell of the defaults: the command's, the worker's, and what
// being empty means.
func shown(v Variable) string {
	cell := shownDefault(v)
	if v.Worker != "" {
		cell += "; `" + v.Worker + "` for `worker run`"
	}
	if v.Empty != "" {
		cell += "; " + v.Empty
	}
	return cell
}

func shownDefault(v Variable) string {
	switch {
	case v.Secret:
		return "unset (secret)"
	case v.Default == "":
		return "unset"
	}
	return "`" + v.Default + "`"
}
