package cli

import (
	"fmt"
	"time"

	"github.com/actormaker/trainset"
)

// progressClass sorts items by what a spectator wants to see first.
type progressClass int

const (
	classFailed progressClass = iota
	classActive
	classWaiting
	classDone
)

func classOf(it trainset.Item) progressClass {
	switch it.State {
	case trainset.ItemSucceeded:
		return classDone
	case trainset.ItemFailed, trainset.ItemRejected, trainset.ItemCanceled:
		return classFailed
	case trainset.ItemPending, trainset.ItemRunning:
	}
	if it.Phase == trainset.PhasePredicting || it.Phase == trainset.PhaseStoring {
		return classActive
	}
	return classWaiting
}

// label is the one word for where an item stands.
func label(it trainset.Item) string {
	switch classOf(it) {
	case classDone:
		return string(trainset.PhaseDone)
	case classFailed:
		return string(it.State)
	case classActive:
		return string(it.Phase)
	case classWaiting:
	}
	return string(trainset.PhaseWaiting)
}

// spent is how long an item has been worked on; false before it began.
func spent(it trainset.Item, now time.Time) (time.Duration, bool) {
	if it.StartedAt == nil {
		return 0, false
	}
	if it.SettledAt != nil {
		now = *it.SettledAt
	}
	return now.Sub(*it.StartedAt), true
}

// note tells of tries beyond the first, and why.
func note(it trainset.Item) string {
	switch {
	case classOf(it) == classDone || it.Attempts < 2 && it.Reason == "":
		return ""
	case it.Attempts < 2 || classOf(it) == classFailed:
		return Clean(it.Reason)
	case it.Reason == "":
		return fmt.Sprintf("try %d", it.Attempts)
	}
	return fmt.Sprintf("try %d: %s", it.Attempts, Clean(it.Reason))
}

// elapsed is how long the job has taken, or took.
func elapsed(job trainset.Job, now time.Time) time.Duration {
	from := job.CreatedAt
	if job.StartedAt != nil {
		from = *job.StartedAt
	}
	if job.FinishedAt != nil {
		now = *job.FinishedAt
	}
	if from.IsZero() {
		return 0
	}
	return now.Sub(from)
}
