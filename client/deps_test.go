package client_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/actormaker/trainset"

// A program that asks for data sets links this much and no more: no provider, no
// storage, no images, nothing that runs or pays for a job. asynq's server shares
// a package with its client.
func TestTheClientLinksNoWorkerCode(t *testing.T) {
	ours, others := dependencies(t, module+"/client")
	if diff := cmp.Diff([]string{"", "/client", "/internal/ledger", "/internal/plan", "/internal/queue", "/internal/redisconn", "/internal/wait"}, ours); diff != "" {
		t.Errorf("packages of ours that the client links (-) should be, (+) are:\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"github.com/cespare/xxhash/v2", "github.com/google/uuid", "github.com/hibiken/asynq", "github.com/redis/go-redis/v9",
		"github.com/robfig/cron/v3", "github.com/spf13/cast", "go.uber.org/atomic", "golang.org/x/sys", "golang.org/x/time",
		"google.golang.org/protobuf",
	}, others); diff != "" {
		t.Errorf("modules of others that the client links (-) should be, (+) are:\n%s", diff)
	}
}

func TestTheVocabularyLinksTheStandardLibraryAlone(t *testing.T) {
	ours, others := dependencies(t, module)
	if len(ours) != 1 || len(others) > 0 {
		t.Errorf("the root package links %q and %q", ours, others)
	}
}

// dependencies lists what a package links: packages of ours, without the module's
// path, and the modules of others.
func dependencies(t *testing.T, of string) (ours, others []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}} {{.ImportPath}}", of).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		switch from, pkg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); from {
		case "": // of the standard library
		case module:
			ours = append(ours, strings.TrimPrefix(pkg, module))
		default:
			others = append(others, from)
		}
	}
	slices.Sort(ours)
	slices.Sort(others)
	return ours, slices.Compact(others)
}
