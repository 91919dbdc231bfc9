package openai_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/openai"
)

const keyOfModels = "sk-of-the-test"

func modelsOf(t *testing.T, status int, contentType, body string) ([]string, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer "+keyOfModels {
			t.Errorf("asked %s %s with %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return openai.Models(t.Context(), openai.Options{Key: keyOfModels, BaseURL: server.URL + "/v1"})
}

func TestModelsAreThoseOfTheKey(t *testing.T) {
	got, err := modelsOf(t, http.StatusOK, "application/json", `{"object":"list","data":[{"id":"gpt-4.1-mini","object":"model"},{"id":"other","object":"model"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gpt-4.1-mini", "other"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestModelsOfAKeyThatIsRefused(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		_, err := modelsOf(t, status, "application/json", `{"error":{"message":"Incorrect API key provided: `+keyOfModels+`","code":"invalid_api_key"}}`)
		var field *trainset.FieldError
		if !errors.As(err, &field) || field.Field != "OPENAI_API_KEY" || field.Remedy == "" || strings.Contains(err.Error(), keyOfModels) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestModelsOfAServerThatListsNone(t *testing.T) {
	if _, err := modelsOf(t, http.StatusNotFound, "text/html", "<html>nothing here</html>"); !errors.Is(err, openai.ErrNoList) {
		t.Errorf("404: %v", err)
	}
	if _, err := modelsOf(t, http.StatusOK, "application/json", `{}`); !errors.Is(err, openai.ErrNoList) {
		t.Errorf("no list: %v", err)
	}
}

func TestModelsOfAServerThatIsDown(t *testing.T) {
	if _, err := modelsOf(t, http.StatusServiceUnavailable, "text/plain", "busy"); err == nil || errors.Is(err, openai.ErrNoList) || !strings.Contains(err.Error(), "503") {
		t.Errorf("503: %v", err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := openai.Models(ctx, openai.Options{Key: keyOfModels, BaseURL: server.URL})
	if err == nil || !strings.Contains(fmt.Sprint(err), "connection refused") || strings.Contains(err.Error(), server.URL) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := openai.Models(t.Context(), openai.Options{}); err == nil {
		t.Error("nobody was asked, and that is no error")
	}
}
