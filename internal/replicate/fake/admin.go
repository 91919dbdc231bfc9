package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The operator's side. None of it asks for a token: whoever can reach a
// simulation may steer it.
//
//	GET    /_fake/stats     counts: Stats
//	GET    /_fake/log       every prediction made: a list of Entry, or one a
//	                        line with ?format=lines; with ?after=N those that
//	                        follow the first N
//	GET    /_fake/settings  Settings
//	PATCH  /_fake/settings  changes the settings that it names
//	GET    /_fake/faults    the faults that are armed
//	POST   /_fake/faults    arms a Fault or a list of them
//	DELETE /_fake/faults    disarms all
func (s *Server) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_fake/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	mux.HandleFunc("GET /_fake/log", s.adminLog)
	mux.HandleFunc("GET /_fake/settings", s.adminSettings)
	mux.HandleFunc("PATCH /_fake/settings", s.adminConfigure)
	mux.HandleFunc("GET /_fake/faults", s.adminFaults)
	mux.HandleFunc("POST /_fake/faults", s.adminInject)
	mux.HandleFunc("DELETE /_fake/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
}

func (s *Server) adminLog(w http.ResponseWriter, r *http.Request) {
	log := s.Log()
	if text := r.URL.Query().Get("after"); text != "" {
		after, err := strconv.Atoi(text)
		if err != nil || after < 0 {
			refuse(w, fmt.Errorf("after is %q, not a number of predictions", text))
			return
		}
		log = log[min(after, len(log)):]
	}
	if r.URL.Query().Get("format") != "lines" {
		writeJSON(w, http.StatusOK, log)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	for _, e := range log {
		if lines.Encode(e) != nil { // the client has left: nobody to tell
			return
		}
	}
}

func (s *Server) adminSettings(w http.ResponseWriter, _ *http.Request) {
	var settings Settings
	s.Configure(func(now *Settings) { settings = now.clone() })
	writeJSON(w, http.StatusOK, settings)
}

func (s *Server) adminConfigure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		refuse(w, err)
		return
	}
	s.Configure(func(now *Settings) { err = json.Unmarshal(body, now) })
	if err != nil {
		refuse(w, err)
		return
	}
	s.adminSettings(w, r)
}

func (s *Server) adminFaults(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	list := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		list[i] = f.Fault
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, list)
}

// adminInject arms all of a list or, when one of them is wrong, none.
func (s *Server) adminInject(w http.ResponseWriter, r *http.Request) {
	list, err := readFaults(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		refuse(w, err)
		return
	}
	for _, f := range list {
		if err := s.Inject(f); err != nil {
			refuse(w, err)
			return
		}
	}
	writeJSON(w, http.StatusCreated, list)
}

func readFaults(body io.Reader) ([]Fault, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("reading faults: %w", err)
	}
	if !strings.HasPrefix(strings.TrimSpace(string(b)), "[") {
		b = append(append([]byte("["), b...), ']')
	}
	var list []Fault
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("reading faults: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("reading faults: there is none")
	}
	for _, f := range list {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func refuse(w http.ResponseWriter, err error) {
	writeProblem(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: err.Error()})
}
