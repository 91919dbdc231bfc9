// Package fake is Replicate's HTTP API in one process: predictions, files,
// lists, cancellation, signed webhooks, problems, expiry, and pictures that are
// really made from the reference and the prompt. It fails on command and keeps
// an exact log of what it was asked to make; that log is what "paid once" is
// counted from.
//
// It must not know the client it tests: it imports nothing of this module but
// the package below it that draws, and shares no type, constant or assumption
// with the adapter.
//
// Besides the API under /v1 it serves finished files under /outputs/ and an
// operator's side under /_fake/ (see admin.go), neither of which asks for a
// token.
package fake

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// Options configure a Server. The zero value is a server that takes any bearer
// token, answers as soon as a picture is drawn and fails at nothing.
type Options struct {
	// Token is the only accepted API token; empty accepts any, each being an
	// account of its own that sees only its own predictions and files.
	Token string
	// PublicURL ("https://host:port") prefixes every URL the server hands out.
	// Empty: scheme and Host of the request are used.
	PublicURL string
	// Now tells the time; time.Now by default. Timers follow the time package,
	// so a server works inside a testing/synctest bubble as it is.
	Now func() time.Time
	// Seed, if not 0, makes IDs and latencies repeatable.
	Seed uint64
	// Settings can also be changed while the server runs.
	Settings Settings
	// Faults are armed from the start; Inject and POST /_fake/faults add more.
	Faults []Fault
	// Expiry is how long a finished prediction keeps input, output and logs
	// (default 1 h); FileExpiry is an uploaded file's life (default 24 h).
	Expiry, FileExpiry time.Duration
	// PageSize is the number of rows in a list's page (default 100).
	PageSize int
	// Renderers bounds the pictures being drawn at once (default 2).
	Renderers int
	// WebhookSecret is "whsec_" + base64; by default made from Seed or at random.
	WebhookSecret string
	// AllowLoopbackWebhooks also admits http:// webhooks to a loopback host.
	AllowLoopbackWebhooks bool
	// AllowAuthorizedDownloads serves an output also to a request that carries
	// an Authorization header. By default that is answered 400, because an API
	// token must never be sent to the host that delivers files.
	AllowAuthorizedDownloads bool
	// PreEncoded draws one picture per size and medium, and one enlargement per
	// picture, and gives the same bytes for all later ones: for load and chaos runs,
	// where pixels cost too much.
	PreEncoded bool
	// Plain draws a pattern of flat squares instead of scenes, which is a tenth of
	// the work for whoever reads them, too.
	Plain bool
	// Draw makes the outputs; picture.Draw by default. Servers that share the one of
	// a picture.Memory draw the same once.
	Draw func(picture.Request) (picture.Result, error)
}

// Server is the fake; an http.Handler. Close it after the listener's end.
type Server struct {
	opts   Options
	mux    *http.ServeMux
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	render *renderer
	spool  spool
	hooks  *http.Client
	secret string
	// fileLimit bounds an upload; a field so that tests need not send 100 MB.
	fileLimit int64

	mu          sync.Mutex
	random      *mathrand.Rand
	settings    Settings
	faults      []*armed
	predictions []*prediction // oldest first
	byID        map[string]*prediction
	finished    []*prediction // in the order of their ends, whose data is not yet freed
	outputs     map[string]*output
	uploads     []*file // oldest first
	fileCount   int
	files       map[string]*file
	log         []Entry
	stats       Stats
	recent      []time.Time // accepted creates of the last minute
	closed      bool
}

// New returns a server that is ready to handle requests. It panics at a fault
// of unknown kind or a webhook secret that is none: both are mistakes of who
// wrote the options.
func New(opts Options) *Server {
	opts = withDefaults(opts)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		opts: opts, ctx: ctx, cancel: cancel, fileLimit: maxFile,
		random:   mathrand.New(mathrand.NewPCG(opts.Seed, 0x5eed)),
		settings: opts.Settings,
		byID:     map[string]*prediction{}, outputs: map[string]*output{}, files: map[string]*file{},
		stats: Stats{Requests: map[string]int{}, Injected: map[Kind]int{}},
		// Redirects are not followed: Replicate does not follow them either.
		hooks: &http.Client{
			Timeout:       10 * time.Second,
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.secret = opts.WebhookSecret
	if s.secret == "" {
		s.secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(s.newID()))
	}
	if _, err := signingKey(s.secret); err != nil {
		panic(err)
	}
	s.render = newRenderer(s)
	for _, f := range opts.Faults {
		if err := s.Inject(f); err != nil {
			panic(err)
		}
	}
	s.mux = s.routes()
	return s
}

func withDefaults(o Options) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	o.Expiry = orDefault(o.Expiry, time.Hour)
	o.FileExpiry = orDefault(o.FileExpiry, 24*time.Hour)
	o.PageSize = orDefault(o.PageSize, 100)
	o.Renderers = orDefault(o.Renderers, 2)
	if o.Draw == nil {
		o.Draw = picture.Draw
	}
	return o
}

func orDefault[T ~int | ~int64](v, byDefault T) T {
	if v <= 0 {
		return byDefault
	}
	return v
}

// Close stops every prediction and webhook under way, waits for them and frees
// the spooled files. It may be called more than once.
func (s *Server) Close() error {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.work.Wait()
	s.hooks.CloseIdleConnections()
	return s.spool.close()
}

// start runs f in a goroutine that Close waits for. The caller holds s.mu and
// has seen that the server is not closed.
func (s *Server) start(f func()) { s.work.Go(f) }

// now is the provider's clock: it runs ahead or behind by the skew.
// The caller holds s.mu.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.settings.ClockSkew) }

const idAlphabet = "abcdefghjkmnpqrstvwxyz0123456789"

// newID returns 26 characters, as Replicate's IDs have. The caller holds s.mu,
// or is New.
func (s *Server) newID() string { return idFrom(s.random) }

func idFrom(r *mathrand.Rand) string {
	b := make([]byte, 26)
	for i := range b {
		b[i] = idAlphabet[r.IntN(len(idAlphabet))]
	}
	return string(b)
}

// randomOf is the n-th prediction's own source: what other requests draw in
// between changes nothing for it.
func (s *Server) randomOf(n int) *mathrand.Rand {
	return mathrand.New(mathrand.NewPCG(s.opts.Seed, uint64(n)|1<<63)) //nolint:gosec // n counts from 1
}

// sleep waits for d, or until the server closes or one of the channels does.
// It reports whether the time has passed.
func (s *Server) sleep(d time.Duration, stop ...<-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	var first, second <-chan struct{}
	if len(stop) > 0 {
		first = stop[0]
	}
	if len(stop) > 1 {
		second = stop[1]
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-first:
	case <-second:
	case <-s.ctx.Done():
	}
	return false
}
