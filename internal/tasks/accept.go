package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/reference"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// accept takes requests of a kind in: whatever producer they come from, the
// job is recorded, its reference checked and stored, its plan frozen.
func (h *Handlers) accept(kind trainset.Kind) asynq.HandlerFunc {
	return func(ctx context.Context, t *asynq.Task) error {
		req, err := trainset.DecodeRequest(kind, t.Payload())
		if id := acceptedBy(ctx); id != "" && (err != nil || req.JobID() != id) {
			if served, err := h.unreadable(ctx, id); served || err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("tasks: %s: %w: %w", t.Type(), err, asynq.SkipRetry)
		}
		r, err := h.ledger.Take(ctx, req)
		if err != nil {
			return fmt.Errorf("accepting: %w", refusal(err))
		}
		if r.Plan == nil && !r.State.Ended() {
			in, err := h.admit(ctx, r)
			if err != nil || !in {
				return err
			}
			begun, err := h.begin(ctx, r, req)
			if err != nil {
				return h.refuse(ctx, r, err)
			}
			if begun.Plan != nil {
				h.tell(ctx, result{Job: r.ID, State: string(begun.State), Wanted: begun.Plan.Images, Estimated: begun.Plan.Estimated})
				return h.enqueue(ctx, plan.Lot{Record: begun, Steps: plan.Next(begun)})
			}
		}
		if r.State.Ended() { // it may have been let in after it had departed
			return h.depart(ctx, r)
		}
		return h.Advance(ctx, r.ID)
	}
}

// acceptedBy is the job that the task in hand is to accept, by the task's ID; empty
// where a producer has named its own task.
func acceptedBy(ctx context.Context) trainset.JobID {
	task, _ := asynq.GetTaskID(ctx)
	job, step, _ := strings.Cut(task, ":")
	id, err := trainset.ParseJobID(job)
	if err != nil || !strings.HasPrefix(step, "accept:") {
		return ""
	}
	return id
}

// unreadable ends a job whose own request no worker can carry out, for to queue it
// anew would not help, and nobody could end it. It reports whether the job's task is
// done with: not where there is no record, or where that has a request of its own
// which can be read, and is queued anew by the sweeper.
func (h *Handlers) unreadable(ctx context.Context, id trainset.JobID) (served bool, err error) {
	r, err := h.ledger.Progress(ctx, id)
	if errors.Is(err, trainset.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("accepting: %w", err)
	}
	problem := requestProblem(r)
	switch {
	case problem == nil:
		return false, nil
	case r.Plan != nil || r.State.Ended():
		return true, h.Advance(ctx, r.ID)
	case r.Canceled:
		return true, h.end(ctx, r, canceledBefore)
	case newer(r.Request):
		err := newerError{problem}
		h.noteHeldUp(ctx, r.ID, err)
		return true, err
	}
	return true, h.refuse(ctx, r, problem)
}

// canceledBefore ends a job that was canceled before it had a plan.
var canceledBefore = ledger.Ending{State: trainset.JobCanceled, Reason: "canceled before it began"}

// requestProblem is what is wrong with the request that a job was recorded with.
func requestProblem(r plan.Record) error {
	req, err := trainset.DecodeRequest(r.Kind, r.Request)
	if err == nil && req.JobID() != r.ID {
		return trainset.Invalid("key", "names another job to whoever reads the request than it did to its producer", "write user and key as UTF-8, and ask again")
	}
	return err
}

// newer reports whether a request is of a version that other workers may know.
func newer(request []byte) bool {
	var head struct {
		Version float64 `json:"version"`
	}
	return json.Unmarshal(request, &head) == nil && head.Version > trainset.RequestVersion
}

// newerError keeps a job waiting for a worker that knows the version of its request.
type newerError struct{ problem error }

func (e newerError) Error() string {
	return fmt.Sprintf("its request is for a newer worker (%v); update the workers", e.problem)
}

func (newerError) Blocked() bool { return true }

// waitingRecheck is when a job that waits for its turn is looked at, should
// nobody have told that it is its turn.
const waitingRecheck = time.Minute

// admit lets a job begin if its user has not too many that run: a thousand jobs
// of one user must not keep another's only one waiting. A canceled job need not
// wait to end.
func (h *Handlers) admit(ctx context.Context, r plan.Record) (bool, error) {
	if r.Canceled {
		return true, nil
	}
	in, err := h.ledger.Admit(ctx, r.User, r.ID, h.o.MaxOpenJobs)
	if err != nil || in {
		return in, err
	}
	return false, h.ledger.CheckAt(ctx, r.ID, h.o.Now().Add(waitingRecheck))
}

// end ends a job and lets the next of its user begin.
func (h *Handlers) end(ctx context.Context, r plan.Record, e ledger.Ending) error {
	if err := h.ledger.Finish(ctx, r.ID, e); err != nil {
		return err
	}
	return h.depart(ctx, r)
}

// depart makes room for the next job of a user. A crash before it leaves that
// to the sweeper, which knows an ended job in the open index when it sees one.
func (h *Handlers) depart(ctx context.Context, r plan.Record) error {
	next, err := h.ledger.Depart(ctx, r.User, r.ID)
	if err != nil {
		return err
	}
	if next != "" {
		if err := h.ledger.CheckAt(ctx, next, h.o.Now()); err != nil {
			return err
		}
		if err := h.repair(ctx, next); err != nil { // the sweeper will
			h.o.Log.Warn().Err(err).Str("job_id", string(next)).Msg("a job whose turn it is could not begin")
		}
	}
	return h.ledger.Close(ctx, r.ID)
}

// refuse ends a job whose request cannot be served; other errors are tried again, and
// that the host of its picture is away is believed after some tries. Whoever is slower
// than another worker that has accepted it refuses nothing.
func (h *Handlers) refuse(ctx context.Context, r plan.Record, err error) error {
	if h.hostAway(ctx, r.ID, err) {
		return err
	}
	var field *trainset.FieldError
	var conflict *trainset.ConflictError // with what storage has from before the ledger was lost
	if !errors.As(err, &field) && !errors.As(err, &conflict) {
		h.noteHeldUp(ctx, r.ID, err)
		return err
	}
	ended := h.end(ctx, r, ledger.Ending{State: trainset.JobFailed, Reason: err.Error()})
	if errors.Is(ended, ledger.ErrStale) {
		return h.Advance(ctx, r.ID)
	}
	h.tell(ctx, result{Job: r.ID, State: string(trainset.JobFailed), Reason: err.Error()})
	h.o.Log.Warn().Str("job_id", string(r.ID)).Err(err).Msg("a job was refused")
	return ended
}

// fetches is how often a picture is asked for whose host is away; with the pauses of
// RetryDelay that takes a quarter of a minute.
const fetches = 5

// hostAway reports whether a request's picture could not be fetched for what may
// pass, and is to be asked for again. Those who watch the job are told.
func (h *Handlers) hostAway(ctx context.Context, id trainset.JobID, err error) bool {
	var away *reference.AwayError
	n, _ := asynq.GetRetryCount(ctx) // none in tests
	if !errors.As(err, &away) || n >= fetches-1 {
		return false
	}
	why := away.Problem() + ": its picture is asked for again"
	warnUnnoted(ctx, h.o.Log, id, h.ledger.Outage(ctx, id, why, RetryDelay(n, err, nil)))
	return true
}

func layoutOf(req trainset.Request) dataset.Layout {
	return dataset.Layout{User: req.Common().User, Kind: req.Kind(), Subject: req.Subject(), Job: req.JobID()}
}

// begin freezes the plan, or takes the one that storage has from before the
// ledger was lost, and writes it to the ledger. It returns the record of a job
// that it has begun for the first time, so that nobody need read it; else it is
// to be read.
func (h *Handlers) begin(ctx context.Context, r plan.Record, req trainset.Request) (begun plan.Record, err error) {
	if r.Canceled {
		return begun, h.end(ctx, r, canceledBefore)
	}
	layout := layoutOf(req)
	p, found, err := h.storedPlan(ctx, layout, req)
	if err != nil {
		return begun, err
	}
	if !found {
		if p, err = h.freeze(ctx, layout, req); err != nil {
			return begun, err
		}
	}
	subs, known := p.Subtasks(), []plan.Attempt(nil)
	if found {
		if subs, known, err = h.restore(ctx, r, p, asItIs); err != nil {
			return begun, err
		}
	}
	u, err := h.uploadReference(ctx, p)
	if err != nil {
		return begun, err
	}
	p.Reference.URL, p.Reference.URLEnds = u.URL, &u.ExpiresAt
	first, err := h.ledger.Begin(ctx, p, subs, known)
	if err != nil {
		return begun, fmt.Errorf("accepting: %w", err)
	}
	for _, a := range known {
		h.o.Purse.Regained(ctx, a)
	}
	h.dropUpload(ctx, r.ID, req.Source())
	if first && !found {
		begun = r.Begun(p, subs)
	}
	return begun, nil
}

// dropUpload deletes what the producer handed over: the job has its own now.
func (h *Handlers) dropUpload(ctx context.Context, id trainset.JobID, src trainset.Reference) {
	var err error
	switch {
	case ledger.InInbox(id, src):
		err = h.ledger.DropInbox(ctx, id, src.SHA256)
	case src.Key == dataset.Upload(id):
		err = h.store.Delete(ctx, src.Key)
	}
	if err != nil {
		h.o.Log.Warn().Err(err).Str("job_id", string(id)).Msg("an upload could not be deleted")
	}
}

// readPlan reads the plan that a job was frozen with, or storage.ErrNotFound.
func readPlan(ctx context.Context, store storage.Store, layout dataset.Layout) (p plan.Plan, err error) {
	b, err := store.Get(ctx, layout.Plan())
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, fmt.Errorf("reading the plan %s: %w", layout.Plan(), err)
	}
	return p, nil
}

// storedPlan reads the plan that was frozen before; one of a different request
// under the same key is a conflict.
func (h *Handlers) storedPlan(ctx context.Context, layout dataset.Layout, req trainset.Request) (plan.Plan, bool, error) {
	p, err := readPlan(ctx, h.store, layout)
	if errors.Is(err, storage.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	before, err := trainset.DecodeRequest(req.Kind(), p.Request)
	if err != nil {
		return p, false, fmt.Errorf("reading the plan %s: %w", layout.Plan(), err)
	}
	if before.Fingerprint() != req.Fingerprint() {
		return p, false, &trainset.ConflictError{Key: p.Key, JobID: p.JobID, Existing: before.Fingerprint(), Given: req.Fingerprint()}
	}
	return p, true, h.ours(ctx, p.Simulate, false)
}

// freeze checks and stores the reference, then plans and stores the plan.
func (h *Handlers) freeze(ctx context.Context, layout dataset.Layout, req trainset.Request) (plan.Plan, error) {
	if err := h.mayFreeze(ctx, req.Common().Simulate); err != nil {
		return plan.Plan{}, err
	}
	if err := generate.CheckTrigger(req.Common().Trigger); err != nil {
		return plan.Plan{}, err
	}
	model, err := h.model(req)
	if err != nil {
		return plan.Plan{}, err
	}
	ref, err := h.reference(ctx, layout, req)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := h.plan(req, model, ref)
	if err != nil {
		return p, err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return p, fmt.Errorf("encoding the plan: %w", err)
	}
	err = h.storing(ctx, p.JobID, func() error {
		return h.store.Put(ctx, layout.Plan(), b, storage.PutOptions{ContentType: "application/json", IfAbsent: true})
	})
	if errors.Is(err, storage.ErrExists) { // another worker was first: its plan is the plan
		p, _, err = h.storedPlan(ctx, layout, req)
	}
	if err != nil {
		return p, fmt.Errorf("storing the plan: %w", err)
	}
	return p, nil
}

func (h *Handlers) model(req trainset.Request) (replicate.Model, error) {
	o := req.Common()
	byDefault := h.o.DefaultModel
	if req.Kind() == trainset.KindStyle {
		byDefault = h.o.StyleModel
	}
	m, err := replicate.Lookup(replicate.RoleGenerate, cmp.Or(o.Model, byDefault))
	if err != nil {
		return m, err
	}
	if req.Kind() == trainset.KindActor && o.MaxCost > 0 && o.MaxCost < m.Price {
		return m, trainset.Invalid("max_cost_usd", fmt.Sprintf("%s does not pay for one image of %s at %s", o.MaxCost, m.Name, m.Price), "give more, or leave it out")
	}
	return m, nil
}

// reference reads the input image where the request says it is, and stores it
// normalised.
func (h *Handlers) reference(ctx context.Context, layout dataset.Layout, req trainset.Request) (plan.Reference, error) {
	field := ledger.SourceField(req.Kind())
	data, err := h.source(ctx, req.JobID(), field, req.Source())
	if err != nil {
		return plan.Reference{}, err
	}
	var n reference.Normalised
	err = h.withPixels(ctx, func() (err error) {
		n, err = h.check(data, field, h.o.Limits)
		return err
	})
	if err == nil {
		err = h.storing(ctx, req.JobID(), func() error {
			return h.store.Put(ctx, layout.Reference(), n.PNG, storage.PutOptions{ContentType: "image/png"})
		})
	}
	if err != nil {
		return plan.Reference{}, fmt.Errorf("taking the reference in: %w", err)
	}
	return plan.Reference{Key: layout.Reference(), SHA256: sum(n.PNG), Width: n.Width, Height: n.Height, Format: n.Format, DHashes: n.DHashes}, nil
}

func (h *Handlers) source(ctx context.Context, id trainset.JobID, field string, src trainset.Reference) ([]byte, error) {
	if err := ledger.OwnUpload(field, id, src); err != nil {
		return nil, fmt.Errorf("reading the reference: %w", err)
	}
	if ledger.InInbox(id, src) {
		data, err := h.ledger.Inbox(ctx, id, src.SHA256)
		if errors.Is(err, trainset.ErrNotFound) {
			return nil, trainset.Invalid(field, "Redis has no upload with its sha256: it was changed, or the upload is older than a week", "upload the image again, and ask under another key with the reference as it is")
		}
		if err != nil {
			return nil, fmt.Errorf("reading the reference: %w", err)
		}
		return data, nil // Inbox has checked the digest
	}
	if src.URL != "" {
		o := h.o.Reference
		o.Field = field
		data, err := reference.FetchURL(ctx, src.URL, o)
		if err != nil {
			return nil, fmt.Errorf("fetching the reference: %w", err)
		}
		return data, sameBytes(field, data, src.SHA256)
	}
	data, err := h.store.Get(ctx, src.Key)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, trainset.Invalid(field, fmt.Sprintf("there is no object %q in %s", src.Key, h.store.Describe()), "store it there before you enqueue the job")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the reference: %w", err)
	}
	return data, sameBytes(field, data, src.SHA256)
}

func sameBytes(field string, data []byte, want string) error {
	if want != "" && want != sum(data) {
		return trainset.Invalid(field, "its bytes do not have the sha256 that the request names", "send the digest of the image that is there now")
	}
	return nil
}

// uploadStays is how long an uploaded reference must last for a create: a
// prediction may wait long before it reads it.
const uploadStays = 40 * time.Minute

// readable reports whether the provider can still read what lies at an address.
func (h *Handlers) readable(url string) bool { return h.o.Readable == nil || h.o.Readable(url) }

// referenceURL returns the address at which the provider reads the job's
// reference, uploading it once however many ask.
func (h *Handlers) referenceURL(ctx context.Context, p plan.Plan) (string, error) {
	if ends := p.Reference.URLEnds; ends != nil && ends.Sub(h.o.Now()) >= uploadStays && h.readable(p.Reference.URL) {
		return p.Reference.URL, nil
	}
	u, err := h.uploadReference(ctx, p)
	return u.URL, err
}

func (h *Handlers) uploadReference(ctx context.Context, p plan.Plan) (ledger.Upload, error) {
	return h.uploadOnce(ctx, p.JobID, p.Reference.SHA256, "reference.png", "image/png", func() ([]byte, error) {
		return h.store.Get(ctx, p.Reference.Key)
	})
}

// uploaded returns the address at which the provider reads bytes with this
// digest, uploading them once a job however many ask.
func (h *Handlers) uploaded(ctx context.Context, job trainset.JobID, sum, name, kind string, read func() ([]byte, error)) (string, error) {
	u, err := h.uploadOnce(ctx, job, sum, name, kind, read)
	return u.URL, err
}

func (h *Handlers) uploadOnce(ctx context.Context, job trainset.JobID, sum, name, kind string, read func() ([]byte, error)) (ledger.Upload, error) {
	v, err, _ := h.once.Do(string(job)+sum, func() (any, error) {
		u, ok, err := h.ledger.Upload(ctx, job, sum, uploadStays)
		if err != nil || ok && h.readable(u.URL) {
			return u, err
		}
		data, err := read()
		if err != nil {
			return u, fmt.Errorf("reading %s: %w", name, err)
		}
		f, err := h.upload.Upload(ctx, name, kind, data)
		if err != nil {
			return u, fmt.Errorf("uploading %s: %w", name, err)
		}
		u.ID, u.URL, u.ExpiresAt = f.ID, f.URL, f.ExpiresAt
		return u, h.ledger.SaveUpload(ctx, job, sum, u)
	})
	return v.(ledger.Upload), err //nolint:forcetypeassert,wrapcheck // made above; says what failed
}
