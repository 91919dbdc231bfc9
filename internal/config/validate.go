package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var modelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$`)

// Validate reports every problem, each a *trainset.FieldError, joined. Load has
// called it; call it again after flags have changed the configuration.
func (c Config) Validate() error {
	p := newProblems()
	c.Provider.validate(p, c.AllowPrivateHosts)
	c.Redis.validate(p)
	c.Storage.validate(p)
	c.HTTP.validate(p)
	p.check("PUBLIC_URL", c.HTTP.PublicURL == "" || c.reachable(c.HTTP.PublicURL), "is no URL that the provider's webhooks may be sent to")
	c.Money.validate(p)
	c.Judge.validate(p, c.AllowPrivateHosts)
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

// minAccessToken is as short as the worker's server lets a token be.
const minAccessToken = 16

func (o HTTP) validate(p *problems) {
	token := o.AccessToken.Reveal()
	p.check("TRAINSET_HTTP_TOKEN", printable(token), "holds white space or control characters")
	p.check("TRAINSET_HTTP_TOKEN", token == "" || len(token) >= minAccessToken, fmt.Sprintf("has only %d characters", len(token)))
	if !listenable(p, o.Listen) {
		return
	}
	host, _, _ := net.SplitHostPort(o.Listen) // as it was found to be
	p.check("TRAINSET_HTTP_TOKEN", o.Listen == "" || o.AccessToken.IsSet() || loopback(host), "is not set, and TRAINSET_HTTP_LISTEN is open to other machines")
}

// listenable checks that an address can be listened at, or is none.
func listenable(p *problems, address string) bool {
	_, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	ok := address == "" || err == nil && portErr == nil && (n != 0 || port == "0")
	p.check("TRAINSET_HTTP_LISTEN", ok, fmt.Sprintf("%q is no address to listen at", address))
	return ok
}

// reachable allows plain http only to a provider that is ours: webhooks are
// signed but not secret, and Replicate sends none without TLS.
func (c Config) reachable(raw string) bool {
	if !acceptableBase(raw, c.AllowPrivateHosts) {
		return false
	}
	return strings.HasPrefix(raw, "https:") || c.AllowPrivateHosts || c.Provider.Simulate || loopbackURL(c.Provider.BaseURL)
}

func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && loopback(u.Hostname())
}

func (o Money) validate(p *problems) {
	p.check("MAX_COST_PER_USER_PER_DAY", o.PerUserDay >= 0, fmt.Sprintf("%s is less than nothing", o.PerUserDay))
	p.between("TRAINSET_MAX_OPEN_JOBS_PER_USER", o.MaxOpenJobs, 0, 100_000)
}

func (o Judge) validate(p *problems, insecure bool) {
	p.oneOf("TRAINSET_JUDGE", o.Kind, "replicate", "openai", "local")
	p.check("TRAINSET_JUDGE_MODEL", printable(o.JudgeModel), fmt.Sprintf("%q holds white space or control characters", o.JudgeModel))
	p.check("TRAINSET_JUDGE_PRICE", o.Price >= 0, fmt.Sprintf("%s is less than nothing", o.Price))
	p.check("OPENAI_API_KEY", printable(o.OpenAIKey.Reveal()), "holds white space or control characters")
	p.check("OPENAI_API_KEY", o.Kind != "openai" || o.ReachesOpenAI(), "is not set, and TRAINSET_JUDGE is openai")
	p.check("OPENAI_BASE_URL", o.OpenAIBaseURL == "" || acceptableBase(o.OpenAIBaseURL, insecure), "is no URL that the key may be sent to")
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

// isRedisURL tells a URL from something else that was put in its place. What
// it says exactly is found out where it is used.
func isRedisURL(raw string) bool {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		return false
	}
	rest, _, _ = strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	switch strings.ToLower(scheme) {
	case "unix":
		return path != ""
	case "redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster":
		return authority[strings.LastIndex(authority, "@")+1:] != ""
	}
	return false
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
