package trainset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RequestVersion is the version of the request payloads this code writes.
const RequestVersion = 1

// Reference says where the input image is. Exactly one of URL and Key is set.
type Reference struct {
	// URL is fetched once, when the job is accepted; at most 8192 characters.
	URL string `json:"url,omitempty"`
	// Key names an object that the producer has put into the system's storage; at
	// most 1024 characters.
	Key string `json:"key,omitempty"`
	// SHA256 is the hex digest of the bytes, where the producer knows it; bytes
	// that differ are refused. Requests under one key are compared by it, else by
	// URL or Key: give it where a URL is signed anew each time.
	SHA256 string `json:"sha256,omitempty"`
}

// Options is what requests of both kinds have in common.
type Options struct {
	// Version is RequestVersion.
	Version int `json:"version"`
	// User owns the job; its data sets and daily budget are the user's.
	User string `json:"user"`
	// Key is the idempotency key: one user's one key is one job.
	Key string `json:"key"`
	// Trigger is the rare word that stands for the subject in captions; derived
	// from user and subject when empty.
	Trigger string `json:"trigger,omitempty"`
	// Name is a display name, used by caption profiles that take no trigger.
	Name string `json:"name,omitempty"`
	// CaptionProfile is how captions are written: one of ActorProfiles or
	// StyleProfiles, whose first is meant when empty.
	CaptionProfile CaptionProfile `json:"caption_profile,omitempty"`
	// Seed makes a job's random choices; derived from the job ID when nil.
	Seed *int64 `json:"seed,omitempty"`
	// Images is how many images the set should have; the kind's default when 0.
	Images int `json:"images,omitempty"`
	// MaxCost caps what the job may spend; no cap when 0.
	MaxCost Money `json:"max_cost_usd,omitempty"`
	// Model generates the images, as owner/name; the worker's default when empty.
	Model string `json:"model,omitempty"`
	// Priority orders the job among others; normal when empty.
	Priority Priority `json:"priority,omitempty"`
	// Simulate asks for pictures of the simulated provider. A worker with a real
	// provider refuses such a job.
	Simulate bool `json:"simulate,omitempty"`
}

// Request is an ActorRequest or a StyleRequest.
type Request interface {
	Kind() Kind
	// JobID is the job that this request names.
	JobID() JobID
	// Subject is the actor's or the style's ID.
	Subject() string
	// Source is the input image.
	Source() Reference
	// Common returns the options both kinds share.
	Common() Options
	// Fingerprint is canonical JSON of everything that changes the result: all
	// but the key and the priority. Requests with equal fingerprints are equal.
	Fingerprint() string
	// Validate reports every problem, each a *FieldError, joined.
	Validate() error
}

// authority is user, host and port of a URL, as those who fetch it understand them.
const authority = `(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(([A-Za-z0-9._~-]|[^\x00-\x9f])+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?`

var (
	sha256Pattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	triggerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)
	webPattern     = regexp.MustCompile(`^[Hh][Tt][Tt][Pp][Ss]?://`)
	hostPattern    = regexp.MustCompile(webPattern.String() + authority + `([/?#].*)?$`)
	urlPattern     = regexp.MustCompile(webPattern.String() + authority + `(/([^%?#]|%[0-9A-Fa-f]{2})*)?(\?[^#]*)?(#([^%]|%[0-9A-Fa-f]{2})*)?$`)
	modelPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$`)
)

// The most characters of texts. A request stays in Redis, in storage and in errors
// for as long as its job: it is no place for pictures.
const (
	maxURL        = 8192
	maxStorageKey = 1024
	maxModel      = 200
)

// problems collects field errors.
type problems []error

func (p *problems) add(field, problem, remedy string) {
	*p = append(*p, Invalid(field, problem, remedy))
}

func (p *problems) id(field, value string) {
	if !ValidID(value) {
		p.add(field, fmt.Sprintf("%.200q is not allowed", value),
			"use 1 to 64 letters, digits, dots, underscores or hyphens, starting with a letter or digit")
	}
}

// text refuses what JSON would change on its way to a worker, and what no caption,
// page or terminal may have in it. It reports whether the value is fine.
func (p *problems) text(field, what, value string) bool {
	switch {
	case !utf8.ValidString(value):
		p.add(field, what+"is not UTF-8", "save and send it as UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		p.add(field, what+"has control characters", "leave out line breaks, tabs and the like")
	default:
		return true
	}
	return false
}

// short refuses a text of more characters than are read. It reports whether the
// value is fine.
func (p *problems) short(field, what, value string, most int) bool {
	n := utf8.RuneCountInString(value)
	if n > most {
		p.add(field, fmt.Sprintf("%shas %d characters", what, n), fmt.Sprintf("give at most %d", most))
	}
	return n <= most
}

func (p problems) err() error { return errors.Join(p...) }

func (o Options) validate(p *problems, maxImages int, profiles []CaptionProfile) {
	if o.Version != RequestVersion {
		p.add("version", fmt.Sprintf("%d is unknown", o.Version), fmt.Sprintf("this version reads %d", RequestVersion))
	}
	p.id("user", o.User)
	if p.text("key", "", o.Key) && (o.Key == "" || utf8.RuneCountInString(o.Key) > 200) {
		p.add("key", fmt.Sprintf("has %d characters", utf8.RuneCountInString(o.Key)), "give 1 to 200")
	}
	if o.Trigger != "" && !triggerPattern.MatchString(o.Trigger) {
		p.add("trigger", fmt.Sprintf("%.200q is no single word", o.Trigger), "use up to 32 letters, digits, hyphens or underscores")
	}
	if p.text("name", "", o.Name) && (utf8.RuneCountInString(o.Name) > 100 || strings.ContainsAny(o.Name, "{}|")) {
		p.add("name", fmt.Sprintf("%.200q is not allowed", o.Name), "use up to 100 characters on one line, without braces or bars")
	}
	o.validateCaptions(p, profiles)
	if o.Seed != nil && (*o.Seed < 0 || *o.Seed >= 1<<31) {
		p.add("seed", fmt.Sprintf("%d is out of range", *o.Seed), "give 0 to 2147483647")
	}
	if o.Images < 0 || o.Images > maxImages {
		p.add("images", fmt.Sprintf("%d is out of range", o.Images), fmt.Sprintf("give 1 to %d", maxImages))
	}
	if o.MaxCost < 0 || o.MaxCost > maxMoney {
		p.add("max_cost_usd", fmt.Sprintf("%s is out of range", o.MaxCost), "give at most 1000000000, or 0 for no cap")
	}
	if p.short("model", "", o.Model, maxModel) && o.Model != "" && !modelPattern.MatchString(o.Model) {
		p.add("model", fmt.Sprintf("%.200q is no model name", o.Model), "write it as owner/name")
	}
	switch o.Priority {
	case "", PriorityLow, PriorityNormal, PriorityHigh:
	default:
		p.add("priority", fmt.Sprintf("%.200q is unknown", o.Priority), "use low, normal or high")
	}
}

func (r Reference) validate(field string, p *problems) {
	switch {
	case r.URL == "" && r.Key == "":
		p.add(field, "is missing", "give the URL of an image, or a storage key")
	case r.URL != "" && r.Key != "":
		p.add(field, "has both a URL and a key", "give one of them")
	case !p.text(field, "its key ", r.Key), !p.text(field, "its URL ", r.URL):
	case !p.short(field, "its key ", r.Key, maxStorageKey), !p.short(field, "its URL ", r.URL, maxURL):
	case r.URL != "":
		r.validateURL(field, p)
	}
	if r.SHA256 != "" && !sha256Pattern.MatchString(r.SHA256) {
		p.add(field, "its sha256 is no digest", "give 64 hexadecimal digits")
	}
}

// validateURL refuses what no worker can ask for. The schemas have urlPattern, too.
func (r Reference) validateURL(field string, p *problems) {
	_, err := url.Parse(r.URL)
	switch {
	case !webPattern.MatchString(r.URL):
		p.add(field, "its URL is not http or https", "give one that starts with https://")
	case !hostPattern.MatchString(r.URL):
		p.add(field, "its URL has no valid host or port", "write it like https://example.org/picture.jpg")
	case !urlPattern.MatchString(r.URL):
		p.add(field, "its URL has a % that begins no code", "percent-encode it: a percent sign is %25")
	case err != nil: // of hosts in brackets
		p.add(field, "its URL has no valid host or port", "write it like https://example.org/picture.jpg")
	}
}

// identity is what counts of a reference when requests are compared: its bytes
// where they are known, else where it is.
func (r Reference) identity() Reference {
	if r.SHA256 != "" {
		return Reference{SHA256: r.SHA256}
	}
	return r
}

// identity is what counts of options when requests are compared. The usual
// caption profile counts as none: requests that could not name it are the same.
func (o Options) identity(usual CaptionProfile) Options {
	o.Key, o.Priority = "", ""
	if o.CaptionProfile == usual {
		o.CaptionProfile = ""
	}
	return o
}

// fingerprint returns canonical JSON: keys sorted, empty fields left out.
func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("trainset: a request does not marshal: " + err.Error())
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic("trainset: a request is no object: " + err.Error())
	}
	b, _ = json.Marshal(m)
	return string(b)
}

// DefaultKey derives an idempotency key from everything that changes the
// result, so that asking for the same again finds the same job.
func DefaultKey(r Request) string {
	sum := sha256.Sum256([]byte(r.Fingerprint()))
	return "auto-" + hex.EncodeToString(sum[:16])
}
