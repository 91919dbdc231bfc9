package replicate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

// call is what is learnt about one API call below the library.
type call struct {
	cancelAfter time.Duration
	wrote       atomic.Bool // whether a byte of the request may have left
}

type callKey struct{}

// withCall attaches a call to the context, with a trace that learns whether
// the request was written: only then may the provider have acted on it.
func withCall(ctx context.Context, cancelAfter time.Duration) (context.Context, *call) {
	c := &call{cancelAfter: cancelAfter}
	ctx = context.WithValue(ctx, callKey{}, c)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders:     func() { c.wrote.Store(true) },
		WroteHeaderField: func(string, []string) { c.wrote.Store(true) },
	}), c
}

// completing is the round tripper below the library: it adds the headers the
// library lacks, rewinds a body that is sent a second time and turns every
// answer that is no success into an *answer with all that was said.
type completing struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *completing) RoundTrip(req *http.Request) (*http.Response, error) {
	c, _ := req.Context().Value(callKey{}).(*call)
	req = req.Clone(req.Context())
	if c != nil && c.cancelAfter > 0 {
		req.Header.Set("Cancel-After", strconv.Itoa(int(c.cancelAfter.Seconds()))+"s")
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("rewinding the request: %w", err)
		}
		req.Body = body
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // the client wraps it with method and URL
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // nothing more is wanted of it
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return nil, newAnswer(resp, body)
}

// answer is an HTTP answer that is no success.
type answer struct {
	status int
	after  time.Duration
	detail string
	fields []FieldProblem
}

func (a *answer) Error() string { return fmt.Sprintf("status %d: %s", a.status, a.detail) }

// FieldProblem is one input that the provider's schema refuses.
type FieldProblem struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

func newAnswer(resp *http.Response, body []byte) *answer {
	var p struct {
		Title      string         `json:"title"`
		Detail     string         `json:"detail"`
		RetryAfter float64        `json:"retry_after"`
		Fields     []FieldProblem `json:"invalid_fields"`
	}
	a := &answer{status: resp.StatusCode}
	if err := json.Unmarshal(body, &p); err != nil {
		a.detail = http.StatusText(resp.StatusCode) // an HTML page says nothing more
	} else {
		a.detail, a.fields = p.Detail, p.Fields
		if a.detail == "" {
			a.detail = p.Title
		}
	}
	a.after = retryAfter(resp.Header.Get("Retry-After"), p.RetryAfter, a.detail, time.Now())
	return a
}

var _ http.RoundTripper = (*completing)(nil)
