package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// SummaryInfo is what is said at a job's end, or when its watcher leaves. Paths
// are printed as they are; empty ones are left out.
type SummaryInfo struct {
	Job trainset.Job
	// Folder has the images and captions; the others are files.
	Folder, Zip, ContactSheet, Gallery, Manifest string
	// Train is the command that trains a LoRA on the set.
	Train string
	// Follow is the command that shows a job that has not ended; Fetch the one that
	// downloads a data set which is not here.
	Follow, Fetch string
	// Resume is the command that goes on with a job, or makes another.
	Resume string
}

// Summary prints how the job ended, where its data set is, what it cost and
// took, the reason of each missing image, and what to do next.
func Summary(w io.Writer, s SummaryInfo) error {
	var b strings.Builder
	b.WriteString("\n" + headline(s.Job) + "\n")
	err := errors.Join(s.facts().Write(&b), s.grids(&b), s.missing(&b))
	next(&b, "To follow it:", s.Follow)
	next(&b, "To download it:", s.Fetch)
	next(&b, trainTitle(s.Job), s.Train)
	next(&b, resumeTitle(s.Job.State), s.Resume)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

func headline(job trainset.Job) string {
	s := fmt.Sprintf("%s %s %s: %d of %d images", job.Kind, Clean(job.Subject), job.State, job.Succeeded(), job.Wanted)
	if job.Simulated {
		s += ", SIMULATED"
	}
	if job.Reason != "" {
		s += "\n  " + Clean(job.Reason)
	}
	if job.HeldUp != "" {
		s += "\n  held up: " + Clean(job.HeldUp)
	}
	return s
}

func (s SummaryInfo) facts() *Table {
	t := &Table{Columns: make([]Column, 2), Indent: "  "}
	for _, fact := range [][2]string{
		{"data set", s.Folder},
		{"zip", s.Zip},
		{"contact sheet", s.ContactSheet},
		{"gallery", s.Gallery},
		{"manifest", s.Manifest},
		{"trigger word", s.Job.Trigger},
		{"cost", cost(s.Job)},
		{"time", took(s.Job)},
		{"job", string(s.Job.ID)},
	} {
		if fact[1] != "" {
			t.Add(fact[0], fact[1])
		}
	}
	return t
}

func cost(job trainset.Job) string {
	s := job.Cost.Actual.String()
	if job.Cost.Estimated > 0 {
		s += " (estimated " + job.Cost.Estimated.String() + ")"
	}
	if job.Simulated {
		s += ", simulated: nothing was paid"
	}
	return s
}

func took(job trainset.Job) string {
	if job.FinishedAt == nil {
		return ""
	}
	return Duration(elapsed(job, time.Time{}))
}

// missing lists the images that there are none of, or not yet.
func (s SummaryInfo) missing(w io.Writer) error {
	t := Table{Columns: []Column{{Title: "image", Right: true}, {Title: "scene"}, {Title: "state"}, {Title: "tries", Right: true}, {Title: "reason"}}, Indent: "  "}
	for _, it := range s.Job.Items {
		if it.State != trainset.ItemSucceeded {
			t.Add(strconv.Itoa(it.Index), it.Scene, label(it), strconv.Itoa(it.Attempts), it.Reason)
		}
	}
	if t.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(w, "Images not done:\n"); err != nil {
		return fmt.Errorf("write the missing images: %w", err)
	}
	return t.Write(w)
}

// grids lists what a style's images are cut from.
func (s SummaryInfo) grids(w io.Writer) error {
	if len(s.Job.Grids) == 0 {
		return nil
	}
	t := Table{Columns: []Column{{Title: "grid", Right: true}, {Title: "state"}, {Title: "fit", Right: true}, {Title: "judge"}, {Title: "cost", Right: true}, {Title: "reason"}}, Indent: "  "}
	for _, g := range s.Job.Grids {
		t.Add(strconv.Itoa(g.Index), gridLabel(g), gridFit(g), g.Judge, g.Cost.String(), g.Reason)
	}
	if _, err := io.WriteString(w, "Grids:\n"); err != nil {
		return fmt.Errorf("write the grids: %w", err)
	}
	return t.Write(w)
}

func trainTitle(job trainset.Job) string {
	if job.Simulated {
		return "To train a LoRA on it (its pictures are simulated: a rehearsal only):"
	}
	return "To train a LoRA on it:"
}

func resumeTitle(s trainset.JobState) string {
	switch s {
	case trainset.JobPartial:
		return "To try the missing images again:"
	case trainset.JobFailed, trainset.JobCanceled:
		return "To try again:"
	case trainset.JobQueued, trainset.JobRunning:
		return "To go on with it:"
	case trainset.JobSucceeded:
	}
	return "To make it again:"
}

func next(b *strings.Builder, title, command string) {
	if command != "" {
		b.WriteString(title + "\n  " + strings.ReplaceAll(strings.TrimRight(command, "\n"), "\n", "\n  ") + "\n")
	}
}
