package fake

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestDownloadsWantNoToken(t *testing.T) {
	for allowed, want := range map[bool]int{false: 400, true: 200} {
		c := calling(t, newServer(t, Options{AllowAuthorizedDownloads: allowed}))
		url := fmt.Sprint(c.made(kontextPro, asking("x"), "Prefer: wait").Output)
		if a := c.do(http.MethodGet, url, nil); a.status != want {
			t.Errorf("with a token, allowed %v: %d", allowed, a.status)
		}
		a := c.fetch(url)
		if a.status != 200 || a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
			t.Errorf("without: %d, %v", a.status, a.header)
		}
		if other := c.fetch(strings.Replace(url, "out-0", "out-1", 1)); other.status != 404 {
			t.Errorf("another name: %d", other.status)
		}
	}
}

func TestPublicURLPrefixesAll(t *testing.T) {
	c := calling(t, newServer(t, Options{PublicURL: "https://fake.example:8443/", PageSize: 1}))
	p := c.made(kontextPro, asking("x"), "Prefer: wait")
	c.made(kontextPro, asking("y"))
	f := c.upload("a", "", nil, nil).file(t)
	for _, url := range []string{fmt.Sprint(p.Output), p.URLs["get"], p.URLs["cancel"], p.URLs["stream"], f.URLs["get"], *c.list("/v1/predictions").Next} {
		if !strings.HasPrefix(url, "https://fake.example:8443/") || strings.Contains(url, "8443//") {
			t.Error(url)
		}
	}
}
