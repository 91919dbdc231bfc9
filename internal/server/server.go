// Package server is the worker's HTTP server: whether it is alive and ready,
// its metrics, the dashboard of the queues, and the door at which the
// provider's webhooks are checked.
//
// It must not know the provider's client, the storage, or what a job is made
// of: whatever it reports on or hands on to is a small interface of its own.
// What it shows of payloads is redacted, and all but the open routes ask for
// the token where there is one.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
)

// The bounds on a request. A reader or writer that is slower than these is
// holding a connection rather than using it.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Options say what a Server shows and to whom. The connections in it stay the
// caller's.
type Options struct {
	// Listen is where the server is going to listen, as the operator wrote it:
	// checked by New so that a mistake is found before anything is opened. Serve
	// checks the listener itself.
	Listen string
	// Token opens everything that is not open to all. Without one, the server
	// listens on the loopback interface only.
	Token string
	// DashboardWrite lets the dashboard pause queues and run, archive, cancel
	// and delete tasks.
	DashboardWrite bool
	// Redis holds the queues. Without it there is no dashboard and no metric of a queue.
	Redis redis.UniversalClient
	// Checks are what work depends on.
	Checks []Check
	// Limits says what keeps work waiting, Jobs which have not ended; what is
	// nil is not reported.
	Limits Limits
	Jobs   Jobs
	// WebhookSecrets are the provider's signing secrets, "whsec_" and base64;
	// during a rotation there are two. Without one, or without a Receiver, there
	// is no webhook route.
	WebhookSecrets []string
	Receiver       WebhookReceiver
	// Metrics are those that the rest of the process counts in; its own when nil.
	Metrics *Metrics
	// DrainTimeout bounds how long Serve waits for requests under way; 3 s when 0.
	DrainTimeout time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	Log zerolog.Logger
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics("")
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 3 * time.Second
	}
	return o
}

func (o Options) validate() error {
	return errors.Join(checkToken(o.Token), o.checkListen(), checkSecrets(o.WebhookSecrets), checkChecks(o.Checks))
}

// Server answers the worker's HTTP requests. It is safe for concurrent use.
type Server struct {
	o          Options
	handler    http.Handler
	probes     []*probe
	blocked    shared[*blocked]
	auth       *auth
	deliveries chan struct{} // one for each webhook in hand
	draining   atomic.Bool
}

// New makes a server. It reports every wrong option at once and opens nothing.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Server{o: o, auth: newAuth(o.Token, o.Now), deliveries: make(chan struct{}, maxDeliveries)}
	s.blocked = shared[*blocked]{ask: s.whatBlocks, timeout: checkTimeout, now: o.Now}
	for _, c := range o.Checks {
		s.probes = append(s.probes, newProbe(c, o.Now))
	}
	handler, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.handler = s.recovering(withHeaders(handler))
	return s, nil
}

// Handler is everything the server serves, for tests and for servers of the
// caller's own, who then sees to it that nobody else can reach it without a token.
func (s *Server) Handler() http.Handler { return s.handler }

// routes lists what is open to all; everything else is behind the guard.
func (s *Server) routes() (http.Handler, error) {
	guarded, err := s.guardedRoutes()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if s.o.Receiver != nil && len(s.o.WebhookSecrets) > 0 {
		mux.HandleFunc("/webhooks/replicate", s.webhook)
	}
	if s.o.Token != "" {
		mux.Handle("GET /login", http.HandlerFunc(s.loginPage))
		mux.Handle("POST /login", sameOrigin(http.HandlerFunc(s.login)))
		mux.Handle("POST /logout", sameOrigin(http.HandlerFunc(s.logout)))
	}
	mux.Handle("/", s.guard(sameOrigin(guarded)))
	return mux, nil
}

func (s *Server) guardedRoutes() (http.Handler, error) {
	mux := http.NewServeMux()
	metrics, err := s.metricsHandler()
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /metrics", metrics)
	if s.o.Redis != nil {
		d, err := newDashboard(s.o.Redis, s.o.DashboardWrite)
		if err != nil {
			return nil, err
		}
		mux.Handle(dashboardRoot+"/", d)
		mux.Handle("GET /{$}", http.RedirectHandler(dashboardRoot+"/", http.StatusSeeOther))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing at this address")
	})
	return mux, nil
}

// Serve answers on a listener, which it closes, until the context ends; then
// it lets the requests under way finish, within bounds, and returns nil. It
// refuses a listener that others can reach while no token protects it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer ln.Close() //nolint:errcheck // the HTTP server has closed it before, unless it was refused
	if err := s.checkAddr(ln.Addr()); err != nil {
		return err
	}
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: s.errorLog(),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("server: serving on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.Drain()
	s.shutdown(ctx, srv)
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("server: serving on %s: %w", ln.Addr(), err)
	}
	return nil
}

// shutdown waits for requests under way, then cuts off those that remain.
func (s *Server) shutdown(ctx context.Context, srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.DrainTimeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		s.o.Log.Warn().Err(err).Msg("requests under way were cut off")
		_ = srv.Close() // what is left of them is of no use to anybody
	}
}

// Drain makes the server say that it is not ready, for good: the worker is
// stopping. It goes on answering. Serve calls it when its context ends; a
// worker that stops in steps calls it first.
func (s *Server) Drain() { s.draining.Store(true) }
