package storage_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

const bucket = "trainset-test"

// fakeServer is an S3 server in this process, over plain HTTP: with TLS it corrupts bodies.
func fakeServer(t *testing.T) http.Handler {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	return gofakes3.New(backend).Server()
}

func serve(t *testing.T, h http.Handler) storage.S3Options {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return storage.S3Options{
		Bucket: bucket, Endpoint: server.URL, AccessKey: "test-access", SecretKey: "test-secret", PathStyle: true,
	}
}

func open(t *testing.T, o storage.S3Options) *storage.S3 {
	t.Helper()
	s, err := storage.NewImpatientS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestS3OnAFakeServer(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		t.Helper()
		return open(t, serve(t, fakeServer(t)))
	})
}

func TestS3KeepsToItsPrefix(t *testing.T) {
	o := serve(t, fakeServer(t))
	whole := open(t, o)
	o.Prefix = "a/b"
	inside := open(t, o)
	put(t, whole, "a/bc", "beside")
	put(t, whole, "a/b/1", "in")
	put(t, inside, "2", "in")
	if got := keys(t, inside, ""); got != "1 2" {
		t.Errorf("inside there are %q", got)
	}
	if err := inside.Delete(t.Context(), "1", "2"); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, whole, ""); got != "a/bc" {
		t.Errorf("left: %q", got)
	}
}

// interrupted lets take answer a request, and gives what it leaves to a fake server.
func interrupted(t *testing.T, take func(w http.ResponseWriter, r *http.Request) bool) storage.S3Options {
	t.Helper()
	server := fakeServer(t)
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !take(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func TestS3RepeatsWhatMayPass(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
	}{
		{http.StatusConflict, "ConditionalRequestConflict"},
		{http.StatusConflict, "OperationAborted"},
		{http.StatusConflict, "ExistingObjectIsDirectory"},
		{http.StatusServiceUnavailable, "SlowDown"},
		{http.StatusInternalServerError, "InternalError"},
	} {
		t.Run(c.code, func(t *testing.T) {
			var requests atomic.Int64
			s := open(t, interrupted(t, func(w http.ResponseWriter, _ *http.Request) bool {
				if requests.Add(1) > 2 {
					return false
				}
				refuse(w, c.status, c.code)
				return true
			}))
			body := []byte("a picture")
			if err := s.Put(t.Context(), "a", body, storage.PutOptions{IfAbsent: true}); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(t.Context(), "a"); err != nil || !bytes.Equal(got, body) {
				t.Errorf("stored %q, %v", got, err)
			}
			if n := requests.Load(); n != 4 {
				t.Errorf("%d requests, want three puts and a get", n)
			}
		})
	}
}

func TestS3GivesUpAfterBoundedTries(t *testing.T) {
	var requests atomic.Int64
	s := open(t, interrupted(t, func(w http.ResponseWriter, _ *http.Request) bool {
		requests.Add(1)
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return true
	}))
	err := s.Put(t.Context(), "a", nil, storage.PutOptions{})
	if err == nil || storage.Permanent(err) {
		t.Errorf("Put: %v, want an error that may pass", err)
	}
	if n := requests.Load(); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestS3ReadsAgainWhenABodyBreaksOff(t *testing.T) {
	for _, c := range []struct {
		broken int64
		fails  bool
	}{{1, false}, {2, false}, {3, true}} {
		var gets atomic.Int64
		s := open(t, interrupted(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || gets.Add(1) > c.broken {
				return false
			}
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "half")
			return true
		}))
		put(t, s, "a", "whole")
		body, err := s.Get(t.Context(), "a")
		if (err != nil) != c.fails || !c.fails && string(body) != "whole" {
			t.Errorf("after %d broken bodies: %q, %v", c.broken, body, err)
		}
		if err != nil && storage.Permanent(err) {
			t.Errorf("%v is held for permanent", err)
		}
	}
}

// A server that cannot compare versions stores the object all the same: it is as
// nothing had been asked.
func TestS3PutsWhereVersionsCannotBeCompared(t *testing.T) {
	for status, code := range map[int]string{501: "NotImplemented", 400: "InvalidArgument"} {
		s := open(t, interrupted(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("If-Match") == "" {
				return false
			}
			refuse(w, status, code)
			return true
		}))
		if err := s.Put(t.Context(), "a", []byte("new"), storage.PutOptions{IfVersion: "seen"}); err != nil {
			t.Errorf("%s: %v", code, err)
		}
		if body, err := s.Get(t.Context(), "a"); err != nil || string(body) != "new" {
			t.Errorf("%s: %q, %v", code, body, err)
		}
	}
}

func TestS3DoesNotReadWhatIsTooLarge(t *testing.T) {
	s := open(t, interrupted(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(storage.MaxObject+1))
		_, _ = io.WriteString(w, "the beginning")
		return true
	}))
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("Get: %v, want ErrTooLarge", err)
	}
}

func TestS3ErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		status    int
		code      string
		permanent bool
		remedy    string
	}{
		{404, "NoSuchBucket", true, "create the bucket"},
		{403, "AccessDenied", true, "s3:PutObject"},
		{403, "InvalidAccessKeyId", true, "access key"},
		{403, "SignatureDoesNotMatch", true, "secret key"},
		{400, "ExpiredToken", true, "renew"},
		{301, "PermanentRedirect", true, "region"},
		{400, "AuthorizationHeaderMalformed", true, "region"},
		{403, "RequestTimeTooSkewed", true, "clock"},
		{501, "NotImplemented", true, "conditional puts"},
		{403, "QuotaExceeded", false, "free some space"},
		{400, "SomethingNew", true, ""},
		{429, "SomethingNew", false, ""},
		{409, "ExistingObjectIsDirectory", false, "use another key"},
		{503, "SlowDown", false, ""},
	} {
		t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
			s := open(t, interrupted(t, func(w http.ResponseWriter, _ *http.Request) bool {
				refuse(w, c.status, c.code)
				return true
			}))
			err := s.Put(t.Context(), "jobs/1/a", nil, storage.PutOptions{})
			var failure *storage.OpError
			if !errors.As(err, &failure) {
				t.Fatalf("Put: %v, want an OpError", err)
			}
			if storage.Permanent(err) != c.permanent || !strings.Contains(failure.Remedy, c.remedy) {
				t.Errorf("permanent %v, remedy %q", failure.Permanent, failure.Remedy)
			}
			if failure.Op != "put" || failure.Key != "jobs/1/a" || strings.Contains(err.Error(), "test-secret") {
				t.Errorf("the error reads %q", err)
			}
		})
	}
}

func TestS3SaysThatTheServerIsAway(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := open(t, storage.S3Options{Bucket: bucket, Endpoint: server.URL, AccessKey: "a", SecretKey: "b", PathStyle: true})
	_, err := s.Get(t.Context(), "a")
	if err == nil || storage.Permanent(err) || !strings.Contains(err.Error(), "can be reached") {
		t.Errorf("Get: %v", err)
	}
}

func TestS3SaysThatThereAreNoCredentials(t *testing.T) {
	isolate(t)
	o := serve(t, fakeServer(t))
	o.AccessKey, o.SecretKey = "", ""
	_, err := open(t, o).Get(t.Context(), "a")
	if err == nil || storage.Permanent(err) || !strings.Contains(err.Error(), "set an access key") {
		t.Errorf("Get: %v", err)
	}
}

// isolate hides this machine's own AWS settings.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		t.Setenv(name, "")
	}
	absent := filepath.Join(t.TempDir(), "absent")
	t.Setenv("AWS_CONFIG_FILE", absent)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", absent)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestS3TellsAPassedDeadlineFromItsOwnTimeouts(t *testing.T) {
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	s := open(t, interrupted(t, func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
		return true
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Get(ctx, "a")
	if _, failed := errors.AsType[*storage.OpError](err); failed || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v, want the context's error", err)
	}
}

// What is wrong whatever the server says is a setting, with which no further start is tried.
func TestWhatTheSDKCannotReadIsAWrongSetting(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ name, value string }{
		"a missing bundle": {"AWS_CA_BUNDLE", filepath.Join(folder, "none")}, "a bundle of nothing": {"AWS_CA_BUNDLE", empty},
		"a config that is a folder": {"AWS_CONFIG_FILE", folder}, "a profile that is none": {"AWS_PROFILE", "nobody"},
	} {
		t.Run(what, func(t *testing.T) {
			isolate(t)
			t.Setenv(c.name, c.value)
			_, err := storage.NewS3(t.Context(), storage.S3Options{Bucket: bucket, Region: "eu-west-1", AccessKey: "a", SecretKey: "b"})
			if field, ok := errors.AsType[*trainset.FieldError](err); !ok || !strings.Contains(field.Remedy, c.name) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestS3TrustsTheAuthoritiesOfTheEnvironment(t *testing.T) {
	isolate(t)
	server := httptest.NewTLSServer(fakeServer(t))
	t.Cleanup(server.Close)
	o := storage.S3Options{Bucket: bucket, Endpoint: server.URL, AccessKey: "a", SecretKey: "b", PathStyle: true}
	_, err := open(t, o).Stat(t.Context(), "missing")
	if !storage.Permanent(err) || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
		t.Errorf("without the authority: %v", err)
	}
	file := filepath.Join(t.TempDir(), "authorities.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", file)
	if _, err := open(t, o).Stat(t.Context(), "missing"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("with the authority: %v, want ErrNotFound", err)
	}
}

func TestS3OptionsReportAllThatIsWrong(t *testing.T) {
	isolate(t)
	good := storage.S3Options{Bucket: "b", Region: "eu-central-1"}
	for name, c := range map[string]struct {
		change func(*storage.S3Options)
		fields []string
	}{
		"good":          {func(*storage.S3Options) {}, nil},
		"no bucket":     {func(o *storage.S3Options) { o.Bucket = "" }, []string{"bucket"}},
		"bucket URL":    {func(o *storage.S3Options) { o.Bucket = "s3://b" }, []string{"bucket"}},
		"bad prefix":    {func(o *storage.S3Options) { o.Prefix = "/a" }, []string{"prefix"}},
		"no scheme":     {func(o *storage.S3Options) { o.Endpoint = "minio:9000" }, []string{"endpoint"}},
		"endpoint keys": {func(o *storage.S3Options) { o.Endpoint = "http://u:s3cret@minio" }, []string{"endpoint"}},
		"half the keys": {func(o *storage.S3Options) { o.AccessKey = "a" }, []string{"secret key"}},
		"other half":    {func(o *storage.S3Options) { o.SecretKey = "s3cret" }, []string{"access key"}},
		"no region":     {func(o *storage.S3Options) { o.Region = "" }, []string{"region"}},
		"all at once": {
			func(o *storage.S3Options) { *o = storage.S3Options{Prefix: "..", Endpoint: "x", SecretKey: "s3cret"} },
			[]string{"bucket", "prefix", "endpoint", "access key"},
		},
	} {
		o := good
		c.change(&o)
		_, err := storage.NewS3(t.Context(), o)
		var field *trainset.FieldError
		if errors.As(err, &field) != (c.fields != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.fields {
			if !strings.Contains(err.Error(), want+":") {
				t.Errorf("%s: %v does not name %s", name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the secret: %v", name, err)
		}
	}
}

func TestS3ShowsNoSecrets(t *testing.T) {
	o := serve(t, fakeServer(t))
	s := open(t, o)
	for _, shown := range []string{s.Describe(), fmt.Sprintf("%v %+v %#v", o, o, o)} {
		if strings.Contains(shown, "test-secret") || strings.Contains(shown, "test-access") || !strings.Contains(shown, bucket) {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestS3LinkHasALimitedLife(t *testing.T) {
	s := open(t, serve(t, fakeServer(t)))
	for ttl, ok := range map[time.Duration]bool{
		-time.Hour: false, 0: false, time.Second: true, 168 * time.Hour: true, 169 * time.Hour: false,
	} {
		if _, err := s.Link(t.Context(), "a", ttl); (err == nil) != ok {
			t.Errorf("a link for %v: %v", ttl, err)
		}
	}
	if _, err := s.Link(t.Context(), "../a", time.Hour); err == nil {
		t.Error("a link to no key was made")
	}
}

func TestCheckNamesTheStepThatFails(t *testing.T) {
	for step, take := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"write":  denied(func(r *http.Request) bool { return r.Method == http.MethodPut }),
		"read":   denied(func(r *http.Request) bool { return r.Method == http.MethodGet && !listing(r) }),
		"list":   denied(func(r *http.Request) bool { return r.Method == http.MethodGet && listing(r) }),
		"delete": denied(func(r *http.Request) bool { return r.Method == http.MethodPost }),
		"conditional put": func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("If-None-Match") // as older servers do
			return false
		},
	} {
		t.Run(step, func(t *testing.T) {
			o := interrupted(t, take)
			err := open(t, o).Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), ": "+step+": ") {
				t.Errorf("Check: %v, want the step %q named", err, step)
			}
		})
	}
}

// A slow gateway is asked for several things at once, or the time of a start is over first.
func TestCheckReadsListsAndPutsAtOnce(t *testing.T) {
	var met sync.WaitGroup
	met.Add(3)
	var puts atomic.Int64
	s := open(t, interrupted(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || r.Method == http.MethodPut && puts.Add(1) > 1 {
			met.Done()
			met.Wait()
		}
		return false
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Check(ctx); err != nil {
		met.Add(-2) // whoever came alone waits no longer
		t.Error(err)
	}
}

func TestCheckNeedsLittleTimeForItsCleanUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	trying, stop := storage.LeavingRoom(ctx)
	defer stop()
	end, _ := ctx.Deadline()
	if earlier, ok := trying.Deadline(); !ok || !earlier.Before(end) || end.Sub(earlier) > 500*time.Millisecond {
		t.Errorf("the steps end at %v, and all at %v", earlier, end)
	}
}

func listing(r *http.Request) bool { return r.URL.Query().Has("list-type") }

func denied(which func(*http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if which(r) {
			refuse(w, http.StatusForbidden, "AccessDenied")
		}
		return which(r)
	}
}

// unanswered returns when the client has gone, which is noticed once the body
// has been read.
func unanswered(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// The SDK itself would tell of the time alone: "context deadline exceeded".
func TestS3OutOfTimeSaysWhyTheLastTryFailed(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	busy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusServiceUnavailable, "SlowDown") }))
	hanging := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { unanswered(r) }))
	for name, c := range map[string]struct {
		endpoint string
		want     []string
	}{
		"away":    {away.URL, []string{"connection refused", "can be reached"}},
		"busy":    {busy.Endpoint, []string{"SlowDown"}},
		"hanging": {hanging.Endpoint, []string{"no answer in time", "can be reached"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := storage.NewS3(t.Context(), storage.S3Options{Bucket: bucket, Endpoint: c.endpoint, AccessKey: "a", SecretKey: "b", PathStyle: true})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // in the pause after the first try
			defer cancel()
			_, err = s.Get(ctx, "a")
			if !errors.Is(err, context.DeadlineExceeded) || storage.Permanent(err) {
				t.Errorf("Get: %v, want the context's error", err)
			}
			for _, part := range c.want {
				if !strings.Contains(fmt.Sprint(err), part) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
		})
	}
}

// What a check may have written is removed, and nothing is asked of a server
// that surely wrote nothing.
func TestCheckTidiesUpInTheTimeThatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		take    func(w http.ResponseWriter, r *http.Request) bool
		removed bool
	}{
		"a refused write": {denied(func(r *http.Request) bool { return r.Method == http.MethodPut }), false},
		"an unanswered write": {func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				unanswered(r)
			}
			return r.Method == http.MethodPut
		}, true},
		"a read that hangs": {func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				unanswered(r)
			}
			return r.Method == http.MethodGet
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var removals atomic.Int64
			s := open(t, interrupted(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					removals.Add(1)
				}
				return c.take(w, r)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.Check(ctx); err == nil {
				t.Error("the check succeeded")
			}
			if got := removals.Load() == 1; got != c.removed {
				t.Errorf("%d removals", removals.Load())
			}
			if err := ctx.Err(); err != nil {
				t.Error("the check took all of its time, its clean-up included")
			}
		})
	}
}

func TestCheckOfADeadServerEndsInTime(t *testing.T) {
	s := open(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { unanswered(r) })))
	const given = 400 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), given)
	defer cancel()
	began := time.Now()
	err := s.Check(ctx)
	if took := time.Since(began); took > 3*given {
		t.Errorf("a check with %v took %v", given, took)
	}
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), ": write: ") {
		t.Errorf("Check: %v", err)
	}
}
