//go:build unix

package chaos

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/wait"
)

// roleVariable makes this test's binary one of the processes of a deployment.
const roleVariable = "CHAOS_ROLE"

// TestMain is the test, or the process that the environment asks for.
func TestMain(m *testing.M) {
	roles := map[string]func(context.Context) error{"worker": runWorker, "provider": runProvider}
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := role(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serving is the line by which a process of ours says that it is ready.
const serving = "chaos: serving"

// child makes this binary a process in a role, with no more of the environment
// than it needs.
func child(role string, env ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the test's binary: %w", err)
	}
	cmd := exec.Command(self) //nolint:noctx // it is killed by its owner, at a moment of its choice
	cmd.SysProcAttr = dieWithUs()
	cmd.Env = append([]string{roleVariable + "=" + role, "HOME=" + os.TempDir(), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	return cmd, nil
}

// awaitLine reads a process's output until a line contains the text, and goes
// on reading it afterwards; false where the output ended before.
func awaitLine(lines *bufio.Scanner, text string) bool {
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			go func() {
				for lines.Scan() { // so that the writer never blocks
				}
			}()
			return true
		}
	}
	return false
}

// pause waits; false where the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	return wait.For(ctx, d) == nil
}

// until asks every so often until the answer is yes; false where the context
// ended first.
func until(ctx context.Context, every time.Duration, ask func() bool) bool {
	for !ask() {
		if !pause(ctx, every) {
			return false
		}
	}
	return true
}
