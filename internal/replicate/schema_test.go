package replicate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

func faked(t *testing.T) (*replicate.Client, *fake.Server) {
	t.Helper()
	s := fake.New(fake.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(func() { server.Close(); _ = s.Close() })
	c, err := replicate.New(replicate.Options{Token: "token", BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// What we send fits what the models say that they take.
func TestDefaultModelsTakeWhatWeSend(t *testing.T) {
	c, _ := faked(t)
	for _, name := range []string{
		replicate.DefaultActorModel, replicate.DefaultJudgeModel, replicate.DefaultEnhanceModel, "google/nano-banana",
	} {
		m, err := replicate.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Schema(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, input := range m.Samples() {
			if problems := s.Unfit(input); len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
		}
	}
}

func TestSchemaTellsWhatNoLongerFits(t *testing.T) {
	low, high := 0.0, 2.0
	s := replicate.Schema{Required: []string{"prompt", "image"}, Fields: map[string]replicate.Field{
		"prompt": {Type: "string"}, "image": {Type: "string"}, "format": {Choices: []any{"png", "jpg"}},
		"tolerance": {Type: "integer", Minimum: &low, Maximum: &high}, "images": {Type: "array"},
	}}
	fits := map[string]any{"prompt": "x", "image": "u", "format": "png", "tolerance": 2, "images": []string{"u"}}
	if problems := s.Unfit(fits); len(problems) > 0 {
		t.Fatalf("what fits: %v", problems)
	}
	for _, c := range []struct {
		field string
		value any
		want  string
	}{
		{"format", "webp", `format no longer takes "webp"`},
		{"tolerance", 3, "tolerance no longer takes 3: it is out of range"},
		{"tolerance", 1.5, "tolerance is of type integer now"},
		{"images", "u", "images is of type array now"},
		{"seed", 7, "seed is not known any more"},
	} {
		input := map[string]any{"prompt": "x", "image": "u", c.field: c.value}
		if problems := s.Unfit(input); !slices.Equal(problems, []string{c.want}) {
			t.Errorf("%s = %v: %v", c.field, c.value, problems)
		}
	}
	if problems := s.Unfit(map[string]any{"prompt": "x"}); !slices.Equal(problems, []string{"image is required now"}) {
		t.Errorf("without an image: %v", problems)
	}
}

func TestSchemaOfAnUnknownModel(t *testing.T) {
	c, _ := faked(t)
	if _, err := c.Schema(t.Context(), "nobody/nothing"); !isClass(err, replicate.ClassNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestDeletingAFileMayBeRepeated(t *testing.T) {
	c, s := faked(t)
	f, err := c.Upload(t.Context(), "a.png", "image/png", []byte("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Stats().Files != 1 {
		t.Fatalf("%d files after an upload", s.Stats().Files)
	}
	for range 2 {
		if err := c.DeleteFile(t.Context(), f.ID); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	if n := s.Stats().Files; n != 0 {
		t.Errorf("%d files are left", n)
	}
	if err := s.Inject(fake.Fault{Kind: fake.ServerError, On: "file"}); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteFile(t.Context(), f.ID); !isClass(err, replicate.ClassTransient) {
		t.Errorf("the provider's failure: %v", err)
	}
}

func TestSchemaFollowsReferences(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"latest_version":{"openapi_schema":{"components":{"schemas":{
			"Input":{"required":["a"],"properties":{"a":{"allOf":[{"$ref":"#/components/schemas/a"}]},"b":{"$ref":"#/components/schemas/a"}}},
			"a":{"type":"string","enum":["x"]}}}}}}`))
	}))
	t.Cleanup(server.Close)
	c, err := replicate.New(replicate.Options{Token: "token", BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Schema(t.Context(), "o/m")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if f := s.Fields[name]; f.Type != "string" || !slices.Equal(f.Choices, []any{any("x")}) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func isClass(err error, class replicate.Class) bool {
	e, ok := errors.AsType[*replicate.Error](err)
	return ok && e.Class == class
}
