package trainset

import (
	"fmt"
	"path"
	"time"
)

// Phase is what is being done for an item that has not settled.
type Phase string

const (
	PhaseWaiting    Phase = "waiting"    // for a permit, or to be tried again
	PhasePredicting Phase = "predicting" // at the provider
	PhaseStoring    Phase = "storing"    // fetching, checking, storing
	PhaseDone       Phase = "done"
)

// Item is one wanted image of a job's data set, numbered from 1.
type Item struct {
	Index    int       `json:"index"`
	State    ItemState `json:"state"`
	Phase    Phase     `json:"phase"`
	Scene    string    `json:"scene,omitempty"`
	Medium   Medium    `json:"medium,omitempty"`
	Attempts int       `json:"attempts"`
	// Reason says why the item failed, or why it is being tried again.
	Reason string `json:"reason,omitempty"`
	// File is the image in the current data set, relative to its manifest; set when
	// the job has ended with one. Job.ImageKey makes a key of it.
	File string `json:"file,omitempty"`
	// StartedAt is when the first attempt began, SettledAt when the outcome was known.
	StartedAt *time.Time `json:"started_at,omitempty"`
	SettledAt *time.Time `json:"settled_at,omitempty"`
	Cost      Money      `json:"cost_usd"`
}

// Stage is what is being done with a grid.
type Stage string

const (
	StageGenerating Stage = "generating"
	StageJudging    Stage = "judging"
	StageEnhancing  Stage = "enhancing"
	StageDone       Stage = "done"
)

// Grid is one composite of nine tiles that a style job asked for, from 1.
type Grid struct {
	Index  int       `json:"index"`
	State  ItemState `json:"state"`
	Stage  Stage     `json:"stage"`
	Judge  string    `json:"judge,omitempty"` // who decided: a model, or "local"
	Fit    int       `json:"fit"`             // tiles that the judge found fit
	Reason string    `json:"reason,omitempty"`
	Cost   Money     `json:"cost_usd"` // of the grid, its judgement and its enlargement
}

// Cost is what a job was expected to cost and what it did, at list prices.
type Cost struct {
	Estimated Money `json:"estimated_usd"`
	Actual    Money `json:"actual_usd"`
	Cap       Money `json:"cap_usd,omitempty"`
}

// Output names the objects of a job's assembled data set by their storage keys.
type Output struct {
	Manifest     string `json:"manifest"`
	Zip          string `json:"zip"`
	ContactSheet string `json:"contact_sheet"`
	Gallery      string `json:"gallery"`
}

// Job is what is known of one request for one data set.
type Job struct {
	ID      JobID    `json:"job_id"`
	Kind    Kind     `json:"kind"`
	State   JobState `json:"state"`
	User    string   `json:"user"`
	Subject string   `json:"subject"`
	Key     string   `json:"key"`
	Trigger string   `json:"trigger,omitempty"`
	Model   string   `json:"model,omitempty"`
	// Revision numbers the assembled sets of a job from 1; 0 before the first.
	Revision  int  `json:"revision"`
	Simulated bool `json:"simulated"`
	// Reason says why a job did not succeed.
	Reason string `json:"reason,omitempty"`
	// HeldUp says why nothing is asked of the provider for the job at present, and
	// what to do about it: no credit, a token that is refused, an operator's pause.
	HeldUp     string     `json:"held_up,omitempty"`
	Wanted     int        `json:"wanted"`
	Items      []Item     `json:"items"`
	Grids      []Grid     `json:"grids,omitempty"` // of a style job
	Cost       Cost       `json:"cost"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	// Output is set once a data set was assembled.
	Output *Output `json:"output,omitempty"`
}

// Succeeded counts the items that have an image.
func (j *Job) Succeeded() int {
	n := 0
	for _, it := range j.Items {
		if it.State == ItemSucceeded {
			n++
		}
	}
	return n
}

// ImageFile names an item's image in the set of a revision, relative to the
// job's manifest.
func ImageFile(revision, index int) string { return fmt.Sprintf("v%d/train/%03d.png", revision, index) }

// ImageKey is the storage key of an item's image in the current data set; empty
// while the job has not ended, and where there is none.
func (j *Job) ImageKey(it Item) string {
	if j.Output == nil || it.File == "" {
		return ""
	}
	return path.Join(path.Dir(j.Output.Manifest), it.File)
}
