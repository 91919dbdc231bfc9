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
	Diversity  Diversity    `json:"diversity"`
	Cost       Cost         `json:"cost"`
	Timings    Timings      `json:"timings"`
	Warnings   []string     `json:"warnings"`
	Files      SetFiles     `json:"files"`
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
	Trigger        string `json:"trigger"`
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
	Images         int            `json:"images"` // wanted
	Mix            map[Medium]int `json:"mix"`
	CatalogVersion string         `json:"catalog_version"`
	Seed           int64          `json:"seed"`
}

// SetModel is a model that had a part in a data set.
type SetModel struct {
	Role        string         `json:"role"` // "generate"
	Provider    string         `json:"provider"`
	Name        string         `json:"name"`
	Params      map[string]any `json:"params"`    // the same for every image
	Price       Money          `json:"price_usd"` // one prediction
	PriceSource string         `json:"price_source"`
	PriceDate   string         `json:"price_date"`
}

// SetItem is one wanted image, numbered from 1. What describes a picture is
// empty where there is none.
type SetItem struct {
	Index     int          `json:"index"`
	State     ItemState    `json:"state"`
	Reason    string       `json:"reason,omitempty"`
	File      string       `json:"file,omitempty"`
	Caption   *SetCaption  `json:"caption,omitempty"`
	Scene     string       `json:"scene"`
	Medium    Medium       `json:"medium"`
	Technique string       `json:"technique"`
	Framing   string       `json:"framing"`
	Prompt    string       `json:"prompt"` // that made the picture, or was tried last
	Seed      int64        `json:"seed"`   // of the same attempt
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

// SetAttempt is one paid try at an item.
type SetAttempt struct {
	Number  int    `json:"number"`
	Outcome string `json:"outcome,omitempty"` // empty while it is not known
	Reason  string `json:"reason,omitempty"`
	Seed    int64  `json:"seed"`
	Milder  bool   `json:"milder"` // the scene's milder prompt was sent
	// File is what was stored of it, used or rejected.
	File           string     `json:"file,omitempty"`
	PredictionID   string     `json:"prediction_id,omitempty"`
	Cost           Money      `json:"cost_usd"`
	PredictSeconds float64    `json:"predict_seconds,omitempty"` // the provider's figure
	CreatedAt      *time.Time `json:"created_at,omitempty"`
	EndedAt        *time.Time `json:"ended_at,omitempty"`
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
	Media     map[Medium]int `json:"media"`
	Framing   map[string]int `json:"framing"`
}

// Timings of a job, in seconds.
type Timings struct {
	Total      float64 `json:"total"`      // from the request to the manifest
	Slowest    float64 `json:"slowest"`    // the item that took longest
	Sequential float64 `json:"sequential"` // all items, one after another
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
