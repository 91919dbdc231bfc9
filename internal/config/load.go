package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/actormaker/trainset"
)

// Default is the configuration of an empty environment.
func Default() Config {
	var c Config
	if err := parse(&c, map[string]string{}); err != nil {
		panic("config: a default does not parse: " + err.Error())
	}
	return c
}

// Load reads the settings from environ, as os.Environ gives it, and for
// variables that are not there from the file at dotenvPath, if there is one. An
// empty variable counts as unset; in the environment it also hides the file's.
//
// The error joins a *trainset.FieldError for each thing that is wrong. It
// quotes no secret.
func Load(environ []string, dotenvPath string) (Config, error) {
	file, fileErr := readDotenv(dotenvPath)
	given := merge(file, env.ToMap(environ))
	c := Default()
	problems := []error{fileErr, parse(&c, given), c.Validate()}
	if err := errors.Join(problems...); err != nil {
		return Config{}, flatten(problems)
	}
	return c, nil
}

// merge returns the trimmed variables of both; those of over win. What is
// empty afterwards is left out.
func merge(under, over map[string]string) map[string]string {
	merged := make(map[string]string, len(under)+len(over))
	maps.Copy(merged, under)
	maps.Copy(merged, over)
	for name, value := range merged {
		merged[name] = strings.TrimSpace(value)
	}
	// A nameless variable (Windows has some) would be taken for every group's.
	maps.DeleteFunc(merged, func(name, value string) bool { return name == "" || value == "" })
	return merged
}

// parse fills c; a variable that does not parse leaves its default, so that
// validation does not report it a second time.
func parse(c *Config, given map[string]string) error {
	err := env.ParseWithOptions(c, env.Options{Environment: given})
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("read the environment: %w", err)
	}
	problems := make([]error, 0, len(all.Errors))
	for _, one := range all.Errors {
		problems = append(problems, explain(one, given))
	}
	return errors.Join(problems...)
}

// explain names the variable: the parser's errors name the struct's field and
// quote the value, secret or not.
func explain(err error, given map[string]string) error {
	var bad env.ParseError
	if !errors.As(err, &bad) {
		return fmt.Errorf("read the environment: %w", err)
	}
	for _, v := range Variables() {
		if v.field == bad.Name {
			return v.invalid(fmt.Sprintf("%q is no %s", given[v.Name], noun(v.kind)))
		}
	}
	return trainset.Invalid(bad.Name, "does not parse", "")
}

func noun(k reflect.Kind) string {
	if k == reflect.Int {
		return "whole number"
	}
	return "truth value"
}

// flatten joins the leaves of joined errors side by side.
func flatten(errs []error) error {
	var leaves []error
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			leaves = append(leaves, joined.Unwrap()...)
		} else if err != nil {
			leaves = append(leaves, err)
		}
	}
	return errors.Join(leaves...)
}
