package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
)

// validate holds an input to the model's schema. Types and words of the
// problems are those of the validator that Replicate's answers show. Fields
// that the schema does not name pass: no published schema forbids them.
func (m *model) validate(values map[string]any) []invalidField {
	var problems []invalidField
	for _, in := range m.inputs {
		v, given := values[in.name]
		if given && v == nil && !in.required {
			continue
		}
		if !given {
			if in.required {
				problems = append(problems, invalidField{"required", "input", in.name + " is required"})
			}
			continue
		}
		if typ, why := in.problem(v); why != "" {
			problems = append(problems, invalidField{typ, "input." + in.name, why})
		}
	}
	return problems
}

// problem says what is wrong with a value; an empty why is nothing.
func (in input) problem(v any) (typ, why string) {
	if !in.hasType(v) {
		return "invalid_type", fmt.Sprintf("Invalid type. Expected: %s, given: %s", in.typeName(), typeName(v))
	}
	if in.choices != nil && !slices.Contains(in.choices, v) {
		return "enum", fmt.Sprintf("%s must be one of the following: %s", in.name, quoted(in.choices))
	}
	switch in.kind {
	case fileInput:
		if !isURI(v) {
			return "format", "Does not match format 'uri'"
		}
	case filesInput:
		return in.listProblem(v.([]any)) //nolint:forcetypeassert // hasType has looked
	case wholeInput, numberInput:
		return in.rangeProblem(v)
	case textInput, switchInput, objectsInput:
	}
	return "", ""
}

func (in input) hasType(v any) bool {
	switch in.kind {
	case textInput, fileInput:
		_, ok := v.(string)
		return ok
	case switchInput:
		_, ok := v.(bool)
		return ok
	case numberInput:
		return rational(v) != nil
	case wholeInput: // 2.0 is whole, as in JSON Schema
		n := rational(v)
		return n != nil && n.IsInt()
	case filesInput, objectsInput:
		_, ok := v.([]any)
		return ok
	}
	return false
}

func (in input) listProblem(list []any) (typ, why string) {
	if in.most > 0 && len(list) > in.most {
		return "array_max_items", fmt.Sprintf("Array must have at most %d items", in.most)
	}
	for _, v := range list {
		if _, ok := v.(string); !ok {
			return "invalid_type", "Invalid type. Expected: string, given: " + typeName(v)
		}
		if !isURI(v) {
			return "format", "Does not match format 'uri'"
		}
	}
	return "", ""
}

func (in input) rangeProblem(v any) (typ, why string) {
	n := rational(v)
	if in.min != nil && n.Cmp(new(big.Rat).SetFloat64(*in.min)) < 0 {
		return "number_gte", fmt.Sprintf("Must be greater than or equal to %v", *in.min)
	}
	if in.max != nil && n.Cmp(new(big.Rat).SetFloat64(*in.max)) > 0 {
		return "number_lte", fmt.Sprintf("Must be less than or equal to %v", *in.max)
	}
	return "", ""
}

// rational is a JSON number's value; nil for anything else, and for exponents
// that only a mistake would write.
func rational(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || len(n) > 64 {
		return nil
	}
	if f, err := n.Float64(); err != nil || f > 1e18 || f < -1e18 || (f != 0 && f < 1e-18 && f > -1e-18) {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

func (in input) typeName() string {
	switch in.kind {
	case fileInput:
		return "string"
	case filesInput, objectsInput:
		return "array"
	case textInput, wholeInput, numberInput, switchInput:
	}
	return string(in.kind)
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if r := rational(v); r != nil && r.IsInt() {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func quoted(choices []any) string {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = fmt.Sprintf("%q", c)
	}
	return strings.Join(words, ", ")
}

func isURI(v any) bool {
	s, _ := v.(string)
	u, err := url.Parse(s)
	return err == nil && u.IsAbs()
}

var webhookEvents = []string{"start", "output", "logs", "completed"}

// validateWebhook checks where webhooks go and which are wanted. An empty
// address passes: Replicate finds that out only when the prediction runs.
func (s *Server) validateWebhook(c creation) []invalidField {
	var problems []invalidField
	if c.Webhook != nil && *c.Webhook != "" && !s.mayCall(*c.Webhook) {
		problems = append(problems, invalidField{"format", "webhook", "webhook must be a valid HTTPS URL"})
	}
	for _, e := range c.Events {
		if !slices.Contains(webhookEvents, e) {
			problems = append(problems, invalidField{
				"enum", "webhook_events_filter",
				"webhook_events_filter must be one of the following: " + quoted([]any{"start", "output", "logs", "completed"}),
			})
		}
	}
	return problems
}

func (s *Server) mayCall(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && s.opts.AllowLoopbackWebhooks && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withDefaults is an input as the model sees it.
func (m *model) withDefaults(values map[string]any) map[string]any {
	full := maps.Clone(values)
	if full == nil {
		full = map[string]any{}
	}
	for _, in := range m.inputs {
		if full[in.name] != nil || in.byDef == nil {
			continue
		}
		full[in.name] = in.byDef
		switch d := in.byDef.(type) { // as a client would have sent it
		case int:
			full[in.name] = json.Number(fmt.Sprint(d))
		case float64:
			full[in.name] = json.Number(fmt.Sprint(d))
		}
	}
	return full
}
