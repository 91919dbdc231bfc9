package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// privateRedis is a redis-server of our own: append-only files below the
// output folder, reached over a unix socket by this user alone, ended with us.
type privateRedis struct {
	dir    string // of the data
	socket string
	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
}

// redisBinary finds redis-server, or says how to get it.
func redisBinary() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", trainset.Invalid("redis-server", "is not installed, and what you pay for is recorded in it",
			"install it with: "+installLine()+" (or set REDIS_URL, or accept with --volatile that a crash forgets what was paid)")
	}
	return path, nil
}

func installLine() string {
	if runtime.GOOS == "darwin" {
		return "brew install redis"
	}
	return "sudo apt-get install -y redis-server"
}

// socketPath names the socket of an output folder. Socket paths are short by
// the system's rule, so it is not in the folder itself.
func socketPath(dir string) (string, error) {
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" {
		base = os.TempDir()
	}
	base = filepath.Join(base, "trainset-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(base, 0o700); err != nil { //nolint:gosec // the user's own runtime folder
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	if err := os.Chmod(base, 0o700); err != nil { //nolint:gosec // a folder; and it fails where it is another user's
		return "", fmt.Errorf("the socket's folder %s is not this user's: %w", base, err)
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(base, hex.EncodeToString(sum[:6])+".sock"), nil
}

// start runs the server and returns when it answers. A server that a killed
// process left behind is ended first: its data are on disk.
func (p *privateRedis) start(ctx context.Context) error {
	bin, err := redisBinary()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return fmt.Errorf("making the state folder: %w", err)
	}
	p.endLeftover(ctx)
	p.cmd = exec.Command(bin, //nolint:gosec,noctx // found on PATH; ended by stop
		"--port", "0", "--unixsocket", p.socket, "--unixsocketperm", "700", "--dir", p.dir, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
		"--loglevel", "warning", "--logfile", filepath.Join(p.dir, "redis.log"))
	p.cmd.SysProcAttr = childAttributes()
	p.done = make(chan struct{})
	started := make(chan error)
	go func() {
		// The child is told of the death of the thread that made it.
		runtime.LockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	return p.ready(ctx)
}

func (p *privateRedis) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := p.ask(func(rdb *redis.Client) error { return rdb.Ping(ctx).Err() })
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("redis-server ended at once: see %s", filepath.Join(p.dir, "redis.log"))
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ask asks over a connection of its own, which is dialled once. A client that is
// kept dials five times, a tenth of a second apart, and after some failures once
// a second.
func (p *privateRedis) ask(question func(*redis.Client) error) error {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: p.socket, MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close() //nolint:errcheck // a probe
	return question(rdb)
}

func (p *privateRedis) endLeftover(ctx context.Context) {
	end := func(rdb *redis.Client) error {
		if err := rdb.Ping(ctx).Err(); err != nil {
			return err //nolint:wrapcheck // only whether there is one
		}
		_ = rdb.ShutdownNoSave(ctx).Err() // the connection ends with it
		return nil
	}
	for p.ask(end) == nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the server; what it was told is on disk.
func (p *privateRedis) stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = p.cmd.Process.Kill()
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
