package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// dashboardRoot is where asynqmon is. Its page knows the path, so nothing strips it.
const dashboardRoot = "/queues"

// apiTimeout bounds a question of the page's: asynq's inspector takes no context.
const apiTimeout = 20 * time.Second

// sharedRedis gives asynqmon the connection that is open already. It must not
// be closed through it.
type sharedRedis struct{ rdb redis.UniversalClient }

// MakeRedisClient returns the connection; the type is asynq's.
func (s sharedRedis) MakeRedisClient() any { return s.rdb }

// dashboard serves asynqmon. Its page, which is the same at every path, is
// rendered once and changed so that it loads nothing from elsewhere.
type dashboard struct {
	assets http.Handler
	api    http.Handler
	page   []byte
	policy string
}

func newDashboard(rdb redis.UniversalClient, write bool) (*dashboard, error) {
	h := asynqmon.New(asynqmon.Options{
		RootPath: dashboardRoot, RedisConnOpt: sharedRedis{rdb}, ReadOnly: !write,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(func(_ string, b []byte) string { return readable(b) }),
		// The type is empty on a task's own page; what is shown does not depend on it.
		ResultFormatter: asynqmon.ResultFormatterFunc(func(_ string, b []byte) string { return readable(b) }),
	})
	page, err := localPage(h)
	if err != nil {
		return nil, err
	}
	return &dashboard{
		assets: h, api: http.TimeoutHandler(h, apiTimeout, "Redis does not answer in time."),
		page: page, policy: dashboardPolicy(page),
	}, nil
}

// assetPath matches the files of the page; every other path is one of the
// page's own, which it reads from the address.
var assetPath = regexp.MustCompile(`^` + dashboardRoot + `/(static/.+|[^/]+\.(png|ico|json|txt))$`)

func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, dashboardRoot+"/api/"):
		w.Header().Set("Cache-Control", "no-store")
		d.api.ServeHTTP(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, "the dashboard's pages are only read")
	case assetPath.MatchString(r.URL.Path):
		d.assets.ServeHTTP(w, r)
	default:
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", d.policy)
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(d.page) //nolint:gosec // the page is the embedded one, with nothing of the request in it
	}
}

// foreign matches what the page would load from elsewhere (two fonts, for
// which it has substitutes), and the manifest, which browsers fetch without
// the session's cookie.
var foreign = regexp.MustCompile(`<link rel="(stylesheet" href="https?:|manifest")[^>]*>`)

// localPage renders asynqmon's page and takes out what is not ours to serve.
func localPage(h http.Handler) ([]byte, error) {
	var page buffer
	r, err := http.NewRequest(http.MethodGet, dashboardRoot+"/", nil) //nolint:noctx // it goes nowhere
	if err != nil {
		return nil, errors.Join(errNoPage, err)
	}
	h.ServeHTTP(&page, r)
	html := foreign.ReplaceAll(page.Bytes(), nil)
	if page.status >= http.StatusBadRequest || !bytes.Contains(html, []byte(`<div id="root">`)) {
		return nil, errNoPage
	}
	return html, nil
}

var errNoPage = errors.New("server: the dashboard's page does not render")

// buffer takes an answer that goes nowhere.
type buffer struct {
	bytes.Buffer
	header http.Header
	status int
}

func (b *buffer) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

func (b *buffer) WriteHeader(status int) { b.status = status }

// dashboardPolicy lets the page run its own scripts and nothing else. Its
// styles are made as it runs, so they cannot be listed.
func dashboardPolicy(page []byte) string {
	scripts := strings.Join(inlineHashes(string(page), "script"), " ")
	return "default-src 'none'; script-src 'self' " + scripts + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}

// inlineHashes are the policy's names for the inline scripts or styles of a page.
func inlineHashes(page, tag string) []string {
	var hashes []string
	for rest := page; ; {
		_, after, found := strings.Cut(rest, "<"+tag+">")
		if !found {
			return hashes
		}
		text, after, _ := strings.Cut(after, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		rest = after
	}
}
