package fake

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// Replicate's own JavaScript client, unchanged: see jsclient/client.test.mjs.
func TestJavaScriptClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: install node 18 or later with npm, then make setup")
	}
	if _, err := os.Stat(filepath.Join("jsclient", "node_modules", "replicate", "package.json")); err != nil {
		t.Skip("the JavaScript client is not installed: make setup installs it")
	}
	s := newServer(t, Options{
		Token: "r8_of_the_test", PageSize: 2, AllowLoopbackWebhooks: true,
		Settings: Settings{Latency: Latency{Fixed: 30 * time.Millisecond}},
	})
	plain, secure := httptest.NewServer(s), httptest.NewTLSServer(s)
	defer plain.Close()
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=tap", "client.test.mjs")
	cmd.Dir = "jsclient"
	cmd.Env = append(os.Environ(), "FAKE_URL="+plain.URL, "FAKE_TLS_URL="+secure.URL, "TOKEN=r8_of_the_test", "NODE_EXTRA_CA_CERTS="+ca)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	script, err := os.ReadFile(filepath.Join("jsclient", "client.test.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	want := len(regexp.MustCompile(`(?m)^test\("`).FindAll(script, -1))
	passed := regexp.MustCompile(`(?m)^# pass (\d+)$`).FindSubmatch(out)
	if passed == nil || want == 0 || string(passed[1]) != strconv.Itoa(want) {
		t.Errorf("not all of %d tests passed:\n%s", want, out)
	}
}
