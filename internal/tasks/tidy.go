package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/wait"
)

// Tidier removes what outlives the records of ended jobs: their entries in the
// lists of jobs, and the images of those that were refused, which were kept as
// long as the job could be tried again. It brings jobs that go on back to the
// sweeper's notice, should that have lost them. One worker tidies at a time.
type Tidier struct {
	Handlers *Handlers
	Every    time.Duration // 1 h when 0
}

// Run tidies until the context ends.
func (t *Tidier) Run(ctx context.Context) {
	every := t.Every
	if every == 0 {
		every = time.Hour
	}
	wait.Every(ctx, every, func() {
		if err := t.tidy(ctx, every/2); err != nil && ctx.Err() == nil {
			t.Handlers.o.Log.Warn().Err(err).Msg("the jobs could not be tidied: trying again later")
		}
	})
}

// tidy tidies once, if nobody has for the time d.
func (t *Tidier) tidy(ctx context.Context, d time.Duration) error {
	l := t.Handlers.ledger
	mine, err := l.LockTidy(ctx, t.Handlers.o.Owner, d)
	if err != nil || !mine {
		return err
	}
	return errors.Join(t.reenter(ctx), l.Tidy(ctx, t.Handlers.dropUploads))
}

// reenter has the sweeper look after the jobs that it does not know of any more.
func (t *Tidier) reenter(ctx context.Context) error {
	n, err := t.Handlers.ledger.ReenterLost(ctx)
	if n > 0 {
		t.Handlers.o.Log.Warn().Int("jobs", n).Msg("jobs that go on were missing in the open index: they are looked after again")
	}
	return err
}

// dropUploads deletes the images that producers stored for jobs which have expired,
// but for those that were stored anew: their jobs are about to be enqueued again.
func (h *Handlers) dropUploads(ctx context.Context, jobs []trainset.JobID) error {
	var keys []string
	for _, id := range jobs {
		o, err := h.store.Stat(ctx, dataset.Upload(id))
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return err
		case h.o.Now().Sub(o.ModTime) >= dataset.UploadGrace:
			keys = append(keys, o.Key)
		}
	}
	return h.store.Delete(ctx, keys...)
}
