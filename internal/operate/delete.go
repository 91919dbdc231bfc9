package operate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// Deleter removes everything that there is of a job.
type Deleter struct {
	Ledger interface {
		// Deleting reports whether a deletion was begun and has not come to its end.
		Deleting(ctx context.Context, id trainset.JobID) (bool, error)
		// MarkDeleting keeps a job from being taken up again, or returns the state of
		// one that has not ended.
		MarkDeleting(ctx context.Context, id trainset.JobID) (trainset.JobState, error)
		Load(ctx context.Context, id trainset.JobID) (plan.Record, error)
		Uploads(ctx context.Context, id trainset.JobID) ([]ledger.Upload, error)
		Disown(ctx context.Context, id trainset.JobID, predictions []string) error
		Forget(ctx context.Context, id trainset.JobID, user, image string) error
	}
	Store storage.Store
	// Tasks removes tasks from the queue and returns how many there were.
	Tasks interface {
		Forget(ctx context.Context, ids []string) (int, error)
	}
	// Books forgets which of a user's reservations are a job's, but not what was
	// spent; none where nil.
	Books interface {
		Forget(ctx context.Context, user, job string) error
	}
	// Files removes files at the provider, where one that is gone is no error; nil
	// where there is no token for it, or where it is simulated.
	Files interface {
		DeleteFile(ctx context.Context, id string) error
	}
	Simulated bool   // why there are no Files
	Debug     string // this host's folder of debug files; empty where none are kept
	// Force deletes also a job of which the storage has nothing.
	Force bool
}

// Deleted is what was removed.
type Deleted struct {
	Job     trainset.JobID `json:"job_id"`
	Objects int            `json:"objects"`
	Bytes   int64          `json:"bytes"` // of the objects
	Files   int            `json:"provider_files"`
	Debug   int            `json:"debug_files"`
	Tasks   int            `json:"tasks"`
	Ledger  bool           `json:"ledger"` // it knew the job
	// Left says what is known to be there still, and what becomes of it.
	Left []string `json:"left"`
	// NotSearched says where there may be more, which cannot be seen from here. It
	// is empty where there was nothing of the job.
	NotSearched string `json:"not_searched,omitempty"`
}

// Nothing reports whether there was nothing of the job.
func (d Deleted) Nothing() bool {
	return d.Objects+d.Files+d.Debug+d.Tasks == 0 && !d.Ledger
}

// Delete removes a job that has ended, or that the ledger does not know any
// more: first what the ledger names, and the ledger last, so that after an
// error the same call goes on. A job that has not ended is a
// *trainset.FieldError; one that has is not taken up again from here on. What its user has spent stays in the day's books, and
// the IDs of its predictions for those who audit them.
func (d Deleter) Delete(ctx context.Context, id trainset.JobID) (Deleted, error) {
	done := Deleted{Job: id, Left: []string{}}
	if err := d.stored(ctx, id); err != nil {
		return done, err
	}
	state, err := d.Ledger.MarkDeleting(ctx, id)
	if err != nil {
		return done, fmt.Errorf("deleting: %w", err)
	}
	if state != "" {
		return done, trainset.Invalid("job", fmt.Sprintf("%s has not ended: it is %s", id, state), "cancel it first, or give --force")
	}
	r, err := d.Ledger.Load(ctx, id)
	if done.Ledger = err == nil; err != nil && !errors.Is(err, trainset.ErrNotFound) {
		return done, fmt.Errorf("deleting: %w", err)
	}
	objects, err := d.find(ctx, r, done)
	if err != nil {
		return done, fmt.Errorf("deleting job %s: %w", id, err)
	}
	user := r.User
	for _, step := range []func() error{
		func() error { return d.disown(ctx, r, objects, done) },
		func() error { return d.files(ctx, &done) },
		func() error { return d.debug(&done) },
		func() error { return d.objects(ctx, objects, &user, &done) },
		func() (err error) { done.Tasks, err = d.Tasks.Forget(ctx, tasksOf(r)); return err },
		func() error { return d.books(ctx, id, user) },
		func() error { return d.Ledger.Forget(ctx, id, user, ledger.InboxImage(r)) },
	} {
		if err := step(); err != nil {
			return done, fmt.Errorf("deleting job %s: %w", id, err)
		}
	}
	if !done.Nothing() {
		done.NotSearched = d.elsewhere(id)
	}
	return done, nil
}

// stored refuses a job whose plan, which is stored before anything else of it and
// removed last, is not in this storage: it may be another than the workers have, and
// all that is in theirs would be left to nobody.
func (d Deleter) stored(ctx context.Context, id trainset.JobID) error {
	r, err := d.Ledger.Load(ctx, id)
	if errors.Is(err, trainset.ErrNotFound) || err == nil && (r.Plan == nil || d.Force) {
		return nil
	}
	begun := false
	if err == nil {
		begun, err = d.Ledger.Deleting(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	key := layoutOf(r).Plan()
	if _, err := d.Store.Stat(ctx, key); errors.Is(err, storage.ErrNotFound) && !begun {
		return notHere(key, d.Store, " or, where its objects are gone, give --force")
	} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("deleting job %s: %w", id, err)
	}
	return nil
}

// books lets a job that is made anew under the same key spend anew.
func (d Deleter) books(ctx context.Context, id trainset.JobID, user string) error {
	if d.Books == nil || user == "" {
		return nil
	}
	return d.Books.Forget(ctx, user, string(id))
}

// elsewhere says where debug files may be that nobody can see from here: each host
// has its own.
func (d Deleter) elsewhere(id trainset.JobID) string {
	hosts := "all hosts, for TRAINSET_DEBUG_DIR is not set here"
	if d.Debug != "" {
		hosts = "other hosts; here it was " + d.Debug
	}
	return fmt.Sprintf("debug files on %s; where workers set TRAINSET_DEBUG_DIR, remove its folder %s on each host", hosts, id)
}

// files removes the reference and the grids that were uploaded.
func (d Deleter) files(ctx context.Context, done *Deleted) error {
	files, err := d.Ledger.Uploads(ctx, done.Job)
	if err != nil {
		return err
	}
	if d.Files == nil && len(files) > 0 {
		why := "REPLICATE_API_TOKEN is not set"
		if d.Simulated {
			why = "it is simulated here"
		}
		done.Left = append(done.Left, fmt.Sprintf("%d files at the provider: %s; they expire there within a day", len(files), why))
		return nil
	}
	for _, f := range files {
		if err := d.Files.DeleteFile(ctx, f.ID); err != nil {
			return err
		}
		done.Files++
	}
	return nil
}

// debug removes the job's folder of debug files.
func (d Deleter) debug(done *Deleted) error {
	if d.Debug == "" {
		return nil
	}
	dir := filepath.Join(d.Debug, string(done.Job))
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			done.Debug++
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.RemoveAll(dir)
	}
	return err //nolint:wrapcheck // names the folder
}

// find lists what storage has of the job. Where the ledger does not say where
// that is, it is looked for.
func (d Deleter) find(ctx context.Context, r plan.Record, done Deleted) ([]storage.Info, error) {
	prefix := ""
	if done.Ledger {
		prefix = layoutOf(r).Root() + "/"
	}
	all, err := d.Store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o storage.Info) bool {
		l, ok := place(o.Key)
		return !ok || l.Job != done.Job
	}), nil
}

// disown keeps the IDs of the job's predictions for the books: of its attempts
// or, where the ledger has forgotten it, of the receipts.
func (d Deleter) disown(ctx context.Context, r plan.Record, objects []storage.Info, done Deleted) error {
	ids := map[string]bool{}
	for _, t := range r.Attempts {
		ids[t.PredictionID] = true
	}
	for _, o := range objects {
		if done.Ledger {
			break
		}
		t, err := receipt(ctx, d.Store, o.Key)
		if err != nil {
			return err
		}
		ids[t.PredictionID] = true
	}
	delete(ids, "") // of attempts that never came to have one
	return d.Ledger.Disown(ctx, done.Job, slices.Sorted(maps.Keys(ids)))
}

// objects removes what storage has of the job, and reads its user off the
// place. The plan and the manifest, by which a job is known, go last.
func (d Deleter) objects(ctx context.Context, objects []storage.Info, user *string, done *Deleted) error {
	var keys, last []string
	for _, o := range objects {
		l, _ := place(o.Key)
		*user = l.User
		done.Objects++
		done.Bytes += o.Size
		if o.Key == l.Plan() || o.Key == l.Manifest() {
			last = append(last, o.Key)
		} else {
			keys = append(keys, o.Key)
		}
	}
	if info, err := d.Store.Stat(ctx, dataset.Upload(done.Job)); err == nil {
		done.Objects++
		done.Bytes += info.Size
		keys = append(keys, info.Key)
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	for _, batch := range [][]string{keys, last} {
		if err := d.Store.Delete(ctx, batch...); err != nil {
			return err
		}
	}
	return nil
}

// tasksOf lists the tasks that a job has handed to the queue.
func tasksOf(r plan.Record) []string {
	ids := make([]string, 0, len(r.Queued))
	for id := range r.Queued {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Stored finds jobs by what storage has of them.
type Stored struct{ Store storage.Store }

// Find implements Finder.
func (s Stored) Find(ctx context.Context, prefix string) ([]trainset.JobID, error) {
	all, err := s.Store.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("looking for jobs in storage: %w", err)
	}
	var found []trainset.JobID
	for _, o := range all {
		if l, ok := place(o.Key); ok && strings.HasPrefix(string(l.Job), prefix) && !slices.Contains(found, l.Job) {
			found = append(found, l.Job)
		}
	}
	return found, nil
}
