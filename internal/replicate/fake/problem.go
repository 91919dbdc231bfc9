package fake

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const creditDetail = "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit." //nolint:gosec // no secret

// problem is an application/problem+json body.
type problem struct {
	Title         string         `json:"title,omitempty"`
	Detail        string         `json:"detail"`
	Status        int            `json:"status"`
	RetryAfter    int            `json:"retry_after,omitempty"`
	InvalidFields []invalidField `json:"invalid_fields,omitempty"`
}

type invalidField struct {
	Type        string `json:"type"`
	Field       string `json:"field"`
	Description string `json:"description"`
}

func writeProblem(w http.ResponseWriter, p problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has left: nobody to tell
}

func writeUnauthenticated(w http.ResponseWriter) {
	writeProblem(w, problem{
		Title: "Unauthenticated", Status: http.StatusUnauthorized,
		Detail: "You did not pass a valid authentication token",
	})
}

func writeNotFound(w http.ResponseWriter) {
	writeProblem(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "The requested resource could not be found."})
}

func writeInvalid(w http.ResponseWriter, fields []invalidField) {
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = "- " + f.Field + ": " + f.Description
	}
	writeProblem(w, problem{
		Title: "Input validation failed", Status: http.StatusUnprocessableEntity,
		Detail: strings.Join(lines, "\n"), InvalidFields: fields,
	})
}

func writeThrottle(w http.ResponseWriter, f Fault) {
	seconds := int(math.Ceil(f.duration(time.Second).Seconds()))
	p := problem{
		Status: http.StatusTooManyRequests,
		Detail: fmt.Sprintf("Request was throttled. Your rate limit resets in ~%ds.", seconds),
	}
	switch f.Kind { //nolint:exhaustive // three kinds of throttle
	case Throttle:
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	case ThrottleLowCredit:
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		p.RetryAfter = seconds
		p.Detail = fmt.Sprintf("Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute"+
			" with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~%ds.", seconds)
	}
	writeProblem(w, p)
}
