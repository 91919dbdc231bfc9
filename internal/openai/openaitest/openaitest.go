// Package openaitest is the other side of OpenAI's API for tests: a handler of
// chat completions that checks what it is asked as the real one does and
// answers by a script, in the real one's JSON.
//
// It must not know the client it tests.
package openaitest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Call is a question that was asked in due form.
type Call struct {
	Model, System, Prompt string
	MediaType             string // of the first picture, the grid
	Picture               []byte
	Others                [][]byte // the pictures after it
	SchemaName            string
}

// Reply answers a call.
type Reply func(w http.ResponseWriter, r *http.Request)

// Server answers questions: the first calls by the script, all others by
// Always. It is safe for concurrent use once it serves.
type Server struct {
	Key    string // that calls must carry; none when empty
	Script []Reply
	Always Reply // Answer(Fit()) when nil

	mu      sync.Mutex
	calls   []Call
	hits    int
	running int
	most    int
}

// Calls are the questions so far that were in due form.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Hits is how many requests there were, in due form or not.
func (s *Server) Hits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits
}

// Most is how many requests were answered at once at most.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply, leave := s.enter()
	defer leave()
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" {
		Refuse(http.StatusNotFound, "", "Invalid URL ("+r.Method+" "+r.URL.Path+")")(w, r)
		return
	}
	if s.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.Key {
		Refuse(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+".")(w, r)
		return
	}
	call, err := read(r.Body)
	if err != nil {
		Refuse(http.StatusBadRequest, "invalid_value", err.Error())(w, r)
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	reply(w, r)
}

func (s *Server) enter() (Reply, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits++
	s.running++
	s.most = max(s.most, s.running)
	reply := s.Always
	if reply == nil {
		reply = Answer(Fit())
	}
	if len(s.Script) > 0 {
		reply, s.Script = s.Script[0], s.Script[1:]
	}
	return reply, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}
}

// request is what is read of a chat completion's.
type request struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	ResponseFormat struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Name   string         `json:"name"`
			Strict bool           `json:"strict"`
			Schema map[string]any `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// part is one of a message's.
type part struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	ImageURL struct {
		URL    string `json:"url"`
		Detail string `json:"detail"`
	} `json:"image_url"`
}

func read(body io.Reader) (Call, error) {
	var q request
	if err := json.NewDecoder(body).Decode(&q); err != nil {
		return Call{}, fmt.Errorf("we could not parse the JSON body of your request: %w", err)
	}
	c := Call{Model: q.Model, SchemaName: q.ResponseFormat.JSONSchema.Name}
	for _, m := range q.Messages {
		var text string
		if json.Unmarshal(m.Content, &text) == nil && m.Role == "system" {
			c.System = text
			continue
		}
		if err := c.user(m.Content); err != nil {
			return c, err
		}
	}
	switch f := q.ResponseFormat; {
	case c.Model == "":
		return c, fmt.Errorf("you must provide a model parameter")
	case f.Type != "json_schema" || !f.JSONSchema.Strict || c.SchemaName == "":
		return c, fmt.Errorf("invalid response_format: %+v", f)
	}
	return c, strict(q.ResponseFormat.JSONSchema.Schema, "")
}

// user reads the parts of the user's message.
func (c *Call) user(content json.RawMessage) error {
	var parts []part
	if err := json.Unmarshal(content, &parts); err != nil {
		return fmt.Errorf("invalid type for 'messages.content': %w", err)
	}
	for _, p := range parts {
		switch p.Type {
		case "text":
			c.Prompt += p.Text
		case "image_url":
			head, data, ok := strings.Cut(p.ImageURL.URL, ";base64,")
			picture, err := base64.StdEncoding.DecodeString(data)
			if !ok || err != nil || !slices.Contains([]string{"auto", "low", "high", "original", ""}, p.ImageURL.Detail) {
				return fmt.Errorf("invalid base64 image_url")
			}
			if err := c.show(strings.TrimPrefix(head, "data:"), picture); err != nil {
				return err
			}
		default:
			return fmt.Errorf("invalid value: %q", p.Type)
		}
	}
	if c.Picture == nil {
		return errNoImage
	}
	return nil
}

var errNoImage = errors.New("invalid MIME type. Only image types are supported")

// show takes a picture.
func (c *Call) show(kind string, picture []byte) error {
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		return errNoImage
	}
	if c.Picture != nil {
		c.Others = append(c.Others, picture)
		return nil
	}
	c.MediaType, c.Picture = kind, picture
	return nil
}

// strict checks a schema as strict structured output does: of every object all
// properties are required and no others allowed.
func strict(schema map[string]any, at string) error {
	if schema["type"] == "array" {
		items, _ := schema["items"].(map[string]any)
		return strict(items, at+"[]")
	}
	if schema["type"] != "object" {
		if at == "" {
			return fmt.Errorf("schema must be a JSON Schema of 'type: \"object\"'")
		}
		return nil
	}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if schema["additionalProperties"] != false || len(properties) == 0 || len(required) != len(properties) {
		return fmt.Errorf("invalid schema: in context=(%s), 'additionalProperties' must be false and all properties required", at)
	}
	for name, p := range properties {
		sub, _ := p.(map[string]any)
		if err := strict(sub, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// Fit is an answer by which all nine tiles but those named are good.
func Fit(but ...int) string {
	type verdict struct {
		Tile   int    `json:"tile"`
		Unique bool   `json:"unique"`
		Fit    bool   `json:"fit"`
		Shows  int    `json:"shows"`
		Reason string `json:"reason"`
	}
	var all []verdict
	for tile := 1; tile <= 9; tile++ {
		v := verdict{tile, true, !slices.Contains(but, tile), tile, "whole and clear"}
		if !v.Fit {
			v.Reason = "lettering across the sky"
		}
		all = append(all, v)
	}
	b, _ := json.Marshal(map[string]any{"tiles": all})
	return string(b)
}

// Answer is a completion with this text.
func Answer(text string) Reply { return completion("stop", text, nil) }

// CutShort is a completion that ran out of tokens.
func CutShort(text string) Reply { return completion("length", text, nil) }

// Withheld is a completion that the content filter took away.
func Withheld() Reply { return completion("content_filter", "", nil) }

// Decline is a completion in which the model refuses.
func Decline(why string) Reply { return completion("stop", nil, why) }

func completion(finish string, content, refusal any) Reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, map[string]any{
			"id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion", "created": time.Now().Unix(),
			"model": "gpt-4.1-mini-2025-04-14", "service_tier": "default", "system_fingerprint": "fp_658b958c37",
			"choices": []any{map[string]any{
				"index": 0, "logprobs": nil, "finish_reason": finish,
				"message": map[string]any{"role": "assistant", "content": content, "refusal": refusal, "annotations": []any{}},
			}},
			"usage": map[string]any{
				"prompt_tokens": 2410, "completion_tokens": 286, "total_tokens": 2696,
				"prompt_tokens_details":     map[string]any{"cached_tokens": 0, "audio_tokens": 0},
				"completion_tokens_details": map[string]any{"reasoning_tokens": 0, "audio_tokens": 0},
			},
		})
	}
}

// Empty is an answer without a choice.
func Empty() Reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "choices": []any{}})
	}
}

// Refuse is an error of the API.
func Refuse(status int, code, message string) Reply {
	kind := "invalid_request_error"
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		var c any
		if code != "" {
			c = code
		}
		send(w, status, map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": c}})
	}
}

// Page is an error page of something in between.
func Page(status int) Reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html><body><h1>"+strconv.Itoa(status)+"</h1></body></html>")
	}
}

// With sets a header of a reply.
func With(header, value string, r Reply) Reply {
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set(header, value)
		r(w, req)
	}
}

// Hang answers nothing until the client has left.
func Hang() Reply {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// Drop ends the connection without an answer.
func Drop() Reply {
	return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// Slowly answers after a time, unless the client has left.
func Slowly(d time.Duration, r Reply) Reply {
	return func(w http.ResponseWriter, req *http.Request) {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			r(w, req)
		case <-req.Context().Done():
		}
	}
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", "req_2f6c8f3e")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
