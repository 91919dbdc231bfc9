package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/storage"
)

// parallel is how many objects of one set are read or written at once.
const parallel = 8

// assemble writes the next revision of a job's data set, when every item has
// settled, and ends the job. What an earlier try has written is written over
// with the same bytes.
func (h *Handlers) assemble(ctx context.Context, t *asynq.Task) error {
	p, err := queue.Decode(t)
	if err != nil {
		return err
	}
	r, err := h.ledger.Load(ctx, p.Job)
	if errors.Is(err, trainset.ErrNotFound) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	if err != nil {
		return fmt.Errorf("assembling: %w", err)
	}
	if r.State.Ended() {
		return nil
	}
	if p.Revision < r.AssembleRevision {
		return nil // a later task does it
	}
	if steps := plan.Needed(r); len(steps) != 1 || steps[0].Verb != plan.VerbAssemble {
		return h.Advance(ctx, p.Job)
	}
	if err := h.finishJob(ctx, r); err != nil {
		h.noteHeldUp(ctx, p.Job, err)
		return err
	}
	return nil
}

// finishJob stores the set, its manifest last, and tells the ledger.
func (h *Handlers) finishJob(ctx context.Context, r plan.Record) error {
	release, err := h.o.Room.Take(ctx, imageBytes(r))
	if err != nil {
		return fmt.Errorf("assembling: %w", err)
	}
	defer release()
	r, images, err := h.winners(ctx, r)
	if err != nil {
		return err
	}
	state, reason := r.Outcome()
	m, err := h.storeSet(ctx, dataset.Set{
		Record: r, Revision: r.Revision + 1, State: state, Reason: reason, FinishedAt: h.o.Now().UTC(),
		Images: images, Tool: trainset.Tool{Name: "trainset", Version: h.o.Version},
	})
	if err == nil {
		err = h.end(ctx, r, ledger.Ending{State: state, Reason: reason, Revision: m.Revision, Change: r.Change, Output: m.Job().Output})
	}
	if errors.Is(err, ledger.ErrStale) {
		return h.Advance(ctx, r.ID) // something settled meanwhile: it must be in the set
	}
	if err != nil {
		return fmt.Errorf("assembling: %w", err)
	}
	made := len(images)
	h.tell(ctx, result{State: string(state), Wanted: r.Plan.Images, Images: &made, Cost: r.Spent, Key: m.Job().Output.Manifest, Reason: reason})
	h.o.Log.Info().Str("job_id", string(r.ID)).Str("state", string(state)).Int("images", made).Msg("a job has ended")
	return nil
}

// imageBytes is how many bytes the job's images have.
func imageBytes(r plan.Record) (n int64) {
	for _, s := range r.Items() {
		if a, ok := r.Winner(s.ID); ok && a.Image != nil {
			n += int64(a.Image.Bytes)
		}
	}
	return n
}

// winner is the picture of an item of the set, or why there is none any more.
type winner struct {
	of   plan.Subtask
	data []byte
	gone error
}

// winners reads the picture of every item that has one, by the item's index.
func (h *Handlers) winners(ctx context.Context, r plan.Record) (plan.Record, map[int][]byte, error) {
	read := make(chan winner, r.Plan.Images)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, s := range r.Items() {
		a, ok := r.Winner(s.ID)
		if !ok || a.Image == nil {
			continue
		}
		g.Go(func() error {
			w, err := h.winner(ctx, r, s, *a.Image)
			if err == nil {
				read <- w
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return r, nil, err //nolint:wrapcheck // says what failed
	}
	close(read)
	images := make(map[int][]byte, len(read))
	for w := range read {
		if w.gone != nil {
			r = r.Failed(w.of, "its image is gone, worker replace makes another: "+w.gone.Error())
			continue
		}
		images[w.of.Index] = w.data
	}
	return r, images, nil
}

// winner reads the picture of an item. One that is gone from storage, or another one by
// now, is waited for, somebody may bring it back; but a canceled job ends, with the
// record that the item has failed.
func (h *Handlers) winner(ctx context.Context, r plan.Record, s plan.Subtask, i plan.Image) (winner, error) {
	data, err := h.stillStored(ctx, i)
	if errors.Is(err, storage.ErrNotFound) {
		if away := h.stores(ctx, *r.Plan); away != nil {
			err = away
		}
	}
	switch gone := errors.Is(err, errOther) || errors.Is(err, storage.ErrNotFound); {
	case gone && !r.Canceled:
		return winner{}, &goneError{s.Index, i.Key, h.store.Describe(), errors.Is(err, errOther)}
	case err != nil && !gone:
		return winner{}, fmt.Errorf("reading the image of item %d: %w", s.Index, err)
	}
	return winner{s, data, err}, nil
}

// errOther is that storage has another image under the key of one that was made.
var errOther = errors.New("storage has other bytes under its key than were stored")

// goneError is that an image was removed from storage before its set was made, or
// that another took its place.
type goneError struct {
	item  int
	key   string
	where string
	other bool // another took its place
}

func (e *goneError) Error() string {
	what := "is gone from storage"
	if e.other {
		what += ", which has other bytes under its key"
	}
	return fmt.Sprintf("the image of item %d %s: put %s back into the %s, or cancel the job, which then ends without it", e.item, what, e.key, e.where)
}

// Blocked implements blocker: only a person can do something about it.
func (e *goneError) Blocked() bool { return true }

// stillStored reads an image, and makes sure that it is the one of the record; one
// that this worker has stored lately is only looked for, and at how many bytes it has.
func (h *Handlers) stillStored(ctx context.Context, i plan.Image) ([]byte, error) {
	if data := h.recent.take(i.SHA256); data != nil {
		if info, err := h.store.Stat(ctx, i.Key); err != nil || info.Size == int64(len(data)) {
			return data, err
		}
	}
	data, err := h.store.Get(ctx, i.Key)
	if err == nil && sum(data) != i.SHA256 {
		return nil, errOther
	}
	return data, err
}

// stores makes sure that storage has a job's plan, which is there before anything
// else of it: what is missing beside it is gone. Else the storage may be another one,
// or away, and nobody knows what is gone: even a canceled job waits.
func (h *Handlers) stores(ctx context.Context, p plan.Plan) error {
	key := layoutOfPlan(p).Plan()
	_, err := h.store.Stat(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return &awayError{key}
	}
	return err
}

// awayError is that storage answers, and has not even the plan of a job.
type awayError struct{ plan string }

func (e *awayError) Error() string {
	return fmt.Sprintf("pictures are missing from storage, and so is %s: it may be another storage, or not mounted; bring the job's folder back, or give it up with worker delete --yes --force", e.plan)
}

// Blocked implements blocker: only a person can tell which it is.
func (e *awayError) Blocked() bool { return true }

// contactSheet shows every item, those that failed as an empty cell with the
// reason.
func (h *Handlers) contactSheet(ctx context.Context, r plan.Record, images map[int][]byte) ([]byte, error) {
	items := r.Items()
	cells := make([]imaging.Cell, len(items))
	g, together := errgroup.WithContext(ctx)
	for i, s := range items {
		cells[i] = imaging.Cell{Label: fmt.Sprintf("%03d  %s", s.Index, s.Ask.Scene), Sub: about(s)}
		data, ok := images[s.Index]
		if !ok {
			cells[i].Sub = string(s.State) + ": " + s.Reason
			continue
		}
		if a, ok := r.Winner(s.ID); ok && a.Image != nil {
			if thumb, ok := h.thumbs.Get(a.Image.SHA256); ok {
				cells[i].Image = thumb
				continue
			}
		}
		g.Go(func() error {
			return h.withPixels(together, func() error {
				thumb, err := imaging.Thumbnail(data, imaging.CellWidth, imaging.CellHeight)
				if err != nil {
					return fmt.Errorf("a thumbnail of item %d: %w", s.Index, err)
				}
				cells[i].Image = thumb
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	var sheet []byte
	err := h.withPixels(ctx, func() (err error) {
		sheet, err = imaging.ContactSheet(title(r), cells)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("drawing the contact sheet: %w", err)
	}
	return sheet, nil
}

func title(r plan.Record) string {
	t := r.Subject
	if r.Plan.Name != "" {
		t = r.Plan.Name
	}
	t += "  ·  " + strings.TrimSpace(r.Plan.Trigger+" "+r.Plan.Class)
	if r.Plan.Simulate {
		t += "  ·  SIMULATED"
	}
	return t
}

// about says in few words what an item is.
func about(s plan.Subtask) string {
	if s.Verb == plan.VerbTile {
		return fmt.Sprintf("%s, grid %d tile %d", s.Ask.Category, s.Ask.Grid, s.Ask.Tile)
	}
	return s.Ask.Technique + ", " + s.Ask.Framing
}

// storeSet stores what trainers load, once alone and once as a zip, while the
// contact sheet is drawn, then what describes it. The zip comes before the sheet,
// for the disk is busy with it the longest. The manifest is last, where the job still
// is as the set was made of it: it takes the place of that of the set before.
func (h *Handlers) storeSet(ctx context.Context, set dataset.Set) (trainset.Manifest, error) {
	packed, err := dataset.Pack(set)
	if err != nil {
		return trainset.Manifest{}, err
	}
	set, zipped, err := h.storeTrained(ctx, set, packed)
	if err != nil {
		return trainset.Manifest{}, err
	}
	m, files, err := dataset.Describe(set, append(packed, zipped...))
	if err != nil {
		return m, err
	}
	last := len(files) - 1 // the manifest, which says that the set is whole
	if err := h.storeFiles(ctx, set.Record.ID, files[:last]); err != nil {
		return m, err
	}
	return m, h.storeManifest(ctx, set.Record, files[last])
}

// replacing is how often a manifest is tried to be stored over the one that is seen:
// a server may not know again the version that it has named.
const replacing = 3

// storeManifest stores a set's manifest in the place of the one that is there while
// the job is as the set was made of it: a worker that is held up between the two, in
// the middle of the put as well, writes over no later one. Where another has stored
// one and the job has not changed, that is of the same set.
func (h *Handlers) storeManifest(ctx context.Context, r plan.Record, f dataset.File) error {
	for try := 1; ; try++ {
		over, err := h.replaces(ctx, f)
		if err != nil {
			return fmt.Errorf("looking for the manifest before: %w", err)
		}
		if err := h.unchanged(ctx, r); err != nil {
			return err
		}
		if try > replacing {
			return h.storeFiles(ctx, r.ID, []dataset.File{f})
		}
		err = h.storing(ctx, r.ID, func() error { return h.store.PutParts(ctx, f.Key, f.Parts, over) })
		if errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("storing the set: %w", err)
		}
		return nil
	}
}

// replaces says that a file takes the place of what is there now, or of nothing.
func (h *Handlers) replaces(ctx context.Context, f dataset.File) (storage.PutOptions, error) {
	o := storage.PutOptions{ContentType: f.ContentType}
	there, err := h.store.Stat(ctx, f.Key)
	if errors.Is(err, storage.ErrNotFound) {
		o.IfAbsent = true
		return o, nil
	}
	o.IfVersion = there.Version
	return o, err
}

// unchanged is ErrStale where a job has ended or changed since it was read: another
// worker may have assembled it, even twice, while this one was held up.
func (h *Handlers) unchanged(ctx context.Context, r plan.Record) error {
	now, err := h.ledger.Progress(ctx, r.ID)
	if err != nil {
		return err
	}
	if now.State.Ended() || now.Revision != r.Revision || now.Change != r.Change {
		return ledger.ErrStale
	}
	return nil
}

// storeTrained stores what was packed and the zip of it, and draws the contact sheet
// meanwhile, in the task's own goroutine: should that panic, it is the task's.
func (h *Handlers) storeTrained(ctx context.Context, set dataset.Set, packed []dataset.File) (dataset.Set, []dataset.File, error) {
	g, together := errgroup.WithContext(ctx)
	g.Go(func() error { return h.storeFiles(together, set.Record.ID, packed) })
	zipped, err := dataset.Zip(set)
	if err == nil {
		g.Go(func() error { return h.storeFiles(together, set.Record.ID, zipped) })
		set.ContactSheet, err = h.contactSheet(together, set.Record, set.Images)
	}
	g.Go(func() error { return err }) // the first error of all stops the others
	return set, zipped, g.Wait()      //nolint:wrapcheck // says what failed
}

// storeFiles stores files of a job's set, in any order.
func (h *Handlers) storeFiles(ctx context.Context, id trainset.JobID, files []dataset.File) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, f := range files {
		g.Go(func() error {
			err := h.storing(ctx, id, func() error {
				return h.store.PutParts(ctx, f.Key, f.Parts, storage.PutOptions{ContentType: f.ContentType})
			})
			if err != nil {
				return fmt.Errorf("storing the set: %w", err)
			}
			return nil
		})
	}
	return g.Wait() //nolint:wrapcheck // says what failed
}
