package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
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
// empty variable counts as unset, but for those with an Empty; in the
// environment it also hides the file's.
//
// The error joins a *trainset.FieldError for each thing that is wrong. It
// quotes no secret. What only others can judge, such as the forms of REDIS_URL, is
// judged by checks, where no problem of the same variable has been found.
func Load(environ []string, dotenvPath string, checks ...Check) (Config, error) {
	return load(environ, dotenvPath, nil, checks)
}

// Check judges a value that is set. Its error is a *trainset.FieldError of the variable.
type Check struct {
	Name  string // the variable
	Value func(c Config) Secret
	Judge func(value string) error
}

// RedisURL is a check of REDIS_URL.
func RedisURL(judge func(url string) error) Check {
	return Check{"REDIS_URL", func(c Config) Secret { return c.Redis.URL }, judge}
}

// judge returns what checks find of variables that are not named in problems.
func judge(c Config, checks []Check, problems ...error) error {
	var found []error
	for _, check := range checks {
		if v := check.Value(c); v.IsSet() && !names(errors.Join(problems...), check.Name) {
			found = append(found, check.Judge(v.Reveal()))
		}
	}
	return errors.Join(found...)
}

// names reports whether any of the joined errors is about a variable.
func names(err error, variable string) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), func(one error) bool { return names(one, variable) })
	}
	field, ok := errors.AsType[*trainset.FieldError](err)
	return ok && field.Field == variable
}

// LoadWorker is Load with the defaults of worker run, which serves HTTP and
// says what it does.
func LoadWorker(environ []string, dotenvPath string, checks ...Check) (Config, error) {
	defaults := map[string]string{}
	for _, v := range Variables() {
		if v.Worker != "" {
			defaults[v.Name] = v.Worker
		}
	}
	return load(environ, dotenvPath, defaults, checks)
}

// Listen reads where worker run serves HTTP, and looks at no other setting: who
// asks a worker how it is may not be allowed to read them.
func Listen(environ []string, dotenvPath string) (string, error) {
	const name = "TRAINSET_HTTP_LISTEN"
	environment := env.ToMap(environ)
	var file map[string]string
	if _, set := environment[name]; !set {
		var err error
		if file, err = readDotenv(dotenvPath); err != nil {
			return "", err
		}
	}
	address, set := merge(file, environment)[name]
	for _, v := range Variables() {
		if v.Name == name && !set {
			address = v.Worker
		}
	}
	p := newProblems()
	listenable(p, address)
	return address, errors.Join(p.found...)
}

func load(environ []string, dotenvPath string, defaults map[string]string, checks []Check) (Config, error) {
	file, fileErr := readDotenv(dotenvPath)
	environment := env.ToMap(environ)
	given := merge(file, environment)
	for name, value := range defaults {
		if _, set := given[name]; !set {
			given[name] = value
		}
	}
	c := Default()
	_, c.Judge.Given = given["TRAINSET_JUDGE"]
	problems := []error{fileErr, parse(&c, given), c.Validate(), misplaced(c, file, environment)}
	problems = append(problems, judge(c, checks, problems...))
	if err := errors.Join(problems...); err != nil {
		return Config{}, flatten(problems)
	}
	return c, nil
}

// merge returns the trimmed variables of both; those of over win. What is
// empty afterwards is left out, unless being empty means something.
func merge(under, over map[string]string) map[string]string {
	merged := make(map[string]string, len(under)+len(over))
	maps.Copy(merged, under)
	maps.Copy(merged, over)
	for name, value := range merged {
		merged[name] = strings.TrimSpace(value)
	}
	// A nameless variable (Windows has some) would be taken for every group's.
	maps.DeleteFunc(merged, func(name, value string) bool {
		return name == "" || value == "" && !meansSomethingEmpty(name)
	})
	return merged
}

func meansSomethingEmpty(name string) bool {
	return slices.ContainsFunc(Variables(), func(v Variable) bool { return v.Name == name && v.Empty != "" })
}

// parsers read the types that the loader does not know.
var parsers = map[reflect.Type]env.ParserFunc{reflect.TypeFor[trainset.Money](): parseMoney}

var errNoAmount = errors.New("no amount above zero")

// parseMoney refuses zero: in the struct it stands for no bound, and whoever
// writes it down hardly means that.
func parseMoney(s string) (any, error) {
	m, err := trainset.ParseMoney(s)
	if err == nil && m <= 0 {
		err = errNoAmount
	}
	return m, err
}

// parse fills c; a variable that does not parse leaves its default, so that
// validation does not report it a second time.
func parse(c *Config, given map[string]string) error {
	err := env.ParseWithOptions(c, env.Options{Environment: given, FuncMap: parsers})
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
			return v.invalid(fmt.Sprintf("%q is no %s", given[v.Name], noun(v.typ)))
		}
	}
	return trainset.Invalid(bad.Name, "does not parse", "")
}

func noun(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[int]():
		return "whole number"
	case reflect.TypeFor[trainset.Money]():
		return "amount of US dollars above zero"
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
