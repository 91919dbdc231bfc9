package trainset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// maxPayload is more than the largest request has, in bytes, however it is escaped.
const maxPayload = 128 << 10

// DecodeRequest reads a request payload of a kind. It refuses unknown versions
// and unknown fields by name, then validates. What other languages write is
// understood: null is a field that was left out, 12.0 a whole number. Names are
// exact, and each is there once. What is larger than any request is not read.
func DecodeRequest(kind Kind, payload []byte) (Request, error) {
	if len(payload) > maxPayload {
		return nil, Invalid("payload", fmt.Sprintf("has %d kB", len(payload)>>10),
			fmt.Sprintf("send at most %d kB: the image itself is named by its URL or storage key", maxPayload>>10))
	}
	if !utf8.Valid(payload) { // what is not would be read as another text
		return nil, Invalid("payload", "is not UTF-8", "send it as UTF-8")
	}
	if !json.Valid(payload) {
		return nil, Invalid("payload", "is no JSON", "see the published schema")
	}
	members, err := object("payload", payload)
	if err != nil {
		return nil, err
	}
	if err := knownVersion(members); err != nil {
		return nil, err
	}
	switch kind {
	case KindActor:
		var r ActorRequest
		return read(&r, members, r.fields())
	case KindStyle:
		var r StyleRequest
		return read(&r, members, r.fields())
	}
	return nil, Invalid("kind", fmt.Sprintf("%.200q is unknown", kind), "use actor or style")
}

func read[T Request](r *T, members []member, fields map[string]any) (Request, error) {
	var p problems
	p.fill("", members, fields)
	if err := p.err(); err != nil {
		return nil, err
	}
	if err := (*r).Validate(); err != nil {
		return nil, err
	}
	return *r, nil
}

// fields are where the values of a payload belong, by their names.
func (o *Options) fields() map[string]any {
	return map[string]any{
		"version": &o.Version, "user": &o.User, "key": &o.Key, "trigger": &o.Trigger, "name": &o.Name, "caption_profile": &o.CaptionProfile,
		"seed": &o.Seed, "images": &o.Images, "max_cost_usd": &o.MaxCost, "model": &o.Model, "priority": &o.Priority, "simulate": &o.Simulate,
	}
}

func (r *ActorRequest) fields() map[string]any {
	f := r.Options.fields()
	f["actor"], f["portrait"], f["type"], f["sex"] = &r.Actor, &r.Portrait, &r.Type, &r.Sex
	return f
}

func (r *StyleRequest) fields() map[string]any {
	f := r.Options.fields()
	f["style"], f["image"], f["grids"], f["max_grids"] = &r.Style, &r.Image, &r.Grids, &r.MaxGrids
	f["judge"], f["judge_model"], f["enhance"] = &r.Judge, &r.JudgeModel, &r.Enhance
	return f
}

func (r *Reference) fields() map[string]any {
	return map[string]any{"url": &r.URL, "key": &r.Key, "sha256": &r.SHA256}
}

// member is a name of a JSON object with its value.
type member struct {
	name  string
	value json.RawMessage
}

// object reads the members of an object, whose JSON is known to be valid.
func object(field string, b []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, Invalid(field, "is no JSON object", "see the published schema")
	}
	var members []member
	seen := map[string]bool{}
	for d.More() {
		var m member
		t, err := d.Token()
		if err == nil {
			m.name, _ = t.(string)
			err = d.Decode(&m.value)
		}
		if err != nil {
			return nil, Invalid(field, "is no JSON", "see the published schema")
		}
		if m.name == "" {
			return nil, Invalid(field, "has a field without a name", "leave it out")
		}
		if seen[m.name] {
			return nil, Invalid(m.name, "is there twice", "give it once")
		}
		seen[m.name] = true
		members = append(members, m)
	}
	return members, nil
}

// knownVersion looks at the version first: what another one has in it is unknown.
func knownVersion(members []member) error {
	var p problems
	version := int64(0)
	for _, m := range members {
		if m.name == "version" {
			version = p.whole(m)
		}
	}
	if len(p) == 0 && version != RequestVersion {
		p.add("version", fmt.Sprintf("%d is unknown", version), fmt.Sprintf("this version reads %d", RequestVersion))
	}
	return p.err()
}

// fill writes members to where they belong. Names get the prefix in errors.
func (p *problems) fill(prefix string, members []member, fields map[string]any) {
	for _, m := range members {
		field, known := fields[m.name]
		m.name = prefix + m.name
		if !known {
			p.add(m.name, "is unknown", "leave it out, or write it as the published schema does")
			continue
		}
		if string(m.value) == "null" { // as if it were left out
			continue
		}
		switch field := field.(type) {
		case *Reference:
			inner, err := object(m.name, m.value)
			if err != nil {
				*p = append(*p, err)
			}
			p.fill(m.name+".", inner, field.fields())
		case *int:
			*field = int(p.whole(m))
		case **int64:
			n := p.whole(m)
			*field = &n
		case *Money:
			if err := field.UnmarshalJSON(m.value); err != nil {
				p.add(m.name, err.Error(), "give 0.000001 to 1000000000, or 0 for no cap")
			}
		default:
			p.simple(m, field)
		}
	}
}

// simple reads a text, or whether something is so.
func (p *problems) simple(m member, field any) {
	err := json.Unmarshal(m.value, field)
	wrong, is := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case is && wrong.Type.Kind() == reflect.Bool:
		p.add(m.name, "is JSON of type "+wrong.Value, "give true or false")
	case is:
		p.add(m.name, "is JSON of type "+wrong.Value, "give a text")
	case err != nil:
		p.add(m.name, err.Error(), "see the published schema")
	}
}

// whole reads a whole number however it is spelled: others write 12 as 12.0 or 1.2e1.
func (p *problems) whole(m member) int64 {
	f, err := strconv.ParseFloat(string(m.value), 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		p.add(m.name, "is no number", "give a whole number")
	case math.Abs(f) >= 1<<53: // also where err says so
		p.add(m.name, fmt.Sprintf("%g is out of range", f), "see the published schema")
	case f != math.Trunc(f):
		p.add(m.name, fmt.Sprintf("%g is no whole number", f), "give a whole number")
	default:
		return int64(f)
	}
	return 0
}
