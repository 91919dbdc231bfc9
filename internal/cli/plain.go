package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// plainLog writes one line for each change, its fields separated by spaces and
// always in the same places, for logs and for grep.
type plainLog struct {
	w     io.Writer
	state trainset.JobState
	held  string         // what was last said to keep the job waiting
	items map[int]string // index -> what was last said of it
	grids map[int]string // the same of grids
}

func (l *plainLog) update(job trainset.Job, now time.Time) {
	var b strings.Builder
	if job.State != l.state && !job.State.Ended() {
		b.WriteString(jobLine(job))
	}
	if job.HeldUp != l.held && job.HeldUp != "" {
		b.WriteString(heldLine(job))
	}
	b.WriteString(l.gridChanges(job.Grids))
	b.WriteString(l.changes(job.Items, now))
	if job.State != l.state && job.State.Ended() {
		b.WriteString(endLine(job, now))
	}
	l.state, l.held = job.State, job.HeldUp
	_, _ = io.WriteString(l.w, b.String())
}

func (l *plainLog) changes(items []trainset.Item, now time.Time) string {
	if l.items == nil {
		l.items = map[int]string{}
	}
	var b strings.Builder
	for _, it := range items {
		said := strings.TrimSpace(label(it) + " " + note(it))
		if l.items[it.Index] == said {
			continue
		}
		l.items[it.Index] = said
		b.WriteString(itemLine(it, now))
	}
	return b.String()
}

func (l *plainLog) gridChanges(grids []trainset.Grid) string {
	if l.grids == nil {
		l.grids = map[int]string{}
	}
	var b strings.Builder
	for _, g := range grids {
		if said := gridLine(g); l.grids[g.Index] != said {
			l.grids[g.Index] = said
			b.WriteString(said)
		}
	}
	return b.String()
}

func jobLine(job trainset.Job) string {
	return fmt.Sprintf("job %s %s %s %s%s\n", job.ID, job.Kind, Clean(job.Subject), job.State, simulated(job))
}

func heldLine(job trainset.Job) string {
	return fmt.Sprintf("job %s held up: %s\n", job.ID, Clean(job.HeldUp))
}

func endLine(job trainset.Job, now time.Time) string {
	s := fmt.Sprintf("job %s %s %s %s %d of %d images %s %s%s", job.ID, job.Kind, Clean(job.Subject), job.State,
		job.Succeeded(), job.Wanted, Duration(elapsed(job, now)), job.Cost.Actual, simulated(job))
	if job.Reason != "" {
		s += ": " + Clean(job.Reason)
	}
	return s + "\n"
}

func simulated(job trainset.Job) string {
	if job.Simulated {
		return " simulated"
	}
	return ""
}

func itemLine(it trainset.Item, now time.Time) string {
	scene := Clean(it.Scene)
	if scene == "" {
		scene = "-"
	}
	s := fmt.Sprintf("image %d %s %s", it.Index, scene, label(it))
	if took, ok := spent(it, now); ok && it.State.Settled() {
		s += " " + Duration(took)
	}
	if n := note(it); n != "" {
		s += ": " + n
	}
	return s + "\n"
}
