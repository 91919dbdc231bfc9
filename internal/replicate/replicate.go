// Package replicate is the provider's edge: it makes, reads, lists and cancels
// predictions, uploads references and fetches outputs, and says of each error
// what it means.
//
// It is built on replicate-go, around that library's defects: the library
// never retries here (its retries send empty bodies over HTTP/2 and sleep
// deaf to contexts), its pager and its waiter are not used, and its errors are
// completed from the raw answer. It must not know jobs, prompts or what is
// paid for; it retries nothing and remembers nothing.
package replicate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	upstream "github.com/replicate/replicate-go"
)

// DefaultBaseURL is the provider's API.
const DefaultBaseURL = "https://api.replicate.com/v1"

// BaseURL is the one way to write an API's base URL: what is empty is the
// provider's own, host and scheme are in small letters, and no slash ends it.
// What is no URL stays as it is.
func BaseURL(raw string) string {
	raw = strings.TrimRight(cmp.Or(raw, DefaultBaseURL), "/")
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// Options configure a Client.
type Options struct {
	// Token authenticates at the API and is sent nowhere else.
	Token string
	// BaseURL of the API with its version; DefaultBaseURL when empty.
	BaseURL string
	// Transport carries the requests; a tuned clone of the default when nil.
	Transport http.RoundTripper
	// CreateTimeout bounds a create; 10 s when 0.
	CreateTimeout time.Duration
	// Timeout bounds every other call; 30 s when 0.
	Timeout time.Duration
	// FetchTimeout bounds the download of one output; 2 minutes when 0.
	FetchTimeout time.Duration
}

// Client is safe for concurrent use.
type Client struct {
	api  *upstream.Client
	http *http.Client // with the token's transport
	bare *http.Client // for outputs: never sees the token
	base *url.URL
	o    Options
}

// New makes a client. It does not call the provider.
func New(o Options) (*Client, error) {
	o.BaseURL = BaseURL(o.BaseURL)
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("replicate: the base URL %q is no http or https URL", o.BaseURL)
	}
	setDefault(&o.CreateTimeout, 10*time.Second)
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.FetchTimeout, 2*time.Minute)
	if o.Transport == nil {
		o.Transport = transport()
	}
	withToken := &http.Client{
		Transport: &completing{next: o.Transport},
		// A redirect could carry the token to another host; the API has none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	api, err := upstream.NewClient(
		upstream.WithToken(o.Token), upstream.WithBaseURL(o.BaseURL),
		upstream.WithHTTPClient(withToken), upstream.WithUserAgent("trainset"),
		upstream.WithRetryPolicy(1, noBackoff{}))
	if err != nil {
		return nil, fmt.Errorf("replicate: a token is required: %w", err)
	}
	bare := &http.Client{Transport: o.Transport, CheckRedirect: limitRedirects}
	return &Client{api: api, http: withToken, bare: bare, base: base, o: o}, nil
}

// String never shows the token.
func (c *Client) String() string { return "replicate at " + c.base.Redacted() }

// GoString never shows the token.
func (c *Client) GoString() string { return c.String() }

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// transport keeps enough connections for every waiting prediction.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own type
	t.MaxIdleConnsPerHost = 64
	t.ResponseHeaderTimeout = 60 * time.Second
	return t
}

type noBackoff struct{}

// NextDelay is asked even after the only attempt.
func (noBackoff) NextDelay(int) time.Duration { return 0 }

// CreateRequest is one prediction to make.
type CreateRequest struct {
	Model string // "owner/name"
	Input map[string]any
	// CancelAfter has the provider end the prediction; 0 leaves it to the provider.
	CancelAfter time.Duration
	// Webhook is told when the prediction ends; none when empty.
	Webhook string
}

// Create asks for a prediction and returns at once. It is never repeated here:
// an error of ClassAmbiguous says that the provider may have accepted it.
func (c *Client) Create(ctx context.Context, r CreateRequest) (Prediction, error) {
	const op = "create a prediction"
	owner, name, ok := strings.Cut(r.Model, "/")
	if !ok {
		return Prediction{}, &Error{Class: ClassInvalid, Op: op, Detail: fmt.Sprintf("%q is no model name", r.Model)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.CreateTimeout)
	defer cancel()
	ctx, call := withCall(ctx, r.CancelAfter)
	var hook *upstream.Webhook
	if r.Webhook != "" {
		hook = &upstream.Webhook{URL: r.Webhook, Events: []upstream.WebhookEventType{upstream.WebhookEventCompleted}}
	}
	p, err := c.api.CreatePredictionWithModel(ctx, owner, name, r.Input, hook, false)
	if err != nil {
		return Prediction{}, classify(op, err, call, c.o.CreateTimeout)
	}
	return decodePrediction(op, p)
}

// Get reads a prediction.
func (c *Client) Get(ctx context.Context, id string) (Prediction, error) {
	const op = "read a prediction"
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	p, err := c.api.GetPrediction(ctx, id)
	if err != nil {
		return Prediction{}, classify(op, err, call, c.o.Timeout)
	}
	return decodePrediction(op, p)
}

// Cancel stops a prediction; one that has ended stays as it is.
func (c *Client) Cancel(ctx context.Context, id string) (Prediction, error) {
	const op = "cancel a prediction"
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	p, err := c.api.CancelPrediction(ctx, id)
	if err != nil {
		return Prediction{}, classify(op, err, call, c.o.Timeout)
	}
	return decodePrediction(op, p)
}

// Account is who the token belongs to.
type Account struct{ Type, Username string }

// Account reads the account; an error of ClassAuth says that the token is not valid.
func (c *Client) Account(ctx context.Context) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	a, err := c.api.GetCurrentAccount(ctx)
	if err != nil {
		return Account{}, classify("read the account", err, call, c.o.Timeout)
	}
	return Account{Type: a.Type, Username: a.Username}, nil
}

// WebhookSecret reads what the account's webhooks are signed with: "whsec_" and
// base64. The library's own call hides why it failed.
func (c *Client) WebhookSecret(ctx context.Context) (string, error) {
	const op = "read the webhook secret"
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	u := *c.base
	u.Path = u.Path + "/webhooks/default/secret"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fmt.Errorf("replicate: %s: %w", op, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Token)
	body, err := c.read(req)
	if err != nil {
		return "", classify(op, err, call, c.o.Timeout)
	}
	var secret struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(body, &secret); err != nil || secret.Key == "" {
		return "", &Error{Class: ClassTransient, Op: op, Detail: "the answer has no key"}
	}
	return secret.Key, nil
}

// File is an uploaded reference.
type File struct {
	ID        string
	URL       string // what a prediction's input refers to
	ExpiresAt time.Time
}

// Upload stores bytes at the provider for predictions to refer to.
func (c *Client) Upload(ctx context.Context, name, contentType string, data []byte) (File, error) {
	const op = "upload a reference"
	ctx, cancel := context.WithTimeout(ctx, c.o.FetchTimeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	f, err := c.api.CreateFileFromBytes(ctx, data, &upstream.CreateFileOptions{Filename: name, ContentType: contentType})
	if err != nil {
		return File{}, classify(op, err, call, c.o.FetchTimeout)
	}
	file := File{ID: f.ID, URL: f.URLs["get"], ExpiresAt: time.Now().Add(24 * time.Hour)}
	if t, err := time.Parse(time.RFC3339Nano, f.ExpiresAt); err == nil {
		file.ExpiresAt = t
	}
	if file.URL == "" {
		return File{}, &Error{Class: ClassTransient, Op: op, Detail: "the answer names no URL"}
	}
	return file, nil
}

// ListQuery selects a page of predictions.
type ListQuery struct {
	CreatedAfter, CreatedBefore time.Time // by the provider's clock; no bound when zero
	// Cursor is Page.Next of the page before; it carries the query.
	Cursor string
}

// Page is a part of the account's predictions, the newest first.
type Page struct {
	Predictions []Prediction
	Next        string // empty on the last page
}

// List reads a page. The library's pager breaks absolute cursors and knows no
// time filter, so this one call is made by hand.
func (c *Client) List(ctx context.Context, q ListQuery) (Page, error) {
	const op = "list predictions"
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	ctx, call := withCall(ctx, 0)
	u, err := c.listURL(q)
	if err != nil {
		return Page{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return Page{}, fmt.Errorf("replicate: %s: %w", op, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Token)
	body, err := c.read(req)
	if err != nil {
		return Page{}, classify(op, err, call, c.o.Timeout)
	}
	var list struct {
		Results []json.RawMessage `json:"results"`
		Next    *string           `json:"next"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return Page{}, &Error{Class: ClassTransient, Op: op, Detail: "the answer is no list: " + err.Error()}
	}
	var page Page
	if list.Next != nil {
		page.Next = *list.Next
	}
	for _, raw := range list.Results {
		p, err := parsePrediction(op, raw)
		if err != nil {
			return Page{}, err
		}
		page.Predictions = append(page.Predictions, p)
	}
	return page, nil
}

// listURL refuses cursors that lead to another host: they would get the token.
func (c *Client) listURL(q ListQuery) (string, error) {
	if q.Cursor != "" {
		u, err := c.base.Parse(q.Cursor)
		if err != nil || u.Host != c.base.Host || u.Scheme != c.base.Scheme {
			return "", &Error{Class: ClassInvalid, Op: "list predictions", Detail: "a cursor leads to another host"}
		}
		return u.String(), nil
	}
	u := *c.base
	u.Path = u.Path + "/predictions"
	query := url.Values{}
	for name, t := range map[string]time.Time{"created_after": q.CreatedAfter, "created_before": q.CreatedBefore} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// read makes a request of our own through the token's transport.
func (c *Client) read(req *http.Request) ([]byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // classify names the operation
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var b bytes.Buffer
	if _, err := b.ReadFrom(http.MaxBytesReader(nil, resp.Body, 64<<20)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return b.Bytes(), nil
}
