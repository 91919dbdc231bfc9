package fake

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := drawingWith(t, Options{Settings: slow}, func(r picture.Request) (picture.Result, error) {
			if r.Model == gpt {
				return picture.Result{Text: "one two\nthree"}, nil
			}
			return picture.Result{Data: []byte("x"), ContentType: "image/png", Ext: "png"}, nil
		})
		p := c.made(gpt, map[string]any{"input": map[string]any{"prompt": "x"}})
		start := time.Now()
		a := c.fetch(p.URLs["stream"])
		want := "event: output\nid: 0\ndata: one \n\nevent: output\nid: 1\ndata: two\ndata: three\n\nevent: done\nid: 0\ndata: {}\n\n"
		if a.status != 200 || string(a.body) != want || a.header.Get("Content-Type") != "text/event-stream" || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %d, %q", time.Since(start), a.status, a.body)
		}
		file := c.made(kontextPro, asking("x"))
		a = c.fetch(file.URLs["stream"])
		if !strings.Contains(file.URLs["stream"], "/v1/files/") || !strings.Contains(string(a.body), "data: "+fmt.Sprint(c.get(file.ID).Output)+"\n") {
			t.Errorf("%q", a.body)
		}
		if a := c.fetch(strings.Replace(p.URLs["stream"], "/streams/", "/files/", 1) + "/stream"); a.status != 404 {
			t.Errorf("a text at the address of files: %d", a.status)
		}
		if err := c.s.Inject(Fault{Kind: Fail}); err != nil {
			t.Fatal(err)
		}
		a = c.fetch(c.made(gpt, map[string]any{"input": map[string]any{"prompt": "x"}}).URLs["stream"])
		if !strings.Contains(string(a.body), "event: error\n") || !strings.Contains(string(a.body), `{"reason":"error"}`) || strings.Contains(string(a.body), "event: output") {
			t.Errorf("%q", a.body)
		}
		stopped := c.made(gpt, map[string]any{"input": map[string]any{"prompt": "x"}})
		c.do(http.MethodPost, "/v1/predictions/"+stopped.ID+"/cancel", nil)
		if a = c.fetch(stopped.URLs["stream"]); !strings.Contains(string(a.body), `{"reason":"canceled"}`) {
			t.Errorf("%q", a.body)
		}
	})
}
