package schemas_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
)

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, document(t, name)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func document(t *testing.T, name string) any {
	t.Helper()
	b, err := schemas.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return value(t, b)
}

func value(t *testing.T, b []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// TestSchemasNameTheFieldsOfTheTypes walks each Go type beside its schema: the
// same fields, and required those that are always written.
func TestSchemasNameTheFieldsOfTheTypes(t *testing.T) {
	walk(t, "manifest", document(t, schemas.Manifest), document(t, schemas.Manifest), reflect.TypeFor[trainset.Manifest]())
	walk(t, "request", document(t, schemas.ActorGenerate), document(t, schemas.ActorGenerate), reflect.TypeFor[trainset.ActorRequest]())
	walk(t, "request", document(t, schemas.StyleGenerate), document(t, schemas.StyleGenerate), reflect.TypeFor[trainset.StyleRequest]())
}

func walk(t *testing.T, at string, root, schema any, typ reflect.Type) {
	t.Helper()
	s := resolve(root, schema)
	switch typ.Kind() {
	case reflect.Pointer:
		walk(t, at, root, s, typ.Elem())
		return
	case reflect.Slice:
		if items, ok := s["items"]; ok {
			walk(t, at+"[]", root, items, typ.Elem())
		}
		return
	case reflect.Struct:
	default:
		return
	}
	if typ == reflect.TypeFor[time.Time]() {
		return
	}
	properties, _ := s["properties"].(map[string]any)
	fields := fieldsOf(typ)
	if diff := cmp.Diff(sortedKeys(fields), sortedKeys(properties)); diff != "" {
		t.Errorf("%s (-type +schema):\n%s", at, diff)
	}
	if s["additionalProperties"] != false {
		t.Errorf("%s takes unknown fields", at)
	}
	var always []string
	for name, f := range fields {
		if !f.optional {
			always = append(always, name)
		}
	}
	slices.Sort(always)
	if diff := cmp.Diff(always, required(s)); diff != "" {
		t.Errorf("%s, required (-type +schema):\n%s", at, diff)
	}
	for name, f := range fields {
		walk(t, at+"."+name, root, properties[name], f.typ)
	}
}

func resolve(root, schema any) map[string]any {
	s, _ := schema.(map[string]any)
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	defs := root.(map[string]any)["$defs"].(map[string]any)
	return resolve(root, defs[strings.TrimPrefix(ref, "#/$defs/")])
}

type field struct {
	typ      reflect.Type
	optional bool
}

func fieldsOf(typ reflect.Type) map[string]field {
	all := map[string]field{}
	for f := range typ.Fields() {
		if f.Anonymous {
			for name, inner := range fieldsOf(f.Type) {
				all[name] = inner
			}
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all[name] = field{f.Type, options == "omitempty" || options == "omitzero"}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func required(s map[string]any) []string {
	list, _ := s["required"].([]any)
	var names []string
	for _, n := range list {
		names = append(names, n.(string))
	}
	slices.Sort(names)
	return names
}

func TestEveryFieldIsDescribed(t *testing.T) {
	for _, name := range []string{schemas.Manifest, schemas.ActorGenerate, schemas.StyleGenerate} {
		root := document(t, name)
		for field, p := range root.(map[string]any)["properties"].(map[string]any) {
			if d, _ := p.(map[string]any)["description"].(string); d == "" {
				t.Errorf("%s: %s has no description", name, field)
			}
		}
	}
}

func manifests(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../../internal/dataset/testdata/*.manifest.json")
	if err != nil || len(names) < 3 {
		t.Fatalf("there must be the golden manifests of internal/dataset: %v, %v", names, err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".manifest.json")] = b
	}
	return all
}

func TestManifestsAreValid(t *testing.T) {
	s := compile(t, schemas.Manifest)
	for name, b := range manifests(t) {
		if err := s.Validate(value(t, b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// open are the objects whose fields belong to others: to models, checks and
// catalogs.
var open = []string{"params", "checks", "measures", "findings", "mix", "media", "framing", "categories"}

// TestManifestSchemaIsStrict spoils the objects of every golden manifest, of
// those in one place that have the same fields one: an unknown field, and the
// lack of one that the type always writes.
func TestManifestSchemaIsStrict(t *testing.T) {
	s := compile(t, schemas.Manifest)
	seen := map[string]bool{}
	spoiled := 0
	for name, b := range manifests(t) {
		root := value(t, b)
		kind, _, _ := strings.Cut(name, "-")
		objects(root, "", func(at string, o map[string]any) {
			like := fmt.Sprint(kind, number.ReplaceAllString(at, ""), sortedKeys(o), o["state"], o["use"], o["role"])
			if seen[like] {
				return
			}
			seen[like] = true
			o["unknown"] = "x"
			if s.Validate(root) == nil {
				t.Errorf("%s: an unknown field in %q is valid", name, at)
			}
			delete(o, "unknown")
			for field, was := range o {
				delete(o, field)
				if s.Validate(root) == nil && always(t, root, b) {
					t.Errorf("%s: %q without %s is valid", name, at, field)
				}
				o[field] = was
				spoiled++
			}
		})
		if err := s.Validate(root); err != nil {
			t.Errorf("%s is not as it was: %v", name, err)
		}
	}
	if spoiled < 300 {
		t.Errorf("only %d fields were tried", spoiled)
	}
}

var number = regexp.MustCompile(`\.\d+`)

// always reports whether Go writes what is missing in root again.
func always(t *testing.T, root any, whole []byte) bool {
	t.Helper()
	b, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	var m trainset.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return shape(value(t, again)) == shape(value(t, whole))
}

// shape lists the paths of all fields.
func shape(v any) string {
	var paths []string
	objects(v, "", func(at string, o map[string]any) {
		for k := range o {
			paths = append(paths, at+"."+k)
		}
	})
	slices.Sort(paths)
	return strings.Join(paths, "\n")
}

func objects(v any, at string, visit func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(at, v)
		for _, k := range sortedKeys(v) {
			if !slices.Contains(open, k) {
				objects(v[k], at+"."+k, visit)
			}
		}
	case []any:
		for i, e := range v {
			objects(e, at+"."+strconv.Itoa(i), visit)
		}
	}
}

func TestManifestSchemaRefusesContradictions(t *testing.T) {
	s := compile(t, schemas.Manifest)
	for name, c := range map[string]struct{ file, old, new string }{
		"another schema":         {"succeeded", `"trainset-manifest/1"`, `"trainset-manifest/2"`},
		"a job that runs":        {"partial", `"state": "partial"`, `"state": "running"`},
		"succeeded with a loss":  {"partial", `"state": "partial"`, `"state": "succeeded"`},
		"an absolute name":       {"partial", `"file": "v1/train/001.png"`, `"file": "/home/ann/001.png"`},
		"an address for a name":  {"partial", `"file": "reference.png"`, `"file": "https://example.org/reference.png"`},
		"a negative cost":        {"partial", `"actual_usd": 0.24`, `"actual_usd": -0.24`},
		"an unknown outcome":     {"partial", `"outcome": "moderated"`, `"outcome": "refused"`},
		"an unknown medium":      {"partial", `"medium": "bw"`, `"medium": "grey"`},
		"local time":             {"partial", `"finished_at": "2026-11-23T10:00:31.5Z"`, `"finished_at": "2026-11-23T10:00:31.5+02:00"`},
		"a caption of two lines": {"partial", `"text": "vqbcdfg woman, calm`, `"text": "vqbcdfg woman,\n calm`},
		"a revision 0":           {"partial", `"revision": 1`, `"revision": 0`},

		"an actor's with grids":        {"partial", `"diversity": {`, `"grids": [], "diversity": {`},
		"an actor's with categories":   {"partial", `"media": {`, `"categories": {}, "media": {`},
		"an actor's without prompts":   {"partial", `"prompt": "Milder prompt 2.",`, ``},
		"an actor's with a tile":       {"partial", `"scene": "scene-1",`, `"scene": "scene-1", "category": "people",`},
		"a style's that is an actor's": {"style-succeeded", `"kind": "style"`, `"kind": "actor"`},
		"a style's with a medium":      {"style-succeeded", `"scene": "bicycle",`, `"scene": "bicycle", "medium": "photo",`},
		"a style's with a prompt":      {"style-succeeded", `"scene": "bicycle",`, `"scene": "bicycle", "prompt": "a bicycle",`},
		"a style's without a category": {"style-succeeded", `"category": "transport",`, ``},
		"a row 4":                      {"style-succeeded", `"row": 3`, `"row": 4`},
		"a tile 10":                    {"style-succeeded", `"tile": 9,`, `"tile": 10,`},
		"a way to cut that is unknown": {"style-succeeded", `"method": "thirds"`, `"method": "guess"`},
		"too sure":                     {"style-succeeded", `"confidence": 0.9`, `"confidence": 1.1`},
		"an image that is unfit":       {"style-succeeded", `"fit": true`, `"fit": false`},
		"unfit without a reason":       {"style-succeeded", `"why": "cropped at the top"`, `"measured": ""`},
		"a picture of a grid that has failed": {"style-partial", `"index": 2,
      "state": "failed",`, `"index": 2,
      "file": "grids/002.1.png",
      "state": "failed",`},
		"a judge that is a role's without a name": {"style-succeeded", `"name": "openai/gpt-4.1-mini"`, `"name": ""`},
		"an unknown judge asked for":              {"style-succeeded", `"judge": "replicate"`, `"judge": "nobody"`},
	} {
		good := string(manifests(t)[c.file])
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s: the manifest has no %s", name, c.old)
		}
		if s.Validate(value(t, []byte(bad))) == nil {
			t.Errorf("%s is valid", name)
		}
	}
}
