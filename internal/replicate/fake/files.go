package fake

import (
	"crypto/md5" //nolint:gosec // an ETag, as Replicate's are; nothing is secured by it
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxFile     = 100 << 20
	maxFilename = 255
	maxField    = 64 << 10 // of a form's other fields
)

// file is an uploaded file.
type file struct {
	id, account      string
	n                int
	base             string
	name, kind       string
	size             int64
	md5, sha256      string
	metadata         map[string]any
	created, expires time.Time
	path             string
}

type fileView struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	ContentType string            `json:"content_type"`
	Size        int64             `json:"size"`
	Etag        string            `json:"etag"`
	Checksums   map[string]string `json:"checksums"`
	Metadata    map[string]any    `json:"metadata"`
	CreatedAt   string            `json:"created_at"`
	ExpiresAt   string            `json:"expires_at"`
	URLs        map[string]string `json:"urls"`
}

func (f *file) view() fileView {
	return fileView{
		ID: f.id, Name: f.name, ContentType: f.kind, Size: f.size, Etag: f.md5,
		Checksums: map[string]string{"sha256": f.sha256, "md5": f.md5}, Metadata: f.metadata,
		CreatedAt: stamp(f.created), ExpiresAt: stamp(f.expires),
		URLs: map[string]string{"get": f.base + "/v1/files/" + f.id},
	}
}

func fileOrdinal(f *file) int { return f.n }

// createFile takes a form with the file in its field "content".
func (s *Server) createFile(w http.ResponseWriter, r *http.Request, account string) {
	form, err := r.MultipartReader()
	if err != nil {
		writeProblem(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The body is no multipart form."})
		return
	}
	f, bad := s.readForm(form)
	if bad != nil {
		if f != nil {
			s.spool.remove(f.path)
		}
		writeProblem(w, *bad)
		return
	}
	s.mu.Lock()
	s.purgeFiles()
	s.fileCount++
	f.id, f.account, f.n, f.base = s.newID(), account, s.fileCount, s.base(r)
	f.created = s.now().Truncate(time.Microsecond)
	f.expires = f.created.Add(s.opts.FileExpiry)
	s.files[f.id] = f
	s.uploads = append(s.uploads, f)
	s.mu.Unlock()
	writeJSON(w, http.StatusCreated, f.view())
}

func badForm(status int, detail string) *problem {
	return &problem{Title: "Invalid file", Status: status, Detail: detail}
}

// readForm reads all fields, in whichever order they come. The file it returns
// with a problem has a path where one must be removed.
func (s *Server) readForm(form *multipart.Reader) (*file, *problem) {
	var f *file
	fields := map[string]string{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, badForm(http.StatusBadRequest, "The form ends early.")
		}
		if part.FormName() == "content" && f == nil {
			var bad *problem
			if f, bad = s.readContent(part); bad != nil {
				return f, bad
			}
			continue
		}
		b, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil || len(b) > maxField {
			return f, badForm(http.StatusBadRequest, "A field of the form could not be read.")
		}
		fields[part.FormName()] = string(b)
	}
	if f == nil {
		return nil, badForm(http.StatusUnprocessableEntity, "- content: content is required")
	}
	return f, f.complete(fields)
}

// complete lets the form's fields say what the part did not.
func (f *file) complete(fields map[string]string) *problem {
	if v := fields["filename"]; v != "" {
		f.name = v
	}
	if v := fields["type"]; v != "" {
		f.kind = v
	}
	if f.name == "" {
		f.name = "file"
	}
	if len(f.name) > maxFilename {
		return badForm(http.StatusUnprocessableEntity, fmt.Sprintf("- filename: may have at most %d bytes", maxFilename))
	}
	if _, _, err := mime.ParseMediaType(f.kind); err != nil {
		return badForm(http.StatusUnprocessableEntity, "- type: is no content type")
	}
	f.metadata = map[string]any{}
	if v := fields["metadata"]; v != "" {
		if err := json.Unmarshal([]byte(v), &f.metadata); err != nil {
			return badForm(http.StatusUnprocessableEntity, "- metadata: must be a JSON object")
		}
	}
	return nil
}

// readContent spools the file and takes its sums on the way.
func (s *Server) readContent(part *multipart.Part) (*file, *problem) {
	to, err := s.spool.create()
	if err != nil {
		return nil, badForm(http.StatusInternalServerError, "The file could not be kept.")
	}
	f := &file{path: to.Name(), name: part.FileName(), kind: part.Header.Get("Content-Type")}
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	sums := [2]hash.Hash{sha256.New(), md5.New()} //nolint:gosec // see the import
	f.size, err = io.Copy(io.MultiWriter(to, sums[0], sums[1]), io.LimitReader(part, s.fileLimit+1))
	f.sha256, f.md5 = hex.EncodeToString(sums[0].Sum(nil)), hex.EncodeToString(sums[1].Sum(nil))
	if err := errors.Join(err, to.Close()); err != nil {
		return f, badForm(http.StatusBadRequest, "The file could not be read.")
	}
	if f.size > s.fileLimit {
		return f, badForm(http.StatusRequestEntityTooLarge, "A file may have at most 100 MB.")
	}
	return f, nil
}

// fileOf is the account's file of that ID, unless it has expired.
func (s *Server) fileOf(id, account string) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	if f == nil || f.account != account || !s.now().Before(f.expires) {
		return nil
	}
	return f
}

// withFile answers 404 for a file that is not the account's.
func (s *Server) withFile(w http.ResponseWriter, r *http.Request, account string, do func(*file)) {
	f := s.fileOf(r.PathValue("id"), account)
	if f == nil {
		writeNotFound(w)
		return
	}
	do(f)
}

func (s *Server) getFile(w http.ResponseWriter, r *http.Request, account string) {
	s.withFile(w, r, account, func(f *file) { writeJSON(w, http.StatusOK, f.view()) })
}

func (s *Server) deleteFile(w http.ResponseWriter, r *http.Request, account string) {
	s.withFile(w, r, account, func(f *file) {
		s.mu.Lock()
		s.dropFile(f)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
}

func (s *Server) downloadFile(w http.ResponseWriter, r *http.Request, account string) {
	s.withFile(w, r, account, func(f *file) {
		from, err := os.Open(f.path)
		if err != nil { // it was deleted this very moment
			writeNotFound(w)
			return
		}
		defer from.Close() //nolint:errcheck // only read
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("Content-Length", strconv.FormatInt(f.size, 10))
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
		_, _ = io.Copy(w, from) // the client has left: nobody to tell
	})
}

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request, account string) {
	c, err := readCursor(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Title: "Invalid cursor", Status: http.StatusBadRequest, Detail: "The cursor is invalid."})
		return
	}
	s.mu.Lock()
	var rows []*file
	for _, f := range slices.Backward(s.uploads) {
		if f.account == account && s.now().Before(f.expires) {
			rows = append(rows, f)
		}
	}
	s.mu.Unlock()
	part, newer, older := cut(rows, fileOrdinal, c, s.opts.PageSize)
	list := page[fileView]{Results: make([]fileView, len(part))}
	for i, f := range part {
		list.Results[i] = f.view()
	}
	list.Previous, list.Next = links(s, r, part, fileOrdinal, newer, older)
	writeJSON(w, http.StatusOK, list)
}

// dropFile forgets a file. The caller holds s.mu.
func (s *Server) dropFile(f *file) {
	delete(s.files, f.id)
	s.uploads = slices.DeleteFunc(s.uploads, func(x *file) bool { return x == f })
	s.spool.remove(f.path)
}

// purgeFiles frees what has expired. The caller holds s.mu.
func (s *Server) purgeFiles() {
	for len(s.uploads) > 0 && !s.now().Before(s.uploads[0].expires) {
		s.dropFile(s.uploads[0])
	}
}

// deliveryName is a file's name as a URL may show it.
func deliveryName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < '!' || c > '~' || strings.ContainsRune(`/\?#%"`, c) {
			return '_'
		}
		return c
	}, filepath.Base(name))
}
