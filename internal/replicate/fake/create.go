package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a create: data URIs may be in it.
const maxBody = 32 << 20

// creation is the body of a create.
type creation struct {
	Version string         `json:"version"`
	Input   map[string]any `json:"input"`
	Webhook *string        `json:"webhook"`
	Events  []string       `json:"webhook_events_filter"`
}

func (c creation) prompt() string {
	s, _ := c.Input["prompt"].(string)
	return s
}

// order is a create whose request is understood.
type order struct {
	creation
	account, base string
	model         *model
	version       string
	// wait is how long the reply may be held back for the result; 0 not at all.
	wait time.Duration
	// lifetime is the Cancel-After header; 0 without one.
	lifetime time.Duration
}

func (s *Server) createByModel(w http.ResponseWriter, r *http.Request, account string) {
	s.create(w, r, account, func(creation) (*model, string) {
		m := modelByName(r.PathValue("owner") + "/" + r.PathValue("name"))
		if m == nil || !m.official {
			return nil, ""
		}
		return m, "hidden"
	}, writeNotFound)
}

func (s *Server) createByVersion(w http.ResponseWriter, r *http.Request, account string) {
	s.create(w, r, account, func(c creation) (*model, string) { return byVersion(c.Version) }, writeUnknownVersion)
}

// byVersion finds a model by "version", "owner/name:version" or, when it is an
// official one, "owner/name".
func byVersion(ref string) (*model, string) {
	name, version, versioned := strings.Cut(ref, ":")
	switch {
	case versioned:
		if m := modelByName(name); m != nil && m.version() == version {
			return m, version
		}
	case strings.Contains(ref, "/"):
		if m := modelByName(ref); m != nil && m.official {
			return m, "hidden"
		}
	default:
		if m := modelByVersion(ref); m != nil {
			return m, ref
		}
	}
	return nil, ""
}

func writeUnknownVersion(w http.ResponseWriter) {
	writeProblem(w, problem{
		Title: "Invalid version or not permitted", Status: http.StatusUnprocessableEntity,
		Detail: "The specified version does not exist (or perhaps you don't have permission to use it?)",
	})
}

// create answers in the order of what Replicate can know: limits and credit
// first, then the model, then the input.
func (s *Server) create(w http.ResponseWriter, r *http.Request, account string,
	find func(creation) (*model, string), unknown func(http.ResponseWriter),
) {
	c, bad := readCreation(w, r)
	m, version := find(c)
	hit := s.strike(event{stage: atRequest, route: "create", model: nameOf(m), prompt: c.prompt()})
	if s.intercept(w, r, hit) {
		return
	}
	if bad != nil {
		writeProblem(w, *bad)
		return
	}
	if m == nil {
		unknown(w)
		return
	}
	if problems := s.invalid(m, c); len(problems) > 0 {
		writeInvalid(w, problems)
		return
	}
	o := order{creation: c, account: account, base: s.base(r), model: m, version: version}
	if bad := o.readHeaders(r.Header); bad != nil {
		writeProblem(w, *bad)
		return
	}
	p, first, after := s.accept(o)
	switch {
	case p != nil:
		s.reply(w, r, p, first, o.wait)
	case after > 0:
		writeThrottle(w, Fault{Kind: Throttle, Seconds: after.Seconds()})
	default: // closing
		panic(http.ErrAbortHandler)
	}
}

func nameOf(m *model) string {
	if m == nil {
		return ""
	}
	return m.name
}

func (s *Server) strike(e event) faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck(e)
}

// readCreation decodes the body. Numbers stay as they were written.
func readCreation(w http.ResponseWriter, r *http.Request) (creation, *problem) {
	var c creation
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return c, &problem{Title: "Request too large", Status: http.StatusRequestEntityTooLarge, Detail: "Upload files instead of sending them inline."}
		}
		return c, &problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The request's body could not be read."}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err = d.Decode(&c)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return c, &problem{
			Title: "Input validation failed", Status: http.StatusUnprocessableEntity,
			Detail:        "- " + wrong.Field + ": Invalid type. Given: " + wrong.Value,
			InvalidFields: []invalidField{{"invalid_type", wrong.Field, "Invalid type. Given: " + wrong.Value}},
		}
	}
	if err != nil {
		return c, &problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The request's body is no JSON object."}
	}
	return c, nil
}

func (s *Server) invalid(m *model, c creation) []invalidField {
	if c.Input == nil {
		return []invalidField{{"required", "(root)", "input is required"}}
	}
	return append(m.validate(c.Input), s.validateWebhook(c)...)
}

var (
	preferWait  = regexp.MustCompile(`^wait(=([1-9]|[1-5][0-9]|60))?$`)
	cancelAfter = regexp.MustCompile(`^(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s?)?$`)
)

const (
	defaultWait    = 60 * time.Second
	minCancelAfter = 5 * time.Second
)

// readHeaders reads Prefer and Cancel-After.
func (o *order) readHeaders(h http.Header) *problem {
	if v := h.Get("Prefer"); v != "" {
		m := preferWait.FindStringSubmatch(v)
		if m == nil {
			return badHeader("Prefer", "must be wait or wait=n, n being 1 to 60")
		}
		o.wait = defaultWait
		if n, err := strconv.Atoi(m[2]); err == nil {
			o.wait = time.Duration(n) * time.Second
		}
	}
	if v := h.Get("Cancel-After"); v != "" {
		m := cancelAfter.FindStringSubmatch(v)
		if m == nil {
			return badHeader("Cancel-After", "must be a duration such as 90s, 5m or 1h30m")
		}
		hours, _ := strconv.Atoi(m[1])
		minutes, _ := strconv.Atoi(m[2])
		seconds, _ := strconv.Atoi(m[3])
		o.lifetime = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
		if o.lifetime < minCancelAfter {
			return badHeader("Cancel-After", "must be at least 5 seconds")
		}
	}
	return nil
}

func badHeader(name, why string) *problem {
	return &problem{Title: "Invalid header", Status: http.StatusUnprocessableEntity, Detail: "- " + name + ": " + why}
}

// accept makes the prediction, from which moment it exists, is logged and will
// be charged whatever becomes of the reply. It returns the prediction as it is
// before it starts; or, over the rate limit, when the next may be made.
func (s *Server) accept(o order) (p *prediction, first view, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, view{}, 0
	}
	now := s.now()
	if after := s.throttled(now); after > 0 {
		return nil, view{}, after
	}
	s.purge()
	p = s.newPrediction(o, now)
	s.predictions = append(s.predictions, p)
	s.byID[p.id] = p
	p.entry = len(s.log)
	s.log = append(s.log, newEntry(p))
	s.stats.Predictions++
	first = s.view(p)
	if p.mail != nil {
		s.start(func() { s.deliver(p) })
	}
	context.AfterFunc(p.ctx, func() { s.expire(p) })
	s.start(func() { s.run(p) })
	return p, first, 0
}

// throttled says how long until the rate limit lets another create pass; 0 is
// now, and then it counts one. The caller holds s.mu.
func (s *Server) throttled(now time.Time) time.Duration {
	const window = time.Minute
	kept := s.recent[:0]
	for _, t := range s.recent {
		if now.Sub(t) < window {
			kept = append(kept, t)
		}
	}
	s.recent = kept
	if limit := s.settings.RateLimit; limit > 0 && len(s.recent) >= limit {
		s.stats.Throttled++
		return max(s.recent[len(s.recent)-limit].Add(window).Sub(now), time.Second)
	}
	s.recent = append(s.recent, now)
	s.stats.MaxPerMinute = max(s.stats.MaxPerMinute, len(s.recent))
	return 0
}

// newPrediction draws its ID, seed, latency and faults. The caller holds s.mu.
func (s *Server) newPrediction(o order, now time.Time) *prediction {
	n := len(s.predictions) + 1
	random := s.randomOf(n)
	p := &prediction{
		id: idFrom(random), n: n, account: o.account, base: o.base, model: o.model, version: o.version,
		input: o.Input, shown: o.Input, full: o.model.withDefaults(o.Input),
		webhook: o.Webhook, events: o.Events,
		status: statusStarting, created: now.Truncate(time.Microsecond),
		startDelay: s.settings.Latency.Start, latency: s.settings.Latency.of(o.model.name, s.opts.Seed, n),
		begun: make(chan struct{}), done: make(chan struct{}),
	}
	p.seed = p.chooseSeed(random.Int64N(1 << 31))
	if s.settings.NormalizeInputs {
		p.shown = s.normalized(p)
	}
	if o.Webhook != nil && *o.Webhook != "" {
		p.mail = make(chan delivery, maxDeliveries)
	}
	e := event{model: o.model.name, prompt: p.prompt()}
	for _, e.stage = range []stage{atReply, atRun} {
		p.struck = append(p.struck, s.struck(e)...)
	}
	if f, ok := p.struck.get(SlowRun); ok {
		p.latency = f.duration(defaultSlowRun)
	}
	lifetime := orDefault(s.settings.HardTimeout, 30*time.Minute)
	if o.lifetime > 0 {
		lifetime, p.deadline = o.lifetime, p.created.Add(o.lifetime)
	}
	p.ctx, p.stop = s.lifetime(lifetime)
	return p
}

const defaultSlowRun = 30 * time.Second

// lifetime is a context that ends by itself with errDeadline.
func (s *Server) lifetime(d time.Duration) (context.Context, context.CancelCauseFunc) {
	ctx, release := context.WithTimeoutCause(s.ctx, d, errDeadline)
	ctx, stop := context.WithCancelCause(ctx)
	return ctx, func(cause error) {
		stop(cause)
		release()
	}
}

// chooseSeed is the input's seed, or one drawn for it where it has none.
func (p *prediction) chooseSeed(drawn int64) int64 {
	if n, ok := p.input["seed"].(json.Number); ok {
		if v, err := n.Int64(); err == nil {
			return v
		}
		if f, err := n.Float64(); err == nil {
			return int64(f)
		}
	}
	return drawn
}

// reply sends the prediction as it was when it was made, or waits for it to
// end where the client prefers that.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, p *prediction, v view, wait time.Duration) {
	status := http.StatusCreated
	if wait > 0 {
		status, v = s.await(r, p, wait)
	}
	if s.intercept(w, r, p.struck) {
		return
	}
	writeJSON(w, status, v)
}

// await returns 201 and the ended prediction, or 202 and an unfinished one.
func (s *Server) await(r *http.Request, p *prediction, wait time.Duration) (int, view) {
	early := p.struck.has(EarlyProcessing)
	ready := p.done
	if early {
		ready = p.begun
	}
	s.sleep(wait, ready, r.Context().Done())
	if s.ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view(p)
	if early && !p.started.IsZero() { // it may have ended in the meantime
		v.Status, v.CompletedAt, v.Error, v.Metrics = statusProcessing, nil, nil, map[string]float64{}
		v.contents = &contents{Input: v.Input, Logs: v.Logs}
		return http.StatusAccepted, v
	}
	if !p.ended() {
		return http.StatusAccepted, v
	}
	return http.StatusCreated, v
}
