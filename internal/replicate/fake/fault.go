package fake

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind names what goes wrong.
type Kind string

// Faults of any request, before the server acts on it (Fault.On says which).
const (
	Throttle          Kind = "throttle"            // 429 with Retry-After (Seconds, default 1) and the usual body
	ThrottleBody      Kind = "throttle_body"       // 429 that names the time in its body only
	ThrottleLowCredit Kind = "throttle_low_credit" //nolint:gosec // no secret: 429 with the "reduced to 6 requests per minute" text
	Credit            Kind = "credit"              // 402
	Unauthorized      Kind = "unauthorized"        // 401
	NotFound          Kind = "not_found"           // 404: the model, or what is asked for, is gone
	ServerError       Kind = "server_error"        // 500
	BadGateway        Kind = "bad_gateway"         // 502 with an HTML body
	EOF               Kind = "eof"                 // connection closed
	Hang              Kind = "hang"                // no answer for Seconds (default: until the client leaves), then EOF
	Slow              Kind = "slow"                // Seconds late, otherwise right
)

// Faults of a create, after the prediction exists and will be charged.
const (
	HoldReply        Kind = "hold_reply"         // reply held for Seconds (default: until the client leaves), then sent
	ServerErrorAfter Kind = "server_error_after" // 500
	BadGatewayAfter  Kind = "bad_gateway_after"  // 502 with an HTML body
	EOFAfter         Kind = "eof_after"          // connection closed
	EarlyProcessing  Kind = "early_processing"   // Prefer: wait ends at once, 202 and "processing"
)

// Faults of a prediction's run and result.
const (
	Fail            Kind = "fail"             // failed with Code (E003, E004, E005, E6716, PA ...)
	Abort           Kind = "abort"            // ends "aborted" before it starts
	Stuck           Kind = "stuck"            // never leaves "starting"
	SlowRun         Kind = "slow_run"         // takes Seconds instead of its latency
	OutputNull      Kind = "output_null"      // succeeded, output null
	OutputString    Kind = "output_string"    // output as a string whatever the model
	OutputArray     Kind = "output_array"     // output as an array whatever the model
	OutputObject    Kind = "output_object"    // output as an object
	OutputNotImage  Kind = "output_not_image" // the file is an HTML page
	OutputBlank     Kind = "output_blank"     // the picture is one flat colour
	OutputSmall     Kind = "output_small"     // a quarter of the size; an upscaler answers smaller than its input
	OutputColour    Kind = "output_colour"    // a black-and-white prompt is answered in colour
	DataRemoved     Kind = "data_removed"     // succeeded, but the data is gone at once
	GridNone        Kind = "grid_none"        // one picture where a grid was asked for
	GridTruncated   Kind = "grid_truncated"   // two rows instead of three
	GridOffStyle    Kind = "grid_off_style"   // a grid in colours that the reference does not have
	JudgeNonsense   Kind = "judge_nonsense"   // a judgement that is no JSON
	JudgeFenced     Kind = "judge_fenced"     // a judgement in a code fence within prose
	JudgeEmpty      Kind = "judge_empty"      // an empty judgement
	JudgeSwapped    Kind = "judge_swapped"    // a judgement by which tiles 1 and 2 show each other's subject, and tile 3 none
	DownloadExpired Kind = "download_expired" // 404 for the file
	DownloadCut     Kind = "download_cut"     // half of the file, then EOF
	DownloadSlow    Kind = "download_slow"    // Seconds before the first byte
)

// Faults of a prediction's webhooks.
const (
	WebhookDrop       Kind = "webhook_drop"         // none is sent
	WebhookDuplicate  Kind = "webhook_duplicate"    // each is sent twice
	WebhookForged     Kind = "webhook_forged"       // signed with another secret
	WebhookLate       Kind = "webhook_late"         // Seconds late
	WebhookOutOfOrder Kind = "webhook_out_of_order" // the terminal one first, the others after it
)

type stage int

const (
	atRequest stage = iota + 1
	atReply
	atRun
	atDownload
)

var stages = map[Kind]stage{
	Throttle: atRequest, ThrottleBody: atRequest, ThrottleLowCredit: atRequest, Credit: atRequest,
	Unauthorized: atRequest, NotFound: atRequest, ServerError: atRequest, BadGateway: atRequest, EOF: atRequest, Hang: atRequest, Slow: atRequest,
	HoldReply: atReply, ServerErrorAfter: atReply, BadGatewayAfter: atReply, EOFAfter: atReply, EarlyProcessing: atReply,
	Fail: atRun, Abort: atRun, Stuck: atRun, SlowRun: atRun, OutputNull: atRun, OutputString: atRun, OutputArray: atRun,
	OutputObject: atRun, OutputNotImage: atRun, OutputBlank: atRun, OutputSmall: atRun, OutputColour: atRun, DataRemoved: atRun,
	GridNone: atRun, GridTruncated: atRun, GridOffStyle: atRun, JudgeNonsense: atRun, JudgeFenced: atRun, JudgeEmpty: atRun, JudgeSwapped: atRun,
	WebhookDrop: atRun, WebhookDuplicate: atRun, WebhookForged: atRun, WebhookLate: atRun, WebhookOutOfOrder: atRun,
	DownloadExpired: atDownload, DownloadCut: atDownload, DownloadSlow: atDownload,
}

// Fault is something that goes wrong, and for which requests. All conditions
// that are set must hold. The zero Nth, Every and Times mean: the first
// matching request, once.
type Fault struct {
	Kind Kind `json:"kind"`
	// On is the route of a request fault: create (default), get, list, cancel,
	// upload, file, account, model, secret, download, stream, or * for all.
	On string `json:"on,omitempty"`
	// Model is "owner/name"; Prompt a part of the prompt, in any case.
	Model  string `json:"model,omitempty"`
	Prompt string `json:"prompt,omitempty"`
	// Nth is the first matching request that is hit, from 1; Every hits each
	// further n-th one; Times is how many are hit in all (-1: no end).
	Nth   int `json:"nth,omitempty"`
	Every int `json:"every,omitempty"`
	Times int `json:"times,omitempty"`
	// Seconds is the fault's duration where it has one.
	Seconds float64 `json:"seconds,omitempty"`
	// Code is the error code of Fail (default E004).
	Code string `json:"code,omitempty"`
}

type armed struct {
	Fault

	seen, hit int
}

// event is one thing that a fault may strike.
type event struct {
	stage  stage
	route  string
	model  string
	prompt string
}

func (f *armed) matches(e event) bool {
	on := f.On
	if on == "" {
		on = "create"
	}
	if stages[f.Kind] != e.stage || (e.stage == atRequest && on != "*" && on != e.route) {
		return false
	}
	return (f.Model == "" || f.Model == e.model) &&
		strings.Contains(strings.ToLower(e.prompt), strings.ToLower(f.Prompt))
}

// strikes counts a matching event and reports whether it is hit.
func (f *armed) strikes() bool {
	f.seen++
	past := f.seen - max(f.Nth, 1)
	if past < 0 || (f.Every > 0 && past%f.Every != 0) {
		return false
	}
	if limit := f.Times; limit >= 0 && f.hit >= max(limit, 1) {
		return false
	}
	f.hit++
	return true
}

// Inject arms a fault. An unknown kind is an error, so that a misspelt chaos
// plan does not pass as a quiet one.
func (s *Server) Inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f})
	return nil
}

// routeNames are what a request fault may be on.
var routeNames = []string{
	"", "*", "create", "get", "list", "cancel", "upload", "file", "account", "model", "secret", "download", "stream", "unknown",
}

func (f Fault) check() error {
	if stages[f.Kind] == 0 {
		return fmt.Errorf("fake: unknown fault kind %q", f.Kind)
	}
	if !slices.Contains(routeNames, f.On) {
		return fmt.Errorf("fake: fault %s on unknown route %q", f.Kind, f.On)
	}
	return nil
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// struck returns the faults that hit the event. The caller holds s.mu.
func (s *Server) struck(e event) faults {
	var hit faults
	for _, f := range s.faults {
		if f.matches(e) && f.strikes() {
			s.stats.Injected[f.Kind]++
			hit = append(hit, f.Fault)
		}
	}
	return hit
}

type faults []Fault

func (f faults) get(k Kind) (Fault, bool) {
	i := slices.IndexFunc(f, func(x Fault) bool { return x.Kind == k })
	if i < 0 {
		return Fault{}, false
	}
	return f[i], true
}

func (f faults) has(k Kind) bool {
	_, ok := f.get(k)
	return ok
}

func (f faults) kinds() []Kind {
	kinds := make([]Kind, len(f))
	for i := range f {
		kinds[i] = f[i].Kind
	}
	return kinds
}

func (f Fault) duration(byDefault time.Duration) time.Duration {
	if f.Seconds <= 0 {
		return byDefault
	}
	return time.Duration(f.Seconds * float64(time.Second))
}

const untilClientLeaves = 24 * time.Hour

// intercept lets the request faults among those struck answer instead of the
// server. It reports whether the request is done with.
func (s *Server) intercept(w http.ResponseWriter, r *http.Request, struck faults) bool {
	for _, f := range struck {
		if s.answer(w, r, f) {
			return true
		}
	}
	return false
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f.Kind {
	case Throttle, ThrottleBody, ThrottleLowCredit:
		writeThrottle(w, f)
	case Credit:
		writeProblem(w, problem{Title: "Insufficient credit", Status: http.StatusPaymentRequired, Detail: creditDetail})
	case Unauthorized:
		writeUnauthenticated(w)
	case NotFound:
		writeNotFound(w)
	case ServerError, ServerErrorAfter:
		writeProblem(w, problem{Title: "Internal Server Error", Status: http.StatusInternalServerError, Detail: "Something went wrong."})
	case BadGateway, BadGatewayAfter:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"))
	case EOF, EOFAfter:
		panic(http.ErrAbortHandler)
	case Hang:
		s.sleep(f.duration(untilClientLeaves), r.Context().Done())
		panic(http.ErrAbortHandler)
	case Slow:
		s.hold(r, f.duration(time.Second))
		return false
	case HoldReply:
		s.hold(r, f.duration(untilClientLeaves))
		return false
	default:
		return false
	}
	return true
}

// hold lets time pass. When the client or the server leaves before, nothing is
// answered: an empty success would be a lie.
func (s *Server) hold(r *http.Request, d time.Duration) {
	if !s.sleep(d, r.Context().Done()) {
		panic(http.ErrAbortHandler)
	}
}
