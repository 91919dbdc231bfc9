package fake

import (
	"net/http"
	"time"
)

// modelsSince dates all models and versions: their age means nothing here.
var modelsSince = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

type modelView struct {
	URL            string       `json:"url"`
	Owner          string       `json:"owner"`
	Name           string       `json:"name"`
	Description    string       `json:"description"`
	Visibility     string       `json:"visibility"`
	IsOfficial     bool         `json:"is_official"`
	GithubURL      *string      `json:"github_url"`
	PaperURL       *string      `json:"paper_url"`
	LicenseURL     *string      `json:"license_url"`
	RunCount       int          `json:"run_count"`
	CoverImageURL  *string      `json:"cover_image_url"`
	DefaultExample *struct{}    `json:"default_example"`
	LatestVersion  *versionView `json:"latest_version"`
}

type versionView struct {
	ID            string         `json:"id"`
	CreatedAt     string         `json:"created_at"`
	CogVersion    string         `json:"cog_version"`
	OpenAPISchema map[string]any `json:"openapi_schema"`
}

func (m *model) versionView() *versionView {
	return &versionView{ID: m.version(), CreatedAt: stamp(modelsSince), CogVersion: "0.16.0", OpenAPISchema: m.openAPI()}
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request, _ string) {
	m := modelByName(r.PathValue("owner") + "/" + r.PathValue("name"))
	if m == nil {
		writeNotFound(w)
		return
	}
	s.mu.Lock()
	runs := 0
	for _, p := range s.predictions {
		if p.model == m {
			runs++
		}
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, modelView{
		URL: "https://replicate.com/" + m.name, Owner: m.owner(), Name: m.short(), Description: m.about,
		Visibility: "public", IsOfficial: m.official, RunCount: runs, LatestVersion: m.versionView(),
	})
}

func (s *Server) getModelVersion(w http.ResponseWriter, r *http.Request, _ string) {
	m := modelByName(r.PathValue("owner") + "/" + r.PathValue("name"))
	if m == nil || r.PathValue("version") != m.version() {
		writeNotFound(w)
		return
	}
	writeJSON(w, http.StatusOK, m.versionView())
}

// getAccount makes up a name that tells tokens apart and cannot be turned back.
func (s *Server) getAccount(w http.ResponseWriter, _ *http.Request, account string) {
	writeJSON(w, http.StatusOK, map[string]any{
		"type": "user", "username": "simulated-" + account, "name": "Simulated account", "github_url": nil, "avatar_url": nil,
	})
}

func (s *Server) getSecret(w http.ResponseWriter, _ *http.Request, _ string) {
	writeJSON(w, http.StatusOK, map[string]string{"key": s.secret})
}
