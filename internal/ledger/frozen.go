package ledger

import (
	"sync"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// frozen remembers what never changes of the jobs that subtasks were read of:
// who asked for what, and the plan. It is known by when it was frozen, so that
// a job that was deleted and asked for again is another.
type frozen struct {
	mu   sync.Mutex
	jobs map[trainset.JobID]frozenJob
}

type frozenJob struct {
	at  string
	job plan.Record
}

// frozenJobs bounds what is remembered: a few kilobytes a job.
const frozenJobs = 1000

// get returns a job and when its plan was frozen, or an empty string.
func (f *frozen) get(id trainset.JobID) (job plan.Record, at string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.jobs[id]
	return known.job, known.at
}

func (f *frozen) put(at string, job plan.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs == nil || len(f.jobs) >= frozenJobs {
		f.jobs = make(map[trainset.JobID]frozenJob)
	}
	f.jobs[job.ID] = frozenJob{at, job}
}
