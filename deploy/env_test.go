package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/actormaker/trainset/internal/config"
)

const example = "trainset.env.example"

// assignment is a line that sets a variable, or would without its #. An
// inline comment would be part of the value for systemd.
var assignment = regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=(\S*)$`)

func TestExampleSettingsLoad(t *testing.T) {
	cfg, err := config.LoadWorker(nil, example)
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.Redis.URL.IsSet() || !cfg.Provider.Token.IsSet() || cfg.Money.PerUserDay == 0 {
		t.Errorf("it lacks what a worker needs: %+v", cfg)
	}
}

// With every # taken away the examples behind them must be acceptable too.
func TestCommentedExamplesLoad(t *testing.T) {
	whole := regexp.MustCompile(`(?m)^#([A-Z][A-Z0-9_]*=)`).ReplaceAllString(read(t, "deploy", example), "$1")
	vars, err := godotenv.Unmarshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name, value := range vars {
		environ = append(environ, name+"="+value)
	}
	if _, err := config.LoadWorker(environ, ""); err != nil {
		t.Error(err)
	}
}

func TestExampleHasEveryVariableAndNoOther(t *testing.T) {
	found := map[string]int{}
	for _, match := range assignment.FindAllStringSubmatch(read(t, "deploy", example), -1) {
		found[match[1]]++
		if found[match[1]] > 1 {
			t.Errorf("%s is there twice", match[1])
		}
	}
	var known []string
	for _, v := range config.Variables() {
		known = append(known, v.Name)
	}
	slices.Sort(known)
	if diff := cmp.Diff(known, slices.Sorted(maps.Keys(found))); diff != "" {
		t.Error(diff)
	}
}

// Defaults that are shown must be the defaults.
func TestShownDefaultsAreDefaults(t *testing.T) {
	shown := map[string]string{}
	for _, match := range assignment.FindAllStringSubmatch(read(t, "deploy", example), -1) {
		shown[match[1]] = match[2]
	}
	notDefaults := []string{"TRAINSET_SIMULATE", "TRAINSET_OUT", "LOG_FORMAT"} // the unit sets the last two
	for _, v := range config.Variables() {
		want := v.Default
		if v.Worker != "" {
			want = v.Worker
		}
		if want != "" && shown[v.Name] != want && !slices.Contains(notDefaults, v.Name) {
			t.Errorf("%s is shown as %q; its default is %q", v.Name, shown[v.Name], want)
		}
	}
}

// systemd takes a value as it stands, quotes and all that follows included.
func TestExampleIsPlainForSystemd(t *testing.T) {
	text, err := os.ReadFile(filepath.Clean(example))
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`^(|#( .*)?|#?[A-Z][A-Z0-9_]*=[^\s"'\\#]*)$`)
	for i, line := range regexp.MustCompile(`\r?\n`).Split(string(text), -1) {
		if !plain.MatchString(line) {
			t.Errorf("line %d: %q is neither a comment nor NAME=value", i+1, line)
		}
	}
}
