package replicate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Class says what an error means for whoever has to go on.
type Class string

const (
	// ClassThrottled: too many requests; nothing was accepted. Wait After.
	ClassThrottled Class = "throttled"
	// ClassTransient: it did not work, and the same may work later. On a create:
	// nothing was accepted.
	ClassTransient Class = "transient"
	// ClassInvalid: the provider refuses this input, and will again.
	ClassInvalid Class = "invalid"
	// ClassModerated: the provider's filter refuses the input or the output.
	ClassModerated Class = "moderated"
	// ClassCredit: the account cannot pay.
	ClassCredit Class = "credit"
	// ClassAuth: the token is not accepted.
	ClassAuth Class = "auth"
	// ClassNotFound: this account has no such prediction, file or model.
	ClassNotFound Class = "notfound"
	// ClassAmbiguous: only of creates; the provider may have accepted it.
	ClassAmbiguous Class = "ambiguous"
	// ClassLost: it was made, but what it made is gone.
	ClassLost Class = "lost"
)

// Error is what the provider answered, or why it could not be asked.
type Error struct {
	Class  Class
	Op     string // what was being done: "create a prediction"
	Status int    // of the HTTP answer; 0 where there was none
	Code   string // of a failed prediction: "E005"
	Detail string
	// After is how long the provider asks to wait; 0 when it does not say.
	After time.Duration
	// RatePerMinute is the lower limit that a low-credit answer names; 0 otherwise.
	RatePerMinute int
	Fields        []FieldProblem

	cause error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the provider could not %s (%s", e.Op, e.Class)
	if e.Status != 0 {
		fmt.Fprintf(&b, ", status %d", e.Status)
	}
	b.WriteString(")")
	if e.Detail != "" {
		b.WriteString(": " + e.Line())
	}
	return b.String()
}

// Line is the detail on one line.
func (e *Error) Line() string { return strings.Join(strings.Fields(e.Detail), " ") }

// Unwrap returns the cause, where there is one below HTTP.
func (e *Error) Unwrap() error { return e.cause }

// statusClass is what an HTTP status means; that of creates differs where the
// provider may have acted before it answered.
func statusClass(status int, create bool) Class {
	switch {
	case status == http.StatusTooManyRequests:
		return ClassThrottled
	case status == http.StatusPaymentRequired:
		return ClassCredit
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ClassAuth
	case status == http.StatusNotFound:
		return ClassNotFound
	case status == http.StatusRequestTimeout, status >= 500:
		if create {
			return ClassAmbiguous
		}
		return ClassTransient
	default:
		return ClassInvalid
	}
}

// classify turns what the library returned into an *Error. Interruption by the
// caller stays the caller's own error, except of a create that may have been
// accepted.
func classify(op string, err error, c *call, timeout time.Duration) error {
	create := strings.HasPrefix(op, "create")
	e := &Error{Op: op, cause: err}
	var a *answer
	if errors.As(err, &a) {
		e.Status, e.Detail, e.After, e.Fields, e.cause = a.status, a.detail, a.after, a.fields, nil
		e.Class, e.RatePerMinute = statusClass(a.status, create), reducedRate(a.detail)
		if e.Class == ClassInvalid && moderated.MatchString(a.detail) {
			e.Class = ClassModerated
		}
		return e
	}
	switch {
	case create && c.wrote.Load():
		e.Class = ClassAmbiguous
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("replicate: %s: %w", op, err)
	default:
		e.Class = ClassTransient
	}
	e.Detail = reason(err)
	if errors.Is(err, context.DeadlineExceeded) {
		e.Detail = fmt.Sprintf("no answer within %s", timeout)
	}
	return e
}

// reason is the innermost cause: the outer ones repeat method and URL.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

var (
	resetsIn  = regexp.MustCompile(`~\s*(\d+)\s*s`)
	reducedTo = regexp.MustCompile(`reduced to (\d+) requests? per minute`)
	moderated = regexp.MustCompile(`(?i)\bE005\b|flagged as sensitive|nsfw|content (policy|moderation)|safety (system|filter|checker)`)
	errorCode = regexp.MustCompile(`\bE\d{3,4}\b|\bcode: PA\b`)
)

// retryAfter reads how long to wait: from the header (seconds or a date), else
// from the body's field, else from its text.
func retryAfter(header string, field float64, detail string, now time.Time) time.Duration {
	if s, err := strconv.ParseFloat(header, 64); err == nil && s >= 0 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(header); err == nil {
		return max(0, t.Sub(now))
	}
	if field > 0 {
		return time.Duration(field * float64(time.Second))
	}
	if m := resetsIn.FindStringSubmatch(detail); m != nil {
		s, _ := strconv.Atoi(m[1])
		return time.Duration(s) * time.Second
	}
	return 0
}

func reducedRate(detail string) int {
	m := reducedTo.FindStringSubmatch(detail)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// codeClass is what a failed prediction's code means; an unknown code is a
// failure of the provider's and may pass.
var codeClass = map[string]Class{
	"E001":     ClassTransient,
	"E003":     ClassTransient, // high demand
	"E004":     ClassTransient, // temporarily unavailable
	"E005":     ClassModerated,
	"E1000":    ClassTransient,
	"E1001":    ClassInvalid, // out of memory: the same input is too large again
	"E4875":    ClassInvalid, // empty webhook URL
	"E6716":    ClassTransient,
	"E8367":    ClassTransient,
	"E8765":    ClassTransient,
	"E9243":    ClassTransient,
	"E9825":    ClassTransient,
	"code: PA": ClassTransient,
}

// predictionError is why a prediction that ended has no output.
func predictionError(text string) *Error {
	e := &Error{Class: ClassTransient, Op: "finish a prediction", Detail: text, Code: errorCode.FindString(text)}
	if c, ok := codeClass[e.Code]; ok {
		e.Class = c
	} else if moderated.MatchString(text) {
		e.Class = ClassModerated
	}
	return e
}
