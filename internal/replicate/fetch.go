package replicate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/actormaker/trainset/internal/pages"
)

// Fetch downloads an output, bounded in bytes and time, without the token.
// ClassLost says that it is gone; a body that ends early is ClassTransient.
//
// Before the body is read, take is called with its length; where the answer
// does not say it, with a usual one.
func (c *Client) Fetch(ctx context.Context, from string, maxBytes int64, take func(ctx context.Context, bytes int64) error) ([]byte, string, error) {
	const op = "fetch an output"
	u, err := url.Parse(from)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != c.base.Scheme {
		return nil, "", &Error{Class: ClassLost, Op: op, Detail: "its address is no https URL"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.FetchTimeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, "", fmt.Errorf("replicate: %s: %w", op, err)
	}
	resp, err := c.bare.Do(req)
	if err != nil {
		return nil, "", classify(op, err, call, c.o.FetchTimeout)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	if resp.StatusCode != http.StatusOK {
		return nil, "", fetchStatus(op, resp.StatusCode)
	}
	if resp.ContentLength > maxBytes {
		return nil, "", &Error{Class: ClassInvalid, Op: op, Detail: fmt.Sprintf("it has more than %d bytes", maxBytes)}
	}
	n := resp.ContentLength
	if n < 0 {
		n = min(maxBytes, usualBytes)
	}
	if err := take(ctx, n); err != nil {
		return nil, "", classify(op, err, call, c.o.FetchTimeout)
	}
	b := bytes.NewBuffer(pages.Make(int(n) + bytes.MinRead)[:0]) // a buffer that grows would be held twice
	_, err = b.ReadFrom(io.LimitReader(resp.Body, maxBytes+1))
	data := b.Bytes()
	switch {
	case err != nil:
		return nil, "", classify(op, err, call, c.o.FetchTimeout)
	case int64(len(data)) > maxBytes:
		return nil, "", &Error{Class: ClassInvalid, Op: op, Detail: fmt.Sprintf("it has more than %d bytes", maxBytes)}
	case len(data) == 0:
		return nil, "", &Error{Class: ClassTransient, Op: op, Detail: "it is empty"}
	}
	return data, resp.Header.Get("Content-Type"), nil
}

// usualBytes is about what a picture has, where its length is not said.
const usualBytes = 16 << 20

func fetchStatus(op string, status int) error {
	e := &Error{Class: statusClass(status, false), Op: op, Status: status, Detail: http.StatusText(status)}
	if status == http.StatusNotFound || status == http.StatusGone || status == http.StatusForbidden {
		e.Class = ClassLost
	}
	return e
}

func limitRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("more than 5 redirects")
	}
	return nil
}
