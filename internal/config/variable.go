package config

import (
	"reflect"

	"github.com/actormaker/trainset"
)

// Variable is one setting as its user knows it.
type Variable struct {
	Name    string // the environment variable
	Group   string // what it belongs to: "Provider", "Redis"; empty for the rest
	Default string // as it would be written; empty when there is none
	Worker  string // the default of worker run, where it is another
	Empty   string // what an empty value means, where it does not mean unset
	Doc     string // what it does
	Allow   string // the values it takes
	Secret  bool   // never printed

	field string // the struct's field
	typ   reflect.Type
}

// Variables lists every setting in the order of the struct.
func Variables() []Variable { return fields(reflect.TypeFor[Config](), "") }

func fields(t reflect.Type, group string) []Variable {
	var vars []Variable
	for field := range t.Fields() {
		if name, ok := field.Tag.Lookup("env"); ok {
			vars = append(vars, Variable{
				Name: name, Group: group, Default: field.Tag.Get("envDefault"),
				Worker: field.Tag.Get("worker"), Empty: field.Tag.Get("empty"),
				Doc: field.Tag.Get("doc"), Allow: field.Tag.Get("allow"),
				Secret: field.Type == reflect.TypeFor[Secret](),
				field:  field.Name, typ: field.Type,
			})
			continue
		}
		if field.Type.Kind() == reflect.Struct {
			vars = append(vars, fields(field.Type, field.Name)...)
		}
	}
	return vars
}

// invalid is an error about the variable, with its allowed values as remedy.
func (v Variable) invalid(problem string) error {
	return trainset.Invalid(v.Name, problem, "give "+v.Allow)
}
