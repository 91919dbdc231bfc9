// Package deploy_test checks what a deployment is made of, as far as that is
// possible without an engine: the files are read by the parsers of those who
// use them, started where the programs are installed, and held against the
// settings that internal/config knows.
package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = ".."

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inRepository matches what is meant as a path of this repository; bin/ is built.
var inRepository = regexp.MustCompile(`(?:^|[\s"'\x60(=:])(?:\.\.?/)*((?:deploy|docs|examples|cmd|internal|scripts)/[A-Za-z0-9._/-]*[A-Za-z0-9]|\.env\.example|docker-compose\.yml)`)

func TestEveryPathThatIsNamedExists(t *testing.T) {
	for _, file := range []string{
		"docker-compose.yml", "deploy/Dockerfile", "deploy/trainset-worker.service", "deploy/trainset.env.example", "docs/deploy.md",
	} {
		named := inRepository.FindAllStringSubmatch(read(t, file), -1)
		if len(named) == 0 {
			t.Errorf("%s names no path: does this test still find them?", file)
		}
		for _, match := range named {
			if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
				t.Errorf("%s names %s: %v", file, match[1], err)
			}
		}
	}
}

// policy is as much of an IAM policy as the guide's has.
type policy struct {
	Statement []struct {
		Effect   string
		Action   any // one or a list
		Resource string
	}
}

// internal/storage gets, puts, deletes and lists, and heads, which is a get's
// right. Whoever teaches it more changes this and the guide.
func TestPolicyIsMinimal(t *testing.T) {
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(read(t, "docs", "deploy.md"))
	if block == nil {
		t.Fatal("there is no policy")
	}
	var p policy
	if err := json.Unmarshal([]byte(block[1]), &p); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range p.Statement {
		if s.Effect != "Allow" {
			t.Errorf("%+v allows nothing", s)
		}
		got[fmt.Sprint(s.Action)] = s.Resource
	}
	want := map[string]string{
		"[s3:GetObject s3:PutObject s3:DeleteObject]": "arn:aws:s3:::my-bucket/trainset/*",
		"s3:ListBucket": "arn:aws:s3:::my-bucket",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// linked matches the targets of Markdown links to files.
var linked = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

func TestLinksOfTheGuideLeadSomewhere(t *testing.T) {
	for _, match := range linked.FindAllStringSubmatch(read(t, "docs", "deploy.md"), -1) {
		if _, err := os.Stat(filepath.Join(root, "docs", match[1])); err != nil {
			t.Errorf("docs/deploy.md links to %s: %v", match[1], err)
		}
	}
}
