package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// Set is a finished job whose data set is to be assembled.
type Set struct {
	// Record is the job's, with its plan's head, its subtasks and attempts.
	Record plan.Record
	// State and Reason are how the job ends (plan.Record.Outcome).
	State  trainset.JobState
	Reason string
	// Revision numbers the set, from 1.
	Revision int
	// Images are the winners' PNG bytes by item index, one a succeeded item. Whoever
	// reads them makes sure that they have the digests of the record.
	Images map[int][]byte
	// ContactSheet is a JPEG of them; none when empty.
	ContactSheet []byte
	Tool         trainset.Tool
	FinishedAt   time.Time

	items []plan.Subtask // what stands for each item, found once
}

// File is one object to store.
type File struct {
	Key         string
	ContentType string
	Parts       [][]byte // of its body, one after the other

	sum string // of those that the manifest names
}

func (f File) size() (n int) {
	for _, p := range f.Parts {
		n += len(p)
	}
	return n
}

// Pack makes the images and captions of the set, which trainers load. The same set
// has the same bytes. It fails where there are not as many as in the record.
func Pack(s Set) ([]File, error) {
	s.items = s.Record.Items()
	if err := s.check(); err != nil {
		return nil, s.failed(err)
	}
	layout := s.layout()
	var files []File
	for _, e := range s.entries() {
		files = append(files,
			File{Key: layout.Train(s.Revision, e.index), ContentType: "image/png", Parts: [][]byte{e.image}},
			File{Key: layout.Caption(s.Revision, e.index), ContentType: "text/plain; charset=utf-8", Parts: [][]byte{e.caption}})
	}
	return files, nil
}

// Zip makes the zip of what Pack makes, which alone checks it; none of a set without
// any image.
func Zip(s Set) ([]File, error) {
	s.items = s.Record.Items()
	entries := s.entries()
	if len(entries) == 0 {
		return nil, nil
	}
	parts, err := bundle(entries)
	if err != nil {
		return nil, s.failed(err)
	}
	return []File{named(s.layout().Zip(s.Revision), "application/zip", parts...)}, nil
}

// Describe makes the objects that say what was packed and zipped, in the order in
// which to store them after all of that: the manifest last, so that where it is,
// everything is. A set without any image has a gallery and manifests only, which
// say why.
func Describe(s Set, packed []File) (trainset.Manifest, []File, error) {
	s.items = s.Record.Items()
	layout := s.layout()
	var files []File
	if len(s.ContactSheet) > 0 {
		files = append(files, named(layout.ContactSheet(s.Revision), "image/jpeg", s.ContactSheet))
	}
	all := slices.Concat(packed, files)
	page, err := gallery(s.manifest(layout.Revision(s.Revision), all))
	if err != nil {
		return trainset.Manifest{}, nil, s.failed(err)
	}
	drawn := named(layout.Gallery(s.Revision), "text/html; charset=utf-8", page)
	files, all = append(files, drawn), append(all, drawn)
	revision, err := encode(s.manifest(layout.Revision(s.Revision), all))
	if err != nil {
		return trainset.Manifest{}, nil, err
	}
	m := s.manifest(layout.Root(), all)
	current, err := encode(m)
	if err != nil {
		return trainset.Manifest{}, nil, err
	}
	return m, append(files,
		File{Key: layout.RevisionManifest(s.Revision), ContentType: "application/json", Parts: [][]byte{revision}},
		File{Key: layout.Manifest(), ContentType: "application/json", Parts: [][]byte{current}}), nil
}

func (s Set) failed(err error) error {
	return fmt.Errorf("assembling the data set of job %s: %w", s.Record.ID, err)
}

func encode(m trainset.Manifest) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encoding the manifest of job %s: %w", m.JobID, err)
	}
	return b.Bytes(), nil
}

func (s Set) layout() Layout {
	r := s.Record
	return Layout{User: r.User, Kind: r.Kind, Subject: r.Subject, Job: r.ID}
}

// check makes sure that there is an image for each item that has one by the
// record, and no other.
func (s Set) check() error {
	if s.Record.Plan == nil {
		return fmt.Errorf("the record has no plan")
	}
	if s.Revision < 1 {
		return fmt.Errorf("revision %d; the first is 1", s.Revision)
	}
	made := 0
	for _, sub := range s.items {
		if sub.State != trainset.ItemSucceeded {
			continue
		}
		made++
		if _, ok := winner(s.Record, sub); !ok {
			return fmt.Errorf("image %d has no record of the attempt that made it", sub.Index)
		}
		if s.Images[sub.Index] == nil {
			return fmt.Errorf("image %d was not given", sub.Index)
		}
	}
	if made != len(s.Images) {
		return fmt.Errorf("%d images were given for %d items that succeeded", len(s.Images), made)
	}
	return nil
}

// winner is the attempt that made an item's image.
func winner(r plan.Record, s plan.Subtask) (plan.Attempt, bool) {
	if s.State != trainset.ItemSucceeded {
		return plan.Attempt{}, false
	}
	a, ok := r.Attempts[plan.AttemptID(s.ID, s.Winner)]
	return a, ok && a.Image != nil
}

// entries are the images of the set with their captions, in the order of the items.
func (s Set) entries() []entry {
	var all []entry
	for _, sub := range s.items {
		if win, ok := winner(s.Record, sub); ok {
			all = append(all, entry{index: sub.Index, image: s.Images[sub.Index], caption: []byte(caption(sub.Ask, win))})
		}
	}
	return all
}

// named is a file that the manifests name with its digest: it is taken once, a
// zip has many megabytes.
func named(key, contentType string, parts ...[]byte) File {
	return File{Key: key, ContentType: contentType, Parts: parts, sum: sum(parts...)}
}

func sum(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p) // it has no errors
	}
	return hex.EncodeToString(h.Sum(nil))
}
