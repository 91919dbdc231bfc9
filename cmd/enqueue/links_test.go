package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

func openBucket(t *testing.T, o storage.S3Options) *storage.S3 {
	t.Helper()
	s, err := storage.NewS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fakeBucket(t *testing.T) storage.S3Options {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucketOfTest); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return storage.S3Options{Bucket: bucketOfTest, Endpoint: server.URL, AccessKey: "key", SecretKey: "secret", PathStyle: true}
}

// plainly reads a URL as someone does who has nothing else.
func plainly(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestLinksOpenWithoutCredentials(t *testing.T) {
	t.Run("fake", func(t *testing.T) { linksOpen(t, fakeBucket(t)) })
	t.Run("gateway", func(t *testing.T) { // which checks signatures
		o := storagetest.Gateway(t, bucketOfTest)
		o.Prefix = "team/a"
		key := linksOpen(t, o)
		if status, _ := plainly(t, o.Endpoint+"/"+o.Bucket+"/team/a/"+key); status != http.StatusForbidden {
			t.Errorf("without a link the server answers with %d", status)
		}
	})
}

func linksOpen(t *testing.T, of storage.S3Options) (key string) {
	t.Helper()
	store := openBucket(t, of)
	l, _ := putSet(t, store)
	began := time.Now()
	got, err := (&links{ttl: time.Hour}).sign(t.Context(), store, store, l)
	if err != nil {
		t.Fatal(err)
	}
	var items []int
	var bodies []string
	for _, one := range got.Links {
		status, body := plainly(t, one.URL)
		if status != http.StatusOK {
			t.Errorf("%s: status %d", one.Key, status)
		}
		if life := one.Expires.Sub(began); life < time.Hour-time.Second || life > time.Hour+time.Minute {
			t.Errorf("%s lives for %v", one.Key, life)
		}
		if stored, err := store.Get(t.Context(), one.Key); err != nil || string(stored) != body {
			t.Errorf("%s: its key has %q, %v", one.Key, stored, err)
		}
		items, bodies = append(items, one.Item), append(bodies, body)
	}
	if diff := cmp.Diff([]int{1, 0}, items); diff != "" { // the second image failed
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"one", "zip"}, bodies); diff != "" {
		t.Error(diff)
	}
	return got.Links[0].Key
}

// A manifest cannot have other objects of the bucket given away.
func TestLinksStayInTheSetsFolder(t *testing.T) {
	store := openBucket(t, fakeBucket(t))
	l, m := putSet(t, store)
	m.Items[0].File = "../../other/v1/train/001.png"
	putManifest(t, store, l, m)
	if got, err := (&links{ttl: time.Hour}).sign(t.Context(), store, store, l); err == nil {
		t.Errorf("%+v", got)
	}
}

func TestLinksLiveAsLongAsTheyMay(t *testing.T) {
	store := openBucket(t, fakeBucket(t))
	l, _ := putSet(t, store)
	for ttl, good := range map[time.Duration]bool{0: false, time.Second: true, 168 * time.Hour: true, 169 * time.Hour: false} {
		_, err := (&links{ttl: ttl}).sign(t.Context(), store, store, l)
		var field *trainset.FieldError
		if good && err != nil || !good && (!errors.As(err, &field) || field.Field != "ttl" || field.Remedy == "") {
			t.Errorf("%v: %v", ttl, err)
		}
	}
}
