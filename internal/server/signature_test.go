package server

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/replicate/replicate-go"
	"pgregory.net/rapid"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a key of the tests"))

// signedBy makes a delivery's headers as the provider does.
func signedBy(secret, id string, at time.Time, body []byte) http.Header {
	key, _ := secretKey(secret)
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sign(key, id, stamp, body)))
	return h
}

// TestSignatureIsThatOfThePublishedExample uses numbers that are not ours: the
// example of the scheme that the provider uses (Standard Webhooks).
func TestSignatureIsThatOfThePublishedExample(t *testing.T) {
	h := http.Header{}
	h.Set("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	h.Set("Webhook-Timestamp", "1614265330")
	h.Set("Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	secrets := []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	if err := VerifySignature(h, []byte(`{"test": 2432232314}`), secrets, time.Unix(1614265330, 0)); err != nil {
		t.Error(err)
	}
}

// TestTheProvidersOwnLibraryAgrees checks our signatures with replicate-go.
func TestTheProvidersOwnLibraryAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		id := rapid.StringMatching(`[a-zA-Z0-9_]{1,40}`).Draw(t, "id")
		r, err := http.NewRequest(http.MethodPost, "http://localhost/", bytes.NewReader(body)) //nolint:noctx // it is not sent
		if err != nil {
			t.Fatal(err)
		}
		r.Header = signedBy(secret, id, start, body)
		if ok, err := replicate.ValidateWebhookRequest(r, replicate.WebhookSigningSecret{Key: secret}); err != nil || !ok {
			t.Fatalf("%t, %v", ok, err)
		}
		if err := VerifySignature(r.Header, body, []string{secret}, start); err != nil {
			t.Fatal(err)
		}
	})
}

func TestVerifySignatureTable(t *testing.T) {
	body := []byte(`{"id":"p1"}`)
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another key"))
	good := func() http.Header { return signedBy(secret, "msg_1", start, body) }
	with := func(name string, values ...string) http.Header {
		h := good()
		h[name] = values
		return h
	}
	signature := good().Get("Webhook-Signature")
	for name, tc := range map[string]struct {
		header  http.Header
		secrets []string
		after   time.Duration // from when it was signed to now
		want    error
	}{
		"good":                        {header: good()},
		"at the tolerance's end":      {header: good(), after: signatureTolerance},
		"at its beginning":            {header: good(), after: -signatureTolerance},
		"too old":                     {header: good(), after: signatureTolerance + time.Second, want: ErrForged},
		"from the future":             {header: good(), after: -signatureTolerance - time.Second, want: ErrForged},
		"second of two secrets":       {header: good(), secrets: []string{other, secret}},
		"with another secret":         {header: good(), secrets: []string{other}, want: ErrForged},
		"no secrets":                  {header: good(), secrets: []string{}, want: ErrForged},
		"an empty secret":             {header: signedBy("whsec_", "msg_1", start, body), secrets: []string{"whsec_", ""}, want: ErrForged},
		"undecodable before the good": {header: with("Webhook-Signature", "v1,%%% v1 v2,"+signature[3:]+" "+signature)},
		"in a second header":          {header: with("Webhook-Signature", "v1,AAAA", signature)},
		"of another version":          {header: with("Webhook-Signature", "v2,"+signature[3:]), want: ErrForged},
		"unreadable only":             {header: with("Webhook-Signature", "v1,%%%"), want: ErrForged},
		"cut short":                   {header: with("Webhook-Signature", signature[:len(signature)-4]), want: ErrForged},
		"empty signature":             {header: with("Webhook-Signature", "v1,"), want: ErrForged},
		"no signature":                {header: with("Webhook-Signature"), want: ErrMalformed},
		"no ID":                       {header: with("Webhook-Id"), want: ErrMalformed},
		"two IDs":                     {header: with("Webhook-Id", "msg_1", "msg_2"), want: ErrMalformed},
		"another ID":                  {header: with("Webhook-Id", "msg_2"), want: ErrForged},
		"no time":                     {header: with("Webhook-Timestamp"), want: ErrMalformed},
		"a time that is none":         {header: with("Webhook-Timestamp", "noon"), want: ErrMalformed},
		"a time beyond all":           {header: with("Webhook-Timestamp", "99999999999999999999"), want: ErrMalformed},
		"the last of times":           {header: with("Webhook-Timestamp", "9223372036854775807"), want: ErrForged},
		"the first of times":          {header: with("Webhook-Timestamp", "-9223372036854775808"), want: ErrForged},
		"another way to write it":     {header: with("Webhook-Timestamp", "+"+strconv.FormatInt(start.Unix(), 10)), want: ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.secrets == nil {
				tc.secrets = []string{secret}
			}
			if err := VerifySignature(tc.header, body, tc.secrets, start.Add(tc.after)); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestWhateverIsChangedIsForged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body")
		h := signedBy(secret, "msg_1", start, body)
		if err := VerifySignature(h, body, []string{secret}, start); err != nil {
			t.Fatal(err)
		}
		bit := rapid.IntRange(0, len(body)*8-1).Draw(t, "bit")
		changed := bytes.Clone(body)
		changed[bit/8] ^= 1 << (bit % 8)
		if err := VerifySignature(h, changed, []string{secret}, start); !errors.Is(err, ErrForged) {
			t.Fatalf("a changed body: %v", err)
		}
		raw, _ := base64.StdEncoding.DecodeString(h.Get("Webhook-Signature")[3:])
		bit = rapid.IntRange(0, len(raw)*8-1).Draw(t, "bit of the signature")
		raw[bit/8] ^= 1 << (bit % 8)
		h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(raw))
		if err := VerifySignature(h, body, []string{secret}, start); !errors.Is(err, ErrForged) {
			t.Fatalf("a changed signature: %v", err)
		}
	})
}

// FuzzVerifySignature looks for headers that pass without the secret, and for
// panics. What passes must be what we would have signed.
func FuzzVerifySignature(f *testing.F) {
	body := []byte(`{"id":"p1","status":"succeeded"}`)
	h := signedBy(secret, "msg_1", start, body)
	f.Add("msg_1", h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature"), body)
	f.Add("msg_1", h.Get("Webhook-Timestamp"), "v1,%% v2,AAAA "+h.Get("Webhook-Signature"), body)
	f.Add("", "-1", "v1,", []byte{})
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		err := VerifySignature(h, body, []string{secret}, start)
		key, _ := secretKey(secret)
		ours := base64.StdEncoding.EncodeToString(sign(key, id, stamp, body))
		switch {
		case err == nil:
			if !strings.Contains(strings.NewReplacer("\r", "", "\n", "").Replace(signature), ours) {
				t.Fatalf("%q passed; ours is %q", signature, ours)
			}
		case !errors.Is(err, ErrForged) && !errors.Is(err, ErrMalformed):
			t.Fatalf("an error of no class: %v", err)
		}
	})
}
