package reference

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/actormaker/trainset"
)

const (
	maxRedirects = 5
	connectTime  = 10 * time.Second
	userAgent    = "trainset (+https://github.com/actormaker/trainset)"
)

var (
	errRedirects = errors.New("too many redirects")
	errScheme    = errors.New("a redirect leaves http and https")
	errUserInfo  = errors.New("a redirect has a user name or password")
	errSlow      = errors.New("the answer takes too long")
)

// FetchURL reads a reference from an http or https URL, following a few
// redirects. Unless the options allow it, no connection is made to an address
// that is not public, whatever names resolve to. It uses no proxy and sends no
// credentials. Its errors name the host, never the rest of the URL, which may
// be signed.
//
// Whatever goes wrong is a *trainset.FieldError, also a server that is slow,
// down or overloaded: whoever gave the URL must know. It is an *AwayError as well
// where it may pass within seconds. Only the end of ctx is another error, its cause.
func FetchURL(ctx context.Context, from string, o Options) ([]byte, error) {
	o = o.withDefaults()
	u, err := o.parse(from)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, o.Timeout, errSlow)
	defer cancel()
	client, closeIdle := o.client()
	defer closeIdle()
	data, err := o.get(limited, client, u)
	if err == nil {
		return data, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("fetching from %s: %w", u.Host, context.Cause(ctx))
	}
	if errors.Is(context.Cause(limited), errSlow) {
		err = errSlow
	}
	return nil, o.fetchError(u.Host, err)
}

// AwayError is a *trainset.FieldError that another fetch, a little later, may not
// have: the host is down, overloaded or not reached.
type AwayError struct{ field *trainset.FieldError }

func (e *AwayError) Error() string { return e.field.Error() }
func (e *AwayError) Unwrap() error { return e.field }

// Problem says what does not answer.
func (e *AwayError) Problem() string { return e.field.Problem }

func (o Options) away(problem, remedy string) error {
	return &AwayError{trainset.Invalid(o.Field, problem, remedy)}
}

func (o Options) parse(from string) (*url.URL, error) {
	const remedy = "give one that starts with https://"
	u, err := url.Parse(from)
	var escape url.EscapeError
	switch {
	case errors.As(err, &escape):
		return nil, o.invalid("its URL is not percent-encoded", "write a percent sign in it as %25, a space as %20")
	case err != nil: // the error would repeat the URL
		return nil, o.invalid("its URL cannot be read", "check its host and port, and that it starts with https://")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, o.invalid(fmt.Sprintf("its URL begins with %q, not http or https", u.Scheme+"://"), remedy)
	case u.Hostname() == "":
		return nil, o.invalid("its URL names no host", remedy)
	case u.User != nil:
		return nil, o.invalid("its URL has a user name or password", "give a URL that needs none, for example a signed one")
	}
	return u, nil
}

// client makes a client for one fetch. Its connections are closed after it.
func (o Options) client() (client *http.Client, closeIdle func()) {
	d := &net.Dialer{Timeout: connectTime}
	switch {
	case o.permit != nil:
		d.Control = control(o.permit)
	case !o.AllowPrivateHosts:
		d.Control = control(publicOnly)
	}
	t := &http.Transport{
		Proxy: nil, DialContext: d.DialContext, TLSHandshakeTimeout: connectTime, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		DisableCompression: true, // pictures are compressed, and limits count what is sent
	}
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}, t.CloseIdleConnections
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	r.Header.Del("Referer") // it would tell the next host a signed query
	switch {
	case len(via) > maxRedirects:
		return errRedirects
	case r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return errScheme
	case r.URL.User != nil:
		return errUserInfo
	}
	return nil
}

func (o Options) get(ctx context.Context, client *http.Client, u *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // translated by the caller
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "image/jpeg, image/png, image/webp, image/tiff, image/*;q=0.5")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // translated by the caller
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{resp.StatusCode}
	}
	if resp.ContentLength > int64(o.MaxBytes) {
		return nil, o.tooLarge("the answer has " + megabytes(resp.ContentLength))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(o.MaxBytes)+1))
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // translated by the caller
	case len(data) > o.MaxBytes:
		return nil, o.tooLarge("the answer has more than " + megabytes(int64(o.MaxBytes)))
	case len(data) == 0:
		return nil, o.invalid("the answer is empty", "give the URL of an image")
	}
	return data, nil
}

type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("status %d (%s)", e.status, http.StatusText(e.status))
}

// fetchError says what went wrong. It never repeats the text of an error it
// does not know: that may hold a URL.
func (o Options) fetchError(host string, err error) error {
	var (
		field  *trainset.FieldError
		status *statusError
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		number syscall.Errno
	)
	const again, direct = "check the URL, or try again later", "give the URL of the image itself"
	switch {
	case errors.As(err, &field):
		return field
	case errors.As(err, &status) && status.passes():
		return o.away(fmt.Sprintf("%s answers with %v", host, status), status.remedy())
	case errors.As(err, &status):
		return o.invalid(fmt.Sprintf("%s answers with %v", host, status), status.remedy())
	case errors.Is(err, errPrivate):
		return o.invalid(fmt.Sprintf("%s: %v", host, errPrivate), "give a public URL; in a closed network, the operator may set ALLOW_PRIVATE_HOSTS=true")
	case errors.Is(err, errSlow):
		return o.invalid(fmt.Sprintf("%s: the answer takes longer than %s", host, o.Timeout), "give a quicker host, or a smaller image")
	case errors.Is(err, errRedirects):
		return o.invalid(fmt.Sprintf("%s redirects more than %d times", host, maxRedirects), "give the URL it ends at")
	case errors.Is(err, errScheme):
		return o.invalid(fmt.Sprintf("%s: %v", host, errScheme), direct)
	case errors.Is(err, errUserInfo):
		return o.invalid(fmt.Sprintf("%s: %v", host, errUserInfo), direct)
	case errors.As(err, &dns) && !dns.IsNotFound:
		return o.away(fmt.Sprintf("the name of the host %s cannot be looked up", host), again)
	case errors.As(err, &dns):
		return o.invalid(fmt.Sprintf("the host %s is not found", host), again)
	case errors.As(err, &cert):
		return o.invalid(fmt.Sprintf("the certificate of %s is not trusted", host), "give a URL of a host with a valid certificate")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return o.away(fmt.Sprintf("%s breaks the answer off", host), again)
	case errors.As(err, &number):
		return o.away(fmt.Sprintf("%s cannot be reached: %v", host, number), again)
	}
	if unanswered, ok := errors.AsType[net.Error](err); ok && unanswered.Timeout() {
		return o.away(fmt.Sprintf("%s cannot be reached: nobody answers", host), again)
	}
	return o.invalid(fmt.Sprintf("%s cannot be reached, or does not speak HTTP", host), again)
}

// passes reports whether the server may answer otherwise in a while.
func (e *statusError) passes() bool {
	return e.status >= http.StatusInternalServerError || e.status == http.StatusTooManyRequests
}

func (e *statusError) remedy() string {
	switch {
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		return "give a URL that anyone may read, or a signed one that has not expired"
	case e.passes():
		return "try again later"
	}
	return "check the URL"
}
