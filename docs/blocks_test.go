// Package docs_test keeps the documents true: every command that they show is
// run, or is listed with the reason why it cannot be; every link leads somewhere.
//
// It must not know how the commands work: it runs them as a reader would.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the repository.
const root = ".."

// documents lists what is read by people, from the repository's folder.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d documents, %v", pattern, len(found), err)
		}
		for _, f := range found {
			name, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, filepath.ToSlash(name))
		}
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// block is a part of a document that is set as code.
type block struct {
	line  int    // of its first line
	lang  string // as a fence names it; empty otherwise
	lines []string
}

// split takes a document apart into its code and what is left, line for line.
func split(text string) (code []block, prose string) {
	var rest strings.Builder
	var b *block
	fenced, blank := false, true
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; fenced {
				code = append(code, block{line: i + 2, lang: strings.TrimSpace(line[3:])})
				b = &code[len(code)-1]
			} else {
				b = nil
			}
			line = ""
		case fenced:
			b.lines = append(b.lines, line)
			line = ""
		case strings.HasPrefix(line, "    ") && (b != nil || blank):
			if b == nil {
				code = append(code, block{line: i + 1})
				b = &code[len(code)-1]
			}
			b.lines = append(b.lines, line[4:])
			line = ""
		default:
			b = nil
		}
		blank = strings.TrimSpace(line) == ""
		rest.WriteString(line + "\n")
	}
	return code, rest.String()
}

// shell reports whether a block may hold commands: one that names no language
// does, unless it is listed.
func (b block) shell() bool {
	switch b.lang {
	case "", "sh", "bash", "shell", "console":
		return true
	}
	return false
}

var comment = regexp.MustCompile(`\s+# .*$`)

// commands are the lines of a block, each with those that continue it, without
// comments.
func (b block) commands() []string {
	var all []string
	open := false
	for _, line := range b.lines {
		if line = strings.TrimSpace(comment.ReplaceAllString(line, "")); line == "" {
			continue
		}
		more := strings.HasSuffix(line, `\`)
		line = strings.TrimSpace(strings.TrimSuffix(line, `\`))
		if open {
			all[len(all)-1] += " " + line
		} else {
			all = append(all, line)
		}
		open = more
	}
	return all
}

func TestBlocksAreFound(t *testing.T) {
	code, prose := split("Text\n    is not code\n\n    one \\\n      more  # why\n\n    two\n\n```sh\nthree\n```\n\n```json\n{}\n```\n- [a](b.md)\n")
	var got []string
	for _, b := range code {
		if b.shell() {
			got = append(got, b.commands()...)
		}
	}
	if want := "one more|two|three"; strings.Join(got, "|") != want {
		t.Errorf("found %q, want %s", got, want)
	}
	if len(code) != 4 || code[0].line != 4 || code[3].lang != "json" {
		t.Errorf("blocks %+v", code)
	}
	if strings.Contains(prose, "three") || !strings.Contains(prose, "[a](b.md)") || !strings.Contains(prose, "is not code") {
		t.Errorf("prose %q", prose)
	}
}
