package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/actormaker/trainset"
)

var job = trainset.NewJobID("anna", trainset.KindActor, "k")

var webhookURL = "/webhooks/replicate?job=" + string(job) + "&attempt=image.3.1"

const prediction = `{"id":"rrr4z55ocneqzikepnug6xezpe","status":"succeeded","output":["https://replicate.delivery/x.png"]}`

// receiver keeps what it is told.
type receiver struct {
	mu   sync.Mutex
	got  []Delivery
	fail func(ctx context.Context) error
}

func (r *receiver) Webhook(ctx context.Context, d Delivery) error {
	r.mu.Lock()
	r.got = append(r.got, d)
	r.mu.Unlock()
	if r.fail != nil {
		return r.fail(ctx)
	}
	return nil
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func webhookServer(t *testing.T, r *receiver) *Server {
	t.Helper()
	return newServer(t, Options{Token: token, Receiver: r, WebhookSecrets: []string{secret}})
}

// deliver posts a webhook as the provider does.
func deliver(t *testing.T, s *Server, target string, h http.Header, body io.Reader) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "https://worker.example"+target, body)
	r.Header = h
	return serve(s, r)
}

func signed(body string) http.Header { return signedBy(secret, "msg_1", start, []byte(body)) }

func TestAWebhookIsHandedOn(t *testing.T) {
	r := &receiver{}
	s := webhookServer(t, r)
	for range 2 { // a duplicate is no error: the receiver only takes notice
		wantStatus(t, deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction)), http.StatusNoContent)
	}
	want := Delivery{Job: job, Attempt: "image.3.1", PredictionID: "rrr4z55ocneqzikepnug6xezpe", Status: "succeeded"}
	if diff := cmp.Diff([]Delivery{want, want}, r.got); diff != "" {
		t.Error(diff)
	}
	if n := testutil.ToFloat64(s.o.Metrics.webhooks.WithLabelValues("accepted")); n != 2 {
		t.Errorf("%v are counted", n)
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	big := strings.Repeat(" ", maxWebhook) + prediction
	query := func(job, attempt string) string {
		return "/webhooks/replicate?" + url.Values{"job": {job}, "attempt": {attempt}}.Encode()
	}
	for name, tc := range map[string]struct {
		target string
		header http.Header
		body   string
		want   int
		result webhookResult
	}{
		"forged":              {webhookURL, signedBy("whsec_AAAA", "m", start, []byte(prediction)), prediction, 401, webhookForged},
		"stale":               {webhookURL, signedBy(secret, "m", start.Add(-time.Hour), []byte(prediction)), prediction, 401, webhookForged},
		"another body":        {webhookURL, signed(prediction), prediction + " ", 401, webhookForged},
		"unsigned":            {webhookURL, http.Header{}, prediction, 400, webhookMalformed},
		"too large":           {webhookURL, signed(big), big, 413, webhookTooLarge},
		"no JSON":             {webhookURL, signed("{"), "{", 400, webhookMalformed},
		"no prediction":       {webhookURL, signed(`{}`), `{}`, 400, webhookMalformed},
		"an odd ID":           {webhookURL, signed(`{"id":"../x","status":"succeeded"}`), `{"id":"../x","status":"succeeded"}`, 400, webhookMalformed},
		"an odd status":       {webhookURL, signed(`{"id":"x","status":"a b"}`), `{"id":"x","status":"a b"}`, 400, webhookMalformed},
		"no query":            {"/webhooks/replicate", signed(prediction), prediction, 400, webhookMalformed},
		"job is no ID":        {query("x", "image.1.1"), signed(prediction), prediction, 400, webhookMalformed},
		"attempt with spaces": {query(string(job), "image.1.1 x"), signed(prediction), prediction, 400, webhookMalformed},
		"attempt with breaks": {query(string(job), "image.1.1\n"), signed(prediction), prediction, 400, webhookMalformed},
		"attempt of a path":   {query(string(job), "../image.1.1"), signed(prediction), prediction, 400, webhookMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r := &receiver{}
			s := webhookServer(t, r)
			wantStatus(t, deliver(t, s, tc.target, tc.header, strings.NewReader(tc.body)), tc.want)
			if r.count() != 0 {
				t.Errorf("it was handed on: %v", r.got)
			}
			if n := testutil.ToFloat64(s.o.Metrics.webhooks.WithLabelValues(string(tc.result))); n != 1 {
				t.Errorf("%v are counted as %s", n, tc.result)
			}
			if len(s.deliveries) != 0 {
				t.Error("it still holds a place")
			}
		})
	}
}

// endless hides a body's length, and tells how much of it was read.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

func TestABodyOfUnknownLengthIsReadToTheBound(t *testing.T) {
	s := webhookServer(t, &receiver{})
	body := &endless{}
	wantStatus(t, deliver(t, s, webhookURL, signed(prediction), body), http.StatusRequestEntityTooLarge)
	if body.read > 2*maxWebhook {
		t.Errorf("%d bytes were read", body.read)
	}
}

func TestEveryKindOfAttemptIsTaken(t *testing.T) {
	for _, attempt := range []string{"image.12.1", "grid.3.2", "judge.1.1", "enhance.2.1", "tile.3.9.2"} {
		r := &receiver{}
		target := "/webhooks/replicate?job=" + string(job) + "&attempt=" + attempt
		wantStatus(t, deliver(t, webhookServer(t, r), target, signed(prediction), strings.NewReader(prediction)), http.StatusNoContent)
	}
}

func TestWebhooksArePostedOnly(t *testing.T) {
	s := webhookServer(t, &receiver{})
	r := ask(t, s, "GET", webhookURL, "")
	wantStatus(t, r, http.StatusMethodNotAllowed)
	if r.Header.Get("Allow") != "POST" {
		t.Error("it does not say what is allowed")
	}
}

func TestWithoutSecretsThereIsNoWebhookRoute(t *testing.T) {
	s := newServer(t, Options{Token: token, Receiver: &receiver{}})
	wantStatus(t, deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction)), http.StatusUnauthorized)
}

func TestAFailedReceiverAsksForTheWebhookAgain(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errors.New("redis is gone") },
		"panic": func(context.Context) error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			s := webhookServer(t, &receiver{fail: fail})
			wantStatus(t, deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction)), http.StatusServiceUnavailable)
		})
	}
}

func TestADeafReceiverDelaysNobodyAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &receiver{fail: func(context.Context) error { <-release; return nil }}
		s := webhookServer(t, r)
		began := time.Now()
		var wg sync.WaitGroup
		for range maxDeliveries {
			wg.Go(func() {
				resp := deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction))
				if resp.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("answered %d", resp.StatusCode)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != receiveTimeout {
			t.Errorf("the answer took %s", took)
		}
		resp := deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction))
		if n := r.count(); resp.StatusCode != http.StatusServiceUnavailable || n != maxDeliveries {
			t.Errorf("with all places taken: %d, %d handed on", resp.StatusCode, n)
		}
		close(release)
		synctest.Wait()
		wantStatus(t, deliver(t, s, webhookURL, signed(prediction), strings.NewReader(prediction)), http.StatusNoContent)
	})
}

// FuzzWebhook looks for requests that panic, or that are handed on unsigned or
// with IDs of another form.
func FuzzWebhook(f *testing.F) {
	h := signed(prediction)
	f.Add("job="+string(job)+"&attempt=image.3.1", h.Get("Webhook-Signature"), prediction, true)
	f.Add("job=%00&attempt=", "v1,", "{}", false)
	f.Add("job="+string(job)+"&attempt=image.3.1&attempt=x", "", `{"id":1}`, true)
	f.Fuzz(func(t *testing.T, query, signature, body string, sign bool) {
		h := signed(body)
		if !sign {
			h.Set("Webhook-Signature", signature)
		}
		rec := &receiver{}
		s := webhookServer(t, rec)
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/webhooks/replicate", strings.NewReader(body))
		r.URL.RawQuery, r.Header = query, h
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Fatal(w.Body)
		}
		if (w.Code == http.StatusNoContent) != (rec.count() == 1) {
			t.Fatalf("%d, but %d were handed on", w.Code, rec.count())
		}
		for _, d := range rec.got {
			if VerifySignature(h, []byte(body), []string{secret}, start) != nil || d.Job != job && !isJob(d.Job) ||
				strings.ContainsAny(d.Attempt+d.PredictionID+d.Status, " \t\r\n/:{}") || d.Attempt == "" {
				t.Fatalf("handed on: %+v", d)
			}
		}
	})
}

func isJob(id trainset.JobID) bool { _, err := trainset.ParseJobID(string(id)); return err == nil }
