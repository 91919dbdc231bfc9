package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/redisconn"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/wait"
)

// startWithin bounds the checks of a start: what does not answer by then is
// reported as down. The rest of five seconds is for whoever starts and reports.
const startWithin = 3 * time.Second

// DownError says that what a worker depends on cannot be relied upon now. It is
// no *trainset.FieldError and wraps none: what a server says may be otherwise in
// a minute, so the start is worth another try with the same settings.
type DownError struct {
	Part    string // "redis", "storage", "provider" or "http"
	Field   string // the setting that leads there: "REDIS_URL"
	Problem string // without secrets
	Remedy  string // what to do if it does not pass
}

func (e *DownError) Error() string {
	return fmt.Sprintf("%s: %s: %s; %s", e.Part, e.Field, e.Problem, e.Remedy)
}

// tryOut asks everything that work depends on, all at once, and returns the
// secret of the provider's webhooks where they are wanted.
func (d *Deployed) tryOut(ctx context.Context, cfg config.Config, rdb redis.UniversalClient) (secret string, err error) {
	trying, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	var all [3]error
	var others []operate.Worker
	var g sync.WaitGroup
	g.Go(func() { all[0] = d.checkRedis(trying, rdb) })
	storeID := ""
	g.Go(func() {
		if storeID, all[1] = d.checkStorage(trying, cfg); all[1] == nil {
			others = d.others(trying, storeID)
		}
	})
	g.Go(func() { secret, all[2] = d.checkProvider(trying, cfg) })
	g.Wait()
	if ctx.Err() != nil {
		return "", fmt.Errorf("app: starting: %w", ctx.Err())
	}
	if err := errors.Join(all[:]...); err != nil {
		return "", err
	}
	if err := d.sameStorage(others, storeID, cfg); err != nil {
		return "", err
	}
	d.worker.storeID = storeID
	d.warnOfMixing(others)
	return secret, nil
}

// others returns the workers that live and have another storage, or the other kind of
// provider; none where Redis does not tell, which has a check of its own. To see who
// lives takes up to two seconds: nobody waits for that where none says that it
// differs.
func (d *Deployed) others(ctx context.Context, storeID string) []operate.Worker {
	cards, err := d.worker.ledger.Cards(ctx)
	if err != nil {
		return nil
	}
	differs := func(storage string, simulated bool) bool {
		return storage != "" && storage != storeID || simulated != d.worker.o.Simulated
	}
	maps.DeleteFunc(cards, func(_ string, c ledger.Card) bool { return !differs(c.StorageID, c.Simulated) })
	if len(cards) == 0 {
		return nil
	}
	workers, err := operate.Watcher{Ledger: d.worker.ledger}.Watch(ctx)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(workers, func(w operate.Worker) bool { return !w.Live || !differs(w.StorageID, w.Simulated) })
}

// sameStorage refuses to serve beside a worker that has other storage: each would
// miss what the other has stored, and a set would lie in both.
func (d *Deployed) sameStorage(others []operate.Worker, id string, cfg config.Config) error {
	for _, w := range others {
		if w.StorageID != "" && w.StorageID != id {
			return &DownError{
				"storage", storageField(cfg),
				fmt.Sprintf("leads to the %s, which is another storage than that of worker %s, which runs (%s, pid %d): %s", d.store.Describe(), w.ID, w.Host, w.PID, w.Storage),
				"give all workers of a Redis the same storage; to move to another, stop all of them first",
			}
		}
	}
	return nil
}

// storageField is the setting that leads to storage.
func storageField(cfg config.Config) string {
	if cfg.Storage.Bucket == "" {
		return "TRAINSET_OUT"
	}
	return "AWS_USER_FILES_BUCKET"
}

// storageRemedy is what to look at where the error of storage does not say.
func storageRemedy(cfg config.Config) string {
	if cfg.Storage.Bucket == "" {
		return "see the folder's rights, its disk and what is mounted there, or give another"
	}
	return "see AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_USER_FILES_BUCKET, the access key and its rights, and the server's log"
}

// warnOfMixing says that workers have the other kind of provider. Each leaves the
// other's jobs alone, but a request that does not ask for simulated pictures is taken
// for one of real ones.
func (d *Deployed) warnOfMixing(others []operate.Worker) {
	n := 0
	for _, w := range others {
		if w.StartedAt != nil && w.Simulated != d.worker.o.Simulated {
			n++
		}
	}
	if n == 0 {
		return
	}
	d.log.Warn().Int("workers", n).Bool("simulated", d.worker.o.Simulated).Str("remedy", "stop one sort, or give one another Redis").
		Msg("workers that make simulated pictures and workers that make real ones share this Redis: each leaves the other sort's jobs alone")
}

func (d *Deployed) checkRedis(ctx context.Context, rdb redis.UniversalClient) error {
	report, err := redisconn.Check(ctx, rdb)
	if err != nil {
		return redisDown(err)
	}
	for _, f := range report.Findings {
		if f.State == redisconn.Warn {
			d.log.Warn().Str("finding", f.Name).Str("detail", f.Detail).Str("remedy", f.Remedy).Msg("redis may lose something")
		}
	}
	return unfit(report)
}

// redisDown explains why no server answered, or why it refused us.
func redisDown(err error) error {
	if field, ok := errors.AsType[*trainset.FieldError](err); ok {
		return &DownError{"redis", field.Field, field.Problem, field.Remedy}
	}
	return &DownError{"redis", "REDIS_URL", err.Error(), "start it, or correct the URL; docs/redis.md has the forms"}
}

// unfit joins the findings with which nothing can work.
func unfit(report redisconn.Report) error {
	var failed []error
	for _, f := range report.Findings {
		if f.State == redisconn.Fail {
			failed = append(failed, &DownError{"redis", "REDIS_URL", f.Detail, f.Remedy})
		}
	}
	return errors.Join(failed...)
}

func (d *Deployed) askStorage(ctx context.Context) error {
	c, ok := d.store.(storage.Checker)
	if !ok {
		return nil
	}
	if err := c.Check(ctx); err != nil {
		return fmt.Errorf("storage (%s): %w", d.store.Describe(), err)
	}
	return nil
}

// checkStorage tries storage out and returns by what it is known.
func (d *Deployed) checkStorage(ctx context.Context, cfg config.Config) (id string, err error) {
	type answer struct {
		id  string
		err error
	}
	got, ok := wait.Bounded(ctx, wait.Grace, func() answer {
		if err := d.askStorage(ctx); err != nil {
			return answer{err: err}
		}
		id, err := storage.ID(ctx, d.store)
		return answer{id, err}
	})
	if !ok {
		got.err = fmt.Errorf("storage (%s): no answer in time", d.store.Describe())
	}
	if got.err != nil {
		return "", &DownError{"storage", storageField(cfg), got.err.Error(), storageRemedy(cfg)}
	}
	return got.id, nil
}

func (d *Deployed) askProvider(ctx context.Context) error {
	if _, err := d.worker.provider.Account(ctx); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	return nil
}

func (d *Deployed) checkProvider(ctx context.Context, cfg config.Config) (secret string, err error) {
	if _, err = d.worker.provider.Account(ctx); err == nil && cfg.HTTP.PublicURL != "" {
		secret, err = d.worker.provider.WebhookSecret(ctx)
	}
	switch e := (*replicate.Error)(nil); {
	case err == nil:
		return secret, nil
	case errors.As(err, &e) && e.Class == replicate.ClassAuth:
		return "", &DownError{"provider", "REPLICATE_API_TOKEN", "is not accepted: " + e.Error(), tokenRemedy}
	case ctx.Err() != nil: // the adapter tells of its own, longer patience
		return "", &DownError{"provider", "REPLICATE_BASE_URL", fmt.Sprintf("the provider did not answer within %v", startWithin), providerRemedy}
	}
	return "", &DownError{"provider", "REPLICATE_BASE_URL", err.Error(), providerRemedy}
}

const providerRemedy = "see the provider's status page, and this setting if it is yours"
