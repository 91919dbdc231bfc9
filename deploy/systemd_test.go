package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	unit      = "trainset-worker.service"
	installed = "/usr/local/bin/trainset-worker"
	exposure  = "20" // tenths of the 10 that systemd-analyze calls unsafe; it calls 2.0 OK
)

// analyze runs systemd-analyze on the unit as it would be installed: with a
// program where ExecStart looks for one.
func analyze(t *testing.T, text string, args ...string) (string, error) {
	t.Helper()
	binary, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the unit is not verified")
	}
	program, err := exec.LookPath("true")
	if err != nil {
		t.Skip("there is no program to stand in for the worker")
	}
	if !strings.Contains(text, "ExecStart="+installed+" run\n") {
		t.Fatalf("the unit does not run %s", installed)
	}
	file := filepath.Join(t.TempDir(), unit)
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, installed, program)), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), binary, append(args, file)...).CombinedOutput()
	return string(output), err
}

// systemd-analyze verify exits with 0 whatever it thinks of a key.
func TestUnitIsAccepted(t *testing.T) {
	if output, err := analyze(t, read(t, "deploy", unit), "verify"); err != nil || output != "" {
		t.Errorf("systemd-analyze: %v\n%s", err, output)
	}
}

func TestUnitMistakesAreNoticed(t *testing.T) {
	text := strings.Replace(read(t, "deploy", unit), "ProtectHome=", "ProtectHouse=", 1)
	if output, _ := analyze(t, text, "verify"); !strings.Contains(output, "ProtectHouse") {
		t.Errorf("an unknown key is not reported: %q", output)
	}
}

func TestUnitIsHardened(t *testing.T) {
	output, err := analyze(t, read(t, "deploy", unit), "security", "--offline=true", "--no-pager", "--threshold="+exposure)
	if err != nil {
		t.Errorf("systemd-analyze: %v\n%s", err, output)
	}
}
