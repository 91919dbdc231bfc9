package trainset_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/actormaker/trainset"
)

// FuzzDecodeRequest looks for payloads of any producer that panic, that are
// refused without a field and a remedy, or that mean another job once the
// ledger has written and read them.
func FuzzDecodeRequest(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"user":"ada","key":"k","actor":"zara","portrait":{"url":"https://example.org/p.png"}}`,
		`{"version":1,"user":"ada","key":"k","actor":"zara","images":48,"seed":9007199254740993,"max_cost_usd":0.1,"portrait":{"key":"uploads/x","sha256":"` +
			"0000000000000000000000000000000000000000000000000000000000000000" + `"}}`,
		`{"version":1,"user":"ada","key":"k","style":"ink","image":{"url":"http://example.org/s.jpg"},"judge":"local","enhance":"none"}`,
		`{"version":1.0,"user":"ada","key":"k","style":"ink","image":{"url":"http://ü.org:80/a%20b?c#d","key":null},"grids":2e0,"name":null,"max_cost_usd":1e-6}`,
		`{"version":2}`, `{"version":1}{}`, `{"version":1,"version":1,"USER":"x"}`, `{"version":1,"user":"../x","unknown":null}`, `null`, ``,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, style bool) {
		kind := trainset.KindActor
		if style {
			kind = trainset.KindStyle
		}
		r, err := trainset.DecodeRequest(kind, payload)
		if err != nil {
			var field *trainset.FieldError
			if !errors.As(err, &field) || field.Field == "" || field.Remedy == "" {
				t.Fatalf("without a field or a remedy: %v", err)
			}
			return
		}
		if _, err := trainset.ParseJobID(string(r.JobID())); err != nil || r.Kind() != kind || !trainset.ValidID(r.Common().User) || !trainset.ValidID(r.Subject()) {
			t.Fatalf("job %q of %s, user %q, subject %q: %v", r.JobID(), r.Kind(), r.Common().User, r.Subject(), err)
		}
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := trainset.DecodeRequest(kind, written)
		if err != nil {
			t.Fatalf("%s is not read again: %v", written, err)
		}
		if again.JobID() != r.JobID() || again.Fingerprint() != r.Fingerprint() {
			t.Fatalf("%s became %s", r.Fingerprint(), again.Fingerprint())
		}
	})
}
