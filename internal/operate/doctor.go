package operate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/wait"
)

// State is what a check came to.
type State string

// The states, from good to bad.
const (
	OK      State = "ok"
	Skipped State = "skipped" // there is nothing to look at
	Unknown State = "unknown" // who was asked does not tell
	Warn    State = "warn"    // it works, and may go wrong
	Fail    State = "fail"    // it cannot work
)

// Check is one thing that was looked at. It holds no secret.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"` // empty when all is well
}

// Probe looks at one part of the system.
type Probe struct {
	Name string
	Look func(ctx context.Context) []Check
}

// within bounds each probe: what does not answer by then has failed.
const within = 15 * time.Second

// Doctor lets all probes look at once and returns what they saw in their order.
func Doctor(ctx context.Context, probes ...Probe) []Check {
	seen := make([][]Check, len(probes))
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() {
			looking, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			checks, ok := wait.Bounded(looking, wait.Grace, func() []Check { return p.Look(looking) })
			if !ok {
				checks = []Check{{p.Name, Fail, "hangs, and was given up", "see whether what it looks at is there, such as the server of a folder that is mounted"}}
			}
			seen[i] = checks
		})
	}
	wg.Wait()
	var all []Check
	for _, checks := range seen {
		all = append(all, checks...)
	}
	return all
}

// Failed reports whether any check has.
func Failed(checks []Check) bool {
	for _, c := range checks {
		if c.State == Fail {
			return true
		}
	}
	return false
}

// result is a check that either went well or failed.
func result(name, good string, err error, remedy string) []Check {
	if err != nil {
		return []Check{{name, Fail, err.Error(), remedy}}
	}
	return []Check{{name, OK, good, ""}}
}

// Redis looks at the server, its settings and its clock.
func Redis(check func(ctx context.Context) (redisconn.Report, error)) Probe {
	return Probe{"redis", func(ctx context.Context) []Check {
		report, err := check(ctx)
		if err != nil {
			remedy := "start it, or correct REDIS_URL; docs/redis.md has the forms"
			if field, ok := errors.AsType[*trainset.FieldError](err); ok {
				remedy = field.Remedy
			}
			return result("redis", "", err, remedy)
		}
		checks := []Check{{"redis", OK, "a " + report.Mode + " answers", ""}}
		for _, f := range report.Findings {
			checks = append(checks, Check{"redis " + f.Name, State(f.State), f.Detail, f.Remedy})
		}
		return checks
	}}
}

// Storage writes, reads, lists and deletes an object, and makes sure that a
// conditional put holds.
func Storage(s storage.Store) Probe {
	return Probe{"storage", func(ctx context.Context) []Check {
		c, ok := s.(storage.Checker)
		if !ok {
			return []Check{{"storage", Unknown, s.Describe() + " cannot be tried out", "write, read and delete something there yourself"}}
		}
		return result("storage", "writes, reads, lists, deletes and keeps what is there in "+s.Describe(), c.Check(ctx),
			"see the settings of storage (TRAINSET_OUT, AWS_USER_FILES_BUCKET) and its permissions")
	}}
}

// Token asks whose the provider's token is.
func Token(p interface {
	Account(ctx context.Context) (replicate.Account, error)
},
) Probe {
	return Probe{"token", func(ctx context.Context) []Check {
		account, err := p.Account(ctx)
		return result("token", fmt.Sprintf("is of the %s %s", account.Type, account.Username), err, providerRemedy(err))
	}}
}

// providerRemedy is what to do about a provider that does not answer as it should,
// whatever it was asked.
func providerRemedy(err error) string {
	if classOf(err) == replicate.ClassAuth {
		return "set REPLICATE_API_TOKEN to a valid token from https://replicate.com/account/api-tokens"
	}
	return "see the provider's status page, and REPLICATE_BASE_URL if you have set it"
}

func classOf(err error) replicate.Class {
	e, ok := errors.AsType[*replicate.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}

// Models asks each model whether it still takes what it will be sent. Where the
// provider does not answer, none is asked any more.
func Models(p interface {
	Schema(ctx context.Context, model string) (replicate.Schema, error)
}, names ...string,
) Probe {
	return Probe{"models", func(ctx context.Context) []Check {
		var checks []Check
		for _, name := range names {
			c, away := model(ctx, p.Schema, name)
			if checks = append(checks, c); away {
				break
			}
		}
		return checks
	}}
}

// model is what there is to say of one, or of all where the provider is away.
func model(ctx context.Context, schema func(context.Context, string) (replicate.Schema, error), name string) (c Check, away bool) {
	c = Check{Name: "model " + name, State: Fail}
	m, err := replicate.Find(name)
	if err != nil {
		c.Detail, c.Remedy = "is unknown to this program", "correct TRAINSET_MODEL or TRAINSET_JUDGE_MODEL"
		return c, false
	}
	s, err := schema(ctx, name)
	if class := classOf(err); class == replicate.ClassAuth || class == replicate.ClassThrottled || class == replicate.ClassTransient {
		return Check{"models", Fail, err.Error(), providerRemedy(err)}, true
	}
	if err != nil {
		c.Detail, c.Remedy = err.Error(), "see the model's page: https://replicate.com/"+name
		return c, false
	}
	for _, input := range m.Samples() {
		if problems := s.Unfit(input); len(problems) > 0 {
			c.Detail, c.Remedy = strings.Join(problems, "; "), "the model has changed: use another, or a version of this program that knows it"
			return c, false
		}
	}
	return Check{c.Name, OK, fmt.Sprintf("takes what it is sent; %s an output (%s)", m.Price, m.PriceDate), ""}, false
}

// Judge asks which models the judge's key may use, the named one among them.
// noList is the error of a server that tells no models, as not every one does.
func Judge(model string, list func(ctx context.Context) ([]string, error), noList error) Probe {
	const name = "judge"
	return Probe{name, func(ctx context.Context) []Check {
		models, err := list(ctx)
		field, refused := errors.AsType[*trainset.FieldError](err)
		switch {
		case refused:
			return []Check{{name, Fail, field.Field + " " + field.Problem, field.Remedy}}
		case errors.Is(err, noList):
			return []Check{{name, Unknown, err.Error(), "see that OPENAI_BASE_URL is the API's with its version, and that " + model + " takes pictures"}}
		case err != nil:
			return []Check{{name, Fail, err.Error(), "see OPENAI_BASE_URL, and the status page of who serves it"}}
		case !slices.Contains(models, model):
			return []Check{{name, Warn, "the key may use " + strconv.Itoa(len(models)) + " models, and " + model + " is none of them", "correct TRAINSET_JUDGE_MODEL, or allow the key to use it"}}
		}
		return []Check{{name, OK, "the key may use " + model, ""}}
	}}
}

// What a folder should have free: a style's job keeps some 200 MB.
const (
	scarce = 2 << 30
	empty  = 200 << 20
)

// Disk looks at how much is free where a folder is, or will be.
func Disk(name, folder string) Probe {
	return Probe{name, func(context.Context) []Check {
		bytes, err := free(folder)
		c := Check{Name: name, State: OK, Detail: fmt.Sprintf("%.1f GB free at %s", float64(bytes)/1e9, folder)}
		switch {
		case err != nil:
			c.State, c.Detail = Unknown, err.Error()
			c.Remedy = "let this user read the folders above it, and see to it with df: a style's job takes some 200 MB"
		case bytes < empty:
			c.State, c.Remedy = Fail, "free some space: images that were paid for could not be stored"
		case bytes < scarce:
			c.State, c.Remedy = Warn, "free some space: a style's job takes some 200 MB"
		}
		return []Check{c}
	}}
}

// PublicURL sends a webhook that is none to the address that the provider will
// use: the worker's server must be there, and refuse it. What stands between may
// still treat the provider in another way.
func PublicURL(address, path string) Probe {
	const name = "public url"
	return Probe{name, func(ctx context.Context) []Check {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+path, strings.NewReader("{}"))
		if err != nil {
			return result(name, "", err, "correct PUBLIC_URL")
		}
		resp, err := client.Do(req)
		if err != nil {
			return result(name, "", err, "a worker must run with TRAINSET_HTTP_LISTEN, and PUBLIC_URL must lead to it; until then predictions are polled")
		}
		defer resp.Body.Close() //nolint:errcheck // only its status is wanted
		return []Check{judged(name, resp.StatusCode, resp.Header.Get("Content-Type"))}
	}}
}

// judged reads an answer to a webhook that is none. The worker's server refuses
// it in a form of its own: a login page, too, answers with 401.
func judged(name string, status int, contentType string) Check {
	c := Check{Name: name, State: Fail, Detail: fmt.Sprintf("a webhook is answered with status %d", status)}
	switch {
	case status == http.StatusBadRequest && contentType == "application/problem+json":
		return Check{name, OK, "leads to a worker, which refuses a webhook that is none", ""}
	case status >= 300 && status < 400:
		c.Remedy = "the provider follows no redirect: give the address that it leads to"
	case status == http.StatusNotFound:
		c.Remedy = "it leads elsewhere, or to a worker that started without PUBLIC_URL: restart the worker with it"
	default:
		c.Remedy = "let what stands before the worker's server pass POST requests on to it"
	}
	return c
}
