// Package tasks is how a job flows: the payloads and handlers of the queue,
// the step from one to the next, and the sweeper that finds what fell between.
//
// Handlers are thin: plan decides what is next, paid spends, the ledger
// remembers, storage keeps. A handler may run twice, at once or after a crash;
// it reads the ledger first and does what is left. What an error means for the
// queue is decided in one place, policy.go.
package tasks

import (
	"context"
	"fmt"
	"image"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/reference"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// Payer carries an attempt out, paying at most once.
type Payer interface {
	Once(ctx context.Context, a plan.Attempt) (plan.Attempt, paid.Output, error)
}

// Uploader puts images where the provider can read them.
type Uploader interface {
	Upload(ctx context.Context, name, contentType string, data []byte) (replicate.File, error)
}

// Debug keeps what a person may want to look at: requests, raw outputs,
// rejected images, grids with their cuts. It never fails a job.
type Debug interface {
	Request(a plan.Attempt)
	Keep(job trainset.JobID, name string, data []byte)
}

// Meter counts what this worker ended and took over.
type Meter interface {
	AttemptEnded(outcome string, cost trainset.Money)
	TookOver(tasks int)
}

// Options adjust the handlers.
type Options struct {
	Owner        string         // names this worker
	Urgent       *ledger.Ledger // the ledger for beats and notes, which must not wait behind the rest; the same when nil
	Simulated    bool           // the provider is the simulated one
	DefaultModel string         // of actors, when a request names none
	StyleModel   string         // of styles, when a request names none
	MaxAttempts  int            // paid tries an item
	MaxOpenJobs  int            // a user's that run at once; 0 is no bound
	Judge        trainset.Judge // of styles, when a request names none; the provider's when empty
	JudgeModel   string         // of Judge, when a request names none; its default when empty
	JudgePrice   trainset.Money // most that a judgement costs by a model of OpenAI's API whose price is not known; 0 refuses such models
	OpenAI       Payer          // carries out judgements by OpenAI's API; none when nil
	Reference    reference.Options
	Limits       imaging.Limits        // of references
	Version      string                // of this program, for manifests
	Debug        Debug                 // none when nil
	Bell         *paid.Bell            // shared with the payer; one of its own when nil
	Room         *paid.Room            // shared with the payer; one of its own when nil
	Workers      func(n int)           // is told how many there are, with every beat; may be nil
	Readable     func(url string) bool // whether the provider still has what was uploaded; it has while it says so when nil
	Purse        paid.Purse            // the users' daily budgets
	Meter        Meter                 // counts nothing when nil
	Log          zerolog.Logger
	Now          func() time.Time
}

// Handlers serve every task type. They are safe for concurrent use.
type Handlers struct {
	ledger *ledger.Ledger
	store  storage.Store
	payer  Payer
	upload Uploader
	queue  *queue.Queue
	o      Options
	crafts map[plan.Verb]craft
	check  func(data []byte, field string, l imaging.Limits) (reference.Normalised, error)
	pixels chan struct{}      // one token a core: decoding is the only heavy work
	looks  chan struct{}      // one token a look into storage before something is begun
	once   singleflight.Group // uploads, by job
	sheets sheets
	thumbs *lru.Cache[string, *image.NRGBA] // of images made lately, by digest
	recent *recent
	hands  *hands
	let    dropped

	slowAfter time.Duration

	colleagues colleagues
}

// New makes the handlers.
func New(l *ledger.Ledger, s storage.Store, p Payer, u Uploader, q *queue.Queue, o Options) *Handlers {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Bell == nil {
		o.Bell = new(paid.Bell)
	}
	if o.Judge == "" {
		o.Judge = trainset.JudgeReplicate
	}
	if o.Urgent == nil {
		o.Urgent = l
	}
	if o.Room == nil {
		o.Room = paid.NewRoom(paid.DefaultRoom)
	}
	h := &Handlers{
		ledger: l, store: s, payer: p, upload: u, queue: q, o: o, check: reference.Check,
		pixels: make(chan struct{}, runtime.GOMAXPROCS(0)), looks: make(chan struct{}, looksAtOnce), recent: newRecent(),
		slowAfter: slowAfter,
	}
	h.thumbs, _ = lru.New[string, *image.NRGBA](keptThumbs) // fails for sizes below 1
	h.hands = newHands(func(ctx context.Context, taken, released []string) error {
		err := o.Urgent.Hold(ctx, o.Owner, taken, released)
		if err != nil {
			h.let.add(released...)
		}
		return err
	})
	h.crafts = map[plan.Verb]craft{
		plan.VerbImage: imageCraft{h}, plan.VerbGrid: gridCraft{h}, plan.VerbJudge: judgeCraft{h},
		plan.VerbEnhance: enhanceCraft{h}, plan.VerbTile: tileCraft{h},
	}
	return h
}

// Control returns the handler of the control queue.
func (h *Handlers) Control() asynq.Handler {
	return h.byType(map[string]asynq.HandlerFunc{
		trainset.TaskActorGenerate: h.accept(trainset.KindActor),
		trainset.TaskStyleGenerate: h.accept(trainset.KindStyle),
		string(plan.VerbAssemble):  h.assemble,
	})
}

// Images returns the handler of the image queue.
func (h *Handlers) Images() asynq.Handler {
	does := map[string]asynq.HandlerFunc{}
	for verb := range h.crafts {
		does[string(verb)] = h.subtask
	}
	return h.byType(does)
}

// byType hands tasks to what does those of their type. One of another type comes
// back: a later worker may know it.
func (h *Handlers) byType(does map[string]asynq.HandlerFunc) asynq.Handler {
	known := strings.Join(slices.Sorted(maps.Keys(does)), ", ")
	return h.holding(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		do, ok := does[t.Type()]
		if !ok {
			return fmt.Errorf("this worker knows no task of type %q in this queue, only %s; correct the type or the queue in its producer, or update the workers", t.Type(), known)
		}
		return do(ctx, t)
	}))
}

// holding notes which tasks are in hand, so that another worker can take them
// over if this one dies. What cannot be noted is not begun: the sweeper would
// think that nobody has it. One that ends while Redis does not answer is let go
// of by the Warden.
func (h *Handlers) holding(next asynq.Handler) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) (err error) {
		id, _ := asynq.GetTaskID(ctx)
		panics := true
		defer func() {
			h.hands.release(id) // also when take failed: only its answer may be lost
			if err != nil || panics {
				h.release(ctx, id)
			}
		}()
		if err = h.hands.take(ctx, id); err == nil {
			err = next.ProcessTask(ctx, t)
		}
		panics = false
		return err //nolint:wrapcheck // its own
	})
}

// release notes at once that a task that failed is no longer in hand: where that
// cannot be noted, the queue does not learn of it either, and the task is let go
// of later.
func (h *Handlers) release(ctx context.Context, id string) {
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := h.o.Urgent.Hold(done, h.o.Owner, nil, []string{id}); err != nil {
		h.o.Log.Warn().Err(err).Msg("a task that is done could not be noted")
		h.let.add(id)
	}
}

// withPixels runs f when a core is free for it.
func (h *Handlers) withPixels(ctx context.Context, f func() error) error {
	return with(ctx, h.pixels, f)
}

// looksAtOnce is how many tasks look into storage at once for what may be known of
// what they are to begin: a worker that takes over a thousand must not ask for all
// of them before it has the last one in hand.
const looksAtOnce = 16

// with runs f while it has one of the tokens.
func with(ctx context.Context, tokens chan struct{}, f func() error) error {
	select {
	case tokens <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-tokens }()
	return f()
}

// keptThumbs is the images of two jobs, at less than a megabyte each. What is
// forgotten is made again from the image.
const keptThumbs = 40
