package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/operate"
)

func TestWhomAPauseReaches(t *testing.T) {
	started := time.Unix(1_800_000_000, 0)
	one := operate.Worker{ID: "one", Live: true, Account: "ours", Host: "left", PID: 7, StartedAt: &started}
	two := operate.Worker{ID: "two", Live: true, Account: "theirs", Host: "right", PID: 8, StartedAt: &started}
	old := operate.Worker{ID: "old", Live: true}
	dead := operate.Worker{ID: "dead", Account: "ours"}
	var many []operate.Worker
	for i := range 6 {
		many = append(many, operate.Worker{ID: fmt.Sprint(i), Live: true, Account: "ours"})
	}
	none := "it reaches no worker, for none lives that it is for; those that start keep to it\n"
	for name, c := range map[string]struct {
		account string
		workers []operate.Worker
		want    string
	}{
		"nobody":            {"", nil, none},
		"one that has died": {"ours", []operate.Worker{dead}, none},
		"a queue": {
			"",
			[]operate.Worker{one, two, old, dead},
			"it reaches 3 live workers: one (left, pid 7), two (right, pid 8), old\n",
		},
		"an account": {
			"ours",
			[]operate.Worker{one, two, old, dead},
			"it reaches 1 live worker: one (left, pid 7)\n" +
				"it does not reach 1 live worker of other accounts: two (right, pid 8); give the command their REPLICATE_API_TOKEN and REPLICATE_BASE_URL\n" +
				"it may not reach 1 live worker of a version that does not tell its account: old\n",
		},
		"many": {"ours", many, "it reaches 6 live workers, which worker workers names\n"},
	} {
		var b strings.Builder
		if err := reachOf(c.workers, c.account).write(&b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
