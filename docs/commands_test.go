package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// how is how a command of the documents is run, and what must come of it.
type how struct {
	exit   int
	want   string                                 // a pattern that is printed
	before func(t *testing.T, s *sandbox)         // brings about what the command is for
	after  func(t *testing.T, s *sandbox)         // looks at what came of it
	serves string                                 // printed once it serves; it is stopped with the document
	needs  string                                 // a program beside the repository's own; skipped where there is none
	once   bool                                   // it says the same in every document: run in the first
	at     func(s *sandbox, line string) *sandbox // where it is run, if not in the document's sandbox
}

// runs lists every command of the documents that is run here.
var runs = map[string]how{
	"go run ./cmd/enqueue actor --simulate --portrait examples/portrait.png": {
		want: "actor portrait succeeded: 12 of 12 images, SIMULATED", once: true,
	},
	"go run ./cmd/enqueue style --simulate --image examples/style.png": {
		want: "style style succeeded: 20 of 20 images, SIMULATED", once: true,
	},
	"make help": {want: "make test .* race detector", at: inRepository},

	"go run ./cmd/enqueue actor --portrait examples/portrait.png --estimate": {want: `cost +\$0\.48`, once: true},
	"go run ./cmd/enqueue style --image examples/style.png --estimate":       {want: `cost +\$0\.30`, once: true},

	"go run ./cmd/worker fake-replicate --listen 127.0.0.1:8091": {serves: "^serving "},
	"REPLICATE_BASE_URL=http://127.0.0.1:8091/v1 REPLICATE_API_TOKEN=any go run ./cmd/enqueue actor --portrait examples/portrait.png": {
		want: "succeeded: 12 of 12 images", needs: "redis-server",
	},
	"go run ./cmd/enqueue style --image mosaic.jpg --style mosaic --images 6 --grids 1 --max-grids 2 --max-cost 0.30": {
		want: "style mosaic succeeded: 6 of 6 images", needs: "redis-server",
	},

	"echo 'REPLICATE_API_TOKEN=r8_...' > .env": {},
	"go run ./cmd/enqueue actor --portrait me.jpg --actor me --sex female --trigger zrkme --estimate": {
		want: `cost +\$0\.48`,
	},
	"go run ./cmd/enqueue actor --portrait me.jpg --actor me --sex female --trigger zrkme --max-cost 1.00": {
		want: "actor me succeeded: 12 of 12 images", needs: "redis-server", after: trainersLines,
	},
	"go run ./cmd/enqueue actor --portrait me.jpg --actor me --sex female --trigger zrkme --max-cost 1.00 --new": {
		want: "actor me succeeded: 12 of 12 images", needs: "redis-server", after: predictions(24),
	},

	"export REDIS_URL=redis://127.0.0.1:6379/0": {},
	"worker doctor": {want: `(?m)^ok +token`},
	"worker run":    {serves: "serving"},
	"enqueue actor --portrait me.jpg --actor me --sex female --images 4 --no-wait": {want: "queued job"},
	"enqueue watch 3f2a9c41":                                  {want: "succeeded: 4 of 4 images"},
	"enqueue status 3f2a9c41 --json":                          {want: `"state": ?"succeeded"`},
	"enqueue fetch 3f2a9c41 --out me":                         {after: has("me/manifest.json", "me/v1/train/004.png")},
	"enqueue fetch 3f2a9c41 --links --ttl 1h --json":          {want: `X-Amz-Expires=3600`},
	"enqueue batch cast.csv --estimate":                       {want: `2 jobs, 22 images`},
	"worker jobs":                                             {want: "me +.*succeeded"},
	"worker jobs --state running,queued --user local --json":  {want: `^\[\]`},
	"worker job 3f2a9c41":                                     {want: `image\.4\.1`},
	"worker queues":                                           {want: "spending: open"},
	"worker workers":                                          {want: "(?m) live "},
	"curl -s http://127.0.0.1:8080/healthz":                   {want: `"alive": ?true`, needs: "curl"},
	"curl -s http://127.0.0.1:8080/readyz":                    {want: `"ready": ?true`, needs: "curl"},
	"worker health":                                           {want: "^alive\n$"},
	"worker health --ready":                                   {want: "^ready\n$"},
	"curl -s http://127.0.0.1:8080/metrics":                   {want: "trainset_open_jobs 0", needs: "curl", after: metrics},
	"worker pause --spending --reason 'the bill of November'": {want: "spending: paused", after: spending("stopped .operator.: the bill of November")},
	"worker resume --spending":                                {want: "spending: open", after: spending("open")},
	"worker pause image":                                      {want: "image: paused"},
	"worker resume image":                                     {want: "image: open"},
	"worker cancel 3f2a9c41":                                  {before: held, want: "cancel"},
	"worker retry 3f2a9c41 --dry-run":                         {before: canceled, want: "would be tried again: 4 subtasks"},
	"worker retry 3f2a9c41":                                   {want: "is tried again: 4 subtasks"},
	"worker retry 3f2a9c41 --max-cost 1.50":                   {before: capped, want: `is tried again: 2 subtasks.*\n  it may spend \$1\.50 in all`},
	"worker replace 3f2a9c41 2 3 --dry-run":                   {before: watched, want: "would be tried again: 2 subtasks"},
	"worker replace 3f2a9c41 2 3":                             {want: "is tried again: 2 subtasks"},
	"worker delete 3f2a9c41":                                  {before: watched, exit: 2, want: "--yes"},
	"worker delete 3f2a9c41 --yes":                            {want: "objects", after: gone},
	"worker audit --since 24h":                                {want: "the books agree"},
	"redis-cli -u redis://127.0.0.1:6379/0 --rdb backup.rdb":  {needs: "redis-cli", after: has("backup.rdb")},
	"redis-cli -u redis://127.0.0.1:6379/0 FLUSHDB":           {before: halted, want: "OK", needs: "redis-cli", after: rebuilt},
}

// Why commands of the documents are not run here.
const (
	ofMake    = "it would run these tests within themselves, build golangci-lint, or write into the repository; continuous integration runs it"
	ofDocker  = "it needs docker; deploy/ loads docker-compose.yml as docker compose does, and builds what the Dockerfile builds"
	ofSystem  = "it changes the machine; deploy/ checks the unit and the example of its settings"
	ofRedis   = "it needs a cluster, sentinels, or a user; internal/redisconn runs it from the page against real servers"
	ofAccount = "it needs an account of Replicate's and its tool, and costs money; the lines are compared with those that enqueue prints"
)

// unrun lists every other command, and why.
var unrun = map[string]string{
	"make test": ofMake, "make lint": ofMake, "make build": ofMake, "make bench …": ofMake,

	"docker compose --profile simulated up --build --detach":                  ofDocker,
	"docker compose run --rm enqueue actor --portrait /examples/portrait.png": ofDocker,
	"docker compose cp s3:/objects/trainset ./data":                           ofDocker,

	"sudo apt-get install -y redis-server":                                           ofSystem,
	"sudo install -m 0755 bin/worker /usr/local/bin/trainset-worker":                 ofSystem,
	"sudo install -m 0600 -D deploy/trainset.env.example /etc/trainset/trainset.env": ofSystem,
	"sudo install -m 0644 deploy/trainset-worker.service /etc/systemd/system/":       ofSystem,
	"sudoedit /etc/trainset/trainset.env":                                            ofSystem,
	"sudo systemctl daemon-reload":                                                   ofSystem,
	"sudo systemctl enable --now trainset-worker":                                    ofSystem,
	"journalctl -u trainset-worker -f":                                               ofSystem,

	"redis-cli ACL SETUSER trainset …":                   ofRedis,
	"redis-cli -p 26379 ACL SETUSER trainset-sentinel …": ofRedis,

	"owner=$(replicate account current …": ofAccount,
	"replicate model create …":            ofAccount,
	"replicate train …":                   ofAccount,
	"replicate run …":                     ofAccount,
}

// others lists what is set as code and is no command, by its first line.
var others = map[string]string{
	"portrait ─▶": "a diagram", "producer ──▶": "a diagram", "permit ": "the order of writes",
	"appendonly yes": "of redis.conf", "REPLICATE_API_TOKEN=r8_...": "of .env",
}

// reason finds why a command is not run: an entry that ends with an ellipsis
// stands for all that begin as it does.
func reason(line string) (entry, why string) {
	for entry, why := range unrun {
		start, open := strings.CutSuffix(entry, "…")
		if entry == line || open && strings.HasPrefix(line, strings.TrimSpace(start)) {
			return entry, why
		}
	}
	return "", ""
}

func isOther(b block) (entry string, ok bool) {
	for entry := range others {
		if strings.HasPrefix(strings.TrimSpace(b.lines[0]), entry) {
			return entry, true
		}
	}
	return "", false
}

// commandsOf returns what a document tells its readers to run.
func commandsOf(t *testing.T, name string) []string {
	t.Helper()
	var all []string
	code, _ := split(read(t, name))
	for _, b := range code {
		if _, no := isOther(b); b.shell() && !no {
			all = append(all, b.commands()...)
		}
	}
	return all
}

// No command of the documents is left out, and no entry outlives its command.
func TestEveryCommandIsRunOrListed(t *testing.T) {
	used := map[string]bool{}
	for _, name := range documents(t) {
		code, _ := split(read(t, name))
		for _, b := range code {
			if entry, no := isOther(b); no {
				used[entry] = true
			}
		}
		for _, line := range commandsOf(t, name) {
			_, run := runs[line]
			entry, why := reason(line)
			switch {
			case run && why != "":
				t.Errorf("%s: %q is run, and listed as one that cannot be", name, line)
			case !run && why == "":
				t.Errorf("%s: %q is neither run by this test nor listed with a reason: add it to runs or unrun", name, line)
			}
			used[line], used[entry] = true, true
		}
	}
	for _, lists := range []map[string]string{unrun, others} {
		for entry := range lists {
			if !used[entry] {
				t.Errorf("%q is listed, and in no document", entry)
			}
		}
	}
	for line := range runs {
		if !used[line] {
			t.Errorf("%q is run, and in no document", line)
		}
	}
}

// Each document's commands are run one after the other, as a reader would.
func TestCommandsDoWhatTheDocumentsSay(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes every data set that the documents make")
	}
	var done sync.Map
	for _, name := range documents(t) {
		lines := slices.DeleteFunc(commandsOf(t, name), func(line string) bool { _, run := runs[line]; return !run })
		if len(lines) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			if set := settings[name]; set != nil {
				set(t, s)
			}
			for _, line := range lines {
				if _, twice := done.LoadOrStore(line, true); twice && runs[line].once {
					continue
				}
				if !t.Run(line, func(t *testing.T) { runs[line].try(t, s, line) }) {
					return // what follows builds on it
				}
			}
		})
	}
}

// settings are those that a document takes for given.
var settings = map[string]func(t *testing.T, s *sandbox){
	"docs/style.md":      func(t *testing.T, s *sandbox) { s.pays(t, true) },
	"docs/first-lora.md": func(t *testing.T, s *sandbox) { s.pays(t, false) },
	"docs/operations.md": func(t *testing.T, s *sandbox) {
		s.pays(t, true)
		s.stores(t)
		s.deploys(t)
	},
}

func (h how) try(t *testing.T, s *sandbox, line string) {
	if h.needs != "" {
		if _, err := exec.LookPath(h.needs); err != nil {
			t.Skipf("%s is not installed", h.needs)
		}
	}
	if h.before != nil {
		h.before(t, s)
	}
	if h.at != nil {
		s = h.at(s, line)
	}
	if h.serves != "" {
		s.serve(t, line, h.serves)
		return
	}
	s.must(t, h.exit, line)
	if !regexp.MustCompile(h.want).MatchString(s.out) {
		t.Fatalf("%s\nprints nothing like %q:\n%s", line, h.want, s.out)
	}
	if h.after != nil {
		h.after(t, s)
	}
}

func inRepository(s *sandbox, _ string) *sandbox {
	return &sandbox{dir: root, env: s.env, says: s.says}
}

func has(files ...string) func(t *testing.T, s *sandbox) {
	return func(t *testing.T, s *sandbox) {
		t.Helper()
		for _, f := range files {
			if _, err := os.Stat(filepath.Join(s.dir, f)); err != nil {
				t.Error(err)
			}
		}
	}
}

func predictions(n int) func(t *testing.T, s *sandbox) {
	return func(t *testing.T, s *sandbox) {
		t.Helper()
		if got := s.predictions(t); got != n {
			t.Errorf("the provider was asked for %d predictions, not %d", got, n)
		}
	}
}

// trainersLines compares the trainer's commands in the document with those that
// were printed for the set that has just been made.
func trainersLines(t *testing.T, s *sandbox) {
	t.Helper()
	predictions(12)(t, s)
	var documented []string
	for _, line := range commandsOf(t, "docs/first-lora.md") {
		if _, why := reason(line); why == ofAccount && !strings.HasPrefix(line, "replicate run") {
			documented = append(documented, line)
		}
	}
	_, printed, found := strings.Cut(s.out, "To train a LoRA on it")
	if !found {
		t.Fatalf("no trainer's command is printed:\n%s", s.out)
	}
	_, printed, _ = strings.Cut(printed, "\n")
	printed = jobID.ReplaceAllString(strings.ReplaceAll(printed, s.dir+"/", ""), "JOB")
	if diff := cmp.Diff(block{lines: strings.Split(printed, "\n")}.commands(), documented); diff != "" {
		t.Errorf("what is printed (-) is not what docs/first-lora.md shows (+):\n%s", diff)
	}
}

var (
	metric   = regexp.MustCompile(`\b(trainset_[a-z_]+)(?:\{([^}]*)\})?`)
	labelled = regexp.MustCompile(`="[^"]*"`)
)

// metrics looks for each metric that the document names among those that were
// served: one that is shown with labels has these and no others, whether values
// are given for them or not.
func metrics(t *testing.T, s *sandbox) {
	t.Helper()
	served := map[string]string{}
	for _, m := range metric.FindAllStringSubmatch(s.out, -1) {
		served[m[1]] = labelled.ReplaceAllString(m[2], "")
	}
	for _, m := range metric.FindAllStringSubmatch(read(t, "docs/operations.md"), -1) {
		labels, there := served[m[1]]
		if !there {
			t.Errorf("%s is documented and not served", m[1])
		}
		if m[2] != "" && labelled.ReplaceAllString(m[2], "") != labels {
			t.Errorf("%s is documented with %s, and served with the labels %s", m[1], m[2], labels)
		}
	}
}

// spending looks at how worker queues says that spending stands.
func spending(want string) func(t *testing.T, s *sandbox) {
	return func(t *testing.T, s *sandbox) {
		t.Helper()
		s.must(t, 0, "worker queues")
		if !regexp.MustCompile("spending: " + want).MatchString(s.out) {
			t.Errorf("spending is not %s:\n%s", want, s.out)
		}
	}
}

// held enqueues a job that has begun and cannot spend.
func held(t *testing.T, s *sandbox) {
	t.Helper()
	s.must(t, 0, "worker pause --spending")
	s.must(t, 0, "enqueue actor --portrait me.jpg --actor me --sex female --images 4 --no-wait --new")
	s.until(t, "enqueue status 3f2a9c41 --json", `"state": ?"running"`)
}

// canceled waits for the end of the job that was canceled, and lets spending go on.
func canceled(t *testing.T, s *sandbox) {
	t.Helper()
	s.must(t, 4, "enqueue watch 3f2a9c41")
	s.must(t, 0, "worker resume --spending")
}

// capped waits for a job that may not spend enough.
func capped(t *testing.T, s *sandbox) {
	t.Helper()
	s.must(t, 0, "enqueue actor --portrait me.jpg --actor me --sex female --images 4 --max-cost 0.10 --no-wait --new")
	s.must(t, 3, "enqueue watch 3f2a9c41")
}

func watched(t *testing.T, s *sandbox) {
	t.Helper()
	s.must(t, 0, "enqueue watch 3f2a9c41")
}

// gone looks for what was deleted.
func gone(t *testing.T, s *sandbox) {
	t.Helper()
	s.must(t, 2, "worker job 3f2a9c41")
}

// halted stops the workers, as the document says.
func halted(t *testing.T, s *sandbox) {
	t.Helper()
	s.stop(t)
}

// rebuilt asks for the first job again after Redis was emptied: nothing is paid for.
func rebuilt(t *testing.T, s *sandbox) {
	t.Helper()
	before := s.predictions(t)
	s.serve(t, "worker run", "serving")
	s.must(t, 0, "enqueue actor --portrait me.jpg --actor me --sex female --images 4")
	predictions(before)(t, s)
}
