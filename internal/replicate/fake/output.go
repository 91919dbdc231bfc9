package fake

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// output is a finished file that can be downloaded.
type output struct {
	rendered

	id, name string
	p        *prediction
}

// newOutput registers a file and returns its address. The caller holds s.mu.
func (s *Server) newOutput(p *prediction, i int, made rendered) string {
	o := &output{rendered: made, id: s.newID(), name: fmt.Sprintf("out-%d%s", i, made.ext), p: p}
	s.outputs[o.id] = o
	p.outputs = append(p.outputs, o)
	return p.base + "/outputs/" + o.id + "/" + o.name
}

// discard frees files that nobody will ask for.
func (s *Server) discard(made []rendered) {
	for _, m := range made {
		if !m.shared {
			s.spool.remove(m.path)
		}
	}
}

// download serves a file as the delivery host does, which knows no tokens.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" && !s.opts.AllowAuthorizedDownloads {
		http.Error(w, "A token was sent to the host that delivers files.", http.StatusBadRequest)
		return
	}
	o, early, late := s.asked(r)
	if s.intercept(w, r, early) {
		return
	}
	if o == nil || late.has(DownloadExpired) {
		http.NotFound(w, r)
		return
	}
	if f, ok := late.get(DownloadSlow); ok {
		s.hold(r, f.duration(5*time.Second))
	}
	s.send(w, o, late.has(DownloadCut))
}

// asked finds the file of a download and what strikes it: o is nil where there
// is none or its time is over.
func (s *Server) asked(r *http.Request) (o *output, early, late faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Requests["download"]++
	o = s.outputs[r.PathValue("id")]
	if o != nil && (o.name != r.PathValue("name") || s.expired(o.p)) {
		o = nil
	}
	e := event{stage: atRequest, route: "download"}
	if o == nil {
		return nil, s.struck(e), nil
	}
	entry := &s.log[o.p.entry]
	e.model, e.prompt = entry.Model, entry.Prompt
	early = s.struck(e)
	e.stage = atDownload
	late = s.struck(e)
	entry.Faults = append(append(entry.Faults, early.kinds()...), late.kinds()...)
	if len(early) == 0 && len(late) == 0 {
		entry.Downloads++
	}
	return o, early, late
}

// send writes the file, or its first half and nothing more.
func (s *Server) send(w http.ResponseWriter, o *output, half bool) {
	f, err := os.Open(o.path)
	if err != nil { // it expired this very moment
		http.Error(w, "gone", http.StatusNotFound)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.Header().Set("Content-Type", o.contentType)
	w.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	w.WriteHeader(http.StatusOK)
	if !half {
		_, _ = io.Copy(w, f) // the client has left: nobody to tell
		return
	}
	_, _ = io.CopyN(w, f, o.size/2)
	_ = http.NewResponseController(w).Flush() // what is cut is what was sent
	panic(http.ErrAbortHandler)
}
