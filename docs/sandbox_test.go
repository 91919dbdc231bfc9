package docs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// patience bounds a command: one that takes longer is stuck.
const patience = 5 * time.Minute

// binaries is the folder of both commands, once they were built.
var binaries string

// built builds both commands once, as make build does, and returns their folder.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bin")
	if err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	binaries = dir
	cmd := exec.CommandContext(context.Background(), "go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "./cmd/...")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the commands: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries != "" {
		_ = os.RemoveAll(binaries)
	}
	os.Exit(code)
}

// sandbox is where a document's commands run, one after the other: a folder
// with what the repository's own has for readers, a provider, and a Redis where
// the document is about a deployed system.
type sandbox struct {
	dir      string
	env      map[string]string
	says     *strings.Replacer // what the document says, and what is meant here
	provider string            // its address
	job      string            // the last one that was printed
	out      string            // of the last command
	services []*service
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "docs") //nolint:usetesting // a test's own folder has too long a name for the socket below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &sandbox{dir: dir, env: map[string]string{"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": dir}}
	t.Cleanup(func() { s.stop(t) })
	s.pictures(t)
	s.means(map[string]string{"127.0.0.1:8091": redistest.FreeAddress(t)})
	return s
}

// pictures puts there what readers bring.
func (s *sandbox) pictures(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(s.dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct{ name, example string }{{"me.jpg", "portrait.png"}, {"mosaic.jpg", "style.png"}} {
		b, err := os.ReadFile(filepath.Join(root, "examples", p.example))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, img, nil); err != nil {
			t.Fatal(err)
		}
		s.write(t, p.name, out.String())
	}
	s.write(t, "cast.csv", "kind,portrait,image,images\nactor,me.jpg,,2\nstyle,,mosaic.jpg,20\n")
}

func (s *sandbox) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// means adds to what is meant by words of the documents.
func (s *sandbox) means(words map[string]string) {
	pairs := []string{"go run ./cmd/enqueue", "enqueue", "go run ./cmd/worker", "worker"}
	for word, meant := range words {
		pairs = append(pairs, word, meant)
	}
	s.says = strings.NewReplacer(pairs...)
}

// pays gives the sandbox a provider: a process of its own, for drawing is slow
// under the race detector. The token for it is set unless the document tells its
// reader to.
func (s *sandbox) pays(t *testing.T, token bool) {
	t.Helper()
	s.provider = "http://" + redistest.FreeAddress(t)
	v := s.start(t, "worker fake-replicate --latency 50ms --listen "+strings.TrimPrefix(s.provider, "http://"), "^serving ")
	t.Cleanup(func() { v.stop(t) })
	s.env["REPLICATE_BASE_URL"] = s.provider + "/v1"
	if token {
		s.env["REPLICATE_API_TOKEN"] = "any"
	}
}

// predictions is how many the provider was asked for.
func (s *sandbox) predictions(t *testing.T) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.provider+"/_fake/stats", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	var stats fake.Stats
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	return stats.Predictions
}

// deploys gives the sandbox a Redis and an address for the worker's server.
func (s *sandbox) deploys(t *testing.T) {
	t.Helper()
	socket := redistest.Server(t).Options().Addr
	listen := redistest.FreeAddress(t)
	s.env["TRAINSET_HTTP_LISTEN"] = listen
	s.means(map[string]string{
		"127.0.0.1:8080": listen, "-u redis://127.0.0.1:6379/0": "-s " + socket, "redis://127.0.0.1:6379/0": "unix://" + socket,
	})
}

// stores gives the sandbox a bucket.
func (s *sandbox) stores(t *testing.T) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("data-sets"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_USER_FILES_BUCKET": "data-sets", "AWS_ENDPOINT_URL_S3": server.URL, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY": "key", "AWS_ACCESS_SECRET": "secret",
	} {
		s.env[name] = value
	}
}

var (
	export = regexp.MustCompile(`^export ([A-Z_]+)=(\S+)$`)
	jobID  = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
)

// command makes a shell that runs a line of a document.
func (s *sandbox) command(ctx context.Context, line string) *exec.Cmd {
	line = s.says.Replace(line)
	if s.job != "" {
		line = strings.ReplaceAll(line, exampleJob, s.job[:len(exampleJob)])
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = s.dir
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// exampleJob is what the documents call a job.
const exampleJob = "3f2a9c41"

// run runs a line and returns its exit code. What it printed is in s.out.
func (s *sandbox) run(t *testing.T, line string) int {
	t.Helper()
	if m := export.FindStringSubmatch(line); m != nil {
		s.env[m[1]] = s.says.Replace(m[2])
		return 0
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := s.command(ctx, line).CombinedOutput()
	s.out = string(out)
	if found := jobID.FindAllString(s.out, -1); strings.HasPrefix(s.says.Replace(line), "enqueue ") && len(found) > 0 {
		s.job = found[len(found)-1]
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", line, err)
	}
	if err != nil {
		return exit.ExitCode()
	}
	return 0
}

// must runs a line that is to end with an exit code.
func (s *sandbox) must(t *testing.T, code int, line string) {
	t.Helper()
	if got := s.run(t, line); got != code {
		t.Fatalf("%s\nexit code %d, not %d:\n%s", line, got, code, s.out)
	}
}

// until repeats a line until it prints what is wanted.
func (s *sandbox) until(t *testing.T, line, want string) {
	t.Helper()
	pattern := regexp.MustCompile(want)
	for start := time.Now(); ; <-time.After(50 * time.Millisecond) {
		if s.must(t, 0, line); pattern.MatchString(s.out) {
			return
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("%s\nprints nothing like %q:\n%s", line, want, s.out)
		}
	}
}

// service is a command that serves until it is stopped.
type service struct {
	line  string
	cmd   *exec.Cmd
	log   *output
	ended <-chan struct{} // closed when it prints no more
}

// serve starts a line that serves until the sandbox is stopped.
func (s *sandbox) serve(t *testing.T, line, ready string) {
	t.Helper()
	s.services = append(s.services, s.start(t, line, ready))
}

// start starts a line that serves, and returns when it has said that it does.
func (s *sandbox) start(t *testing.T, line, ready string) *service {
	t.Helper()
	v := &service{
		line: line, cmd: s.command(context.WithoutCancel(t.Context()), "exec "+s.says.Replace(line)),
		log: &output{seen: make(chan struct{}), ready: regexp.MustCompile(ready)},
	}
	pipe, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	v.cmd.Stderr = v.cmd.Stdout
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { v.log.read(pipe); close(ended) }()
	v.ended = ended
	select {
	case <-v.log.seen:
	case <-ended:
		_ = v.cmd.Wait() // what it has printed says more
		t.Fatalf("%s has ended:\n%s", line, v.log)
	case <-time.After(time.Minute):
		_ = v.cmd.Process.Kill() // it has had its time
		t.Fatalf("%s does not serve:\n%s", line, v.log)
	}
	return v
}

// stop ends a service as an init system does; it ends in order.
func (v *service) stop(t *testing.T) {
	t.Helper()
	if err := v.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping %s: %v", v.line, err)
	}
	select {
	case <-v.ended:
	case <-time.After(time.Minute):
		_ = v.cmd.Process.Kill() // it has had its time
	}
	if err := v.cmd.Wait(); err != nil {
		t.Errorf("%s did not end in order: %v\n%s", v.line, err, v.log)
	}
}

// stop ends what serves.
func (s *sandbox) stop(t *testing.T) {
	t.Helper()
	for _, v := range s.services {
		v.stop(t)
	}
	s.services = nil
}

// output is what a service has printed.
type output struct {
	ready *regexp.Regexp
	seen  chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

func (o *output) read(r io.Reader) {
	said := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		o.mu.Lock()
		o.text.WriteString(lines.Text() + "\n")
		o.mu.Unlock()
		if !said && o.ready.MatchString(lines.Text()) {
			said = true
			close(o.seen)
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
