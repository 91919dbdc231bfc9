package trainset

import (
	"encoding/json"
	"path"
	"time"
)

// ManifestSchema names the version of the manifests this code writes; its JSON
// Schema is docs/schemas/manifest.schema.json.
const ManifestSchema = "trainset-manifest/1"

// DigitalSourceType is what IPTC calls pictures that a trained model made.
const DigitalSourceType = "trainedAlgorithmicMedia"

// Manifest is the lasting record of one revision of a job's data set. File
// names are relative to the manifest itself, times UTC, money US dollars at
// list prices, durations seconds. It has no secret, no address that expires
// and no path of any machine.
type Manifest struct {
	Schema   string   `json:"schema"`
	JobID    JobID    `json:"job_id"`
	Kind     Kind     `json:"kind"`
	State    JobState `json:"state"`
	Revision int      `json:"revision"` // of the assembled set, from 1
	// Simulated says that no model made the pictures and nothing was paid.
	Simulated bool   `json:"simulated"`
	User      string `json:"user"`
	Key       string `json:"key"` // the request's idempotency key
	// Folder is the start of the storage keys that file names are relative to.
	Folder     string       `json:"folder"`
	Tool       Tool         `json:"tool"`
	CreatedAt  time.Time    `json:"created_at"`
	StartedAt  *time.Time   `json:"started_at,omitempty"`
	FinishedAt time.Time    `json:"finished_at"`
	Reason     string       `json:"reason,omitempty"` // why it did not succeed
	Subject    SetSubject   `json:"subject"`
	Reference  SetReference `json:"reference"`
	Plan       SetPlan      `json:"plan"`
	Models     []SetModel   `json:"models"`
	Items      []SetItem    `json:"items"`
	// Grids are those that a style's job made; absent in an actor's manifest.
	Grids     []SetGrid `json:"grids,omitzero"`
	Diversity Diversity `json:"diversity"`
	Cost      Cost      `json:"cost"`
	Timings   Timings   `json:"timings"`
	Warnings  []string  `json:"warnings"`
	Files     SetFiles  `json:"files"`
}

// Tool names the program that wrote a manifest.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// SetSubject is whom or what a data set shows.
type SetSubject struct {
	ID             string `json:"id"`
	Type           string `json:"type,omitempty"`
	Sex            string `json:"sex,omitempty"`
	Class          string `json:"class"` // the word captions use: "man", "robot"
	Name           string `json:"name,omitempty"`
	Trigger        string `json:"trigger"` // empty where the caption profile has none
	CaptionProfile string `json:"caption_profile"`
}

// SetReference is the input image as it was normalised and stored.
type SetReference struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Width  int    `json:"width"`  // px
	Height int    `json:"height"` // px
	Format string `json:"format"` // of the bytes that were given: "jpeg"
	// DigitalSourceType is the IPTC term, where the given bytes declared one.
	DigitalSourceType string `json:"digital_source_type,omitempty"`
}

// SetPlan is what was asked for.
type SetPlan struct {
	Images         int            `json:"images"`          // wanted
	Mix            map[Medium]int `json:"mix,omitzero"`    // of an actor's set
	Style          *SetStyle      `json:"style,omitempty"` // of a style's set
	CatalogVersion string         `json:"catalog_version"`
	Seed           int64          `json:"seed"`
}

// SetStyle is what was asked for of a style's grids.
type SetStyle struct {
	Grids    int     `json:"grids"`     // at once
	MaxGrids int     `json:"max_grids"` // in all
	Judge    Judge   `json:"judge"`
	Enhance  Enhance `json:"enhance"`
}

// SetModel is a model that had a part in a data set.
type SetModel struct {
	Role        string         `json:"role"` // "generate", "judge", "enhance"
	Provider    string         `json:"provider"`
	Name        string         `json:"name"`
	Params      map[string]any `json:"params"`    // the same for every image
	Price       Money          `json:"price_usd"` // one prediction
	PriceSource string         `json:"price_source"`
	PriceDate   string         `json:"price_date"`
}

// SetItem is one wanted image, numbered from 1. What describes a picture is
// empty where there is none. An actor's has a medium, technique, framing, prompt
// and seed of its own; a style's has a category and a tile, whose grid has the
// prompt and the seed.
type SetItem struct {
	Index   int         `json:"index"`
	State   ItemState   `json:"state"`
	Reason  string      `json:"reason,omitempty"`
	File    string      `json:"file,omitempty"`
	Caption *SetCaption `json:"caption,omitempty"`
	// Scene is the scene's ID in the catalog, or the subject's of a style's image.
	Scene     string       `json:"scene,omitempty"`
	Medium    Medium       `json:"medium,omitempty"`
	Technique string       `json:"technique,omitempty"`
	Framing   string       `json:"framing,omitempty"`
	Prompt    string       `json:"prompt,omitempty"` // that made the picture, or was tried last
	Seed      *int64       `json:"seed,omitempty"`   // of the same attempt
	Category  string       `json:"category,omitempty"`
	Tile      *SetTile     `json:"tile,omitempty"` // absent where none was found for the item
	SHA256    string       `json:"sha256,omitempty"`
	Bytes     int          `json:"bytes,omitempty"`
	Width     int          `json:"width,omitempty"`  // px
	Height    int          `json:"height,omitempty"` // px
	Attempts  []SetAttempt `json:"attempts"`
	// PredictionID is the provider's ID of the run that made the picture.
	PredictionID string `json:"prediction_id,omitempty"`
	// ProviderSHA256 is of the bytes as the provider sent them.
	ProviderSHA256    string `json:"provider_sha256,omitempty"`
	DigitalSourceType string `json:"digital_source_type,omitempty"`
	// Checks has raw measures and what was found by them.
	Checks json.RawMessage `json:"checks,omitempty"`
	// Nearest is the picture of the set that looks most like this one.
	Nearest   *Nearest   `json:"nearest,omitempty"`
	Cost      Money      `json:"cost_usd"` // of all attempts
	StartedAt *time.Time `json:"started_at,omitempty"`
	SettledAt *time.Time `json:"settled_at,omitempty"`
	Seconds   float64    `json:"seconds"` // from the first attempt to the outcome
}

// SetCaption describes a picture to a trainer.
type SetCaption struct {
	Text   string `json:"text"`
	Origin string `json:"origin"` // "template"
	File   string `json:"file"`
}

// SetAttempt is one try at an item, or at what is done with a grid.
type SetAttempt struct {
	// Role is that of the model that was asked, in a style's set; empty where a
	// tile was only cut out.
	Role    string `json:"role,omitempty"`
	Number  int    `json:"number"`            // from 1, of its role
	Outcome string `json:"outcome,omitempty"` // empty while it is not known
	Reason  string `json:"reason,omitempty"`
	Seed    *int64 `json:"seed,omitempty"` // absent where none was sent
	Milder  bool   `json:"milder"`         // the milder prompt was sent
	// File is what was stored of it, used or rejected: a picture, or a judge's answer.
	File           string     `json:"file,omitempty"`
	PredictionID   string     `json:"prediction_id,omitempty"`
	Estimate       Money      `json:"estimated_usd,omitempty"` // by the table of prices, when it was asked for
	Cost           Money      `json:"cost_usd"`
	PredictSeconds float64    `json:"predict_seconds,omitempty"` // the provider's figure
	CreatedAt      *time.Time `json:"created_at,omitempty"`
	EndedAt        *time.Time `json:"ended_at,omitempty"`
}

// SetTile says which part of which grid a picture is, and what was said of it.
type SetTile struct {
	Grid   int `json:"grid"`
	Tile   int `json:"tile"`   // row by row from 1
	Row    int `json:"row"`    // from 1
	Column int `json:"column"` // from 1
	// Box is the tile's place on the grid as it was made: left, top, right, bottom, px.
	Box [4]int `json:"box"`
	// Method is how its boundaries were found ("gutter", "seam", "thirds"), and
	// Confidence, 0 to 1, how surely: both of the least certain one.
	Method     string  `json:"method"`
	Confidence float64 `json:"confidence"`
	Judge      string  `json:"judge"`  // who decided: a model's name, or "local"
	Unique     bool    `json:"unique"` // repeats no tile before it
	Fit        bool    `json:"fit"`    // for training
	// Shows is the tile of the grid whose subject the judge saw here, where that is
	// not its own: the caption names that one.
	Shows  int    `json:"shows,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// SetCell is one tile of a grid, whether it came into the set or not.
type SetCell struct {
	SetTile
	Subject  string `json:"subject"` // what it was to show
	Category string `json:"category"`
	// Measured is what local measures found against it, where another judged.
	Measured string `json:"measured,omitempty"`
	// Use is what became of it, and Why the reason where it is no image of the set.
	Use TileUse `json:"use"`
	Why string  `json:"why,omitempty"`
	// Item is the image that it was chosen for, 0 where for none.
	Item int `json:"item,omitempty"`
	// Attempts are those at finishing it, where another tile took its place.
	Attempts []SetAttempt `json:"attempts,omitempty"`
}

// TileUse says what became of a grid's tile.
type TileUse string

const (
	TileImage     TileUse = "image"     // it is an image of the set
	TileSpare     TileUse = "spare"     // it is good, and was not needed
	TileUnfit     TileUse = "unfit"     // by the judge's word or by local measures
	TileDuplicate TileUse = "duplicate" // it looks like an image of the set
	TileFailed    TileUse = "failed"    // it was good, and could not be finished
)

// SetGrid is one generated composite of nine tiles, numbered from 1. What
// describes a picture is empty where there is none.
type SetGrid struct {
	Index  int       `json:"index"`
	State  ItemState `json:"state"`
	Reason string    `json:"reason,omitempty"` // why there is no picture
	File   string    `json:"file,omitempty"`   // the grid as it was made
	SHA256 string    `json:"sha256,omitempty"`
	Bytes  int       `json:"bytes,omitempty"`
	Width  int       `json:"width,omitempty"`  // px
	Height int       `json:"height,omitempty"` // px
	// Confidence is that of its least certain boundary, 0 to 1.
	Confidence *float64 `json:"confidence,omitempty"`
	// Enhanced is the enlargement that tiles were cut from, where there is one.
	Enhanced *SetPicture `json:"enhanced,omitempty"`
	Prompt   string      `json:"prompt"` // that made the picture, or was tried last
	Seed     int64       `json:"seed"`   // of the same attempt
	// Judge decided about the tiles: a model's name, or "local". JudgeReason says
	// why it is local measures, where a model was to judge.
	Judge       string `json:"judge,omitempty"`
	JudgeReason string `json:"judge_reason,omitempty"`
	Fit         int    `json:"fit"` // tiles that the judge found unique and fit
	// Tiles are those that were found, row by row.
	Tiles []SetCell `json:"tiles"`
	// Attempts are those at the grid, its judgement and its enlargement, in this order.
	Attempts  []SetAttempt `json:"attempts"`
	Cost      Money        `json:"cost_usd"` // of all these attempts
	StartedAt *time.Time   `json:"started_at,omitempty"`
	SettledAt *time.Time   `json:"settled_at,omitempty"`
	Seconds   float64      `json:"seconds"` // from the first attempt to the last outcome
}

// SetPicture is a picture that is no image of the set.
type SetPicture struct {
	SetFile
	Width  int `json:"width"`  // px
	Height int `json:"height"` // px
}

// Nearest names another item and how far it is: 0 (alike) to 64 differing bits
// of their difference hashes.
type Nearest struct {
	Index    int `json:"index"`
	Distance int `json:"distance"`
}

// Diversity says how much the pictures of a set differ. Distances are of
// difference hashes, 0 to 64 bits; absent with fewer than two pictures.
type Diversity struct {
	MinDHash  *int           `json:"min_dhash,omitempty"`
	MeanDHash *float64       `json:"mean_dhash,omitempty"`
	Media     map[Medium]int `json:"media,omitzero"`   // of an actor's set
	Framing   map[string]int `json:"framing,omitzero"` // of an actor's set
	// Categories counts a style's images by what sort of thing they show.
	Categories map[string]int `json:"categories,omitzero"`
}

// Timings of a job, in seconds.
type Timings struct {
	Total      float64 `json:"total"`      // from the request to the manifest
	Slowest    float64 `json:"slowest"`    // the item that took longest, with its grid
	Sequential float64 `json:"sequential"` // all items and grids, one after another
}

// SetFiles are the files of a data set beside its images.
type SetFiles struct {
	Zip          *SetFile `json:"zip,omitempty"`
	ContactSheet *SetFile `json:"contact_sheet,omitempty"`
	Gallery      *SetFile `json:"gallery,omitempty"`
}

// SetFile is one file of a data set.
type SetFile struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// Job returns the public view of the job that the manifest records, as it was
// when it finished.
func (m Manifest) Job() Job {
	j := Job{
		ID: m.JobID, Kind: m.Kind, State: m.State, User: m.User, Subject: m.Subject.ID, Key: m.Key,
		Trigger: m.Subject.Trigger, Revision: m.Revision, Simulated: m.Simulated, Reason: m.Reason,
		Wanted: m.Plan.Images, Items: make([]Item, 0, len(m.Items)), Cost: m.Cost,
		CreatedAt: m.CreatedAt, StartedAt: m.StartedAt, FinishedAt: &m.FinishedAt, Output: m.output(),
	}
	for _, model := range m.Models {
		if model.Role == "generate" {
			j.Model = model.Name
		}
	}
	for _, it := range m.Items {
		j.Items = append(j.Items, it.item())
	}
	for _, g := range m.Grids {
		j.Grids = append(j.Grids, g.grid())
	}
	return j
}

func (m Manifest) output() *Output {
	key := func(f *SetFile) string {
		if f == nil {
			return ""
		}
		return path.Join(m.Folder, f.File)
	}
	return &Output{
		Manifest: path.Join(m.Folder, "manifest.json"), Zip: key(m.Files.Zip),
		ContactSheet: key(m.Files.ContactSheet), Gallery: key(m.Files.Gallery),
	}
}

func (it SetItem) item() Item {
	return Item{
		Index: it.Index, State: it.State, Phase: PhaseDone, Scene: it.Scene, Medium: it.Medium, Attempts: len(it.Attempts),
		Reason: it.Reason, File: it.File, StartedAt: it.StartedAt, SettledAt: it.SettledAt, Cost: it.Cost,
	}
}

func (g SetGrid) grid() Grid {
	return Grid{Index: g.Index, State: g.State, Stage: StageDone, Judge: g.Judge, Fit: g.Fit, Reason: g.Reason, Cost: g.Cost}
}
