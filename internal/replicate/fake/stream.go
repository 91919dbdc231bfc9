package fake

import (
	"fmt"
	"net/http"
	"strings"
)

// streamPath is where a prediction's output can be read as server-sent events.
// Replicate's clients tell by "/v1/files/" that the events are files.
func (p *prediction) streamPath() string {
	if p.model.output == chunks {
		return "/v1/streams/" + p.id
	}
	return "/v1/files/" + p.id + "/stream"
}

// stream sends the output's parts once the prediction has ended, and then
// "done". Like the outputs it is read without a token, by its address alone.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.stats.Requests["stream"]++
	p := s.byID[r.PathValue("id")]
	hit := s.struck(event{stage: atRequest, route: "stream"})
	s.mu.Unlock()
	if s.intercept(w, r, hit) {
		return
	}
	if p == nil || p.streamPath() != r.URL.Path {
		writeNotFound(w)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).Flush() // the client may begin to listen
	select {
	case <-p.done:
	case <-r.Context().Done():
		return
	case <-s.ctx.Done():
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	v := s.view(p)
	s.mu.Unlock()
	writeEvents(w, v)
}

func writeEvents(w http.ResponseWriter, v view) {
	for i, part := range parts(v.Output) {
		writeEvent(w, "output", i, part)
	}
	switch v.Status {
	case statusSucceeded:
		writeEvent(w, "done", 0, "{}")
	case statusFailed:
		writeEvent(w, "error", 0, fmt.Sprintf(`{"detail":%q}`, *v.Error))
		writeEvent(w, "done", 0, `{"reason":"error"}`)
	default:
		writeEvent(w, "done", 0, `{"reason":"canceled"}`)
	}
}

// parts are the events of an output: of a list each, of a string one.
func parts(output any) []string {
	switch v := output.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

func writeEvent(w http.ResponseWriter, name string, n int, data string) {
	data = strings.ReplaceAll(data, "\n", "\ndata: ")
	_, _ = fmt.Fprintf(w, "event: %s\nid: %d\ndata: %s\n\n", name, n, data) // the client has left: nobody to tell
}
