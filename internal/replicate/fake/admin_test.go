package fake

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOperatorReadsCountsAndLog(t *testing.T) {
	c := calling(t, newServer(t, Options{Token: "r8_test"}))
	c.made(kontextPro, asking("one"), "Prefer: wait")
	c.made(kontextPro, asking("two"), "Prefer: wait")
	c.token = "" // the operator's side asks for none
	var stats Stats
	if c.do(http.MethodGet, "/_fake/stats", nil).decode(t, &stats); stats.Predictions != 2 || stats.Charged != 2 || stats.Requests["create"] != 2 {
		t.Errorf("%+v", stats)
	}
	var log []Entry
	if c.do(http.MethodGet, "/_fake/log", nil).decode(t, &log); len(log) != 2 || log[0].Prompt != "one" || log[1].Status != statusSucceeded || log[0].Done.IsZero() {
		t.Errorf("%+v", log)
	}
	var rest []Entry
	if c.do(http.MethodGet, "/_fake/log?after=1", nil).decode(t, &rest); len(rest) != 1 || rest[0].ID != log[1].ID {
		t.Errorf("after the first: %+v", rest)
	}
	if c.do(http.MethodGet, "/_fake/log?after=7", nil).decode(t, &rest); len(rest) != 0 {
		t.Errorf("after more than there are: %+v", rest)
	}
	if a := c.do(http.MethodGet, "/_fake/log?after=-1", nil); a.status != http.StatusBadRequest {
		t.Errorf("after -1: %d %s", a.status, a.body)
	}
	lines := strings.Split(strings.TrimSpace(string(c.do(http.MethodGet, "/_fake/log?format=lines", nil).body)), "\n")
	var last Entry
	if len(lines) != 2 || json.Unmarshal([]byte(lines[1]), &last) != nil || last.ID != log[1].ID {
		t.Errorf("%q", lines)
	}
}

func TestOperatorChangesSettings(t *testing.T) {
	c := calling(t, newServer(t, Options{Settings: Settings{RateLimit: 5, Latency: Latency{Start: time.Second, Models: map[string]time.Duration{"o/m": time.Minute}}}}))
	a := c.do(http.MethodPatch, "/_fake/settings", `{"latency":{"fixed":"1.5s"},"list_lag":"3s","shallow_rows":true}`)
	var got Settings
	a.decode(t, &got)
	want := Latency{Start: time.Second, Fixed: 1500 * time.Millisecond, Models: map[string]time.Duration{"o/m": time.Minute}}
	if a.status != 200 || got.RateLimit != 5 || got.ListLag != 3*time.Second || !got.ShallowRows || got.Latency.Fixed != want.Fixed || got.Latency.Start != want.Start || got.Latency.Models["o/m"] != time.Minute {
		t.Errorf("%d: %+v", a.status, got)
	}
	for _, bad := range []string{`{"latency":{"fixed":"soon"}}`, `{"latency":{"fixed":3}}`, `{"lag":"1s"}`, `{`, `[]`, ``} {
		if a := c.do(http.MethodPatch, "/_fake/settings", bad); a.status != 400 || a.problem(t).Detail == "" {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	if now := c.do(http.MethodGet, "/_fake/settings", nil); string(now.body) != string(a.body) {
		t.Errorf("after refusals:\n%s\n%s", now.body, a.body)
	}
	c.do(http.MethodPatch, "/_fake/settings", `{"rate_limit":1,"latency":{"start":"0s","fixed":"0s"}}`)
	c.made(kontextPro, asking("x"))
	if a := c.create(kontextPro, asking("x")); a.status != 429 {
		t.Errorf("the new limit does not hold: %d", a.status)
	}
}

func TestOperatorInjectsFaults(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	if a := c.do(http.MethodPost, "/_fake/faults", `{"kind":"credit"}`); a.status != 201 {
		t.Errorf("%d, %s", a.status, a.body)
	}
	if a := c.do(http.MethodPost, "/_fake/faults", `[{"kind":"throttle","nth":2,"seconds":3},{"kind":"bad_gateway","on":"list","times":-1}]`); a.status != 201 {
		t.Errorf("%d, %s", a.status, a.body)
	}
	var armed []Fault
	if c.do(http.MethodGet, "/_fake/faults", nil).decode(t, &armed); len(armed) != 3 || armed[1].Nth != 2 || armed[2].On != "list" {
		t.Errorf("%+v", armed)
	}
	if a, b := c.create(kontextPro, asking("x")).status, c.create(kontextPro, asking("x")).status; a != 402 || b != 429 {
		t.Errorf("%d, %d", a, b)
	}
	for _, bad := range []string{
		`{"kind":"explode"}`, `{"kind":"eof","nht":2}`, `[{"kind":"eof"},{"kind":"explode"}]`, `{"kind":"eof","on":"nowhere"}`, `{`, ``, `7`,
	} {
		if a := c.do(http.MethodPost, "/_fake/faults", bad); a.status != 400 || a.problem(t).Detail == "" {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	if c.do(http.MethodGet, "/_fake/faults", nil).decode(t, &armed); len(armed) != 3 {
		t.Errorf("refused faults are armed: %+v", armed)
	}
	if a := c.do(http.MethodDelete, "/_fake/faults", nil); a.status != 204 {
		t.Errorf("%d", a.status)
	}
	if a := c.do(http.MethodGet, "/v1/predictions", nil); a.status != 200 {
		t.Errorf("a fault is still armed: %d", a.status)
	}
}
