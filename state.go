package trainset

// Kind says which of the two systems a job uses.
type Kind string

const (
	// KindActor makes 16:9 images of one character from a portrait.
	KindActor Kind = "actor"
	// KindStyle makes square images of many subjects from an example of a style.
	KindStyle Kind = "style"
)

// JobState is where a job stands.
type JobState string

const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	// JobPartial has a data set, but fewer images than were asked for.
	JobPartial  JobState = "partial"
	JobFailed   JobState = "failed"
	JobCanceled JobState = "canceled"
)

// Ended reports whether nothing further happens to a job unasked.
func (s JobState) Ended() bool {
	switch s {
	case JobSucceeded, JobPartial, JobFailed, JobCanceled:
		return true
	case JobQueued, JobRunning:
		return false
	}
	return false
}

// ItemState is where one wanted image stands.
type ItemState string

const (
	ItemPending   ItemState = "pending"
	ItemRunning   ItemState = "running"
	ItemSucceeded ItemState = "succeeded"
	// ItemRejected was made and paid for, but every try failed the checks.
	ItemRejected ItemState = "rejected"
	ItemFailed   ItemState = "failed"
	ItemCanceled ItemState = "canceled"
)

// Settled reports whether the outcome is known.
func (s ItemState) Settled() bool {
	switch s {
	case ItemSucceeded, ItemRejected, ItemFailed, ItemCanceled:
		return true
	case ItemPending, ItemRunning:
		return false
	}
	return false
}

// Medium is the broad class of an image: what the mix of a data set counts.
type Medium string

const (
	MediumPhoto  Medium = "photo"
	MediumBW     Medium = "bw"
	MediumColour Medium = "colour"
)

// Priority orders a job among others on a busy system.
type Priority string

const (
	PriorityLow    Priority = "low"
	PriorityNormal Priority = "normal"
	PriorityHigh   Priority = "high"
)
