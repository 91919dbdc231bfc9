// Package picture draws the pictures and writes the answers of the simulated
// provider: scenes and grids made from the reference and the prompt, enlarged
// pictures, and a judge's verdict on a grid. Bytes go in and bytes come out, and
// the same request always gives the same result.
//
// It must not know how it is reached, what a job is, or the program that it
// helps to test: it reads a prompt as a model would, as English, and imports
// nothing of this module.
package picture

import (
	"fmt"
	"image"
)

// Request is what a model was asked.
type Request struct {
	Model, Prompt string
	Seed          int64
	// Images are the encoded inputs (PNG, JPEG, WebP), the reference first. Of a judge
	// whose question names an example of the style, that is the second and last.
	Images [][]byte
	// Aspect is "16:9", "1:1" and the like, or "match_input_image".
	Aspect string
	// Format is "png" or "jpg"; empty asks Options, then takes PNG.
	Format string
	// Factor enlarges, for upscalers; 0 asks Options, then takes 2.
	Factor float64
	// Flaw spoils the result in one known way.
	Flaw Flaw
	// Plain draws a pattern of flat squares where a scene is asked for, of its size
	// and colours: for runs in which pixels cost too much. Grids stay what they are.
	Plain bool
	// Options are the model's other inputs, under the model's own names.
	Options map[string]any
}

// Flaw is one way in which a provider's answer can be useless.
type Flaw string

// Flaws: first those of pictures, then those of grids, then those of answers. A
// flaw that does not apply to what was asked changes nothing.
const (
	None          Flaw = ""
	Blank         Flaw = "blank"          // one flat colour
	NotImage      Flaw = "not_image"      // a page of HTML under a picture's name
	Small         Flaw = "small"          // a quarter of the size; an upscaler halves
	Colour        Flaw = "colour"         // black and white was asked for
	NoGrid        Flaw = "no_grid"        // one picture where a grid was asked for
	TruncatedGrid Flaw = "truncated_grid" // two rows of three
	OffStyle      Flaw = "off_style"      // a grid in colours that the reference does not have
	JudgeNonsense Flaw = "judge_nonsense" // prose without any JSON
	JudgeFenced   Flaw = "judge_fenced"   // JSON within prose and a code fence
	JudgeEmpty    Flaw = "judge_empty"    // nothing at all
	JudgeSwapped  Flaw = "judge_swapped"  // tiles 1 and 2 show each other's subject, tile 3 none
)

// Result is a finished file, or a language model's answer.
type Result struct {
	// Data is the encoded picture; empty for language models.
	Data []byte
	// ContentType is Data's media type and Ext its extension, without a dot.
	ContentType, Ext string
	// Text is a language model's answer; empty for all others.
	Text string
}

// Draw does what the model would. Errors are about the request: an input that
// cannot be read, or a size that no model accepts.
func Draw(r Request) (Result, error) {
	if kindOf(r.Model) == language {
		return answer(r)
	}
	if r.Flaw == NotImage {
		return page(), nil
	}
	img, err := paint(r)
	if err != nil {
		return Result{}, fmt.Errorf("simulating %s: %w", r.Model, err)
	}
	return encode(img, formatOf(r))
}

// paint makes the pixels of a picture and then spoils them as asked.
func paint(r Request) (image.Image, error) {
	if kindOf(r.Model) == upscaler {
		return upscale(r)
	}
	size, err := sizeOf(r)
	if err != nil {
		return nil, err
	}
	if r.Flaw == Small {
		size = image.Pt(size.X/2, size.Y/2) // a quarter of the pixels
	}
	if r.Flaw == Blank {
		return blank(size, r), nil
	}
	if r.Plain && !asksForGrid(r.Prompt) {
		return squares(size, r), nil
	}
	ref, err := reference(r)
	if err != nil {
		return nil, err
	}
	if asksForGrid(r.Prompt) && r.Flaw != NoGrid {
		return grid(r, ref, size.X), nil
	}
	return scenePicture(r, ref, size), nil
}
