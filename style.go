package trainset

import (
	"fmt"
	"slices"
)

// The bounds of a style's data set. A grid gives nine tiles, of which a few are
// usually unfit.
const (
	DefaultStyleImages = 20
	MaxStyleImages     = 60
	DefaultGrids       = 3
	DefaultMaxGrids    = 10
	MaxGrids           = 20
)

// Judge says who decides which tiles of a grid are fit for training.
type Judge string

const (
	// JudgeReplicate asks a vision model at the provider, under the same token.
	JudgeReplicate Judge = "replicate"
	// JudgeOpenAI asks OpenAI's own API, with a key of its own. Such a call has no
	// ID to find it by: after a crash it may be made, and paid, a second time.
	JudgeOpenAI Judge = "openai"
	// JudgeLocal asks nobody: measures of the pixels decide.
	JudgeLocal Judge = "local"
)

// Enhance says what is enlarged.
type Enhance string

const (
	// EnhanceGrid enlarges a whole grid before it is cut: one paid call for nine tiles.
	EnhanceGrid Enhance = "grid"
	// EnhanceTile enlarges each chosen tile.
	EnhanceTile Enhance = "tile"
	// EnhanceNone leaves the tiles as they were made, below the size that trainers like.
	EnhanceNone Enhance = "none"
)

// StyleRequest asks for a data set of many subjects in the style of one image.
type StyleRequest struct {
	Options
	// Style is the style's ID.
	Style string `json:"style"`
	// Image is an example of the style.
	Image Reference `json:"image"`
	// Grids is how many grids are asked for at once; DefaultGrids when 0.
	Grids int `json:"grids,omitempty"`
	// MaxGrids bounds all grids of the job; DefaultMaxGrids when 0.
	MaxGrids int `json:"max_grids,omitempty"`
	// Judge is the worker's setting when empty, or JudgeReplicate where JudgeModel
	// names a model of the provider.
	Judge Judge `json:"judge,omitempty"`
	// JudgeModel, when empty, is the worker's setting for its own judge, and the
	// default of any other.
	JudgeModel string `json:"judge_model,omitempty"`
	// Enhance is EnhanceGrid when empty.
	Enhance Enhance `json:"enhance,omitempty"`
}

// Kind implements Request.
func (StyleRequest) Kind() Kind { return KindStyle }

// JobID implements Request.
func (r StyleRequest) JobID() JobID { return NewJobID(r.User, KindStyle, r.Key) }

// Subject implements Request.
func (r StyleRequest) Subject() string { return r.Style }

// Source implements Request.
func (r StyleRequest) Source() Reference { return r.Image }

// Common implements Request.
func (r StyleRequest) Common() Options { return r.Options }

// WithDefaults fills what a request may leave out and is the same everywhere.
func (r StyleRequest) WithDefaults() StyleRequest {
	orDefault(&r.Version, RequestVersion)
	orDefault(&r.Images, DefaultStyleImages)
	orDefault(&r.MaxGrids, DefaultMaxGrids)
	orDefault(&r.Grids, min(DefaultGrids, r.MaxGrids))
	orDefault(&r.Enhance, EnhanceGrid)
	return r
}

func orDefault[T comparable](v *T, byDefault T) {
	var zero T
	if *v == zero {
		*v = byDefault
	}
}

// Fingerprint implements Request. A judge that is left to the worker counts as
// the usual one: what a worker is set to is not part of what was asked.
func (r StyleRequest) Fingerprint() string {
	r = r.WithDefaults()
	orDefault(&r.Judge, JudgeReplicate)
	r.Options, r.Image = r.Options.identity(ProfileStyle), r.Image.identity()
	return fingerprint(r)
}

// Validate implements Request.
func (r StyleRequest) Validate() error {
	var p problems
	r.validate(&p, MaxStyleImages, StyleProfiles())
	p.id("style", r.Style)
	r.Image.validate("image", &p)
	if r.MaxGrids < 0 || r.MaxGrids > MaxGrids {
		p.add("max_grids", fmt.Sprintf("%d is out of range", r.MaxGrids), fmt.Sprintf("give 1 to %d", MaxGrids))
	} else if most := r.WithDefaults().MaxGrids; r.Grids < 0 || r.Grids > most {
		p.add("grids", fmt.Sprintf("%d is out of range", r.Grids), fmt.Sprintf("give 1 to %d, or a greater max_grids", most))
	}
	if r.Judge != "" && !slices.Contains([]Judge{JudgeReplicate, JudgeOpenAI, JudgeLocal}, r.Judge) {
		p.add("judge", fmt.Sprintf("%.200q is unknown", r.Judge), "use replicate, openai or local")
	}
	if p.text("judge_model", "", r.JudgeModel) && p.short("judge_model", "", r.JudgeModel, maxModel) && r.JudgeModel != "" && r.Judge != JudgeOpenAI && !modelPattern.MatchString(r.JudgeModel) {
		p.add("judge_model", fmt.Sprintf("%.200q is no model name", r.JudgeModel), "write it as owner/name")
	}
	if r.Enhance != "" && !slices.Contains([]Enhance{EnhanceGrid, EnhanceTile, EnhanceNone}, r.Enhance) {
		p.add("enhance", fmt.Sprintf("%.200q is unknown", r.Enhance), "use grid, tile or none")
	}
	return p.err()
}
