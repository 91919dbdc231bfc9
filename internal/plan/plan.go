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
	// VerbGrid makes one grid of a style's job.
	VerbGrid Verb = "grid:generate"
	// VerbJudge asks which tiles of a grid are fit for training.
	VerbJudge Verb = "grid:judge"
	// VerbEnhance enlarges a whole grid.
	VerbEnhance Verb = "grid:enhance"
	// VerbTile makes one item of a style's set from a tile.
	VerbTile Verb = "tile:finish"
	// VerbAssemble writes a revision of the finished set.
	VerbAssemble Verb = "dataset:assemble"
)

// SubtaskID names a subtask within its job: "image.3".
type SubtaskID string

// ImageID names the subtask that makes item index of an actor's set.
func ImageID(index int) SubtaskID { return SubtaskID(fmt.Sprintf("image.%d", index)) }

// GridID names the subtask that makes a style's n-th grid.
func GridID(n int) SubtaskID { return SubtaskID(fmt.Sprintf("grid.%d", n)) }

// JudgeID names the judgement of a grid.
func JudgeID(n int) SubtaskID { return SubtaskID(fmt.Sprintf("judge.%d", n)) }

// EnhanceID names the enlargement of a grid.
func EnhanceID(n int) SubtaskID { return SubtaskID(fmt.Sprintf("enhance.%d", n)) }

// TileID names the subtask that makes an item of a grid's tile, 1 to 9.
func TileID(grid, tile int) SubtaskID { return SubtaskID(fmt.Sprintf("tile.%d.%d", grid, tile)) }

// MakesItem reports whether a subtask of this verb makes an image of the set.
func (v Verb) MakesItem() bool { return v == VerbImage || v == VerbTile }

// Reference is the normalised input image of a job.
type Reference struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Format string `json:"format"` // of the bytes that were given
	// DHashes are those of the whole and of its central parts: no image of the set
	// should be one of these.
	DHashes []string `json:"dhashes,omitempty"`

	// URL is where the provider can read it until URLEnds: known to the ledger, and
	// not part of the plan that storage keeps.
	URL     string     `json:"url,omitempty"`
	URLEnds *time.Time `json:"url_ends,omitempty"`
}

// Plan is the frozen list of what a job will ask for. It is stored before the
// first paid call and never changes, but for its limits and the grids that those
// allow: a person may raise them (Raised). The request stays what it was.
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

	// Style is set in the plans of style jobs.
	Style *Style `json:"style,omitempty"`

	// Asks are an actor's images, or a style's grids: all that it may ever ask for.
	Asks []Ask `json:"asks,omitempty"`
}

// Style is what a style job decides beside its grids.
type Style struct {
	Grids    int              `json:"grids"`     // asked for at once
	MaxGrids int              `json:"max_grids"` // in all
	Judge    trainset.Judge   `json:"judge"`
	Enhance  trainset.Enhance `json:"enhance"`
	Factor   int              `json:"factor"` // by how much a side grows; 1 where nothing is enlarged

	JudgeModel   Priced `json:"judge_model"`
	EnhanceModel Priced `json:"enhance_model"`
}

// Priced is a model and its list price.
type Priced struct {
	Name   string         `json:"name,omitempty"`
	Price  trainset.Money `json:"price_usd,omitempty"`
	Source string         `json:"price_source,omitempty"`
	Date   string         `json:"price_date,omitempty"`
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

	// Of a style's subtasks: the grid that they belong to, what it shows, and of a
	// tile which one it is and the category of its subject.
	Grid     int       `json:"grid,omitempty"`
	Tile     int       `json:"tile,omitempty"`
	Category string    `json:"category,omitempty"`
	Tiles    []TileAsk `json:"tiles,omitempty"`
}

// TileAsk is what one tile of a grid is to show.
type TileAsk struct {
	Subject  string `json:"subject"`
	Category string `json:"category"`
	Content  string `json:"content"` // in words, for the judge
	Caption  string `json:"caption"`
}

// Subtasks returns the job's first subtasks, none begun.
func (p Plan) Subtasks() []Subtask {
	if p.Style != nil {
		return p.GridSubtasks(1, p.Style.Grids)
	}
	subs := make([]Subtask, 0, len(p.Asks))
	for _, a := range p.Asks {
		subs = append(subs, pending(ImageID(a.Index), VerbImage, a))
	}
	return subs
}

// GridSubtasks returns the subtasks of a style's grids from one number to
// another, none begun. The plan must have its asks.
func (p Plan) GridSubtasks(from, to int) []Subtask {
	var subs []Subtask
	for _, a := range p.Asks {
		if from <= a.Index && a.Index <= to {
			subs = append(subs, pending(GridID(a.Index), VerbGrid, a))
		}
	}
	return subs
}

func pending(id SubtaskID, v Verb, a Ask) Subtask {
	return Subtask{ID: id, Verb: v, Index: a.Index, Revision: 1, State: trainset.ItemPending, Ask: a}
}

// Buys returns the model that a subtask asks, which has no name where nothing
// is paid for.
func (p Plan) Buys(v Verb) Priced {
	switch v {
	case VerbImage, VerbGrid:
		return Priced{Name: p.Model, Price: p.Price, Source: p.PriceSource, Date: p.PriceDate}
	case VerbJudge:
		return p.Style.JudgeModel
	case VerbEnhance:
		return p.Style.EnhanceModel
	case VerbTile:
		if p.Style.Enhance == trainset.EnhanceTile {
			return p.Style.EnhanceModel
		}
	case VerbAccept, VerbAssemble:
	}
	return Priced{}
}

// Head is the plan without its asks: the ledger keeps each ask with its subtask.
func (p Plan) Head() Plan {
	p.Asks = nil
	return p
}
