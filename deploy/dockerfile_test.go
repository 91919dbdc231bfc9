package deploy_test

import (
	"encoding/json"
	"go/version"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile, with its continuation lines.
type instruction struct{ name, args string }

// dockerfile reads as much of the format as ours uses: no heredocs, no parser
// directives, no ONBUILD.
func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text := regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(read(t, "deploy", "Dockerfile"), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	var all []instruction
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, args, _ := strings.Cut(line, " ")
		all = append(all, instruction{name, strings.TrimSpace(args)})
	}
	return all
}

// stages splits the instructions at each FROM.
func stages(t *testing.T) [][]instruction {
	t.Helper()
	var all [][]instruction
	for _, in := range dockerfile(t) {
		if in.name == "FROM" {
			all = append(all, nil)
		}
		if len(all) == 0 {
			t.Fatalf("%s comes before FROM", in.name)
		}
		all[len(all)-1] = append(all[len(all)-1], in)
	}
	if len(all) != 2 {
		t.Fatalf("there are %d stages", len(all))
	}
	return all
}

func argsOf(stage []instruction, name string) []string {
	var args []string
	for _, in := range stage {
		if in.name == name {
			args = append(args, in.args)
		}
	}
	return args
}

func TestInstructionsAreKnown(t *testing.T) {
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	for _, in := range dockerfile(t) {
		if !slices.Contains(known, in.name) || in.args == "" {
			t.Errorf("%s %s", in.name, in.args)
		}
	}
}

// What is built from must be as new as go.mod asks, by an exact tag.
func TestBuilderIsNewEnough(t *testing.T) {
	from := regexp.MustCompile(`^golang:(\d+\.\d+\.\d+) AS build$`).FindStringSubmatch(stages(t)[0][0].args)
	if from == nil {
		t.Fatalf("built from %q", stages(t)[0][0].args)
	}
	wanted := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if version.Compare("go"+from[1], "go"+wanted[1]) < 0 {
		t.Errorf("Go %s is older than go.mod's %s", from[1], wanted[1])
	}
}

func TestImageIsStaticAndWithoutRights(t *testing.T) {
	building, image := stages(t)[0], stages(t)[1]
	if image[0].args != "scratch" {
		t.Errorf("the image is made from %q", image[0].args)
	}
	if !strings.Contains(strings.Join(argsOf(building, "RUN"), "\n"), "CGO_ENABLED=0 go build") {
		t.Error("the commands are not static: there is no C library in the image")
	}
	user := argsOf(image, "USER")
	if len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
		t.Errorf("user %q is not numeric, or root", user)
	}
	if runs := argsOf(image, "RUN"); runs != nil {
		t.Errorf("nothing can be run in an image without a shell: %q", runs)
	}
	if !strings.Contains(strings.Join(argsOf(image, "COPY"), "\n"), "ca-certificates.crt /etc/ssl/certs/ca-certificates.crt") {
		t.Error("no certificate authorities: the provider could not be reached")
	}
}

// The image's program must be one of those that are built, in the exec form.
func TestImageRunsWhatIsBuilt(t *testing.T) {
	building, image := stages(t)[0], stages(t)[1]
	command := regexp.MustCompile(`go build .*-o /rootfs(\S+/) (.+)$`)
	var programs []string
	for _, run := range argsOf(building, "RUN") {
		match := command.FindStringSubmatch(run)
		if match == nil {
			continue
		}
		for folder := range strings.FieldsSeq(match[2]) {
			if source := read(t, folder, "main.go"); !strings.Contains(source, "\npackage main\n") {
				t.Errorf("%s is no command", folder)
			}
			programs = append(programs, match[1]+filepath.Base(folder))
		}
	}
	var entry, args []string
	if err := json.Unmarshal([]byte(strings.Join(argsOf(image, "ENTRYPOINT"), "")), &entry); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.Join(argsOf(image, "CMD"), "")), &args); err != nil {
		t.Fatal(err)
	}
	if len(entry) != 1 || !slices.Contains(programs, entry[0]) {
		t.Errorf("it runs %q; built are %q", entry, programs)
	}
	if !slices.Equal(args, []string{"run"}) {
		t.Errorf("by default it runs worker %q", args)
	}
	var check []string
	_, exec, _ := strings.Cut(strings.Join(argsOf(image, "HEALTHCHECK"), ""), " CMD ")
	if err := json.Unmarshal([]byte(exec), &check); err != nil || !slices.Equal(check, []string{entry[0], "health"}) {
		t.Errorf("its health check runs %q: %v", check, err)
	}
	other := compose(t, "", nil, "tools").Services["enqueue"].Entrypoint
	if len(other) != 1 || !slices.Contains(programs, other[0]) {
		t.Errorf("compose runs %q; built are %q", other, programs)
	}
}

func TestCopiedFilesAreInTheContext(t *testing.T) {
	ignored := strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(read(t, ".dockerignore"), ""))
	for _, args := range argsOf(stages(t)[0], "COPY") {
		sources := strings.Fields(args)
		for _, source := range sources[:len(sources)-1] {
			if _, err := os.Stat(filepath.Join(root, source)); err != nil || slices.Contains(ignored, source) {
				t.Errorf("COPY %s: %v", source, err)
			}
		}
	}
}

// Whatever may hold a token or a picture of somebody stays out of the image.
func TestSecretsStayOutOfTheContext(t *testing.T) {
	ignored := strings.Fields(read(t, ".dockerignore"))
	for _, name := range []string{".env", ".env.*", ".git", "out", "data"} {
		if !slices.Contains(ignored, name) {
			t.Errorf("%s is sent to the builder", name)
		}
	}
}

// Go code may embed files; those must not be ignored.
func TestEmbeddedFilesAreInTheContext(t *testing.T) {
	embed := regexp.MustCompile(`(?m)^//go:embed (.+)$`)
	found := 0
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return err
		}
		for _, match := range embed.FindAllStringSubmatch(string(source), -1) {
			found++
			if strings.Contains(match[1], ".md") || strings.Contains(match[1], "testdata") {
				t.Errorf("%s embeds %s, which .dockerignore leaves out", file, match[1])
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d embeds were seen: %v", found, err)
	}
}
