package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var modelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$`)

// Validate reports every problem, each a *trainset.FieldError, joined. Load has
// called it; call it again after flags have changed the configuration.
func (c Config) Validate() error {
	p := newProblems()
	c.Provider.validate(p, c.AllowPrivateHosts)
	c.Redis.validate(p)
	p.check("TRAINSET_OUT", c.Storage.Out != "", "is empty")
	p.oneOf("LOG_LEVEL", c.Log.Level, "trace", "debug", "info", "warn", "error")
	p.oneOf("LOG_FORMAT", c.Log.Format, "console", "json")
	p.between("TRAINSET_CONCURRENCY", c.Concurrency, 1, 10_000)
	return errors.Join(p.found...)
}

func (o Provider) validate(p *problems, insecure bool) {
	p.check("REPLICATE_API_TOKEN", printable(o.Token.Reveal()), "holds white space or control characters")
	p.check("REPLICATE_BASE_URL", o.BaseURL == "" || acceptableBase(o.BaseURL, insecure), "is no URL that the token may be sent to")
	p.between("TRAINSET_RATE_PER_MINUTE", o.PerMinute, 1, 60_000)
	p.check("TRAINSET_MODEL", o.Model == "" || modelPattern.MatchString(o.Model), fmt.Sprintf("%q is no model name", o.Model))
	p.between("TRAINSET_MAX_ATTEMPTS", o.MaxAttempts, 1, 20)
}

func (o Redis) validate(p *problems) {
	p.check("REDIS_URL", !o.URL.IsSet() || isRedisURL(o.URL.Reveal()), "is no URL of a Redis server")
}

// acceptableBase allows plain http only where it leaves the machine by the
// operator's leave, for the token travels with each request.
func acceptableBase(raw string, insecure bool) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (insecure || loopback(u.Hostname()))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isRedisURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	if u.Scheme == "unix" {
		return u.Path != ""
	}
	return (u.Scheme == "redis" || u.Scheme == "rediss") && u.Host != ""
}

// printable reports whether s may stand in an HTTP header as it is.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// problems collects what is wrong, by variable.
type problems struct {
	byName map[string]Variable
	found  []error
}

func newProblems() *problems {
	p := &problems{byName: map[string]Variable{}}
	for _, v := range Variables() {
		p.byName[v.Name] = v
	}
	return p
}

func (p *problems) check(name string, ok bool, problem string) {
	if !ok {
		p.found = append(p.found, p.byName[name].invalid(problem))
	}
}

func (p *problems) between(name string, value, low, high int) {
	p.check(name, low <= value && value <= high, fmt.Sprintf("%d is out of range", value))
}

func (p *problems) oneOf(name, value string, allowed ...string) {
	p.check(name, slices.Contains(allowed, value), fmt.Sprintf("%q is unknown", value))
}
