// Package plan decides what a job needs next. Given the frozen plan of a job
// and the record of what has happened to it, Next says which tasks to enqueue
// and NextAttempt what the next paid try at a subtask should ask for.
//
// It is pure: it must not know Redis, the provider, storage or the clock, and
// draws no random numbers, so that the same record always has the same answer:
// after a crash, a retry, on any worker.
package plan

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/actormaker/trainset"
)

// Version is the version of the frozen plans this code writes.
const Version = 1

// Verb is what a subtask does; it is also its asynq task type.
type Verb string

const (
	// VerbAccept takes a request in: reference, plan, ledger. The task type is
	// the kind's own (trainset.TaskActorGenerate ...).
	VerbAccept Verb = "job:accept"
	// VerbImage makes one item of an actor's set.
	VerbImage Verb = "image:generate"
	// VerbAssemble writes a revision of the finished set.
	VerbAssemble Verb = "dataset:assemble"
)

// SubtaskID names a subtask within its job: "image.3".
type SubtaskID string

// ImageID names the subtask that makes item index.
func ImageID(index int) SubtaskID { return SubtaskID(fmt.Sprintf("image.%d", index)) }

// Reference is the normalised input image of a job.
type Reference struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Format string `json:"format"` // of the bytes that were given
}

// Plan is the frozen list of what a job will ask for. It is stored before the
// first paid call and never changes.
type Plan struct {
	Version  int             `json:"version"`
	JobID    trainset.JobID  `json:"job_id"`
	Kind     trainset.Kind   `json:"kind"`
	User     string          `json:"user"`
	Subject  string          `json:"subject"`
	Key      string          `json:"key"`
	Request  json.RawMessage `json:"request"`
	Frozen   time.Time       `json:"frozen_at"`
	Simulate bool            `json:"simulated"`

	Type           string    `json:"type"`
	Sex            string    `json:"sex,omitempty"`
	Class          string    `json:"class"`
	Name           string    `json:"name,omitempty"`
	Trigger        string    `json:"trigger"`
	CaptionProfile string    `json:"caption_profile"`
	CatalogVersion string    `json:"catalog_version"`
	Seed           int64     `json:"seed"`
	Reference      Reference `json:"reference"`

	Model       string         `json:"model"`
	Price       trainset.Money `json:"price_usd"`
	PriceSource string         `json:"price_source"`
	PriceDate   string         `json:"price_date"`
	Images      int            `json:"images"`
	MaxAttempts int            `json:"max_attempts"`
	Estimated   trainset.Money `json:"estimated_usd"`
	MaxCost     trainset.Money `json:"max_cost_usd,omitempty"`

	Asks []Ask `json:"asks,omitempty"`
}

// Ask is what one subtask is to make: everything that is sent, and everything
// that describes the result.
type Ask struct {
	Index     int             `json:"index"`
	Scene     string          `json:"scene"`
	Medium    trainset.Medium `json:"medium"`
	Technique string          `json:"technique"`
	Framing   string          `json:"framing"`
	Prompt    string          `json:"prompt"`
	Milder    string          `json:"milder"` // asked when the prompt was moderated twice
	Caption   string          `json:"caption"`
	// MilderCaption describes an image made from Milder.
	MilderCaption string  `json:"milder_caption"`
	Seeds         []int64 `json:"seeds"` // one an attempt, none used twice in a job
}

// Subtasks returns the job's first subtasks, none begun.
func (p Plan) Subtasks() []Subtask {
	subs := make([]Subtask, 0, len(p.Asks))
	for _, a := range p.Asks {
		subs = append(subs, Subtask{ID: ImageID(a.Index), Verb: VerbImage, Index: a.Index, Revision: 1, State: trainset.ItemPending, Ask: a})
	}
	return subs
}

// Head is the plan without its asks: the ledger keeps each ask with its subtask.
func (p Plan) Head() Plan {
	p.Asks = nil
	return p
}
