package app_test

import (
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/storage"
)

// settings are what the variables say, without any of the machine's own.
func settings(t *testing.T, environ ...string) config.Config {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	cfg, err := config.LoadWorker(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestWithoutBucketStorageIsDirectory(t *testing.T) {
	out := t.TempDir()
	store, err := app.OpenStorage(t.Context(), settings(t, "TRAINSET_OUT="+out, "AWS_ACCESS_KEY=a", "AWS_ACCESS_SECRET=s", "AWS_REGION=eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := store.(*storage.Directory); !ok || !strings.Contains(store.Describe(), out) {
		t.Errorf("got %s", store.Describe())
	}
}

// Whatever the settings say must be in the requests that reach the server.
func TestBucketIsReachedAsSet(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	store, err := app.OpenStorage(t.Context(), settings(t, "AWS_USER_FILES_BUCKET=files", "TRAINSET_S3_PREFIX=team/a/",
		"AWS_ENDPOINT_URL_S3="+server.URL, "AWS_DEFAULT_REGION=eu-west-1", "AWS_ACCESS_KEY=our-access", "AWS_ACCESS_SECRET=our-secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "jobs/1.txt", []byte("a caption"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.HeadObject("files", "team/a/jobs/1.txt"); err != nil {
		t.Errorf("the object is not where the bucket and prefix say: %v", err)
	}
	link, err := store.(storage.Linker).Link(t.Context(), "jobs/1.txt", storageLinkLife)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{server.URL + "/files/team/a/", "our-access", "eu-west-1"} {
		if !strings.Contains(link, part) {
			t.Errorf("%s lacks %s", link, part)
		}
	}
}

const storageLinkLife = time.Minute

func TestTemporaryCredentialsReachSDK(t *testing.T) {
	environ := []string{"AWS_ACCESS_KEY_ID=temporary-id", "AWS_SECRET_ACCESS_KEY=temporary-secret", "AWS_SESSION_TOKEN=third-part"}
	for _, one := range environ {
		name, value, _ := strings.Cut(one, "=")
		t.Setenv(name, value)
	}
	store, err := app.OpenStorage(t.Context(), settings(t, append(environ, "AWS_USER_FILES_BUCKET=files", "AWS_REGION=eu-west-1")...))
	if err != nil {
		t.Fatal(err)
	}
	link, err := store.(storage.Linker).Link(t.Context(), "a", storageLinkLife)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"https://files.s3.eu-west-1.", "temporary-id", "third-part"} {
		if !strings.Contains(link, part) {
			t.Errorf("%s lacks %s", link, part)
		}
	}
}

func TestBucketWithoutRegionSaysWhatToSet(t *testing.T) {
	_, err := app.OpenStorage(t.Context(), settings(t, "AWS_USER_FILES_BUCKET=files"))
	var field *trainset.FieldError
	if !errors.As(err, &field) || !strings.Contains(field.Remedy, "AWS_REGION") {
		t.Errorf("got %v; want the region asked for", err)
	}
}
