package server

import (
	"encoding/json"
	"log"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/rs/zerolog"
)

// problem answers with what went wrong, in the form of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, "application/problem+json", status, struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, detail})
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // a client that is gone is told nothing
}

// pageless is the policy of answers that are no page: were one shown as a page
// after all, nothing in it would run or load.
const pageless = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// withHeaders sets what holds for every answer. Pages replace the policy.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageless)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		// Not no-referrer: with it browsers hide the origin of our own form, too.
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// recovering answers 500 where a handler panicked, and goes on.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // the standard library's own value, panicked as such
				panic(v)
			}
			// The path alone: queries hold IDs and signatures.
			s.o.Log.Error().Interface("panic", v).Str("path", r.URL.Path).Bytes("stack", debug.Stack()).Msg("a request's handler panicked")
			problem(w, http.StatusInternalServerError, "this is our mistake; it has been logged")
		}()
		next.ServeHTTP(w, r)
	})
}

// errorLog gives the HTTP server's own complaints to the log, at debug: they
// are about clients.
func (s *Server) errorLog() *log.Logger { return log.New(logWriter{s.o.Log}, "", 0) }

type logWriter struct{ log zerolog.Logger }

func (w logWriter) Write(b []byte) (int, error) {
	w.log.Debug().Str("reason", strings.TrimSpace(string(b))).Msg("a connection failed")
	return len(b), nil
}
