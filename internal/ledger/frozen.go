package ledger

import (
	"sync"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// frozen remembers what never changes of the jobs that were begun here or that
// subtasks were read of: who asked for what, the plan, what its subtasks ask for.
// It is known by when it was frozen, so that a job that was deleted and asked for
// again is another. The limits of a plan are no part of that, for they may be
// raised: the scripts and whole records have them as they are.
type frozen struct {
	mu   sync.Mutex
	jobs map[trainset.JobID]frozenJob
}

type frozenJob struct {
	at   string // empty where the job is not known
	job  plan.Record
	asks map[plan.SubtaskID]plan.Ask
}

// frozenJobs bounds what is remembered: about fifty kilobytes a job.
const frozenJobs = 500

// get returns a job, and what a subtask of it asks for if that is known.
func (f *frozen) get(id trainset.JobID, sub plan.SubtaskID) (known frozenJob, ask plan.Ask, asked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known = f.jobs[id]
	ask, asked = known.asks[sub]
	return known, ask, asked
}

// knows reports whether anything is remembered of a job.
func (f *frozen) knows(id trainset.JobID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.jobs[id].at != ""
}

// fill says of all subtasks of a job that was frozen at a time what they ask for,
// or reports that not all is known.
func (f *frozen) fill(id trainset.JobID, at string, subs map[plan.SubtaskID]plan.Subtask) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.jobs[id]
	if known.at != at {
		return false
	}
	for sub, s := range subs {
		ask, asked := known.asks[sub]
		if !asked {
			return false
		}
		s.Ask = ask
		subs[sub] = s
	}
	return true
}

// put remembers a job, and what some of its subtasks ask for.
func (f *frozen) put(at string, job plan.Record, subs ...plan.Subtask) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.jobs[job.ID]
	if known.at != at {
		if f.jobs == nil || len(f.jobs) >= frozenJobs {
			f.jobs = make(map[trainset.JobID]frozenJob)
		}
		known = frozenJob{at, job, make(map[plan.SubtaskID]plan.Ask)}
		f.jobs[job.ID] = known
	}
	for _, s := range subs {
		known.asks[s.ID] = s.Ask
	}
}

// drop forgets a job that has ended.
func (f *frozen) drop(id trainset.JobID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.jobs, id)
}
