package fake

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestInvalidInputsAreRefused(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for _, x := range []struct {
		model, input string
		typ, field   string
		says         string
	}{
		{kontextPro, `{}`, "required", "input", "- input: prompt is required"},
		{kontextPro, `{"prompt":null}`, "invalid_type", "input.prompt", "given: null"},
		{kontextPro, `{"prompt":7}`, "invalid_type", "input.prompt", "Expected: string, given: integer"},
		{kontextPro, `{"prompt":"x","output_format":"webp"}`, "enum", "input.output_format", `one of the following: "jpg", "png"`},
		{kontextPro, `{"prompt":"x","seed":1.5}`, "invalid_type", "input.seed", "Expected: integer, given: number"},
		{kontextPro, `{"prompt":"x","seed":"1"}`, "invalid_type", "input.seed", "given: string"},
		{kontextPro, `{"prompt":"x","seed":1e400}`, "invalid_type", "input.seed", "given: number"},
		{kontextPro, `{"prompt":"x","safety_tolerance":7}`, "number_lte", "input.safety_tolerance", "less than or equal to 6"},
		{kontextPro, `{"prompt":"x","safety_tolerance":-1}`, "number_gte", "input.safety_tolerance", "greater than or equal to 0"},
		{kontextPro, `{"prompt":"x","prompt_upsampling":"no"}`, "invalid_type", "input.prompt_upsampling", "Expected: boolean"},
		{kontextPro, `{"prompt":"x","input_image":"me.png"}`, "format", "input.input_image", "'uri'"},
		{kontextPro, `{"prompt":"x","input_image":["https://x.test/y"]}`, "invalid_type", "input.input_image", "given: array"},
		{"topazlabs/image-upscale", `{"image":"https://x.test/y","upscale_factor":"3x"}`, "enum", "input.upscale_factor", "2x"},
		{"topazlabs/image-upscale", `{"image":"https://x.test/y","upscale_factor":2}`, "invalid_type", "input.upscale_factor", "given: integer"},
		{"bytedance/seedream-4", `{"prompt":"x","image_input":"https://x.test/y"}`, "invalid_type", "input.image_input", "Expected: array"},
		{"bytedance/seedream-4", `{"prompt":"x","image_input":[` + strings.Repeat(`"https://x.test/y",`, 10) + `"https://x.test/y"]}`, "array_max_items", "input.image_input", "at most 10"},
		{gpt, `{"image_input":["me.png"]}`, "format", "input.image_input", "'uri'"},
		{gpt, `{"image_input":[{}]}`, "invalid_type", "input.image_input", "given: object"},
		{gpt, `{"temperature":2.5}`, "number_lte", "input.temperature", "2"},
		{gpt, `{"messages":"hello"}`, "invalid_type", "input.messages", "Expected: array"},
	} {
		a := c.create(x.model, `{"input":`+x.input+`}`)
		p := a.problem(t)
		if a.status != 422 || p.Title != "Input validation failed" || len(p.InvalidFields) != 1 {
			t.Errorf("%s %s: status %d, %s", x.model, x.input, a.status, a.body)
			continue
		}
		if f := p.InvalidFields[0]; f.Type != x.typ || f.Field != x.field || !strings.Contains(p.Detail, x.says) {
			t.Errorf("%s %s: %+v", x.model, x.input, p)
		}
	}
	if a := c.create(kontextPro, `{"input":{"seed":"x","output_format":"gif"}}`); len(a.problem(t).InvalidFields) != 3 {
		t.Errorf("not every problem is told: %s", a.body)
	}
	if n := c.s.Stats().Predictions; n != 0 {
		t.Errorf("%d predictions", n)
	}
}

func TestBadBodiesAreRefused(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for body, want := range map[string]int{
		``: 400, `{`: 400, `[]`: 422, `"x"`: 422, `{}`: 422, `{"input":7}`: 422, `{"input":[]}`: 422, `{"input":null}`: 422,
		`{"input":{"prompt":"x"},"webhook":7}`:                                   422,
		`{"input":{"prompt":"x"},"webhook":"x"}`:                                 422,
		`{"input":{"prompt":"x"},"webhook":"http://x.test/"}`:                    422,
		`{"input":{"prompt":"x"},"webhook":"http://127.0.0.1:9/"}`:               422, // not allowed here
		`{"input":{"prompt":"x"},"webhook":"ftp://x.test/"}`:                     422,
		`{"input":{"prompt":"x"},"webhook_events_filter":["completed","ended"]}`: 422,
		`{"input":{"prompt":"` + strings.Repeat("x", maxBody) + `"}}`:            413,
	} {
		if a := c.create(kontextPro, body); a.status != want {
			t.Errorf("%.60s: status %d, %.200s", body, a.status, a.body)
		}
	}
	if n := c.s.Stats().Predictions; n != 0 {
		t.Errorf("%d predictions", n)
	}
}

func TestUnknownInputsAndNullsPass(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	a := c.create(kontextPro, `{"input":{"prompt":"x","go_fast":true,"seed":null,"aspect_ratio":"1:1"}}`)
	if p := a.prediction(t); a.status != 201 || p.Input["go_fast"] != true {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}

func TestInputsAreReportedAsTheyCame(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	const input = `{"aspect_ratio":"1:1","prompt":" x ","safety_tolerance":2,"seed":9007199254740993}`
	a := c.create(kontextPro, `{"input":`+input+`}`)
	if !strings.Contains(string(a.body), `"input":`+input) {
		t.Errorf("%s", a.body)
	}
	if e := c.s.Log()[0]; e.Seed != 9007199254740993 {
		t.Errorf("seed %d", e.Seed)
	}
}

func TestInputDigestTellsInputsApart(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	for _, input := range []string{
		`{"prompt":"x","seed":1}`, `{"seed":1, "prompt":"x"}`, `{"prompt":"x","seed":2}`, `{"prompt":"x"}`,
	} {
		c.made(kontextPro, `{"input":`+input+`}`)
	}
	log := c.s.Log()
	if log[0].InputDigest != log[1].InputDigest || log[1].InputDigest == log[2].InputDigest || log[2].InputDigest == log[3].InputDigest {
		t.Errorf("%+v", log)
	}
}

func TestNormalizedInputs(t *testing.T) {
	c := calling(t, newServer(t, Options{Settings: Settings{NormalizeInputs: true}}))
	f := c.upload("me & you.png", "image/png", drawnPNG(64, 64), nil).file(t)
	body := map[string]any{"input": map[string]any{"prompt": " a cat\n", "input_image": f.URLs["get"], "seed": 7, "aspect_ratio": "1:1"}}
	a := c.create(kontextPro, body, "Prefer: wait")
	p := a.prediction(t)
	if p.Status != statusSucceeded {
		t.Fatalf("%s", a.body)
	}
	image := fmt.Sprint(p.Input["input_image"])
	if p.Input["prompt"] != "a cat" || !strings.HasPrefix(image, "https://replicate.delivery/pbxt/") || !strings.HasSuffix(image, "/me_&_you.png") {
		t.Errorf("%v", p.Input)
	}
	for _, raw := range []string{`"seed":7.0`, `"safety_tolerance":2.0`, `"prompt_upsampling":false`, `"output_format":"png"`} {
		if !strings.Contains(string(a.body), raw) {
			t.Errorf("no %s in %s", raw, a.body)
		}
	}
	if e := c.s.Log()[0]; e.Prompt != " a cat\n" || e.Seed != 7 {
		t.Errorf("the log has what was asked: %+v", e)
	}
	list := c.made("qwen/qwen-image-edit-plus", map[string]any{"input": map[string]any{"prompt": "x", "image": []string{f.URLs["get"]}, "aspect_ratio": "1:1"}})
	if images, _ := list.Input["image"].([]any); len(images) != 1 || images[0] != image {
		t.Errorf("in a list: %v", list.Input)
	}
}

// draw gives any value that the field allows, as JSON would decode it.
func (in input) draw(r *rapid.T) any {
	if in.choices != nil {
		return rapid.SampledFrom(in.choices).Draw(r, in.name)
	}
	lowest, highest := -1000.0, 1000.0
	if in.min != nil {
		lowest = *in.min
	}
	if in.max != nil {
		highest = *in.max
	}
	switch in.kind {
	case wholeInput:
		n := rapid.IntRange(int(lowest), int(highest)).Draw(r, in.name)
		return json.Number(fmt.Sprint(n) + rapid.SampledFrom([]string{"", ".0"}).Draw(r, "written"))
	case numberInput:
		return json.Number(fmt.Sprint(rapid.Float64Range(lowest, highest).Filter(func(f float64) bool { return f == 0 || f > 1e-9 || f < -1e-9 }).Draw(r, in.name)))
	case switchInput:
		return rapid.Bool().Draw(r, in.name)
	case fileInput:
		return "https://x.test/a"
	case filesInput:
		most := in.most
		if most == 0 {
			most = 5
		}
		return slices.Repeat([]any{"https://x.test/a"}, rapid.IntRange(0, most).Draw(r, in.name))
	case objectsInput:
		return []any{map[string]any{"role": "user"}}
	case textInput:
	}
	return rapid.String().Draw(r, in.name)
}

// What a schema allows passes, and what leaves its bounds at one field is told
// of that field alone.
func TestSchemasHold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := rapid.SampledFrom(catalog).Draw(r, "model")
		values := map[string]any{}
		for _, in := range m.inputs {
			if in.required || rapid.Bool().Draw(r, "give "+in.name) {
				values[in.name] = in.draw(r)
			}
		}
		if problems := m.validate(values); len(problems) > 0 {
			r.Fatalf("%s refuses %v: %v", m.name, values, problems)
		}
		if problems := m.validate(m.withDefaults(values)); len(problems) > 0 {
			r.Fatalf("%s refuses its own defaults: %v", m.name, problems)
		}
		in := rapid.SampledFrom(m.inputs).Draw(r, "spoilt")
		values[in.name] = struct{}{}
		if in.max != nil && rapid.Bool().Draw(r, "above") {
			above := new(big.Rat).Add(new(big.Rat).SetFloat64(*in.max), big.NewRat(1, 1))
			values[in.name] = json.Number(above.FloatString(3))
		}
		if problems := m.validate(values); len(problems) != 1 || problems[0].Field != "input."+in.name {
			r.Fatalf("%s with %v: %v", m.name, values, problems)
		}
	})
}

func TestModelsTellTheirSchema(t *testing.T) {
	c := calling(t, newServer(t, Options{}))
	c.made(kontextPro, asking("x"))
	for _, m := range catalog {
		a := c.do(http.MethodGet, "/v1/models/"+m.name, nil)
		var got struct {
			Owner, Name, URL string
			RunCount         int `json:"run_count"`
			LatestVersion    struct {
				ID     string
				Schema struct {
					Components struct {
						Schemas map[string]struct {
							Type, Title string
							Required    []string
							Enum        []any
							Properties  map[string]map[string]any
						}
					}
				} `json:"openapi_schema"`
			} `json:"latest_version"`
		}
		a.decode(t, &got)
		if a.status != 200 || got.Owner+"/"+got.Name != m.name || len(got.LatestVersion.ID) != 64 || (got.RunCount == 1) != (m.name == kontextPro) {
			t.Errorf("%s: %d, %.200s", m.name, a.status, a.body)
		}
		schemas := got.LatestVersion.Schema.Components.Schemas
		if schemas["Output"].Type == "" || len(schemas["Input"].Properties) != len(m.inputs) {
			t.Errorf("%s: %+v", m.name, schemas)
		}
		for _, in := range m.inputs {
			p := schemas["Input"].Properties[in.name]
			if slices.Contains(schemas["Input"].Required, in.name) != in.required {
				t.Errorf("%s.%s: required %v", m.name, in.name, schemas["Input"].Required)
			}
			if in.choices == nil {
				if p["type"] == nil || p["title"] == nil {
					t.Errorf("%s.%s: %v", m.name, in.name, p)
				}
			} else if ref := fmt.Sprint(p["allOf"]); !strings.Contains(ref, "#/components/schemas/"+in.name) || len(schemas[in.name].Enum) != len(in.choices) {
				t.Errorf("%s.%s: %v, %v", m.name, in.name, p, schemas[in.name])
			}
		}
		version := c.do(http.MethodGet, "/v1/models/"+m.name+"/versions/"+got.LatestVersion.ID, nil)
		if version.status != 200 || !strings.Contains(string(a.body), strings.TrimSpace(string(version.body))) {
			t.Errorf("%s: its version: %d", m.name, version.status)
		}
	}
}

func TestModelsOwnRefusals(t *testing.T) {
	c := calling(t, newServer(t, Options{AllowLoopbackWebhooks: true}))
	pixel := "data:image/png;base64," + pixelPNG
	for says, body := range map[string]map[string]any{
		"safety_tolerance may be at most 2": {"input": map[string]any{"prompt": "x", "input_image": pixel, "safety_tolerance": 3}},
		"E4875":                             {"input": map[string]any{"prompt": "x"}, "webhook": ""},
	} {
		p := c.made(kontextPro, body, "Prefer: wait")
		if p.Status != statusFailed || p.Error == nil || !strings.Contains(*p.Error, says) {
			t.Errorf("%s: %+v", says, p)
		}
	}
	if p := c.made(kontextPro, map[string]any{"input": map[string]any{"prompt": "x", "aspect_ratio": "1:1", "safety_tolerance": 6}}, "Prefer: wait"); p.Status != statusSucceeded {
		t.Errorf("without a reference: %+v", p)
	}
}
