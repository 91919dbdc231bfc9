package schemas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
)

const least = `{"version":1,"user":"u","key":"k","actor":"a","portrait":{"key":"uploads/p"}}`

// with sets a field of the least request; an empty value removes it.
func with(t testing.TB, field, raw string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(least), &m); err != nil {
		t.Fatal(err)
	}
	if m[field] = json.RawMessage(raw); raw == "" {
		delete(m, field)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var hex64 = strings.Repeat("0a", 32)

// values has good and bad values of each field; an empty one leaves it out.
var values = map[string]struct{ good, bad []string }{
	"version": {[]string{`1`}, []string{``, `0`, `2`, `"1"`, `1.5`}},
	"user":    {[]string{`"a"`, `"A.b-c_9"`, quoted(strings.Repeat("x", 64))}, []string{``, `""`, `".a"`, `"a/b"`, `"a b"`, `7`, quoted(strings.Repeat("x", 65)), `"a\n"`}},
	"actor":   {[]string{`"a"`}, []string{``, `""`, `"../a"`, `"ä"`}},
	"key":     {[]string{`"k"`, `"with spaces / and more"`, quoted(strings.Repeat("k", 200))}, []string{``, `""`, `1`, quoted(strings.Repeat("k", 201))}},
	"trigger": {[]string{`""`, `"zrk"`, `"Z_R-1"`, quoted(strings.Repeat("z", 32))}, []string{`"-z"`, `"two words"`, `"z,"`, `3`, quoted(strings.Repeat("z", 33))}},
	"name":    {[]string{`""`, `"Mona L. (née O'Neill)"`, quoted(strings.Repeat("n", 100))}, []string{`"a\nb"`, `"a\tb"`, `"{a"`, `"a}"`, `"a|b"`, quoted(strings.Repeat("n", 101))}},
	"seed":    {[]string{`0`, `2147483647`}, []string{`-1`, `2147483648`, `1.5`, `"1"`}},
	"images":  {[]string{`0`, `1`, `48`}, []string{`-1`, `49`, `2.5`, `"12"`}},
	"max_cost_usd": {
		[]string{`0`, `0.04`, `1000000000`}, []string{`-0.01`, `1000000001`, `"1"`},
	},
	"model":    {[]string{`""`, `"black-forest-labs/flux-kontext-pro"`}, []string{`"flux"`, `"A/b"`, `"a/b/c"`, `"a/"`, `"-a/b"`, `1`}},
	"priority": {[]string{`""`, `"low"`, `"normal"`, `"high"`}, []string{`"urgent"`, `1`}},
	"simulate": {[]string{`true`, `false`}, []string{`"yes"`, `1`}},
	"type":     {[]string{`""`, `"human"`, `"creature"`, `"robotic"`, `"anthropomorphic"`, `"mythical"`}, []string{`"ghost"`, `"Human"`, `1`}},
	"sex":      {[]string{`""`, `"male"`, `"female"`}, []string{`"m"`, `1`}},
	"portrait": {
		[]string{
			`{"key":"uploads/p"}`, `{"url":"https://example.org/p.png"}`, `{"url":"HTTP://example.org"}`, `{"url":"http://[::1]:80/p"}`,
			`{"key":"k","url":""}`, `{"key":"","url":"https://a/"}`, `{"key":"k","sha256":""}`, fmt.Sprintf(`{"key":"k","sha256":%q}`, hex64),
		},
		[]string{
			``, `{}`, `"https://example.org/p.png"`, `{"key":""}`, `{"url":"https://a/","key":"k"}`, `{"url":"file:///etc/passwd"}`, `{"url":"p.png"}`,
			`{"url":"https://"}`, `{"url":"https:///p"}`, `{"url":"ftp://a/b"}`, `{"key":"k","sha256":"0a"}`, fmt.Sprintf(`{"key":"k","sha256":%q}`, strings.ToUpper(hex64)),
			`{"key":"k","path":"x"}`, `[]`,
		},
	},
	"unknown": {[]string{``}, []string{`1`, `"x"`}},
}

// agree fails unless the schema and the decoder both say what is wanted.
func agree(t *testing.T, valid func(any) error, payload string, want bool) {
	t.Helper()
	_, decoded := trainset.DecodeRequest(trainset.KindActor, []byte(payload))
	checked := valid(value(t, []byte(payload)))
	if (decoded == nil) != want || (checked == nil) != want {
		t.Errorf("%s: wanted %t; DecodeRequest: %v; schema: %v", payload, want, decoded, checked)
	}
}

func TestSchemaAndDecodeRequestAgree(t *testing.T) {
	s := compile(t, schemas.ActorGenerate)
	agree(t, s.Validate, least, true)
	for _, payload := range []string{`{}`, `[]`, `1`, `"x"`} {
		agree(t, s.Validate, payload, false)
	}
	for field, v := range values {
		for _, raw := range v.good {
			agree(t, s.Validate, with(t, field, raw), true)
		}
		for _, raw := range v.bad {
			agree(t, s.Validate, with(t, field, raw), false)
		}
	}
}

func TestEveryFieldOfARequestIsTried(t *testing.T) {
	properties := document(t, schemas.ActorGenerate).(map[string]any)["properties"].(map[string]any)
	for field := range maps.Keys(properties) {
		if v := values[field]; len(v.good) == 0 || len(v.bad) == 0 {
			t.Errorf("%s has no good or no bad value in the table", field)
		}
	}
}

func TestSchemaAndValidateAgreeOnAnyRequest(t *testing.T) {
	s := compile(t, schemas.ActorGenerate)
	rapid.Check(t, func(r *rapid.T) {
		text := func(pattern, name string) string { return rapid.StringMatching(pattern).Draw(r, name) }
		seed := rapid.Int64Range(-1, 1<<31).Draw(r, "seed")
		req := trainset.ActorRequest{
			Options: trainset.Options{
				Version: rapid.IntRange(0, 2).Draw(r, "version"), User: text(`[a-zA-Z0-9._-]{0,66}`, "user"), Key: text(`[ -~]{0,201}`, "key"),
				Trigger: text(`[a-z0-9 _-]{0,33}`, "trigger"), Name: text(`[ -~]{0,20}`, "name"), Seed: &seed,
				Images: rapid.IntRange(-1, 50).Draw(r, "images"), MaxCost: trainset.Money(rapid.Int64Range(-10, 1e9).Draw(r, "cost")),
				Model: text(`([a-z-]{1,4}/[a-z-]{1,4})?`, "model"),
			},
			Actor: text(`[a-zA-Z0-9._-]{1,64}`, "actor"), Portrait: trainset.Reference{Key: text(`[a-z]{0,2}`, "portrait")},
		}
		b, err := json.Marshal(req)
		if err != nil {
			r.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			r.Fatal(err)
		}
		if a, b := req.Validate(), s.Validate(v); (a == nil) != (b == nil) {
			r.Fatalf("%+v: Validate: %v; schema: %v", req, a, b)
		}
	})
}

func TestExamplesAreValid(t *testing.T) {
	s := compile(t, schemas.ActorGenerate)
	for _, e := range document(t, schemas.ActorGenerate).(map[string]any)["examples"].([]any) {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, s.Validate, string(b), true)
	}
}
