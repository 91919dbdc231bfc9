package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/actormaker/trainset"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Step is one task to hand to the queue.
type Step struct {
	Verb     Verb
	Subtask  SubtaskID // of subtasks; empty otherwise
	Index    int       // of subtasks
	Revision int
}

// TaskID is the queue's ID of a step. It carries a revision, so that an older
// task that is active, retained or archived never swallows the next one.
func (s Step) TaskID(job trainset.JobID) string {
	what := string(s.Subtask)
	switch s.Verb {
	case VerbAccept:
		what = "accept"
	case VerbAssemble:
		what = "assemble"
	case VerbImage, VerbGrid, VerbJudge, VerbEnhance, VerbTile:
	}
	return fmt.Sprintf("%s:%s:%d", job, what, s.Revision)
}

// Again is the step under its next revision.
func (s Step) Again() Step {
	s.Revision++
	return s
}

// Lot is what is to be queued of a job.
type Lot struct {
	Record Record
	Steps  []Step
}

// TaskIDs names the lot's tasks, in the order of its steps.
func (l Lot) TaskIDs() []string { return TaskIDs(l.Record.ID, l.Steps) }

// TaskIDs names the tasks of a job's steps, in their order.
func TaskIDs(job trainset.JobID, steps []Step) []string {
	ids := make([]string, len(steps))
	for i, s := range steps {
		ids[i] = s.TaskID(job)
	}
	return ids
}

// Among returns those of a job's steps whose tasks are among some. It makes them
// of the same slice.
func Among(tasks []string, job trainset.JobID, steps []Step) []Step {
	return slices.DeleteFunc(steps, func(s Step) bool { return !slices.Contains(tasks, s.TaskID(job)) })
}

// ByJob sorts tasks by the job that their IDs begin with. That is no job's ID
// where a producer has named its own task.
func ByJob(tasks []string) map[trainset.JobID][]string {
	all := make(map[trainset.JobID][]string)
	for _, id := range tasks {
		job, _, _ := strings.Cut(id, ":")
		all[trainset.JobID(job)] = append(all[trainset.JobID(job)], id)
	}
	return all
}

// Next returns the steps that the job needs now and that were not queued yet,
// in a fixed order. An ended job needs none.
func Next(r Record) []Step {
	var steps []Step
	for _, s := range Needed(r) {
		if !r.Queued[s.TaskID(r.ID)] {
			steps = append(steps, s)
		}
	}
	return steps
}

// Needed returns the steps that must be in the queue for the job to go on,
// whether they were queued already or not: what the sweeper checks.
func Needed(r Record) []Step {
	switch {
	case r.State.Ended():
		return nil
	case r.Plan == nil:
		return []Step{{Verb: VerbAccept, Revision: r.AcceptRevision}}
	}
	var steps []Step
	for _, s := range r.Subtasks {
		if !s.State.Settled() {
			steps = append(steps, Step{Verb: s.Verb, Subtask: s.ID, Index: s.Index, Revision: s.Revision})
		}
	}
	if len(steps) == 0 && Grow(r).Empty() {
		return []Step{{Verb: VerbAssemble, Revision: r.AssembleRevision}}
	}
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Subtask, b.Subtask)) })
	return steps
}

// Outcome of a job: the state it ends in once every subtask has settled, and
// the reason where that is not succeeded.
func (r Record) Outcome() (trainset.JobState, string) {
	made, wanted := 0, r.Plan.Images
	for _, s := range r.Items() {
		if s.State == trainset.ItemSucceeded {
			made++
		}
	}
	switch {
	case made == wanted && made > 0:
		return trainset.JobSucceeded, ""
	case r.Canceled:
		return trainset.JobCanceled, fmt.Sprintf("canceled with %d of %d images made", made, wanted)
	case made == 0:
		return trainset.JobFailed, fmt.Sprintf("none of %d images could be made", wanted)
	default:
		return trainset.JobPartial, fmt.Sprintf("%d of %d images could not be made", wanted-made, wanted)
	}
}
