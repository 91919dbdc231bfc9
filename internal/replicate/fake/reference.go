package fake

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxReference bounds one file of an input.
const maxReference = 100 << 20

// fetch reads a file that an input refers to.
func (s *Server) fetch(ctx context.Context, p *prediction, ref string) ([]byte, error) {
	if strings.HasPrefix(ref, "data:") {
		return decodeDataURI(ref)
	}
	u, err := url.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("reading an address: %w", err)
	}
	if path, ok := strings.CutPrefix(ref, p.base); ok {
		return s.ownFile(p.account, path)
	}
	if u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return nil, errUnreachable
	}
	return fetchLocal(ctx, ref)
}

// ownFile reads an upload of the same account, or an output.
func (s *Server) ownFile(account, path string) ([]byte, error) {
	path, _, _ = strings.Cut(path, "?")
	var at string
	if id, ok := strings.CutPrefix(path, "/v1/files/"); ok {
		if f := s.fileOf(strings.TrimSuffix(id, "/download"), account); f != nil {
			at = f.path
		}
	} else if id, ok := strings.CutPrefix(path, "/outputs/"); ok {
		id, _, _ = strings.Cut(id, "/")
		at = s.outputPath(id)
	}
	if at == "" {
		return nil, errors.New("404 Not Found")
	}
	data, err := os.ReadFile(at)
	if err != nil {
		return nil, errors.New("404 Not Found") // it was deleted this very moment
	}
	return data, nil
}

func (s *Server) outputPath(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.outputs[id]; o != nil && !s.expired(o.p) {
		return o.path
	}
	return ""
}

func decodeDataURI(ref string) ([]byte, error) {
	head, body, ok := strings.Cut(strings.TrimPrefix(ref, "data:"), ",")
	if !ok {
		return nil, errors.New("a data URI without data")
	}
	if !strings.HasSuffix(head, ";base64") {
		text, err := url.PathUnescape(body)
		if err != nil {
			return nil, fmt.Errorf("decoding a data URI: %w", err)
		}
		return []byte(text), nil
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("decoding a data URI: %w", err)
	}
	return data, nil
}

// localClient follows no redirect: one could lead away from this machine.
var localClient = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func fetchLocal(ctx context.Context, ref string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ref, nil)
	if err != nil {
		return nil, fmt.Errorf("reading an address: %w", err)
	}
	resp, err := localClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxReference+1))
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	if len(data) > maxReference {
		return nil, errors.New("it is too large")
	}
	return data, nil
}

// normalized is the input as Replicate may report it: defaults filled in, the
// prompt trimmed, whole numbers as floats, uploads at the delivery host. The
// caller holds s.mu.
func (s *Server) normalized(p *prediction) map[string]any {
	out := make(map[string]any, len(p.full))
	for name, v := range p.full {
		if text, ok := v.(string); ok && name == "prompt" {
			v = strings.TrimSpace(text)
		}
		out[name] = s.normalizedValue(p.base, v)
	}
	return out
}

func (s *Server) normalizedValue(base string, v any) any {
	switch v := v.(type) {
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return json.Number(v.String() + ".0")
		}
	case string:
		id, ok := strings.CutPrefix(v, base+"/v1/files/")
		if f := s.files[id]; ok && f != nil {
			return "https://replicate.delivery/pbxt/" + f.id + "/" + deliveryName(f.name)
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = s.normalizedValue(base, e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			m[name] = s.normalizedValue(base, e)
		}
		return m
	}
	return v
}
