package dataset_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/dataset"
)

// TestTrainCommandReachesTheTool runs the commands in a shell, with a stand-in
// for Replicate's tool that notes its arguments.
func TestTrainCommandReachesTheTool(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell here")
	}
	for name, c := range map[string]struct {
		trigger, zip, word string
		images             int
		command            func(string, int, string) string
		rest               []string
	}{
		"plain":           {"vqbcdfg", "/out/dataset.zip", "trigger_word=vqbcdfg", 12, dataset.TrainCommand, []string{"steps=1200"}},
		"awkward path":    {"ZRK_1", "/it's my $HOME/a \"b\"/data set.zip", "trigger_word=ZRK_1", 3, dataset.TrainCommand, []string{"steps=1000"}},
		"reads as number": {"1234", "d.zip", `trigger_word="1234"`, 48, dataset.TrainCommand, []string{"steps=4000"}},
		"reads as null":   {"null", "d.zip", `trigger_word="null"`, 20, dataset.TrainCommand, []string{"steps=2000"}},
		"style":           {"vqbcdfg", "d.zip", "trigger_word=vqbcdfg", 20, dataset.TrainStyleCommand, []string{"steps=2000", "caption_dropout_rate=0.15"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fake := "#!/bin/sh\n" + `[ "$1" = account ] && { printf '{\n  "type": "user",\n  "username": "ann-b"\n}\n'; exit; }` + "\n" +
				`for a; do printf '%s\n' "$a"; done >>"$DIR/args"` + "\n"
			if err := os.WriteFile(filepath.Join(dir, "replicate"), []byte(fake), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), sh, "-eu", "-c", c.command(c.trigger, c.images, c.zip))
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "DIR=" + dir, "HOME=/nowhere"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			args, err := os.ReadFile(filepath.Join(dir, "args"))
			if err != nil {
				t.Fatal(err)
			}
			model := "ann-b/" + strings.ToLower(c.trigger) + "-lora"
			want := append([]string{
				"model", "create", model, "--private", "--hardware", "gpu-t4",
				"train", "ostris/flux-dev-lora-trainer", "--destination", model, "input_images=@" + c.zip, c.word, "autocaption=false",
			}, c.rest...)
			if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(args)), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
