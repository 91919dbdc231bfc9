// Package dataset is the finished set: which objects it has under which keys,
// its manifest, captions, zip and gallery, and how to train on it.
//
// It turns a job's record and its pictures' bytes into more bytes, the same
// every time. It must not know the ledger, the queue, the provider or where
// objects are kept: it reads and writes none itself.
package dataset

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// Layout gives the storage keys of a job's objects. The IDs in it are taken to
// be valid (trainset.ValidID): a checked request's always are.
type Layout struct {
	User    string
	Kind    trainset.Kind
	Subject string
	Job     trainset.JobID
}

// Upload is where a producer puts a job's reference before it is accepted.
func Upload(job trainset.JobID) string { return "uploads/" + string(job) }

// UploadGrace is how long a reference may lie in storage before its job is
// enqueued: producers store it first.
const UploadGrace = time.Hour

// Root is the folder of all the job's objects, without a closing slash.
func (l Layout) Root() string {
	return path.Join(l.User, string(l.Kind)+"s", l.Subject, string(l.Job))
}

// Reference is the input image, normalised.
func (l Layout) Reference() string { return l.at("reference.png") }

// Plan is the request and the frozen plan.
func (l Layout) Plan() string { return l.at("job.json") }

// Made is what an attempt at a subtask made: a picture, or a judge's answer. Its
// bytes never change. ext is the file's extension, "png".
func (l Layout) Made(s plan.Subtask, attempt int, ext string) string {
	return l.at("%s.%d.%s", place(s), attempt, ext)
}

// Receipt is the record of an ended attempt, whether it made anything or not.
func (l Layout) Receipt(s plan.Subtask, attempt int) string {
	return l.at("%s.%d.json", place(s), attempt)
}

// Rejected is what an attempt made that failed the checks.
func (l Layout) Rejected(s plan.Subtask, attempt int, ext string) string {
	return l.at("rejected/%s.%d.%s", strings.ReplaceAll(strings.TrimPrefix(place(s), "items/"), "/", "-"), attempt, ext)
}

// Unwanted is that a person has had a tile's image replaced.
func (l Layout) Unwanted(grid, tile int) string {
	return l.AllUnwanted() + fmt.Sprintf("%03d-%d.json", grid, tile)
}

// AllUnwanted is what the keys of all of a job's Unwanted begin with.
func (l Layout) AllUnwanted() string { return l.at("unwanted/") }

// place is where the objects of a subtask are, less the attempt and extension.
func place(s plan.Subtask) string {
	switch s.Verb {
	case plan.VerbGrid:
		return fmt.Sprintf("grids/%03d", s.Ask.Index)
	case plan.VerbJudge:
		return fmt.Sprintf("grids/%03d.judge", s.Ask.Grid)
	case plan.VerbEnhance:
		return fmt.Sprintf("grids/%03d.enhanced", s.Ask.Grid)
	case plan.VerbTile:
		return fmt.Sprintf("items/%03d-%d", s.Ask.Grid, s.Ask.Tile)
	case plan.VerbImage, plan.VerbAccept, plan.VerbAssemble:
	}
	return fmt.Sprintf("items/%03d", s.Index)
}

// Revision is the folder of one assembled set, without a closing slash.
func (l Layout) Revision(revision int) string { return l.at("v%d", revision) }

// Train is an image of the set.
func (l Layout) Train(revision, index int) string {
	return l.at("%s", trainset.ImageFile(revision, index))
}

// Caption is the text beside an image of the set.
func (l Layout) Caption(revision, index int) string {
	return l.at("v%d/train/%03d.txt", revision, index)
}

// Zip has the set's images and captions and nothing else.
func (l Layout) Zip(revision int) string { return l.at("v%d/dataset.zip", revision) }

// ContactSheet shows the whole set in one picture.
func (l Layout) ContactSheet(revision int) string { return l.at("v%d/contact-sheet.jpg", revision) }

// Gallery is a page that shows the set.
func (l Layout) Gallery(revision int) string { return l.at("v%d/gallery.html", revision) }

// RevisionManifest is the manifest of one assembled set.
func (l Layout) RevisionManifest(revision int) string { return l.at("v%d/manifest.json", revision) }

// Manifest is the manifest of the current set; written last, it says that the
// set is whole.
func (l Layout) Manifest() string { return l.at("manifest.json") }

func (l Layout) at(format string, a ...any) string {
	return l.Root() + "/" + fmt.Sprintf(format, a...)
}
