package paid

import (
	"sync"

	"github.com/actormaker/trainset"
)

// Bell wakes those who wait for an attempt: the provider may have news of it,
// or its job was canceled. A ring says only that it is worth a look, so one too
// many or too few changes nothing but time. The zero Bell is ready for use.
type Bell struct {
	mu      sync.Mutex
	waiting map[trainset.JobID]map[*listener]bool
}

type listener struct {
	attempt string
	rung    chan struct{} // holds one ring
}

// Listen returns a channel that receives when the attempt or its whole job is
// rung for, also where that happened since Listen and before receiving.
func (b *Bell) Listen(job trainset.JobID, attempt string) (rung <-chan struct{}, stop func()) {
	l := &listener{attempt, make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[trainset.JobID]map[*listener]bool)
	}
	if b.waiting[job] == nil {
		b.waiting[job] = make(map[*listener]bool)
	}
	b.waiting[job][l] = true
	return l.rung, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting[job], l)
		if len(b.waiting[job]) == 0 {
			delete(b.waiting, job)
		}
	}
}

// Ring wakes the listeners of an attempt, or with an empty one all of the job's.
func (b *Bell) Ring(job trainset.JobID, attempt string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.waiting[job] {
		if attempt == "" || attempt == l.attempt {
			select {
			case l.rung <- struct{}{}:
			default: // one is there that was not heard yet
			}
		}
	}
}
