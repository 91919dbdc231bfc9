package trainset

// The contract for producers that enqueue with a plain asynq client: the
// payload of a task is the request as JSON, and nothing else is needed.
const (
	// TaskActorGenerate is the asynq task type of an ActorRequest.
	TaskActorGenerate = "actor:generate"
	// TaskStyleGenerate is the asynq task type of a StyleRequest.
	TaskStyleGenerate = "style:generate"
	// QueueControl is the asynq queue that requests go to.
	QueueControl = "control"
)

// TaskType returns the asynq task type of requests of a kind.
func (k Kind) TaskType() string { return string(k) + ":generate" }
