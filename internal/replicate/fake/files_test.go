package fake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"
)

// upload sends a form; fields are sent after the content.
func (c caller) upload(name, kind string, data []byte, fields map[string]string) answered {
	c.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="content"; filename=%q`, name)}}
	if kind != "" {
		h.Set("Content-Type", kind)
	}
	part, err := form.CreatePart(h)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		c.t.Fatal(err)
	}
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	return c.do(http.MethodPost, "/v1/files", b.Bytes(), "Content-Type: "+form.FormDataContentType())
}

func (a answered) file(t *testing.T) fileView {
	t.Helper()
	var f fileView
	a.decode(t, &f)
	if f.ID == "" {
		t.Fatalf("no file: status %d, %s", a.status, a.body)
	}
	return f
}

func TestFilesAreKept(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	data := bytes.Repeat([]byte("0123456789\x00"), 10_000)
	a := c.upload("me & you.png", "image/png", data, map[string]string{"metadata": `{"job":"7","n":1}`})
	f := a.file(t)
	sum := sha256.Sum256(data)
	created, err1 := time.Parse(time.RFC3339Nano, f.CreatedAt)
	expires, err2 := time.Parse(time.RFC3339Nano, f.ExpiresAt)
	if a.status != 201 || f.Name != "me & you.png" || f.ContentType != "image/png" || f.Size != int64(len(data)) || f.Checksums["sha256"] != hex.EncodeToString(sum[:]) {
		t.Errorf("status %d: %s", a.status, a.body)
	}
	if err1 != nil || err2 != nil || expires.Sub(created) != 24*time.Hour || f.Metadata["job"] != "7" || f.URLs["get"] != "http://fake.test/v1/files/"+f.ID {
		t.Errorf("%s", a.body)
	}
	if got := c.do(http.MethodGet, f.URLs["get"], nil); got.status != 200 || string(got.body) != string(a.body) {
		t.Errorf("get: %d, %s", got.status, got.body)
	}
	got := c.do(http.MethodGet, f.URLs["get"]+"/download", nil)
	if got.status != 200 || !bytes.Equal(got.body, data) || got.header.Get("Content-Type") != "image/png" || !strings.Contains(got.header.Get("Content-Disposition"), "me & you.png") {
		t.Errorf("download: %d, %d bytes, %v", got.status, len(got.body), got.header)
	}
	if c.s.Stats().Files != 1 {
		t.Errorf("%+v", c.s.Stats())
	}
}

func TestFilesGo(t *testing.T) {
	now := time.Now()
	s := newServer(t, Options{Now: func() time.Time { return now }})
	c := calling(t, s)
	first, second := c.upload("a", "", []byte("a"), nil).file(t), c.upload("b", "", []byte("b"), nil).file(t)
	path := s.files[first.ID].path
	if other := (caller{t, s, "r8_other"}); other.do(http.MethodGet, first.URLs["get"], nil).status != 404 || other.do(http.MethodDelete, first.URLs["get"], nil).status != 404 {
		t.Error("another account has the file")
	}
	if a := c.do(http.MethodDelete, first.URLs["get"], nil); a.status != 204 || len(a.body) != 0 {
		t.Errorf("delete: %d, %s", a.status, a.body)
	}
	if a := c.do(http.MethodDelete, first.URLs["get"], nil); a.status != 404 {
		t.Errorf("delete again: %d", a.status)
	}
	if _, err := openFile(path); err == nil {
		t.Error("the deleted file is still in the spool")
	}
	path = s.files[second.ID].path
	if now = now.Add(24*time.Hour - time.Microsecond); c.do(http.MethodGet, second.URLs["get"], nil).status != 200 {
		t.Error("it expired early")
	}
	now = now.Add(time.Microsecond)
	for _, url := range []string{second.URLs["get"], second.URLs["get"] + "/download"} {
		if a := c.do(http.MethodGet, url, nil); a.status != 404 {
			t.Errorf("%s after a day: %d", url, a.status)
		}
	}
	var list page[fileView]
	if c.do(http.MethodGet, "/v1/files", nil).decode(t, &list); len(list.Results) != 0 || s.Stats().Files != 0 {
		t.Errorf("listed: %+v", list)
	}
	c.upload("c", "", []byte("c"), nil) // and with it the expired one is freed
	if _, err := openFile(path); err == nil {
		t.Error("the expired file is still in the spool")
	}
}

func TestUploadsAreChecked(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for name, x := range map[string]struct {
		do   func() answered
		want int
	}{
		"a name at its longest":  {func() answered { return c.upload(strings.Repeat("n", 255), "", nil, nil) }, 201},
		"a name too long":        {func() answered { return c.upload(strings.Repeat("n", 256), "", nil, nil) }, 422},
		"metadata no JSON":       {func() answered { return c.upload("a", "", nil, map[string]string{"metadata": "x"}) }, 422},
		"metadata a list":        {func() answered { return c.upload("a", "", nil, map[string]string{"metadata": "[]"}) }, 422},
		"no content type at all": {func() answered { return c.upload("a", "no type", nil, nil) }, 422},
		"a field too large": {func() answered {
			return c.upload("a", "", nil, map[string]string{"x": strings.Repeat("y", maxField+1)})
		}, 400},
		"no form": {func() answered { return c.do(http.MethodPost, "/v1/files", "{}", "Content-Type: application/json") }, 400},
		"no content": {func() answered {
			return c.do(http.MethodPost, "/v1/files", "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n", "Content-Type: multipart/form-data; boundary=b")
		}, 422},
		"a form cut off": {func() answered {
			return c.do(http.MethodPost, "/v1/files", "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nxyz", "Content-Type: multipart/form-data; boundary=b")
		}, 400},
		"an empty body": {func() answered {
			return c.do(http.MethodPost, "/v1/files", nil, "Content-Type: multipart/form-data; boundary=b")
		}, 422},
	} {
		if a := x.do(); a.status != x.want {
			t.Errorf("%s: status %d, %s", name, a.status, a.body)
		}
	}
	if n := c.s.Stats().Files; n != 1 {
		t.Errorf("%d files", n)
	}
	f := c.upload("a", "image/png", []byte("x"), map[string]string{"filename": "b.jpg", "type": "image/jpeg"}).file(t)
	if f.Name != "b.jpg" || f.ContentType != "image/jpeg" || f.Metadata == nil {
		t.Errorf("fields do not count: %+v", f)
	}
}

// zeros are read without being held.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFilesHaveALimit(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	if c.s.fileLimit != 100<<20 {
		t.Errorf("the limit is %d bytes", c.s.fileLimit)
	}
	c.s.fileLimit = 1 << 20
	send := func(size int64) answered {
		head := "--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"zeros\"\r\n\r\n"
		body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, size), strings.NewReader("\r\n--b--\r\n"))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://fake.test/v1/files", body)
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		return c.send(r)
	}
	if a := send(1 << 20); a.status != 201 {
		t.Errorf("at the limit: %d, %s", a.status, a.body)
	}
	if a := send(1<<20 + 1); a.status != 413 {
		t.Errorf("above it: %d, %s", a.status, a.body)
	}
	if entries, err := os.ReadDir(c.s.spool.dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files in the spool, %v", len(entries), err)
	}
}
