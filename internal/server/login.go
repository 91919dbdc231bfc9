package server

import (
	"bytes"
	_ "embed" // the form
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed login.html
var loginHTML string

var (
	loginTemplate = template.Must(template.New("login").Parse(loginHTML))
	loginPolicy   = "default-src 'none'; style-src " + strings.Join(inlineHashes(loginHTML, "style"), " ") +
		"; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)

const maxForm = 8 << 10

// loginPage shows the form, or goes on where somebody is logged in already.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if s.auth.inSession(r) {
		http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // localPath made it one of ours
		return
	}
	s.showLogin(w, http.StatusOK, next, "")
}

func (s *Server) showLogin(w http.ResponseWriter, status int, next, notice string) {
	var page bytes.Buffer
	if err := loginTemplate.Execute(&page, struct{ Next, Notice string }{next, notice}); err != nil {
		panic("server: the form does not render: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", loginPolicy)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a client that is gone sees nothing
}

// login begins a session for whoever sends the token.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		problem(w, http.StatusBadRequest, "the form cannot be read")
		return
	}
	next := localPath(r.PostForm.Get("next"))
	ok := s.auth.is(strings.TrimSpace(r.PostForm.Get("token")))
	if wait := s.auth.throttle.admit(r, ok); wait > 0 {
		tooMany(w, wait)
		return
	}
	if !ok {
		s.showLogin(w, http.StatusUnauthorized, next, "That is not the token.")
		return
	}
	http.SetCookie(w, s.auth.cookie(r, s.auth.session(s.o.Now().Add(sessionTime)), sessionTime))
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // localPath made it one of ours
}

// logout forgets the cookie.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.auth.cookie(r, "", -time.Second))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// localPath returns where to go after the login, if that is a page of ours;
// browsers read a backslash as a slash, and two slashes begin a host.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t\x00") || strings.HasPrefix(next, "//") || strings.HasPrefix(next, "/login") {
		return "/"
	}
	return next
}
