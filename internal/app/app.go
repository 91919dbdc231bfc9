// Package app wires a running system from its parts: connections, limits,
// handlers, servers, the sweeper. It decides nothing about jobs; it only knows
// who needs whom, and in which order to start and stop.
package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/openai"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/reference"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/tasks"
	"github.com/actormaker/trainset/internal/wait"
)

// Options say how a system runs.
type Options struct {
	Token, BaseURL    string // of the provider
	Simulated         bool
	Model             string         // when a request names none; the adapter's defaults when empty
	Judge             trainset.Judge // of styles, when a request names none; the provider's when empty
	JudgeModel        string         // of Judge, when a request names none; its default when empty
	JudgePrice        trainset.Money // most that a judgement costs by a model of OpenAI's API whose price is not known; 0 refuses such models
	OpenAIKey         string         // for judgements by OpenAI's API; none when empty
	OpenAIBaseURL     string
	PublicURL         string         // from which the provider reaches this system's webhooks; polling only when empty
	PerUserDay        trainset.Money // most that one user may spend a day; 0 is no bound
	MaxOpenJobs       int            // a user's that run at once; 0 is no bound
	PerMinute         int            // creates; the provider's documented limit when 0
	MaxAttempts       int            // paid tries an item; 5 when 0
	Concurrency       int            // images in flight in this process, and four times as many that were queued anew; 600 when 0: 300 are at the provider at its limit, the others before or after
	AllowPrivateHosts bool           // references may be fetched from inside the network
	AskedOnly         bool           // leave jobs alone that nobody waits for
	Version           string
	Owner             string             // names this worker; a new name at random when empty
	Search            paid.SearchOptions // how long an unanswered create is looked for
	StartWithin       time.Duration      // how long a prediction may wait to start; paid's own default when 0
	LowerFor          time.Duration      // how long a lower limit is believed; 1 minute when 0
	ProbeEvery        time.Duration      // how often an open circuit is tried; limit's own default when 0
	Finder            paid.Finder        // finds the predictions of unanswered creates; a search of the provider's list when nil
	Debug             tasks.Debug
	Meter             Meter // counts nothing when nil
	// Urgent are connections to the same Redis for what others wait for: taking tasks,
	// noting and beating. Shared ones when nil: hundreds of tasks that wake together
	// would then keep it waiting.
	Urgent redis.UniversalClient
	Log    zerolog.Logger
}

// Meter counts what a worker does.
type Meter interface {
	paid.Meter
	tasks.Meter
}

func (o Options) withDefaults() Options {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 5
	}
	if o.Concurrency == 0 {
		o.Concurrency = 600
	}
	if o.LowerFor == 0 {
		o.LowerFor = lowerFor
	}
	return o
}

// Worker serves the queues of one Redis. Start it once; Stop waits and may be
// called again.
type Worker struct {
	o        Options
	owner    string
	provider *replicate.Client
	gate     *limit.Gate
	ledger   *ledger.Ledger
	handlers *tasks.Handlers
	warden   *tasks.Warden
	bell     *paid.Bell
	storage  string // for a person
	storeID  string // of the storage; empty where nobody has looked
	servers  []served

	work       context.Context // ends when handlers must return
	cancel     context.CancelCauseFunc
	background sync.WaitGroup
	starting   sync.Mutex // held while a server is started, or all are stopped
	stop       sync.Once
}

// served is one that takes tasks from a queue.
type served struct {
	queue string
	*asynq.Server
}

// NewWorker wires a worker over an open connection and a store, which stay the
// caller's. It starts nothing.
func NewWorker(rdb redis.UniversalClient, store storage.Store, o Options) (*Worker, error) {
	o = o.withDefaults()
	provider, err := replicate.New(replicate.Options{Token: o.Token, BaseURL: o.BaseURL})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	if o.Urgent == nil {
		o.Urgent = rdb
	}
	w := &Worker{o: o, owner: cmp.Or(o.Owner, uuid.NewString()), provider: provider, storage: store.Describe()}
	w.work, w.cancel = context.WithCancelCause(context.Background())
	w.gate = limit.New(rdb, o.account(), limit.Options{PerMinute: o.PerMinute, ProbeEvery: o.ProbeEvery, Log: o.Log})
	w.ledger, w.bell = ledger.New(rdb, ledger.Options{}), new(paid.Bell)
	finder := o.Finder
	if finder == nil {
		o.Search.Account = o.account()
		finder = paid.NewSearch(provider, w.ledger, o.Search)
	}
	room := paid.NewRoom(paid.DefaultRoom)
	budget := limit.NewBudget(rdb, o.PerUserDay, nil)
	pace := new(paid.Pace)
	limits := &permits{gate: w.gate, lowerFor: o.LowerFor, log: o.Log}
	payer := paid.New(w.ledger, provider, limits, finder, pace, paid.Options{
		Owner: w.owner, Account: o.account(), Lifetime: o.lifetime(), StartWithin: o.StartWithin, Webhook: webhook(o.PublicURL), Budget: budget, Bell: w.bell, Room: room, Meter: o.Meter,
		Outage: tasks.NoteOutages(w.ledger, o.Log), Log: o.Log,
	})
	judge, err := w.openAI(store, budget)
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	w.handlers = tasks.New(w.ledger, store, payer, uploads{provider, limits}, queue.New(rdb, nil), tasks.Options{
		Owner: w.owner, Urgent: ledger.New(o.Urgent, ledger.Options{}), Simulated: o.Simulated, MaxAttempts: o.MaxAttempts, MaxOpenJobs: o.MaxOpenJobs, Version: o.Version,
		DefaultModel: cmp.Or(o.Model, replicate.DefaultActorModel), StyleModel: cmp.Or(o.Model, replicate.DefaultStyleModel),
		Judge: o.Judge, JudgeModel: o.JudgeModel, JudgePrice: o.JudgePrice, OpenAI: judge,
		Limits: imaging.DefaultLimits, Reference: reference.Options{MaxBytes: imaging.DefaultLimits.MaxBytes, AllowPrivateHosts: o.AllowPrivateHosts},
		Debug: o.Debug, Bell: w.bell, Room: room, Workers: pace.Share, Readable: o.readable(), Purse: paid.Purse{Budget: budget, Log: o.Log}, Meter: o.Meter, Log: o.Log,
	})
	w.warden = &tasks.Warden{Handlers: w.handlers}
	queueLog := asynqLog{tasks.Quietly(o.Log.With().Str("component", "asynq").Logger())}
	for _, name := range queue.Names() {
		for range takers(name) {
			w.servers = append(w.servers, served{name, w.server(name, queueLog)})
		}
	}
	return w, nil
}

// openAI returns who judges through OpenAI's API, or nil where there is no
// access to it: requests that ask for it are then refused.
func (w *Worker) openAI(store storage.Store, budget paid.Budget) (tasks.Payer, error) {
	if w.o.OpenAIKey == "" && w.o.OpenAIBaseURL == "" {
		return nil, nil //nolint:nilnil // nobody is a valid answer
	}
	return openai.New(w.ledger, picturesOf(store), openai.Options{
		Key: w.o.OpenAIKey, BaseURL: w.o.OpenAIBaseURL, Owner: w.owner, Budget: budget, Bell: w.bell, Log: w.o.Log,
	})
}

// picturesOf reads what a judge is shown.
func picturesOf(store storage.Store) openai.Read {
	return func(ctx context.Context, key string) ([]byte, error) {
		b, err := store.Get(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			err = fmt.Errorf("%w: %w", openai.ErrGone, err)
		}
		return b, err
	}
}

// webhook returns where the provider tells of news of an attempt. Both IDs are
// in the query: the news may be faster than the journal.
func webhook(publicURL string) func(trainset.JobID, string) string {
	if publicURL == "" {
		return nil
	}
	return func(job trainset.JobID, attempt string) string {
		q := url.Values{"job": {string(job)}, "attempt": {attempt}}
		return strings.TrimSuffix(publicURL, "/") + WebhookPath + "?" + q.Encode()
	}
}

// WebhookPath is where the HTTP server takes the provider's webhooks.
const WebhookPath = "/webhooks/replicate"

// Account names the provider's account in limits, without its token. However the
// base URL is written, it is the same: whoever pauses an account must name that of
// the workers. The provider's own URL counts as none: what was paused before URLs
// were compared stays paused.
func Account(token, baseURL string) string {
	base := replicate.BaseURL(baseURL)
	if base == replicate.DefaultBaseURL {
		base = ""
	}
	sum := sha256.Sum256([]byte(base + "\x00" + token))
	return hex.EncodeToString(sum[:8])
}

// AccountOf is the account of the workers that have these settings.
func AccountOf(cfg config.Config) string {
	return Options{Token: cfg.Provider.Token.Reveal(), BaseURL: cfg.Provider.BaseURL, Simulated: cfg.Provider.Simulate}.account()
}

// account is one for all that simulate: each start has another port, and is no
// other provider.
func (o Options) account() string {
	if o.Simulated {
		return Account(simulatedToken, "simulated")
	}
	return Account(o.Token, o.BaseURL)
}

// atOnce is how many requests and assemblies a worker has in hand.
const atOnce = 8

// heirs is from how many workers one can take everything over: where several die
// at once, what is in nobody's hands is not looked for at the provider. What
// comes again mostly waits, for a prediction or for a permit.
const heirs = 4

// takers is how many servers take tasks from a queue: each takes one at a time,
// and what a dead worker had is to be in other hands at once.
func takers(name string) int {
	if name == queue.Again {
		return heirs
	}
	return 1
}

// server makes an asynq server for one queue. All have one log, for they complain of
// the same.
func (w *Worker) server(name string, log asynq.Logger) *asynq.Server {
	c := queue.Config(name, w.o.Concurrency)
	if queue.Controls(name) {
		c.Concurrency = atOnce
	}
	c.BaseContext = func() context.Context { return w.work }
	c.RetryDelayFunc, c.IsFailure, c.ErrorHandler = tasks.RetryDelay, tasks.IsFailure, tasks.ErrorHandler(w.o.Log)
	c.Logger, c.LogLevel = log, asynq.WarnLevel
	return asynq.NewServerFromRedisClient(w.o.Urgent, c)
}

// card says which process this is.
func (w *Worker) card() ledger.Card {
	host, _ := os.Hostname() // empty where there is none
	return ledger.Card{
		Host: host, PID: os.Getpid(), Version: w.o.Version, StartedAt: time.Now().UTC(), Account: w.o.account(), Simulated: w.o.Simulated,
		Storage: w.storage, StorageID: w.storeID,
	}
}

// Start begins to serve. It beats before it has anything in hand: a worker that
// dies without a beat is not missed.
func (w *Worker) Start() error {
	if err := errors.Join(w.ledger.Beat(w.work, w.owner), w.ledger.Introduce(w.work, w.owner, w.card())); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	var more []served
	for i, s := range w.servers {
		if i > 0 && s.queue == w.servers[i-1].queue {
			more = append(more, s)
			continue
		}
		if err := w.serve(s); err != nil {
			return err
		}
	}
	w.background.Go(func() { w.serveLater(more) })
	s := tasks.Sweeper{Handlers: w.handlers, Owner: w.owner, AskedOnly: w.o.AskedOnly}
	w.background.Go(func() { s.Run(w.work) })
	tidier := tasks.Tidier{Handlers: w.handlers}
	w.background.Go(func() { tidier.Run(w.work) })
	w.background.Go(func() { w.warden.Run(w.work) })
	w.background.Go(func() { w.ledger.Attend(w.work, w.owner) })
	w.background.Go(func() { w.ledger.Signals(w.work, func(s ledger.Signal) { w.bell.Ring(s.Job, s.Attempt) }) })
	return nil
}

func (w *Worker) serve(s served) error {
	handler := w.handlers.Images()
	if queue.Controls(s.queue) {
		handler = w.handlers.Control()
	}
	if err := s.Start(handler); err != nil {
		return fmt.Errorf("app: starting the queue %s: %w", s.queue, err)
	}
	return nil
}

// apart is the time between the starts of two servers of one queue. Each looks at
// its start, and every minute from then, for tasks whose lease has ended, and tries
// to take up all that it finds: at once, all would try for the same.
const apart = 2 * time.Second

// serveLater starts servers one after the other, until the worker is stopped.
func (w *Worker) serveLater(servers []served) {
	for _, s := range servers {
		if wait.For(w.work, apart) != nil {
			return
		}
		w.starting.Lock()
		if w.work.Err() == nil {
			if err := w.serve(s); err != nil {
				w.o.Log.Error().Err(err).Msg("a further server of a queue could not be started")
			}
		}
		w.starting.Unlock()
	}
}

// Stop ends the worker: no new attempt is begun, handlers return at once,
// predictions go on at the provider and are adopted by the next worker.
func (w *Worker) Stop() {
	w.stop.Do(func() {
		w.starting.Lock()
		for _, s := range w.servers {
			s.Stop()
		}
		w.cancel(context.Canceled)
		w.starting.Unlock()
		w.shutdown()
		w.background.Wait()
		w.gate.Close()
	})
}

// shutdown ends the servers together: each waits for what it has in hand.
func (w *Worker) shutdown() {
	var all sync.WaitGroup
	for _, s := range w.servers {
		all.Go(s.Shutdown)
	}
	all.Wait()
}

// Blocked says why nothing is being made, or nil: a circuit that is open.
func (w *Worker) Blocked(ctx context.Context) error {
	s, err := w.gate.State(ctx)
	if err != nil || s.Open == nil {
		return nil //nolint:nilerr // what cannot be read blocks nothing
	}
	return s.Open
}

// asynqLog gives asynq's few messages to the log.
type asynqLog struct{ log zerolog.Logger }

func (a asynqLog) Debug(args ...any) { a.log.Debug().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Info(args ...any)  { a.log.Debug().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Warn(args ...any)  { a.log.Warn().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Error(args ...any) { a.log.Error().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Fatal(args ...any) { a.log.Error().Msg(fmt.Sprint(args...)) }
