package openai

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/openai/openai-go/v3"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// failure is why a call brought no answer, and what that means.
type failure struct {
	outcome plan.Outcome  // of the attempt, unless another call does better
	again   bool          // another may
	after   time.Duration // the server asks for that much patience
	says    string        // for people; never a secret
}

// reason is what the attempt's record says after so many calls.
func (f *failure) reason(calls int) string {
	s := "OpenAI's API: " + f.says
	if f.after > maxWait {
		s += fmt.Sprintf("; it asks to wait %s", f.after)
	}
	if calls > 1 {
		s += fmt.Sprintf(" (after %d calls)", calls)
	}
	return s
}

// refused translates an answer that is an error. The body may be no JSON: then
// the status says all there is.
func (p *Payer) refused(resp *http.Response, err error) *failure {
	var e openai.Error
	if known, ok := errors.AsType[*openai.Error](err); ok {
		e = *known
	}
	status := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	says := status
	if e.Message != "" {
		says += ": " + p.clean(e.Message)
	}
	f := &failure{outcome: plan.OutcomeInvalid, says: says}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized: // its message quotes the key
		f.says = trainset.Invalid("judge", "the key was refused with "+status, "set OPENAI_API_KEY of the workers to a valid one, or use replicate or local").Error()
	case code == http.StatusForbidden:
		f.says = trainset.Invalid("judge", "the key was refused with "+says, "set OPENAI_API_KEY of the workers to one that may use this model, or use replicate or local").Error()
	case code == http.StatusNotFound:
		f.says = trainset.Invalid("judge_model", "was refused with "+says, "name one that takes pictures and that the key may use, and check OPENAI_BASE_URL").Error()
	case e.Code == "insufficient_quota":
		f.says = trainset.Invalid("judge", "the account has no credit left: "+says, "add some, set OPENAI_API_KEY to another's, or use replicate or local").Error()
	case filtered[e.Code]:
		f.outcome = plan.OutcomeModerated
	case code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		f.outcome, f.again, f.after = plan.OutcomeFailed, true, retryAfter(resp.Header, time.Now())
	}
	return f
}

// filtered are the codes by which servers say that a content filter refuses.
var filtered = map[string]bool{
	"content_filter": true, "content_policy_violation": true, "moderation_blocked": true, "invalid_prompt": true,
}

// retryAfter reads how long a server asks to wait: milliseconds, seconds or a
// date. What cannot be read asks for nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return span(ms, time.Millisecond)
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return span(s, time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// span is n units, between nothing and a day: numbers of others may be any.
func span(n float64, unit time.Duration) time.Duration {
	if math.IsNaN(n) {
		return 0
	}
	return time.Duration(min(max(n*float64(unit), 0), float64(24*time.Hour)))
}

// withoutURL takes the address out of a transport's error: it says nothing that
// the settings do not.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// maxSays is the longest text of others that is kept, in characters.
const maxSays = 300

// clean makes one short line of a text that somebody else wrote, without the
// key should it be in there.
func (p *Payer) clean(text string) string {
	if p.o.Key != "" {
		text = strings.ReplaceAll(text, p.o.Key, "***")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxSays {
		text = strings.TrimSpace(string(runes[:maxSays-1])) + "…"
	}
	return text
}
