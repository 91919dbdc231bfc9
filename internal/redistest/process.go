package redistest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience bounds every wait for a server; a test that needs it all has failed.
const patience = 20 * time.Second

// Node is one redis process of a test. It ends with the test, or by Kill.
type Node struct {
	Addr string // host:port

	tls   *tls.Config // nil where the node speaks plainly
	bin   string
	args  []string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// Start runs a redis-server on a free port of the loopback. Each line of config
// is one of redis.conf; nothing is persisted unless they say so.
func Start(tb testing.TB, config ...string) *Node {
	tb.Helper()
	return start(tb, nil, nil, func(string) []string { return config })
}

// Client connects to the node without a password.
func (n *Node) Client(tb testing.TB) *redis.Client {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: n.Addr, TLSConfig: n.tls})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Kill ends the process as a crash would. It may be called again.
func (n *Node) Kill() { n.signal(os.Kill) }

// Stop ends the process in order. It may be called again.
func (n *Node) Stop() { n.signal(syscall.SIGTERM) }

func (n *Node) signal(s os.Signal) {
	if n.cmd.Process == nil {
		return // it was never started
	}
	_ = n.cmd.Process.Signal(s)
	<-n.ended
}

// Restart starts the process again that has ended, on its port and with what
// it has on disk.
func (n *Node) Restart(tb testing.TB) {
	tb.Helper()
	var err error
	Await(tb, "the port of redis-server is free", func() bool { err = n.serve(); return !errors.Is(err, errPortTaken) })
	if err != nil {
		tb.Fatal(err)
	}
}

// start runs a server, with TLS where there is an authority, and with the
// configuration that the function makes for its port. A port that was free may
// be taken by the time the server binds it: then another is tried.
func start(tb testing.TB, a *Authority, args []string, config func(port string) []string) *Node {
	tb.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Skip("redis-server is not installed: make setup installs it")
	}
	var n *Node
	for range 5 {
		port := FreePort(tb)
		if n, err = run(tb, bin, port, args, append(listen(tb, a, port), config(port)...)); err == nil {
			if a != nil {
				n.tls = a.Config(tb)
			}
			return n
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	tb.Fatal(err)
	return nil
}

// FreePort names a TCP port of the loopback that nobody listens on. It is none of
// those that connections are given (from 32768 on), nor is the one 10000 above it,
// which a node of a cluster uses, too: what ends and is started again finds it free.
func FreePort(tb testing.TB) string {
	tb.Helper()
	const first, ports = 10240, 10000
	var lc net.ListenConfig
	for range 100 {
		port := strconv.Itoa(first + rand.IntN(ports))
		l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		_ = l.Close() // only wanted for its number
		return port
	}
	tb.Fatal("no port is free")
	return ""
}

// FreeAddress is the loopback's with a FreePort.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	return "127.0.0.1:" + FreePort(tb)
}

var errPortTaken = errors.New("the port was taken meanwhile")

// run starts one process and returns when it says that it serves.
func run(tb testing.TB, bin, port string, args, config []string) (*Node, error) {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "redis.conf")
	lines := append([]string{"bind 127.0.0.1", "dir " + dir, "save \"\"", "appendonly no", "loglevel notice"}, config...)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	n := &Node{Addr: net.JoinHostPort("127.0.0.1", port), bin: bin, args: append([]string{file}, args...)}
	err := n.serve()
	tb.Cleanup(n.Kill)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// serve starts the process and returns when it says that it serves. It is
// killed by its owner and not by the test's context: the context ends before
// the other clean-ups, which may still talk to the server.
func (n *Node) serve() error {
	n.cmd, n.ended = exec.Command(n.bin, n.args...), make(chan struct{}) //nolint:noctx // see above
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	serving, failed := make(chan struct{}), make(chan string, 1)
	go func(cmd *exec.Cmd, ended chan<- struct{}) {
		defer close(ended)
		log := follow(bufio.NewScanner(out), serving)
		_ = cmd.Wait() // how it ended is in its log
		failed <- log
	}(n.cmd, n.ended)
	select {
	case <-serving:
		return nil
	case log := <-failed:
		if strings.Contains(log, "Address already in use") {
			return errPortTaken
		}
		return errors.New("redis-server ended at once:\n" + log)
	case <-time.After(patience):
		return errors.New("redis-server does not serve")
	}
}

// follow reads a server's log to its end and reports the line by which a data
// node, or a sentinel, says that it serves.
func follow(lines *bufio.Scanner, serving chan<- struct{}) string {
	var log strings.Builder
	for lines.Scan() {
		line := lines.Text()
		if serving != nil && (strings.Contains(line, "Ready to accept connections") || strings.Contains(line, "+monitor master")) {
			close(serving)
			serving = nil
		}
		log.WriteString(line + "\n")
	}
	return log.String()
}

// Await asks until the answer is yes, and fails the test when it stays no.
func Await(tb testing.TB, what string, ask func() bool) {
	tb.Helper()
	for begun := time.Now(); !ask(); {
		if time.Since(begun) > patience {
			tb.Fatalf("waited %v in vain until %s", patience, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
