package plan_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

var sub = plan.Subtask{Verb: plan.VerbImage, Ask: plan.Ask{Index: 1, Prompt: "wild", Milder: "mild", Seeds: []int64{11, 12, 13, 14, 15}}}

func ended(outcomes ...plan.Outcome) []plan.Attempt {
	var as []plan.Attempt
	for _, o := range outcomes {
		as = append(as, plan.Attempt{Number: len(as) + 1, State: plan.AttemptEnded, Outcome: o, Reason: "why"})
	}
	return as
}

func TestNextAttempt(t *testing.T) {
	const (
		failed, rejected, moderated = plan.OutcomeFailed, plan.OutcomeRejected, plan.OutcomeModerated
		lost, invalid               = plan.OutcomeLost, plan.OutcomeInvalid
	)
	for _, c := range []struct {
		name  string
		past  []plan.Outcome
		try   plan.Try
		state trainset.ItemState // of giving up; empty for another try
	}{
		{"first", nil, plan.Try{Number: 1, Prompt: "wild", Seed: 11}, ""},
		{"a failure waits", []plan.Outcome{failed}, plan.Try{Number: 2, Prompt: "wild", Seed: 12, After: 2 * time.Second}, ""},
		{"failures wait longer", []plan.Outcome{failed, failed}, plan.Try{Number: 3, Prompt: "wild", Seed: 13, After: 4 * time.Second}, ""},
		{"the budget ends failures", []plan.Outcome{failed, failed, failed, failed, failed}, plan.Try{}, trainset.ItemFailed},
		{"moderated: another seed", []plan.Outcome{moderated}, plan.Try{Number: 2, Prompt: "wild", Seed: 12}, ""},
		{"moderated twice: milder", []plan.Outcome{moderated, moderated}, plan.Try{Number: 3, Prompt: "mild", Seed: 13, Milder: true}, ""},
		{"moderated thrice", []plan.Outcome{moderated, moderated, moderated}, plan.Try{}, trainset.ItemFailed},
		{"rejected: another seed at once", []plan.Outcome{rejected}, plan.Try{Number: 2, Prompt: "wild", Seed: 12}, ""},
		{"rejected thrice", []plan.Outcome{rejected, rejected, rejected}, plan.Try{}, trainset.ItemRejected},
		{"lost: once more", []plan.Outcome{lost}, plan.Try{Number: 2, Prompt: "wild", Seed: 12}, ""},
		{"lost twice", []plan.Outcome{lost, lost}, plan.Try{}, trainset.ItemFailed},
		{"invalid at once", []plan.Outcome{invalid}, plan.Try{}, trainset.ItemFailed},
		{"succeeded, and not settled", []plan.Outcome{failed, plan.OutcomeSucceeded}, plan.Try{}, trainset.ItemSucceeded},
		{"canceled", []plan.Outcome{plan.OutcomeCanceled}, plan.Try{}, trainset.ItemCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, stop := plan.NextAttempt(sub, ended(c.past...), 5)
			switch {
			case c.state == "" && (next == nil || *next != c.try):
				t.Errorf("next %+v, stop %+v", next, stop)
			case c.state == trainset.ItemSucceeded && (stop == nil || stop.State != c.state || stop.Winner != 2):
				t.Errorf("next %+v, stop %+v", next, stop)
			case c.state != "" && c.state != trainset.ItemSucceeded && (stop == nil || stop.State != c.state || stop.Reason == ""):
				t.Errorf("next %+v, stop %+v", next, stop)
			}
		})
	}
}

// Any sequence of outcomes ends within the budget, never asks with a seed
// twice, and gives exactly one answer each time.
func TestNextAttemptEnds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		budget := rapid.IntRange(0, 5).Draw(r, "budget")
		var past []plan.Attempt
		var seeds []int64
		for {
			next, stop := plan.NextAttempt(sub, past, budget)
			if (next == nil) == (stop == nil) {
				r.Fatalf("next %v, stop %v", next, stop)
			}
			if stop != nil {
				if !stop.State.Settled() {
					r.Fatalf("gives up in state %s", stop.State)
				}
				return
			}
			if next.Number != len(past)+1 || next.Number > budget || slices.Contains(seeds, next.Seed) {
				r.Fatalf("after %d attempts of %d: %+v", len(past), budget, next)
			}
			seeds = append(seeds, next.Seed)
			past = append(past, ended(rapid.SampledFrom([]plan.Outcome{
				plan.OutcomeFailed, plan.OutcomeRejected, plan.OutcomeModerated, plan.OutcomeLost,
			}).Draw(r, "outcome"))...)
		}
	})
}

func record(n int) plan.Record {
	p := plan.Plan{JobID: "j", Images: n}
	for i := 1; i <= n; i++ {
		p.Asks = append(p.Asks, plan.Ask{Index: i})
	}
	r := plan.Record{ID: "j", State: trainset.JobRunning, Plan: &p, AssembleRevision: 1, Subtasks: map[plan.SubtaskID]plan.Subtask{}, Queued: map[string]bool{}}
	for _, s := range p.Subtasks() {
		r.Subtasks[s.ID] = s
	}
	return r
}

// Driven through any order of outcomes, requeues, lost notes and repeated
// questions, a job is always either waiting for queued steps or has a next
// one, settles every item once, is assembled last, and ends.
func TestNextDrivesAJobToItsEnd(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rec := record(rapid.IntRange(1, 6).Draw(r, "items"))
		var queue []plan.Step
		for range 200 {
			for _, s := range plan.Next(rec) {
				if !rec.Queued[s.TaskID(rec.ID)] {
					queue = append(queue, s)
				}
				if rapid.IntRange(0, 4).Draw(r, "noted") > 0 { // a crash may lose the note
					rec.Queued[s.TaskID(rec.ID)] = true
				}
			}
			if rec.State.Ended() {
				if len(plan.Needed(rec)) != 0 {
					r.Fatal("an ended job needs steps")
				}
				return
			}
			if len(queue) == 0 {
				r.Fatal("nothing is queued and the job has not ended")
			}
			i := rapid.IntRange(0, len(queue)-1).Draw(r, "which")
			s := queue[i]
			queue = slices.Delete(queue, i, i+1)
			if s.Verb == plan.VerbAssemble {
				for _, sub := range rec.Subtasks {
					if !sub.State.Settled() {
						r.Fatalf("assembled while %s is %s", sub.ID, sub.State)
					}
				}
				rec.State, _ = rec.Outcome()
				continue
			}
			sub := rec.Subtasks[s.Subtask]
			if sub.State.Settled() {
				continue
			}
			if rapid.IntRange(0, 5).Draw(r, "lost") == 0 { // the queue lost it: the sweeper requeues
				sub.Revision++
			} else {
				sub.State = rapid.SampledFrom([]trainset.ItemState{trainset.ItemSucceeded, trainset.ItemFailed, trainset.ItemRejected}).Draw(r, "state")
			}
			rec.Subtasks[s.Subtask] = sub
		}
		r.Fatal("the job does not end")
	})
}

func TestOutcome(t *testing.T) {
	const ok, bad = trainset.ItemSucceeded, trainset.ItemFailed
	for _, c := range []struct {
		items    []trainset.ItemState
		canceled bool
		want     trainset.JobState
	}{
		{[]trainset.ItemState{ok, ok}, false, trainset.JobSucceeded},
		{[]trainset.ItemState{ok, bad}, false, trainset.JobPartial},
		{[]trainset.ItemState{bad, trainset.ItemRejected}, false, trainset.JobFailed},
		{[]trainset.ItemState{ok, trainset.ItemCanceled}, true, trainset.JobCanceled},
		{[]trainset.ItemState{ok, ok}, true, trainset.JobSucceeded}, // canceled too late
	} {
		rec := record(len(c.items))
		rec.Canceled = c.canceled
		for i, s := range c.items {
			sub := rec.Subtasks[plan.ImageID(i+1)]
			sub.State = s
			rec.Subtasks[sub.ID] = sub
		}
		got, reason := rec.Outcome()
		if got != c.want || (got == trainset.JobSucceeded) != (reason == "") {
			t.Errorf("%v: %s (%s)", c.items, got, reason)
		}
	}
}

func TestTaskIDsOfRevisionsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []plan.Step{
		{Verb: plan.VerbAccept},
		{Verb: plan.VerbAccept, Revision: 1},
		{Verb: plan.VerbAssemble},
		{Verb: plan.VerbAssemble, Revision: 1},
		{Verb: plan.VerbImage, Subtask: "image.1"},
		{Verb: plan.VerbImage, Subtask: "image.1", Revision: 1},
		{Verb: plan.VerbImage, Subtask: "image.11"},
	} {
		id := s.TaskID("j")
		if seen[id] {
			t.Errorf("%+v has the ID of another: %s", s, id)
		}
		seen[id] = true
	}
}

func TestJobViewShowsPhases(t *testing.T) {
	rec := record(4)
	at := time.Now()
	rec.Attempts = map[string]plan.Attempt{
		"image.2.1": {State: plan.AttemptAccepted, CreatedAt: at, Cost: trainset.USD(0.04)},
		"image.3.1": {State: plan.AttemptEnded, Reason: "was busy"},
		"image.3.2": {State: plan.AttemptPredicted},
	}
	s := rec.Subtasks["image.4"]
	s.State, s.Reason = trainset.ItemFailed, "gave up"
	rec.Subtasks["image.4"] = s
	items := rec.Job().Items
	want := []trainset.Phase{trainset.PhaseWaiting, trainset.PhasePredicting, trainset.PhaseStoring, trainset.PhaseDone}
	for i, it := range items {
		if it.Index != i+1 || it.Phase != want[i] {
			t.Errorf("item %d: %+v", i+1, it)
		}
	}
	if items[1].Cost != trainset.USD(0.04) || items[3].Reason != "gave up" || items[2].Attempts != 2 {
		t.Errorf("items %+v", items)
	}
}

// An item's file is that of the set that has been assembled: not before the
// end, nor while the job is tried again.
func TestItemsNameTheirFilesOnceTheSetIsWhole(t *testing.T) {
	rec := record(2)
	for id, state := range map[plan.SubtaskID]trainset.ItemState{"image.1": trainset.ItemSucceeded, "image.2": trainset.ItemFailed} {
		s := rec.Subtasks[id]
		s.State = state
		rec.Subtasks[id] = s
	}
	rec.Revision, rec.Output = 2, &trainset.Output{Manifest: "ada/actors/zara/j/manifest.json"}
	for state, file := range map[trainset.JobState]string{trainset.JobRunning: "", trainset.JobPartial: "v2/train/001.png", trainset.JobCanceled: "v2/train/001.png"} {
		rec.State = state
		job := rec.Job()
		if job.Items[0].File != file || job.Items[1].File != "" {
			t.Errorf("%s: files %q and %q", state, job.Items[0].File, job.Items[1].File)
		}
		want := ""
		if file != "" {
			want = "ada/actors/zara/j/" + file
		}
		if key := job.ImageKey(job.Items[0]); key != want || job.ImageKey(job.Items[1]) != "" {
			t.Errorf("%s: keys %q and %q", state, key, job.ImageKey(job.Items[1]))
		}
	}
	rec.Output = nil
	if job := rec.Job(); job.Items[0].File != "" || job.ImageKey(trainset.Item{File: "v1/train/001.png"}) != "" {
		t.Errorf("without a set: %+v", job.Items[0])
	}
}

func TestTasksAreSortedByTheirJob(t *testing.T) {
	first, second := trainset.NewJobID("ada", trainset.KindActor, "1"), trainset.NewJobID("ada", trainset.KindActor, "2")
	steps := []plan.Step{{Verb: plan.VerbAssemble, Revision: 1}, {Verb: plan.VerbImage, Subtask: plan.ImageID(3), Index: 3, Revision: 2}}
	mine := plan.TaskIDs(first, steps)
	other := plan.TaskIDs(second, steps[:1])
	sorted := plan.ByJob(slices.Concat(mine, other, []string{"a producer's own"}))
	if len(sorted) != 3 || !slices.Equal(sorted[first], mine) || !slices.Equal(sorted[second], other) {
		t.Errorf("%v", sorted)
	}
	if got := plan.Among(mine[1:], first, slices.Clone(steps)); !slices.Equal(got, steps[1:]) {
		t.Errorf("%v are among %v", got, mine[1:])
	}
}
