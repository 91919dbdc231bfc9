// Package asynq_test is a producer that knows nothing but the published
// contract: a task type, a queue, and a payload as docs/schemas have it. It
// links no client package; in another language it would look the same.
package asynq_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
	"github.com/actormaker/trainset/examples/running"
)

// valid holds a payload to its schema, as a producer's own tests would.
func valid(t *testing.T, schema, payload string) {
	t.Helper()
	b, err := schemas.Files.ReadFile(schema)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(schema, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Fatal(err)
	}
}

// manifest waits until the set is there: its manifest is written last.
func manifest(t *testing.T, address string) trainset.Manifest {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute)
	for {
		if status, body := running.Get(t, address); status == http.StatusOK {
			var m trainset.Manifest
			if err := json.Unmarshal(body, &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("no manifest: ", address)
		}
	}
}

func TestAPayloadByThePublishedContractIsAllThatIsNeeded(t *testing.T) {
	s := running.Start(t)
	producer := asynq.NewClient(asynq.RedisClientOpt{Addr: s.RedisAddr})
	t.Cleanup(func() { _ = producer.Close() })
	for _, c := range []struct {
		task, schema, payload string
		kind                  trainset.Kind
		subject               string
		images                int
	}{
		{
			task: "actor:generate", schema: schemas.ActorGenerate, kind: trainset.KindActor, subject: "zara", images: 2,
			payload: fmt.Sprintf(`{"version":1,"user":"ada","key":"order-7","actor":"zara","sex":"female","images":2,"portrait":{"url":%q}}`, s.Pictures+"/portrait.png"),
		},
		{
			task: "style:generate", schema: schemas.StyleGenerate, kind: trainset.KindStyle, subject: "ink", images: 4,
			payload: fmt.Sprintf(`{"version":1,"user":"ada","key":"order-7","style":"ink","images":4,"grids":1,"judge":"local","enhance":"none","image":{"url":%q}}`, s.Pictures+"/style.png"),
		},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			valid(t, c.schema, c.payload)
			for range 2 { // one key is one job, however often it is delivered
				if _, err := producer.EnqueueContext(t.Context(), asynq.NewTask(c.task, []byte(c.payload)), asynq.Queue("control")); err != nil {
					t.Fatal(err)
				}
			}
			id := trainset.NewJobID("ada", c.kind, "order-7")
			m := manifest(t, fmt.Sprintf("%s/ada/%ss/%s/%s/manifest.json", s.Files, c.kind, c.subject, id))
			if m.State != trainset.JobSucceeded || len(m.Items) != c.images {
				t.Fatalf("%s (%s) with %d images", m.State, m.Reason, len(m.Items))
			}
			for _, it := range m.Items {
				running.Picture(t, s.Files+"/"+m.Folder+"/"+it.File)
			}
		})
	}
	if got := s.Predictions(); got != 3 { // two images, one grid
		t.Errorf("%d predictions", got)
	}
}

// This producer, worker and all, is built without the client package.
func TestTheClientIsNotNeeded(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	deps := strings.Fields(string(out))
	found := false
	for _, dep := range deps {
		found = found || dep == "github.com/hibiken/asynq"
		if dep == "github.com/actormaker/trainset/client" {
			t.Error("package client is linked")
		}
	}
	if !found {
		t.Errorf("asynq is not among %d packages", len(deps))
	}
}
