package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
)

// Schema is what a model says that it takes.
type Schema struct {
	Required []string
	Fields   map[string]Field
}

// Field is one input of a model.
type Field struct {
	Type             string // of JSON; empty where the schema does not say it plainly
	Choices          []any  // all that is allowed; empty where anything is
	Minimum, Maximum *float64
}

// Schema reads what the current version of a model takes. An error of
// ClassNotFound says that there is no such model.
func (c *Client) Schema(ctx context.Context, model string) (Schema, error) {
	const op = "read a model's schema"
	owner, name, ok := strings.Cut(model, "/")
	if !ok {
		return Schema{}, &Error{Class: ClassInvalid, Op: op, Detail: fmt.Sprintf("%q is no model name", model)}
	}
	body, err := c.ask(ctx, op, http.MethodGet, "models", owner, name)
	if err != nil {
		return Schema{}, err
	}
	var m struct {
		LatestVersion struct {
			Schema struct {
				Components struct {
					Schemas map[string]property `json:"schemas"`
				} `json:"components"`
			} `json:"openapi_schema"`
		} `json:"latest_version"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return Schema{}, &Error{Class: ClassTransient, Op: op, Detail: "the answer cannot be read: " + err.Error()}
	}
	all := m.LatestVersion.Schema.Components.Schemas
	input, ok := all["Input"]
	if !ok || len(input.Properties) == 0 {
		return Schema{}, &Error{Class: ClassTransient, Op: op, Detail: "the answer does not say what " + model + " takes"}
	}
	s := Schema{Required: input.Required, Fields: make(map[string]Field, len(input.Properties))}
	for name, p := range input.Properties {
		s.Fields[name] = p.field(all)
	}
	return s, nil
}

// DeleteFile removes an uploaded file. One that is gone is no error.
func (c *Client) DeleteFile(ctx context.Context, id string) error {
	_, err := c.ask(ctx, "delete a file", http.MethodDelete, "files", id)
	if e, ok := errors.AsType[*Error](err); ok && e.Class == ClassNotFound {
		return nil
	}
	return err
}

// ask makes a call that the library has no good one for.
func (c *Client) ask(ctx context.Context, op, method string, path ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path...).String(), nil)
	if err != nil {
		return nil, fmt.Errorf("replicate: %s: %w", op, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Token)
	body, err := c.read(req)
	if err != nil {
		return nil, classify(op, err, call, c.o.Timeout)
	}
	return body, nil
}

// property is the part of a JSON Schema that models use.
type property struct {
	Type       string              `json:"type"`
	Ref        string              `json:"$ref"`
	AllOf      []property          `json:"allOf"`
	Enum       []any               `json:"enum"`
	Minimum    *float64            `json:"minimum"`
	Maximum    *float64            `json:"maximum"`
	Required   []string            `json:"required"`
	Properties map[string]property `json:"properties"`
}

// field reads a property, and the enumeration beside it that it refers to.
func (p property) field(all map[string]property) Field {
	f := Field{Type: p.Type, Choices: p.Enum, Minimum: p.Minimum, Maximum: p.Maximum}
	for _, other := range append(p.AllOf, property{Ref: p.Ref}) {
		to, ok := all[strings.TrimPrefix(other.Ref, "#/components/schemas/")]
		if !ok {
			continue
		}
		f.Choices = append(f.Choices, to.Enum...)
		if f.Type == "" {
			f.Type = to.Type
		}
	}
	return f
}

// Unfit says in which ways the model would refuse an input, or ignore a part of
// it; nothing where it fits.
func (s Schema) Unfit(input map[string]any) []string {
	var problems []string
	for _, name := range s.Required {
		if _, sent := input[name]; !sent {
			problems = append(problems, name+" is required now")
		}
	}
	for name, v := range input {
		f, known := s.Fields[name]
		if !known {
			problems = append(problems, name+" is not known any more")
		} else if what := f.unfit(v); what != "" {
			problems = append(problems, name+" "+what)
		}
	}
	slices.Sort(problems)
	return problems
}

func (f Field) unfit(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "cannot be sent: " + err.Error()
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return "cannot be sent: " + err.Error()
	}
	if f.Type != "" && !isType(f.Type, plain) {
		return fmt.Sprintf("is of type %s now", f.Type)
	}
	if len(f.Choices) > 0 && !slices.ContainsFunc(f.Choices, func(c any) bool { return canonical(c) == canonical(plain) }) {
		return fmt.Sprintf("no longer takes %s", b)
	}
	if n, ok := plain.(float64); ok && (f.Minimum != nil && n < *f.Minimum || f.Maximum != nil && n > *f.Maximum) {
		return fmt.Sprintf("no longer takes %s: it is out of range", b)
	}
	return ""
}

// isType reports whether a decoded value is of a type of JSON Schema.
func isType(name string, v any) bool {
	switch v := v.(type) {
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

// Samples are inputs as the model is sent them, for a look at its schema.
func (m Model) Samples() []map[string]any {
	p := Params{Prompt: "a prompt", ReferenceURL: "https://example.com/reference.png", Seed: 1, System: "an instruction", Factor: 4}
	if m.Example {
		p.ExampleURL = "https://example.com/example.png"
	}
	if m.Role != RoleGenerate {
		return []map[string]any{m.Input(p)}
	}
	var all []map[string]any
	for _, aspect := range []string{"16:9", "1:1"} { // an actor's images, a style's grids
		p.Aspect = aspect
		all = append(all, m.Input(p))
	}
	return all
}
