package replicate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// DefaultActorModel makes an actor's images unless another is asked for.
const DefaultActorModel = "black-forest-labs/flux-kontext-pro"

// Params is what any image model is asked, whatever it calls it.
type Params struct {
	Prompt       string
	ReferenceURL string
	Aspect       string // "16:9"
	Seed         int64
}

// Model is one entry of the table: how a model is asked, what it costs.
type Model struct {
	Name        string
	Price       trainset.Money // list price of one output
	PriceSource string
	PriceDate   string        // when the price was read
	Latency     time.Duration // typical, for estimates only
	Input       func(Params) map[string]any
}

// models is the table. To add a model, add an entry and its row to the table test.
var models = []Model{
	{
		Name: "black-forest-labs/flux-kontext-pro", Price: trainset.USD(0.04), Latency: 12 * time.Second,
		PriceSource: "replicate.com/black-forest-labs/flux-kontext-pro", PriceDate: "2026-11", Input: kontext,
	},
	{
		Name: "black-forest-labs/flux-kontext-max", Price: trainset.USD(0.08), Latency: 15 * time.Second,
		PriceSource: "replicate.com/black-forest-labs/flux-kontext-max", PriceDate: "2026-11", Input: kontext,
	},
	{
		Name: "google/nano-banana", Price: trainset.USD(0.039), Latency: 12 * time.Second,
		PriceSource: "replicate.com/google/nano-banana", PriceDate: "2026-11", Input: nanoBanana,
	},
}

// kontext edits one reference. Two is the highest tolerance it accepts with one.
func kontext(p Params) map[string]any {
	return map[string]any{
		"prompt": p.Prompt, "input_image": p.ReferenceURL, "aspect_ratio": p.Aspect, "output_format": "png",
		"seed": p.Seed, "safety_tolerance": 2, "prompt_upsampling": false,
	}
}

// nanoBanana takes a list of references and no seed.
func nanoBanana(p Params) map[string]any {
	return map[string]any{
		"prompt": p.Prompt, "image_input": []string{p.ReferenceURL}, "aspect_ratio": p.Aspect, "output_format": "png",
	}
}

// Lookup finds a model by name; an unknown one is a *trainset.FieldError.
func Lookup(name string) (Model, error) {
	i := slices.IndexFunc(models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		names := make([]string, len(models))
		for i, m := range models {
			names[i] = m.Name
		}
		return Model{}, trainset.Invalid("model", fmt.Sprintf("%q is unknown", name), "use one of "+strings.Join(names, ", "))
	}
	return models[i], nil
}
