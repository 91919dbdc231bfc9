package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is built does not belong to what it is built from: a program that was left
// in the repository by mistake is far larger than anything that is written here.
func TestNothingBuiltIsKept(t *testing.T) {
	const most = 2 << 20 // bytes of a file; the largest is an example of a style
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("this is no clone: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Size() > most {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
}
