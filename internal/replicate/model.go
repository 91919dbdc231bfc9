package replicate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// The models that are asked unless others are named.
const (
	DefaultActorModel   = "black-forest-labs/flux-kontext-pro"
	DefaultStyleModel   = "black-forest-labs/flux-kontext-pro"
	DefaultJudgeModel   = "openai/gpt-4.1-mini"
	DefaultEnhanceModel = "topazlabs/image-upscale"
)

// Role is what a model is for.
type Role string

const (
	RoleGenerate Role = "generate" // an image from a prompt and a reference
	RoleJudge    Role = "judge"    // a text from a question and images
	RoleEnhance  Role = "enhance"  // a larger image from an image
)

// Params is what a model is asked, whatever it calls it.
type Params struct {
	Prompt       string
	ReferenceURL string // the image that is edited, judged or enlarged
	ExampleURL   string // an image to compare that with, none when empty; of RoleJudge
	Aspect       string // "16:9"; of RoleGenerate
	Seed         int64  // of RoleGenerate
	System       string // instruction apart from the question; of RoleJudge
	Factor       int    // by how much each side grows; of RoleEnhance
}

// Model is one entry of the table: how a model is asked, what it costs.
type Model struct {
	Name        string
	Role        Role
	Price       trainset.Money // list price of one output
	PriceSource string
	PriceDate   string        // when the price was read
	Latency     time.Duration // typical, for estimates only
	Factors     []int         // by which sides may grow, the least first; of RoleEnhance
	Example     bool          // takes an example beside what it judges; of RoleJudge
	Input       func(Params) map[string]any
}

// models is the table. To add a model, add an entry and its row to the table test.
var models = []Model{
	{
		Name: "black-forest-labs/flux-kontext-pro", Role: RoleGenerate, Price: trainset.USD(0.04), Latency: 12 * time.Second,
		PriceSource: "replicate.com/black-forest-labs/flux-kontext-pro", PriceDate: "2026-11", Input: kontext,
	},
	{
		Name: "black-forest-labs/flux-kontext-max", Role: RoleGenerate, Price: trainset.USD(0.08), Latency: 15 * time.Second,
		PriceSource: "replicate.com/black-forest-labs/flux-kontext-max", PriceDate: "2026-11", Input: kontext,
	},
	{
		Name: "google/nano-banana", Role: RoleGenerate, Price: trainset.USD(0.039), Latency: 12 * time.Second,
		PriceSource: "replicate.com/google/nano-banana", PriceDate: "2026-11", Input: nanoBanana,
	},
	{ // billed by the token: two images and the longest answer stay below this
		Name: "openai/gpt-4.1-mini", Role: RoleJudge, Price: trainset.USD(0.01), Latency: 5 * time.Second, Example: true,
		PriceSource: "replicate.com/openai/gpt-4.1-mini (by the token; an upper bound for a grid and an example)", PriceDate: "2026-11", Input: gpt,
	},
	{ // an image is up to 48,000 tokens of its own
		Name: "openai/gpt-4o-mini", Role: RoleJudge, Price: trainset.USD(0.02), Latency: 5 * time.Second, Example: true,
		PriceSource: "replicate.com/openai/gpt-4o-mini (by the token; an upper bound for a grid and an example)", PriceDate: "2026-11", Input: gpt,
	},
	{
		Name: "topazlabs/image-upscale", Role: RoleEnhance, Price: trainset.USD(0.05), Latency: 20 * time.Second,
		PriceSource: "replicate.com/topazlabs/image-upscale", PriceDate: "2026-11", Factors: []int{2, 4, 6}, Input: topaz,
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

// gpt answers a question about images, in their order; zero temperature keeps it
// from varying.
func gpt(p Params) map[string]any {
	images := []string{p.ReferenceURL}
	if p.ExampleURL != "" {
		images = append(images, p.ExampleURL)
	}
	return map[string]any{
		"prompt": p.Prompt, "system_prompt": p.System, "image_input": images,
		"temperature": 0, "max_completion_tokens": 2000,
	}
}

// topaz enlarges without inventing faces: what it is for must stay as it was made.
func topaz(p Params) map[string]any {
	return map[string]any{
		"image": p.ReferenceURL, "enhance_model": "Standard V2", "upscale_factor": fmt.Sprintf("%dx", p.Factor),
		"output_format": "png", "face_enhancement": false, "subject_detection": "None",
	}
}

// FactorOf reads off what a model was asked by how much it was to enlarge; 0 where
// that is not said.
func FactorOf(input map[string]any) int {
	said, _ := input["upscale_factor"].(string)
	if by, err := strconv.Atoi(strings.TrimSuffix(said, "x")); err == nil {
		return by
	}
	return 0
}

// Lookup finds a model by name and role; an unknown one is a *trainset.FieldError.
func Lookup(role Role, name string) (Model, error) {
	var names []string
	for _, m := range models {
		if m.Role == role && m.Name == name {
			return m, nil
		}
		if m.Role == role {
			names = append(names, m.Name)
		}
	}
	return Model{}, trainset.Invalid(field(role), fmt.Sprintf("%q is unknown", name), "use "+strings.Join(names, ", "))
}

// field is what a request calls a role's model.
func field(r Role) string {
	switch r {
	case RoleJudge:
		return "judge_model"
	case RoleEnhance:
		return "enhance"
	case RoleGenerate:
	}
	return "model"
}

// Find returns a model of any role, for a record that names it.
func Find(name string) (Model, error) {
	i := slices.IndexFunc(models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, trainset.Invalid("model", fmt.Sprintf("%q is unknown", name), "use a version of this program that knows it")
	}
	return models[i], nil
}
