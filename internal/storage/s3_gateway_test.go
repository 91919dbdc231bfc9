package storage_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

func fetch(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}

// TestS3OnAGateway shares one server among all that needs a real one: credentials, signatures, checksums.
func TestS3OnAGateway(t *testing.T) {
	o := storagetest.Gateway(t, bucket)
	t.Run("Suite", func(t *testing.T) {
		stores := 0
		storagetest.Run(t, func(t *testing.T) storage.Store {
			t.Helper()
			stores++
			of := o
			of.Prefix = fmt.Sprintf("suite/%d", stores)
			return open(t, of)
		})
	})
	t.Run("Link", func(t *testing.T) { linkOpens(t, o) })
	t.Run("Explains", func(t *testing.T) { explainsRefusals(t, o) })
}

func linkOpens(t *testing.T, o storage.S3Options) {
	t.Helper()
	s := open(t, o)
	err := s.Put(t.Context(), "jobs/1/a.txt", []byte("a caption"), storage.PutOptions{ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.Link(t.Context(), "jobs/1/a.txt", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(link, o.SecretKey) {
		t.Errorf("the link holds the secret: %s", link)
	}
	if status, body, err := fetch(t.Context(), link); err != nil || status != http.StatusOK || body != "a caption" {
		t.Errorf("the link gives %d %q, %v", status, body, err)
	}
	forged := strings.Replace(link, "a.txt", "b.txt", 1)
	if status, _, err := fetch(t.Context(), forged); err != nil || status != http.StatusForbidden {
		t.Errorf("a link changed to another object gives %d, %v", status, err)
	}
	bare, _, _ := strings.Cut(link, "?")
	if status, _, err := fetch(t.Context(), bare); err != nil || status != http.StatusForbidden {
		t.Errorf("without the signature: %d, %v", status, err)
	}
}

func explainsRefusals(t *testing.T, o storage.S3Options) {
	t.Helper()
	for remedy, change := range map[string]func(*storage.S3Options){
		"access key":        func(o *storage.S3Options) { o.AccessKey = "someone-else" },
		"secret key":        func(o *storage.S3Options) { o.SecretKey = "mistyped-secret" },
		"create the bucket": func(o *storage.S3Options) { o.Bucket = "no-such-bucket" },
	} {
		wrong := o
		change(&wrong)
		err := open(t, wrong).Check(t.Context())
		if err == nil || !storage.Permanent(err) || !strings.Contains(err.Error(), remedy) ||
			!strings.Contains(err.Error(), "write") || strings.Contains(err.Error(), wrong.SecretKey) {
			t.Errorf("Check: %v; want a permanent failure to write that says %q", err, remedy)
		}
	}
}
