package fake

import "strings"

// openAPI is the part of a version's schema that clients read: what goes in
// and what comes out. Enumerations stand beside the input and are referred to,
// as Cog writes them.
func (m *model) openAPI() map[string]any {
	properties, required := map[string]any{}, []string{}
	schemas := map[string]any{}
	for i, in := range m.inputs {
		properties[in.name] = in.openAPI(i)
		if in.required {
			required = append(required, in.name)
		}
		if in.choices != nil {
			schemas[in.name] = map[string]any{
				"type": "string", "title": in.name, "description": "An enumeration.", "enum": in.choices,
			}
		}
	}
	shape := map[string]any{"type": "object", "title": "Input", "properties": properties}
	if len(required) > 0 {
		shape["required"] = required
	}
	schemas["Input"], schemas["Output"] = shape, m.output.openAPI()
	return map[string]any{
		"openapi":    "3.0.2",
		"info":       map[string]any{"title": "Cog", "version": "0.1.0"},
		"paths":      map[string]any{},
		"components": map[string]any{"schemas": schemas},
	}
}

func (in input) openAPI(order int) map[string]any {
	p := map[string]any{"x-order": order}
	switch {
	case in.choices != nil:
		p["allOf"] = []any{map[string]any{"$ref": "#/components/schemas/" + in.name}}
	case in.kind == fileInput:
		p["type"], p["format"] = "string", "uri"
	case in.kind == filesInput:
		p["type"], p["items"] = "array", map[string]any{"type": "string", "format": "uri"}
	case in.kind == objectsInput:
		p["type"], p["items"] = "array", map[string]any{"type": "object"}
	default:
		p["type"] = string(in.kind)
	}
	if in.choices == nil {
		p["title"] = title(in.name)
	}
	if in.byDef != nil {
		p["default"] = in.byDef
	} else if !in.required {
		p["nullable"] = true
	}
	if in.min != nil {
		p["minimum"] = *in.min
	}
	if in.max != nil {
		p["maximum"] = *in.max
	}
	if in.most > 0 {
		p["maxItems"] = in.most
	}
	if in.about != "" {
		p["description"] = in.about
	}
	return p
}

func (o outputShape) openAPI() map[string]any {
	uri := map[string]any{"type": "string", "format": "uri"}
	switch o {
	case manyFiles:
		return map[string]any{"type": "array", "title": "Output", "items": uri}
	case chunks:
		return map[string]any{
			"type": "array", "title": "Output", "items": map[string]any{"type": "string"},
			"x-cog-array-type": "iterator", "x-cog-array-display": "concatenate",
		}
	case oneFile:
	}
	uri["title"] = "Output"
	return uri
}

// title is a field's name in words: "input_image" is "Input Image".
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}
