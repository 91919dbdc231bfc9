package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/storage"
)

func fetchCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var to string
	var l links
	cmd := v.command("fetch", "Download a job's data set from the system's storage, or list links to it", func(ctx context.Context, s *system, id trainset.JobID) error {
		if l.wanted {
			return l.list(ctx, s, id, to)
		}
		if l.ttl != defaultTTL {
			return trainset.Invalid("ttl", "is how long links live", "give --links, or leave --ttl out")
		}
		return fetchJob(ctx, s, id, to)
	})
	cmd.Long = "Fetch downloads the finished data set of a job: its images with their captions, zip, contact\n" +
		"sheet, gallery, reference and manifest, and what the gallery links to: a style's grids, enlarged\n" +
		"too, what judges said, pictures that were rejected or replaced. Every file of the set is checked\n" +
		"against the manifest, which is written last: where it is, the set is whole. Files that are there\n" +
		"already are not fetched again, so an interrupted fetch goes on when it is repeated.\n\n" +
		"It reads from the bucket of AWS_USER_FILES_BUCKET or from the folder of TRAINSET_OUT.\n\n" +
		"With --links nothing is downloaded. For each image, and for the zip, a line has its number, its\n" +
		"key in the bucket and a URL, which gives the file to whoever holds it until --ttl has passed:\n" +
		"for people and services that have no credentials of the bucket."
	cmd.Example = "  enqueue fetch 3f2a9c41 --out zara\n  enqueue fetch 3f2a9c41 --links --ttl 1h --json | jq -r '.links[].url'"
	cmd.Flags().StringVar(&to, "out", "", "folder to write the data set to (required without --links)")
	l.flags(cmd)
	return cmd
}

func fetchJob(ctx context.Context, s *system, id trainset.JobID, to string) error {
	if to == "" {
		return trainset.Invalid("out", "is missing", "give --out a folder to write the data set to")
	}
	if err := folder("out", to); err != nil {
		return err
	}
	l, err := finished(ctx, s, id)
	if err != nil {
		return err
	}
	r, err := fetchSet(ctx, s.store, storage.NewDirectory(to), l)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.stdout, r)
	}
	_, err = fmt.Fprintf(s.stdout, "fetched %d files (%s) of job %s to %s, %d were there\n", r.Fetched, cli.Bytes(r.Bytes), id, to, r.There)
	return err //nolint:wrapcheck // the terminal has gone
}

// finished says where the data set of a job is, which must have one.
func finished(ctx context.Context, s *system, id trainset.JobID) (dataset.Layout, error) {
	k, err := s.get(ctx, id)
	if err != nil {
		return dataset.Layout{}, err
	}
	if k.job.Output == nil {
		return dataset.Layout{}, &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("job %s is %s and has no data set; see enqueue status %s", id, k.job.State, id)}
	}
	return placeOf(k.job), nil
}

// fetched is what a fetch did.
type fetched struct {
	Job      trainset.JobID `json:"job_id"`
	Revision int            `json:"revision"`
	Fetched  int            `json:"fetched"` // files
	There    int            `json:"there"`   // files that were there already
	Bytes    int64          `json:"bytes"`   // fetched
}

// wanted is a file of a data set and what it must be.
type wanted struct {
	file   string // relative to the manifest
	sha256 string // empty where the manifest has none: a file that never changes and that storage may have lost
}

// errGone is of a file that no set needs and that storage has no more.
var errGone = errors.New("is gone")

// fetchSet copies a data set into a folder: all its files, then its manifest.
func fetchSet(ctx context.Context, from storage.Store, to *storage.Directory, l dataset.Layout) (fetched, error) {
	body, m, err := manifestToFetch(ctx, from, l)
	if err != nil {
		return fetched{}, err
	}
	if err := mayHold(ctx, to, m.JobID); err != nil {
		return fetched{}, err
	}
	var there, copied atomic.Int32
	var bytes atomic.Int64
	g, together := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, w := range files(m) {
		g.Go(func() error {
			n, err := w.fetch(together, from, to, m.Folder)
			switch {
			case errors.Is(err, errGone):
				return nil
			case n == 0 && err == nil:
				there.Add(1)
				return nil
			}
			copied.Add(1)
			bytes.Add(n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fetched{}, err //nolint:wrapcheck // says which file
	}
	if err := to.Put(ctx, manifestFile, body, storage.PutOptions{}); err != nil {
		return fetched{}, fmt.Errorf("writing the manifest: %w", err)
	}
	return fetched{m.JobID, m.Revision, int(copied.Load()) + 1, int(there.Load()), bytes.Load() + int64(len(body))}, nil
}

const manifestFile = "manifest.json"

func manifestToFetch(ctx context.Context, from storage.Store, l dataset.Layout) ([]byte, trainset.Manifest, error) {
	var m trainset.Manifest
	body, err := from.Get(ctx, l.Manifest())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, m, trainset.Invalid("storage", fmt.Sprintf("%s has no data set of job %s", from.Describe(), l.Job),
			"set AWS_USER_FILES_BUCKET or TRAINSET_OUT to where the workers keep theirs")
	}
	if err != nil {
		return nil, m, fmt.Errorf("reading the manifest: %w", err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, m, fmt.Errorf("reading the manifest %s: %w", l.Manifest(), err)
	}
	if m.JobID != l.Job || m.Folder != l.Root() {
		return nil, m, fmt.Errorf("the manifest %s is of job %s in %s", l.Manifest(), m.JobID, m.Folder)
	}
	return body, m, nil
}

// mayHold refuses a folder that has another job's data set.
func mayHold(ctx context.Context, to *storage.Directory, id trainset.JobID) error {
	var there trainset.Manifest
	if found, err := readObject(ctx, to, manifestFile, &there); err != nil || !found {
		return err
	}
	if there.JobID != id {
		return trainset.Invalid("out", fmt.Sprintf("has the data set of job %s", there.JobID), "give another folder")
	}
	return nil
}

// files lists what belongs to the set beside its manifest.
func files(m trainset.Manifest) []wanted {
	all := []wanted{{m.Reference.File, m.Reference.SHA256}}
	for _, it := range m.Items {
		if it.File == "" {
			continue
		}
		all = append(all, wanted{it.File, it.SHA256})
		if c := it.Caption; c != nil {
			all = append(all, wanted{c.File, digest([]byte(c.Text))})
		}
	}
	for _, g := range m.Grids { // the gallery shows them
		if g.File != "" {
			all = append(all, wanted{g.File, g.SHA256})
		}
		if e := g.Enhanced; e != nil {
			all = append(all, wanted{e.File, e.SHA256})
		}
	}
	for _, file := range dataset.Linked(m) {
		all = append(all, wanted{file: file})
	}
	for _, f := range []*trainset.SetFile{m.Files.Zip, m.Files.ContactSheet, m.Files.Gallery} {
		if f != nil {
			all = append(all, wanted{f.File, f.SHA256})
		}
	}
	return all
}

// keyOf is the key of a file that the manifest names, which must not leave the
// set's folder.
func keyOf(folder, file string) (string, error) {
	if err := storage.ValidKey(file); err != nil {
		return "", fmt.Errorf("the manifest names the file %q: %w", file, err)
	}
	return path.Join(folder, file), nil
}

// fetch copies one file, unless it is there, and returns its bytes.
func (w wanted) fetch(ctx context.Context, from storage.Store, to *storage.Directory, folder string) (int64, error) {
	key, err := keyOf(folder, w.file)
	if err != nil {
		return 0, err
	}
	if b, err := to.Get(ctx, w.file); err == nil && w.is(b) {
		return 0, nil
	}
	b, err := from.Get(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound) && w.sha256 == "":
		return 0, errGone
	case err != nil:
		return 0, fmt.Errorf("fetching %s: %w", w.file, err)
	}
	if got := digest(b); !w.is(b) {
		return 0, fmt.Errorf("%s in storage has the sha256 %s, and the manifest says %s: it is damaged", w.file, got, w.sha256)
	}
	if err := to.Put(ctx, w.file, b, storage.PutOptions{}); err != nil {
		return 0, fmt.Errorf("writing %s: %w", w.file, err)
	}
	return int64(len(b)), nil
}

func (w wanted) is(b []byte) bool { return w.sha256 == "" || w.sha256 == digest(b) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
