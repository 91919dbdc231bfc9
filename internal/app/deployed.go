package app

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/server"
	"github.com/actormaker/trainset/internal/storage"
)

// Deployed is one worker of a deployed system, with its HTTP server.
type Deployed struct {
	worker  *Worker
	store   storage.Store
	noted   *noting        // the store as the worker has it
	server  *server.Server // nil where none was asked for
	ln      net.Listener
	ready   func(addr string) // told where the server listens
	log     zerolog.Logger
	adjust  []func(*Options)
	closing []func()
}

// RunDeployed serves the queues, and HTTP, until the context ends. It fails
// within five seconds with a *DownError for each, where Redis, storage or the
// provider cannot be relied upon. ready, if not nil, is called with the HTTP server's
// address, or "", once everything serves. What no setting can say is said by
// adjust, which changes the worker's options last.
func RunDeployed(ctx context.Context, cfg config.Config, log zerolog.Logger, ready func(addr string), adjust ...func(*Options)) error {
	boundMemory()
	d := &Deployed{log: log, ready: ready, adjust: adjust}
	defer d.close()
	if err := d.open(ctx, cfg); err != nil {
		return err
	}
	return d.run(ctx)
}

func (d *Deployed) close() {
	for i := len(d.closing) - 1; i >= 0; i-- {
		d.closing[i]()
	}
}

// open makes every part and tries it out; it starts nothing.
func (d *Deployed) open(ctx context.Context, cfg config.Config) error {
	o := FromConfig(cfg, d.log)
	metrics := server.NewMetrics(Version)
	o.Meter = metrics
	if cfg.Provider.Simulate {
		base, stop, err := simulate(ctx, d.log)
		if err != nil {
			return err
		}
		d.closing = append(d.closing, stop)
		o.Simulated, o.Token, o.BaseURL = true, simulatedToken, base
	}
	for _, f := range d.adjust {
		f(&o)
	}
	rdb, err := d.connect(cfg)
	if err != nil {
		return err
	}
	if o.Urgent, err = d.connect(cfg); err != nil {
		return err
	}
	if d.store, err = OpenStorage(ctx, cfg); err != nil {
		return err
	}
	d.noted = &noting{Store: d.store}
	if d.worker, err = NewWorker(rdb, d.noted, o); err != nil {
		return err
	}
	secret, err := d.tryOut(ctx, cfg, rdb)
	if err != nil {
		return err
	}
	return d.openServer(ctx, cfg, rdb, metrics, secret)
}

// connect makes connections to Redis that end with the process.
func (d *Deployed) connect(cfg config.Config) (redis.UniversalClient, error) {
	rdb, err := redisconn.Open(cfg.Redis.URL.Reveal())
	if err != nil {
		return nil, err
	}
	d.closing = append(d.closing, func() { _ = rdb.Close() })
	return rdb, nil
}

// openServer makes the HTTP server and takes its address.
func (d *Deployed) openServer(ctx context.Context, cfg config.Config, rdb redis.UniversalClient, m *server.Metrics, secret string) error {
	if cfg.HTTP.Listen == "" {
		return nil
	}
	o := server.Options{
		Listen: cfg.HTTP.Listen, Token: cfg.HTTP.AccessToken.Reveal(), DashboardWrite: cfg.HTTP.DashboardWrite, Redis: rdb,
		Limits: d.worker.gate, Jobs: d.worker.ledger, Metrics: m, Log: d.log, Receiver: receiver{d.worker},
		Checks: []server.Check{
			{Name: "redis", Remedy: "see REDIS_URL and the server's log", Checker: server.CheckerFunc(func(ctx context.Context) error {
				return redisconn.Writable(ctx, rdb)
			})},
			{Name: "storage", Remedy: storageRemedy(cfg), Checker: &standing{try: d.askStorage, failed: &d.noted.failed, holds: storageHolds(cfg)}},
			{Name: "provider", Remedy: "see REPLICATE_API_TOKEN and the provider's status page", Checker: server.CheckerFunc(d.askProvider), Every: time.Minute},
		},
	}
	if secret != "" {
		o.WebhookSecrets = []string{secret}
	}
	s, err := server.New(o)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", cfg.HTTP.Listen)
	if err != nil {
		return &DownError{"http", "TRAINSET_HTTP_LISTEN", err.Error(), "end what else listens there, give another address, or nothing for no server"}
	}
	d.server, d.ln = s, ln
	return nil
}

// storageHolds is how long storage that was tried out is taken for good: a folder
// costs nothing to try.
func storageHolds(cfg config.Config) time.Duration {
	if cfg.Storage.Bucket == "" {
		return 0
	}
	return time.Minute
}

// receiver hands the provider's webhooks to whichever worker waits.
type receiver struct{ w *Worker }

func (r receiver) Webhook(ctx context.Context, d server.Delivery) error {
	return r.w.ledger.SignalPoll(ctx, d.Job, d.Attempt)
}

// run serves until the context ends. The worker stops first: what it leaves is
// taken over by another, and readiness says so meanwhile.
func (d *Deployed) run(ctx context.Context) error {
	if err := d.worker.Start(); err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 1)
	addr := ""
	if d.server != nil {
		addr = d.ln.Addr().String()
		go func() { failed <- d.server.Serve(serving, d.ln) }()
	}
	d.log.Info().Str("http", addr).Str("storage", d.store.Describe()).Msg("serving")
	if d.ready != nil {
		d.ready(addr)
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	if d.server != nil {
		d.server.Drain()
	}
	d.worker.Stop()
	stop()
	if d.server != nil && err == nil {
		err = <-failed
	}
	return err
}
