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
)

// request is one kind of request and its schema.
type request struct {
	kind   trainset.Kind
	schema string
	least  string           // the least that is valid
	values map[string]tried // by field
}

// tried are good and bad values of a field; an empty one leaves it out.
type tried struct{ good, bad []string }

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var hex64 = strings.Repeat("0a", 32)

var ids = tried{[]string{`"a"`, `"A.b-c_9"`, quoted(strings.Repeat("x", 64))}, []string{``, `""`, `".a"`, `"a/b"`, `"../a"`, `"a b"`, `"ä"`, `7`, quoted(strings.Repeat("x", 65)), `"a\n"`}}

var references = tried{
	[]string{
		`{"key":"uploads/p"}`, `{"url":"https://example.org/p.png"}`, `{"url":"HTTP://example.org"}`, `{"url":"http://[::1]:80/p"}`,
		`{"url":"https://u:p%40@e.org/a b/%25.jpg?q=100%#x"}`, `{"url":"http://ü.org:/"}`, `{"url":"https://e.org?x"}`, `{"key":"k","url":null,"sha256":null}`, `{"key":null,"url":"https://a/"}`,
		`{"key":"k","url":""}`, `{"key":"","url":"https://a/"}`, `{"key":"k","sha256":""}`, fmt.Sprintf(`{"key":"k","sha256":%q}`, hex64),
		`{"url":"https://a/` + strings.Repeat("漢", 8182) + `"}`, `{"key":"` + strings.Repeat("漢", 1024) + `"}`,
	},
	[]string{
		``, `{}`, `"https://example.org/p.png"`, `{"key":""}`, `{"url":"https://a/","key":"k"}`, `{"url":"file:///etc/passwd"}`, `{"url":"p.png"}`,
		`{"url":"https://"}`, `{"url":"https:///p"}`, `{"url":"ftp://a/b"}`, `{"key":"k","sha256":"0a"}`, fmt.Sprintf(`{"key":"k","sha256":%q}`, strings.ToUpper(hex64)),
		`{"key":"k","path":"x"}`, `[]`, `{"key":"a\u0000"}`, `null`, `{"url":null}`, `{"url":null,"key":null}`, `{"url":"https://a/","Key":"k"}`,
		`{"url":"https://e.org/100%.jpg"}`, `{"url":"https://e.org/%zz"}`, `{"url":"https://e.org/#%"}`, `{"url":"http://e.org:port/x"}`, `{"url":"https://a b/x"}`, `{"url":"https://%41.org"}`, `{"url":"http://\\x"}`,
		`{"url":"http://u:p@/x"}`, `{"url":"https://a<b"}`, `{"url":" https://e.org"}`, `{"url":"https://a/\u0007"}`, `{"url":"https://a/\u0085"}`,
		`{"url":"https://a/` + strings.Repeat("u", 8183) + `"}`, `{"key":"` + strings.Repeat("k", 1025) + `"}`,
	},
}

// values adds to a kind's own fields those that all requests have.
func values(own map[string]tried) map[string]tried {
	all := map[string]tried{
		"user":    ids,
		"version": {[]string{`1`, `1.0`, `10e-1`}, []string{``, `0`, `2`, `2.0`, `"1"`, `1.5`, `null`}},
		"key":     {[]string{`"k"`, `"with spaces / and more"`, `"naïve 漢字 \u2028"`, quoted(strings.Repeat("k", 200)), quoted(strings.Repeat("漢", 200))}, []string{``, `""`, `1`, `"a\nb"`, `"a\u0000"`, `"\u007f"`, `"\u0085"`, quoted(strings.Repeat("k", 201))}},
		"trigger": {[]string{`""`, `null`, `"zrk"`, `"Z_R-1"`, quoted(strings.Repeat("z", 32))}, []string{`"-z"`, `"two words"`, `"z,"`, `3`, quoted(strings.Repeat("z", 33))}},
		"name":    {[]string{`""`, `null`, `"Mona L. (née O'Neill)"`, quoted(strings.Repeat("n", 100)), quoted(strings.Repeat("漢", 100))}, []string{`"a\nb"`, `"a\tb"`, `"Zo\u001b]0;x\u0007"`, `"\u009f"`, `"{a"`, `"a}"`, `"a|b"`, quoted(strings.Repeat("n", 101)), quoted(strings.Repeat("漢", 101))}},
		"seed":    {[]string{`0`, `2147483647`, `12.0`, `1e3`, `-0`, `null`}, []string{`-1`, `1e400`, `9223372036854775808`, `2147483648`, `1.5`, `"1"`}},
		"max_cost_usd": {
			[]string{`0`, `0.0`, `0.04`, `0.000001`, `1e9`, `1000000000`, `null`}, []string{`1e-9`, `-1e-9`, `0.0000004`, `1e400`, `true`, `-0.01`, `1000000001`, `"1"`},
		},
		"model":    {[]string{`""`, `null`, `"black-forest-labs/flux-kontext-pro"`, quoted("a/" + strings.Repeat("m", 198))}, []string{quoted("a/" + strings.Repeat("m", 199)), `"flux"`, `"A/b"`, `"a/b/c"`, `"a/"`, `"-a/b"`, `1`}},
		"priority": {[]string{`""`, `"low"`, `"normal"`, `"high"`, `null`}, []string{`"urgent"`, `1`}},
		"simulate": {[]string{`true`, `false`, `null`}, []string{`"yes"`, `1`}},
		"unknown":  {[]string{``}, []string{`1`, `"x"`, `null`}},
		"USER":     {[]string{``}, []string{`"u"`}},
	}
	maps.Copy(all, own)
	return all
}

// with sets a field of the least request; an empty value removes it.
func (q request) with(t *testing.T, field, raw string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(q.least), &m); err != nil {
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

// agree fails unless the schema and the decoder both say what is wanted.
func (q request) agree(t *testing.T, s *jsonschema.Schema, payload string, want bool) {
	t.Helper()
	_, decoded := trainset.DecodeRequest(q.kind, []byte(payload))
	checked := s.Validate(value(t, []byte(payload)))
	if (decoded == nil) != want || (checked == nil) != want {
		t.Errorf("%s: wanted %t; DecodeRequest: %v; schema: %v", payload, want, decoded, checked)
	}
}

func (q request) agreesOnValues(t *testing.T) {
	t.Helper()
	s := compile(t, q.schema)
	q.agree(t, s, q.least, true)
	for _, payload := range []string{`{}`, `[]`, `1`, `"x"`} {
		q.agree(t, s, payload, false)
	}
	for field, v := range q.values {
		for _, raw := range v.good {
			q.agree(t, s, q.with(t, field, raw), true)
		}
		for _, raw := range v.bad {
			q.agree(t, s, q.with(t, field, raw), false)
		}
	}
}

func (q request) triesEveryField(t *testing.T) {
	t.Helper()
	properties := document(t, q.schema).(map[string]any)["properties"].(map[string]any)
	for field := range properties {
		if v := q.values[field]; len(v.good) == 0 || len(v.bad) == 0 {
			t.Errorf("%s has no good or no bad value in the table", field)
		}
	}
}

func (q request) hasValidExamples(t *testing.T) {
	t.Helper()
	s := compile(t, q.schema)
	for _, e := range document(t, q.schema).(map[string]any)["examples"].([]any) {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		q.agree(t, s, string(b), true)
	}
}

func text(r *rapid.T, pattern, name string) string {
	return rapid.StringMatching(pattern).Draw(r, name)
}

// options draws what all requests have, mostly good.
func options(r *rapid.T) trainset.Options {
	seed := rapid.Int64Range(-1, 1<<31).Draw(r, "seed")
	return trainset.Options{
		Version: rapid.SampledFrom([]int{1, 1, 1, 0, 2}).Draw(r, "version"), User: text(r, `[a-zA-Z0-9._-]{1,65}`, "user"), Key: text(r, `[ -~]{0,201}`, "key"),
		Trigger: text(r, `[a-z0-9_-]{0,32}|[a-z0-9 _-]{0,33}`, "trigger"), Name: text(r, `[ -~]{0,20}`, "name"), Seed: &seed,
		Images: rapid.IntRange(-1, 62).Draw(r, "images"), MaxCost: trainset.Money(rapid.Int64Range(-10, 1e9).Draw(r, "cost")),
		Model:          text(r, `([a-z-]{1,4}/[a-z-]{1,4})?`, "model"),
		CaptionProfile: rapid.SampledFrom(append(trainset.ActorProfiles(), append(trainset.StyleProfiles(), "")...)).Draw(r, "caption profile"),
	}
}

// agreeOn fails unless the schema and Validate say the same of a request.
func agreeOn(r *rapid.T, s *jsonschema.Schema, req trainset.Request) {
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
}
