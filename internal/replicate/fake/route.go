package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// handler is an API handler that has passed authentication; account tells
// tokens apart without keeping them.
type handler func(w http.ResponseWriter, r *http.Request, account string)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	api := func(pattern, route string, h handler) { mux.Handle(pattern, s.api(route, h)) }
	api("POST /v1/predictions", "create", s.createByVersion)
	api("POST /v1/models/{owner}/{name}/predictions", "create", s.createByModel)
	api("GET /v1/predictions", "list", s.listPredictions)
	api("GET /v1/predictions/{id}", "get", s.getPrediction)
	api("POST /v1/predictions/{id}/cancel", "cancel", s.cancelPrediction)
	api("POST /v1/files", "upload", s.createFile)
	api("GET /v1/files", "file", s.listFiles)
	api("GET /v1/files/{id}", "file", s.getFile)
	api("DELETE /v1/files/{id}", "file", s.deleteFile)
	api("GET /v1/files/{id}/download", "file", s.downloadFile)
	api("GET /v1/account", "account", s.getAccount)
	api("GET /v1/models/{owner}/{name}", "model", s.getModel)
	api("GET /v1/models/{owner}/{name}/versions/{version}", "model", s.getModelVersion)
	api("GET /v1/webhooks/default/secret", "secret", s.getSecret)
	api("/v1/", "unknown", func(w http.ResponseWriter, _ *http.Request, _ string) { writeNotFound(w) })
	mux.HandleFunc("GET /outputs/{id}/{name}", s.download)
	// Clients read streams without the token; by this path they know a stream of files.
	mux.HandleFunc("GET /v1/files/{id}/stream", s.stream)
	mux.HandleFunc("GET /v1/streams/{id}", s.stream)
	s.adminRoutes(mux)
	return mux
}

// ServeHTTP serves the API, the files and the operator's side.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	skewed := s.settings.ClockSkew != 0
	now := s.now()
	s.mu.Unlock()
	if skewed {
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) api(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account, ok := s.authenticate(r)
		if !ok {
			writeUnauthenticated(w)
			return
		}
		s.mu.Lock()
		s.stats.Requests[route]++
		var hit faults
		if route != "create" { // a create's faults may depend on its body
			hit = s.struck(event{stage: atRequest, route: route})
		}
		s.mu.Unlock()
		if s.intercept(w, r, hit) {
			return
		}
		h(w, r, account)
	})
}

func (s *Server) authenticate(r *http.Request) (account string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "Token") {
		return "", false
	}
	if token == "" || (s.opts.Token != "" && token != s.opts.Token) {
		return "", false
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:4]), true
}

// base is the prefix of every URL given to this client.
func (s *Server) base(r *http.Request) string {
	if s.opts.PublicURL != "" {
		return strings.TrimSuffix(s.opts.PublicURL, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
