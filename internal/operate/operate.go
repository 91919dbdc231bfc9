// Package operate is what those who run the system do to it beyond running it:
// try a job again, delete one, compare the books, find out why nothing works.
// Each is a function over small interfaces that says what it did or found; how
// that is printed is the command's business.
//
// It changes what the ledger says and lets the workers act on it. So it must not
// know how a job is run, nor the queue's library or Redis's.
package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// LeastPrefix is how much of a job's ID names it, where no other job begins
// with the same.
const LeastPrefix = 8

// Finder finds jobs by the beginning of their IDs.
type Finder interface {
	Find(ctx context.Context, prefix string) ([]trainset.JobID, error)
}

// Find returns the one job that a person means by an ID or its beginning. A
// whole ID is believed; finders are asked in turn about the beginning of one.
func Find(ctx context.Context, text string, finders ...Finder) (trainset.JobID, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if id, err := trainset.ParseJobID(text); err == nil {
		return id, nil
	}
	if len(text) < LeastPrefix || strings.Trim(text, "0123456789abcdef-") != "" {
		return "", trainset.Invalid("job", fmt.Sprintf("%q is no job ID", text), fmt.Sprintf("give the ID, or at least its first %d characters", LeastPrefix))
	}
	for _, f := range finders {
		ids, err := f.Find(ctx, text)
		switch {
		case err != nil:
			return "", err
		case len(ids) == 1:
			return ids[0], nil
		case len(ids) > 1:
			return "", trainset.Invalid("job", fmt.Sprintf("%q is the beginning of %d jobs", text, len(ids)), fmt.Sprintf("give more of it, as of %s or %s", ids[0], ids[1]))
		}
	}
	return "", trainset.Invalid("job", fmt.Sprintf("no job begins with %s", text), "see worker jobs; is REDIS_URL of another system?")
}

// place reads whose object it is off its key: the folder of a job. ok is false
// for keys that are none of a job's.
func place(key string) (l dataset.Layout, ok bool) {
	part := strings.SplitN(key, "/", 5)
	if len(part) < 5 {
		return l, false
	}
	l = dataset.Layout{User: part[0], Subject: part[2], Job: trainset.JobID(part[3])}
	switch part[1] {
	case string(trainset.KindActor) + "s":
		l.Kind = trainset.KindActor
	case string(trainset.KindStyle) + "s":
		l.Kind = trainset.KindStyle
	default:
		return l, false
	}
	_, err := trainset.ParseJobID(part[3])
	return l, err == nil
}

// layoutOf is where the objects of a record's job are.
func layoutOf(r plan.Record) dataset.Layout {
	return dataset.Layout{User: r.User, Kind: r.Kind, Subject: r.Subject, Job: r.ID}
}

// receipt reads the record of an attempt that lies in a job's folder. It is
// empty where the object is none, or is gone.
func receipt(ctx context.Context, store storage.Store, key string) (plan.Attempt, error) {
	var t plan.Attempt
	l, ok := place(key)
	folder := path.Dir(key)
	if !ok || path.Ext(key) != ".json" || folder != l.Root()+"/items" && folder != l.Root()+"/grids" {
		return t, nil
	}
	b, err := store.Get(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading a receipt: %w", err)
	}
	if json.Unmarshal(b, &t) != nil {
		return plan.Attempt{}, nil //nolint:nilerr // it is somebody else's JSON
	}
	return t, nil
}

// notHere refuses a job whose plan, which is stored before anything else of it, this
// storage has not: it may be another than the workers have. Or says what else to do.
func notHere(plan string, s storage.Store, or string) error {
	return trainset.Invalid("job", fmt.Sprintf("its plan %s is not in %s", plan, s.Describe()), "set the storage that the workers have"+or)
}
