package docs_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var link = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)

// Every link within the repository leads to a file that is there and, where it
// names one, to a heading that is in it.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range documents(t) {
		_, prose := split(read(t, name))
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if err := follow(t, name, m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func follow(t *testing.T, from, target string) error {
	t.Helper()
	file, anchor, _ := strings.Cut(target, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
			return fmt.Errorf("the link %s leads nowhere: %w", target, err)
		}
	}
	if anchor != "" && !anchors(read(t, to))[anchor] {
		return fmt.Errorf("the link %s leads to no heading of %s", target, to)
	}
	return nil
}

var heading = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)

// anchors are the names under which headings can be linked to, as GitHub makes them.
func anchors(text string) map[string]bool {
	_, prose := split(text)
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(prose, -1) {
		name := slug(m[1])
		for n, first := 1, name; all[name]; n++ {
			name = fmt.Sprintf("%s-%d", first, n)
		}
		all[name] = true
	}
	return all
}

func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

func TestLinksThatLeadNowhereAreFound(t *testing.T) {
	for target, good := range map[string]bool{
		"actor.md": true, "nowhere.md": false, "architecture.md#paying-once": true, "architecture.md#paying-twice": false,
		"#paying-once": true, "#3-choose": false, "images/dashboard.png": true, "../README.md": true,
	} {
		if err := follow(t, "docs/architecture.md", target); (err == nil) != good {
			t.Errorf("%s: %v", target, err)
		}
	}
	if got := anchors("# One, two\n## It's `--new`\n# One, two\n"); !got["one-two"] || !got["one-two-1"] || !got["its---new"] {
		t.Errorf("anchors %v", got)
	}
}

// A reader who begins at the README finds every document.
func TestReadmeLinksEveryDocument(t *testing.T) {
	readme := read(t, "README.md")
	for _, name := range documents(t) {
		if name != "README.md" && !strings.Contains(readme, "("+name+")") {
			t.Errorf("README.md does not link %s", name)
		}
	}
}

// Whoever looks for a package finds it in the table of architecture.md.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "internal"))
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, "docs/architecture.md")
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(text, "`internal/"+e.Name()+"`") {
			t.Errorf("docs/architecture.md does not name internal/%s", e.Name())
		}
	}
}
