package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// kind is what one input of a model holds.
type kind string

const (
	textInput    kind = "string"
	wholeInput   kind = "integer"
	numberInput  kind = "number"
	switchInput  kind = "boolean"
	fileInput    kind = "file"  // a URI
	filesInput   kind = "files" // a list of URIs
	objectsInput kind = "objects"
)

// input is one field of a model's schema.
type input struct {
	name     string
	kind     kind
	required bool
	choices  []any
	byDef    any
	min, max *float64
	most     int // items of a list; 0 is no bound
	about    string
}

// outputShape is what a model answers with.
type outputShape int

const (
	oneFile   outputShape = iota // a URI
	manyFiles                    // a list of URIs
	chunks                       // the pieces of a text
)

// model is what the server knows of one of Replicate's models.
type model struct {
	name  string // "owner/name"
	about string
	// official models are run by name; the others by version only.
	official bool
	output   outputShape
	inputs   []input
	// imageLimit is the highest safety_tolerance beside a reference; 0 is none.
	imageLimit float64
}

func (m *model) owner() string { owner, _, _ := strings.Cut(m.name, "/"); return owner }
func (m *model) short() string { _, name, _ := strings.Cut(m.name, "/"); return name }

// version is a made-up but constant ID: 64 hexadecimal digits.
func (m *model) version() string {
	sum := sha256.Sum256([]byte("version of " + m.name))
	return hex.EncodeToString(sum[:])
}

// input finds a field by name; nil when the schema has none.
func (m *model) input(name string) *input {
	i := slices.IndexFunc(m.inputs, func(in input) bool { return in.name == name })
	if i < 0 {
		return nil
	}
	return &m.inputs[i]
}

func modelByName(name string) *model {
	i := slices.IndexFunc(catalog, func(m *model) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return catalog[i]
}

func modelByVersion(version string) *model {
	i := slices.IndexFunc(catalog, func(m *model) bool { return m.version() == version })
	if i < 0 {
		return nil
	}
	return catalog[i]
}

func text(name, about string) input { return input{name: name, kind: textInput, about: about} }

func prompt(about string) input {
	return input{name: "prompt", kind: textInput, required: true, about: about}
}

func choice(name string, byDef string, choices ...string) input {
	in := input{name: name, kind: textInput, byDef: byDef}
	for _, c := range choices {
		in.choices = append(in.choices, c)
	}
	return in
}

func whole(name string, byDef any, lowest, highest float64) input {
	return input{name: name, kind: wholeInput, byDef: byDef, min: &lowest, max: &highest}
}

func number(name string, byDef any, lowest, highest float64) input {
	return input{name: name, kind: numberInput, byDef: byDef, min: &lowest, max: &highest}
}

func toggle(name string, byDef bool) input { return input{name: name, kind: switchInput, byDef: byDef} }

func seed() input {
	return input{name: "seed", kind: wholeInput, about: "Random seed. Set for reproducible generation"}
}

func imageField(name string, required bool) input {
	return input{name: name, kind: fileInput, required: required, about: "Image to work on"}
}

func imagesField(name string, required bool, most int) input {
	return input{name: name, kind: filesInput, required: required, most: most, about: "Images to work on"}
}

var kontextAspects = []string{
	"match_input_image", "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4", "21:9", "9:21", "2:1", "1:2",
}

var bananaAspects = []string{"match_input_image", "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}

func kontext(name string) *model {
	return &model{
		name: name, official: true, imageLimit: 2,
		about: "A text-based image editing model",
		inputs: []input{
			prompt("Text description of what you want to generate, or the instruction on how to edit the given image."),
			imageField("input_image", false),
			choice("aspect_ratio", "match_input_image", kontextAspects...),
			choice("output_format", "png", "jpg", "png"),
			seed(),
			whole("safety_tolerance", 2, 0, 6),
			toggle("prompt_upsampling", false),
		},
	}
}

func nanoBanana(name string, most int, more ...input) *model {
	return &model{
		name: name, official: true, about: "An image generation and editing model",
		inputs: append([]input{
			prompt("A text description of the image you want to generate"),
			imagesField("image_input", false, most),
			choice("aspect_ratio", "match_input_image", bananaAspects...),
			choice("output_format", "jpg", "jpg", "png"),
		}, more...),
	}
}

// catalog is what the server can run. Names, kinds and bounds are Replicate's;
// see the models' own pages for the meaning of each input.
var catalog = []*model{
	kontext("black-forest-labs/flux-kontext-pro"),
	kontext("black-forest-labs/flux-kontext-max"),
	{
		name: "black-forest-labs/flux-kontext-dev", official: true, about: "An open-weight image editing model",
		inputs: []input{
			prompt("Text description of what you want to generate, or the instruction on how to edit the given image."),
			imageField("input_image", true),
			choice("aspect_ratio", "match_input_image", kontextAspects...),
			whole("num_inference_steps", 30, 4, 50),
			number("guidance", 2.5, 0, 10),
			seed(),
			choice("output_format", "webp", "webp", "jpg", "png"),
			whole("output_quality", 80, 0, 100),
			toggle("disable_safety_checker", false),
			toggle("go_fast", true),
		},
	},
	{
		name: "black-forest-labs/flux-2-pro", official: true, about: "Image generation and editing with several references",
		inputs: []input{
			prompt("Text description of the image"),
			imagesField("input_images", false, 8),
			choice("aspect_ratio", "1:1", "match_input_image", "custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3"),
			choice("resolution", "1 MP", "match_input_image", "0.5 MP", "1 MP", "2 MP", "4 MP"),
			whole("width", nil, 256, 2048),
			whole("height", nil, 256, 2048),
			whole("safety_tolerance", 2, 1, 5),
			seed(),
			choice("output_format", "webp", "webp", "jpg", "png"),
			whole("output_quality", 80, 0, 100),
		},
	},
	nanoBanana("google/nano-banana", 0),
	nanoBanana("google/nano-banana-pro", 14,
		choice("resolution", "2K", "1K", "2K", "4K"),
		choice("safety_filter_level", "block_only_high", "block_low_and_above", "block_medium_and_above", "block_only_high")),
	{
		name: "bytedance/seedream-4", official: true, output: manyFiles, about: "Text-to-image generation and editing up to 4K",
		inputs: []input{
			prompt("Text prompt for image generation"),
			imagesField("image_input", false, 10),
			choice("size", "2K", "1K", "2K", "4K", "custom"),
			choice("aspect_ratio", "match_input_image", "match_input_image", "1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9"),
			whole("width", 2048, 1024, 4096),
			whole("height", 2048, 1024, 4096),
			choice("sequential_image_generation", "disabled", "disabled", "auto"),
			whole("max_images", 1, 1, 15),
			toggle("enhance_prompt", true),
		},
	},
	{
		name: "qwen/qwen-image-edit-plus", official: true, output: manyFiles, about: "Image editing with several references",
		inputs: []input{
			prompt("Text instruction on how to edit the given image."),
			imagesField("image", true, 0),
			choice("aspect_ratio", "match_input_image", "match_input_image", "1:1", "16:9", "9:16", "4:3", "3:4"),
			toggle("go_fast", true),
			seed(),
			choice("output_format", "webp", "webp", "jpg", "png"),
			whole("output_quality", 95, 0, 100),
			toggle("disable_safety_checker", false),
		},
	},
	{
		name: "topazlabs/image-upscale", official: true, about: "Professional-grade image upscaling",
		inputs: []input{
			imageField("image", true),
			choice("enhance_model", "Standard V2", "Standard V2", "Low Resolution V2", "CGI", "High Fidelity V2", "Text Refine"),
			choice("upscale_factor", "None", "None", "2x", "4x", "6x"),
			choice("output_format", "jpg", "jpg", "png"),
			choice("subject_detection", "None", "None", "All", "Foreground", "Background"),
			toggle("face_enhancement", false),
			number("face_enhancement_strength", 0.8, 0, 1),
			number("face_enhancement_creativity", 0, 0, 1),
		},
	},
	{
		name: "recraft-ai/recraft-crisp-upscale", official: true, about: "Sharpens and upscales an image",
		inputs: []input{imageField("image", true)},
	},
	{
		name: "nightmareai/real-esrgan", about: "Image upscaling with optional face correction",
		inputs: []input{imageField("image", true), number("scale", 4, 0, 10), toggle("face_enhance", false)},
	},
	{
		name: "philz1337x/clarity-upscaler", output: manyFiles, about: "High resolution image upscaler and enhancer",
		inputs: []input{
			imageField("image", true),
			{name: "prompt", kind: textInput, byDef: "masterpiece, best quality, highres"},
			number("scale_factor", 2, 1, 16),
			number("creativity", 0.35, 0, 1),
			number("resemblance", 0.6, 0, 3),
			whole("num_inference_steps", 18, 1, 100),
			{name: "seed", kind: wholeInput, byDef: 1337},
			choice("output_format", "png", "webp", "jpg", "png"),
		},
	},
	{
		name: "openai/gpt-4.1-mini", official: true, output: chunks, about: "Fast, affordable version of GPT-4.1",
		inputs: []input{
			text("prompt", "The prompt to send to the model. Do not use if using messages."),
			text("system_prompt", "System prompt to set the assistant's behavior"),
			{name: "messages", kind: objectsInput, byDef: []any{}, about: "A JSON string representing a list of messages."},
			imagesField("image_input", false, 0),
			number("temperature", 1, 0, 2),
			{name: "max_completion_tokens", kind: wholeInput, byDef: 4096, about: "Maximum number of completion tokens to generate"},
			number("top_p", 1, 0, 1),
			number("frequency_penalty", 0, -2, 2),
			number("presence_penalty", 0, -2, 2),
		},
	},
	{
		name: "openai/gpt-5.1", official: true, output: chunks, about: "Reasoning model for coding and agentic tasks",
		inputs: []input{
			text("prompt", "The prompt to send to the model. Do not use if using messages."),
			text("system_prompt", "System prompt to set the assistant's behavior"),
			{name: "messages", kind: objectsInput, byDef: []any{}},
			imagesField("image_input", false, 0),
			choice("reasoning_effort", "none", "none", "low", "medium", "high"),
			choice("verbosity", "medium", "low", "medium", "high"),
			{name: "max_completion_tokens", kind: wholeInput},
		},
	},
	{
		name: "google/gemini-2.5-flash", official: true, output: chunks, about: "Hybrid thinking model",
		inputs: []input{
			prompt("The text prompt to send to the model"),
			imagesField("images", false, 10),
			text("system_instruction", "System instruction to guide the model's behavior"),
			number("temperature", 1, 0, 2),
			number("top_p", 0.95, 0, 1),
			whole("max_output_tokens", 65535, 1, 65535),
			whole("thinking_budget", nil, 0, 24576),
			toggle("dynamic_thinking", false),
		},
	},
}
