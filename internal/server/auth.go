package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName  = "trainset_session"
	sessionTime = 12 * time.Hour
)

// auth knows the token, by its digest, and the sessions begun with it. A
// session is a time and its MAC under a key derived from the token: it holds
// after a restart and at every worker with the same token, and a new token
// ends all.
type auth struct {
	digest   [sha256.Size]byte
	key      []byte
	now      func() time.Time
	throttle *throttle
}

func newAuth(token string, now func() time.Time) *auth {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("trainset session key 1"))
	return &auth{digest: sha256.Sum256([]byte(token)), key: m.Sum(nil), now: now, throttle: newThrottle(now)}
}

// is compares digests, whose lengths say nothing of the token's.
func (a *auth) is(token string) bool {
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], a.digest[:]) == 1
}

func (a *auth) mac(expiry []byte) []byte {
	m := hmac.New(sha256.New, a.key)
	m.Write(expiry)
	return m.Sum(nil)
}

// session makes the value of a cookie that is good until then.
func (a *auth) session(until time.Time) string {
	expiry := binary.BigEndian.AppendUint64(nil, uint64(until.Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(expiry, a.mac(expiry)...))
}

// inSession reports whether a request carries a session that is still good.
func (a *auth) inSession(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], a.mac(b[:8])) {
		return false
	}
	return uint64(max(a.now().Unix(), 0)) < binary.BigEndian.Uint64(b[:8])
}

// cookie holds a session; an empty value ends it.
func (a *auth) cookie(r *http.Request, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // on plain HTTP, as on loopback, a Secure cookie would not come back
		Name: cookieName, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Who lies about the proxy's header only keeps the cookie off plain HTTP.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// guard lets through whoever has the token or a session. Without a token the
// server is on loopback, and what is asked of it must be, too: a page elsewhere
// whose name resolves to 127.0.0.1 is a stranger in the user's own browser.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch token, given := bearer(r); {
		case s.o.Token == "" && !local(r):
			problem(w, http.StatusForbidden, "without a token only this machine is answered: open it as localhost, or set TRAINSET_HTTP_TOKEN")
		case s.o.Token == "", !given && s.auth.inSession(r):
			next.ServeHTTP(w, r)
		case given:
			ok := s.auth.is(token)
			if wait := s.auth.throttle.admit(r, ok); wait > 0 {
				tooMany(w, wait)
			} else if !ok {
				unauthorized(w, "the token is not the one in TRAINSET_HTTP_TOKEN")
			} else {
				next.ServeHTTP(w, r)
			}
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			unauthorized(w, "send the token of TRAINSET_HTTP_TOKEN as Authorization: Bearer, or log in at /login")
		}
	})
}

func bearer(r *http.Request) (token string, given bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// local reports whether the client names this machine as the host. On a unix
// socket there are no browsers, and any name will do.
func local(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return loopback(strings.Trim(host, "[]"))
}

func unauthorized(w http.ResponseWriter, detail string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="trainset"`)
	problem(w, http.StatusUnauthorized, detail)
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	problem(w, http.StatusTooManyRequests, fmt.Sprintf("too many wrong tokens came from this address; try again in %d s", seconds))
}

// sameOrigin refuses requests that change something and come from a page of
// another site, by what browsers say of themselves. Programs are let through.
func sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "the request comes from a page of another site")
	}))
	return p.Handler(next)
}
