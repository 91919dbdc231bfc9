package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReadableTable(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"in its own order": {`{"version":1,"user":"anna","images":[1,2.50,true,null],"a":{}}`, `{
  "version": 1,
  "user": "anna",
  "images": [
    1,
    2.50,
    true,
    null
  ],
  "a": {}
}`},
		"line breaks stay":   {`{"prompt":"a\nb <b>"}`, "{\n  \"prompt\": \"a\\nb <b>\"\n}"},
		"a signed URL":       {`{"url":"https://b.example/p.png?X-Amz-Signature=s3cret#f"}`, "{\n  \"url\": \"https://b.example/p.png?[redacted]\"\n}"},
		"a URL with a user":  {`"redis://u:s3cret@h:6379/0"`, `"redis://[redacted]@h:6379/0"`},
		"below a secret":     {`{"credentials":{"user":"s3cret","n":[1,"s3cret"],"e":""}}`, "{\n  \"credentials\": {\n    \"user\": \"[redacted]\",\n    \"n\": [\n      1,\n      \"[redacted]\"\n    ],\n    \"e\": \"\"\n  }\n}"},
		"many names":         {`["a",{"API-Key":"s3cret","accessToken":"s3cret","max_tokens":400,"key":"job","Set-Cookie":"s3cret"}]`, "[\n  \"a\",\n  {\n    \"API-Key\": \"[redacted]\",\n    \"accessToken\": \"[redacted]\",\n    \"max_tokens\": 400,\n    \"key\": \"job\",\n    \"Set-Cookie\": \"[redacted]\"\n  }\n]"},
		"a token in a text":  {`"Authorization: Bearer s3cret-s3cret, r8_s3cretS3cret"`, `"Authorization: Bearer [redacted], r8_[redacted]"`},
		"a URL as a name":    {`{"https://h/?s3cret":1}`, "{\n  \"https://h/?[redacted]\": 1\n}"},
		"text":               {"two\nlines\tof https://h/p?s3cret=1 text", "two\nlines\tof https://h/p?[redacted] text"},
		"two JSON values":    {`{"a":1} {"token":"r8_s3cretS3cret"}`, `{"a":1} {"token":"r8_[redacted]"}`},
		"bytes":              {"\x89PNG\r\n\x1a\n", "8 bytes that are no text"},
		"nothing":            {"", ""},
		"a long string":      {`"` + strings.Repeat("ä", maxString) + `"`, `"` + strings.Repeat("ä", maxString/2) + `… (4096 more bytes)"`},
		"far too many bytes": {`"` + strings.Repeat("a", maxReadable) + `"`, "1048578 bytes: too many to show"},
	} {
		t.Run(name, func(t *testing.T) {
			got := readable([]byte(tc.in))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "s3cret") {
				t.Error("a secret is shown")
			}
		})
	}
}

// document draws a JSON value of a few levels, with secrets in places where
// they must not be shown.
func document(t *rapid.T, depth int) any {
	kinds := []string{"string", "number", "bool", "null", "url", "token"}
	if depth > 0 {
		kinds = append(kinds, "object", "array", "object")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "number":
		return rapid.IntRange(-1000, 1000).Draw(t, "number")
	case "bool":
		return rapid.Bool().Draw(t, "bool")
	case "null":
		return nil
	case "url":
		return rapid.StringMatching(`[ (]?https?://(u:s3cret@)?[a-z]{1,8}(:[0-9]{2})?(/[a-z%]{0,8}){0,3}[?#](a=)?s3cret(&b=s3cret)?`).Draw(t, "url")
	case "token":
		return rapid.StringMatching(`([a-z ]{0,8} )?(r8_|whsec_|Bearer )s3cret[A-Za-z0-9+/_-]{8,20}`).Draw(t, "token")
	case "object":
		m := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			m[rapid.StringMatching(`[a-z_]{1,8}`).Draw(t, "name")] = document(t, depth-1)
		}
		if rapid.Bool().Draw(t, "secret") {
			m[rapid.SampledFrom([]string{"token", "API_KEY", "x-amz-signature", "clientSecret", "db_password"}).Draw(t, "secret's name")] = "s3cret"
		}
		return m
	case "array":
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return document(t, depth-1) }), 0, 3).Draw(t, "array")
	}
	return rapid.String().Draw(t, "string")
}

// shape is a document with every string replaced.
func shape(v any) any {
	switch v := v.(type) {
	case string:
		return "text"
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = shape(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = shape(e)
		}
		return out
	}
	return v
}

func TestReadableShowsNoSecretAndKeepsTheShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, err := json.Marshal(document(t, 3))
		if err != nil {
			t.Fatal(err)
		}
		got := readable(in)
		if strings.Contains(got, "s3cret") {
			t.Fatalf("%s shows %s", in, got)
		}
		var before, after any
		if err := json.Unmarshal(in, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatalf("%s is no JSON: %v", got, err)
		}
		if diff := cmp.Diff(shape(before), shape(after)); diff != "" {
			t.Fatal(diff)
		}
		if again := readable([]byte(got)); again != got {
			t.Fatalf("%s is changed again to %s", got, again)
		}
	})
}

// FuzzReadable looks for payloads that panic, or that are shown at a length
// nobody reads.
func FuzzReadable(f *testing.F) {
	f.Add([]byte(actorPayload))
	f.Add([]byte(`[[[{"a":[`))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := readable(b); len(got) > maxShown+64 {
			t.Fatalf("%d bytes are shown", len(got))
		}
	})
}
