package fake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // references come in these forms
	_ "image/jpeg"
	_ "image/png"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// rendered is what a model made: a text, or a file in the spool.
type rendered struct {
	path        string
	size        int64
	contentType string
	ext         string
	text        string
	shared      bool // by many outputs; it goes with the spool
}

// renderer makes outputs, a bounded number of them at once.
type renderer struct {
	s     *Server
	slots chan struct{}
	draw  func(picture.Request) (picture.Result, error)

	mu    sync.Mutex
	cache map[string]rendered // PreEncoded only
}

func newRenderer(s *Server) *renderer {
	return &renderer{s: s, slots: make(chan struct{}, s.opts.Renderers), draw: s.opts.Draw, cache: map[string]rendered{}}
}

// make draws the prediction's output. Its errors are for the prediction to
// show.
func (r *renderer) make(ctx context.Context, p *prediction) (rendered, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return rendered{}, context.Cause(ctx)
	}
	req := p.drawing()
	req.Plain = r.s.opts.Plain
	key := ""
	if r.s.opts.PreEncoded && p.model.output != chunks {
		if key = req.lookAlikes(); key == "" { // its size depends on the reference
			if err := r.fetchAll(ctx, p, &req); err != nil {
				return rendered{}, err
			}
			key = req.sizedLookAlikes()
		}
		if made, ok := r.cached(key); ok {
			return made, nil
		}
	}
	if req.Images == nil {
		if err := r.fetchAll(ctx, p, &req); err != nil {
			return rendered{}, err
		}
	}
	return r.finish(req, key)
}

func (r *renderer) cached(key string) (rendered, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	made, ok := r.cache[key]
	return made, ok
}

// finish draws and spools. With a key, the first of those that look alike is the
// one that all get.
func (r *renderer) finish(req drawing, key string) (rendered, error) {
	res, err := r.draw(req.Request)
	if err != nil {
		return rendered{}, fmt.Errorf("the input could not be drawn: %w", err)
	}
	made := rendered{
		size: int64(len(res.Data)), contentType: res.ContentType, ext: "." + strings.TrimPrefix(res.Ext, "."),
		text: res.Text, shared: key != "",
	}
	if res.Data == nil {
		return made, nil
	}
	if made.path, err = r.s.spool.put(res.Data); err != nil {
		return rendered{}, err
	}
	if key == "" {
		return made, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first, ok := r.cache[key]; ok {
		r.s.spool.remove(made.path)
		return first, nil
	}
	r.cache[key] = made
	return made, nil
}

func (r *renderer) fetchAll(ctx context.Context, p *prediction, req *drawing) error {
	req.Images = [][]byte{}
	for _, ref := range p.references() {
		data, err := r.s.fetch(ctx, p, ref)
		if err != nil {
			return fmt.Errorf("an input file could not be read: %w", err)
		}
		req.Images = append(req.Images, data)
	}
	return nil
}

// drawing is a request to draw, with what decides on its size.
type drawing struct{ picture.Request }

// flaws are the faults that show in what is drawn.
var flaws = map[Kind]picture.Flaw{
	OutputBlank: picture.Blank, OutputNotImage: picture.NotImage, OutputSmall: picture.Small, OutputColour: picture.Colour,
	GridNone: picture.NoGrid, GridTruncated: picture.TruncatedGrid, GridOffStyle: picture.OffStyle,
	JudgeNonsense: picture.JudgeNonsense, JudgeFenced: picture.JudgeFenced, JudgeEmpty: picture.JudgeEmpty, JudgeSwapped: picture.JudgeSwapped,
}

// drawing gathers what the picture is made from, its references excepted.
func (p *prediction) drawing() drawing {
	req := picture.Request{
		Model: p.model.name, Prompt: p.prompt(), Seed: p.seed, Aspect: p.word("aspect_ratio"), Format: p.word("output_format"),
		Factor: p.factor(), Options: p.options(),
	}
	if req.Format != "jpg" { // there is no webp encoder: what may be webp is png
		req.Format = "png"
	}
	for _, f := range p.struck {
		if flaw, ok := flaws[f.Kind]; ok {
			req.Flaw = flaw
			break
		}
	}
	return drawing{req}
}

// word is an input that is one of some words.
func (p *prediction) word(name string) string {
	s, _ := p.full[name].(string)
	return s
}

// factor is an upscaler's; 0 for other models.
func (p *prediction) factor() float64 {
	for _, name := range []string{"upscale_factor", "scale", "scale_factor"} {
		in := p.model.input(name)
		if in == nil {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSuffix(fmt.Sprint(p.full[name]), "x"), 64)
		if err != nil || f <= 0 {
			return 1 // "None"
		}
		return f
	}
	if p.model.name == "recraft-ai/recraft-crisp-upscale" {
		return 4 // it takes no factor
	}
	return 0
}

// references are the addresses of the input's files, in the schema's order.
func (p *prediction) references() []string {
	var refs []string
	for _, in := range p.model.inputs {
		switch v := p.full[in.name].(type) {
		case string:
			if in.kind == fileInput {
				refs = append(refs, v)
			}
		case []any:
			for _, e := range v {
				if ref, ok := e.(string); ok && in.kind == filesInput {
					refs = append(refs, ref)
				}
			}
		}
	}
	return refs
}

// options are the inputs that are no files, whose addresses say nothing.
func (p *prediction) options() map[string]any {
	out := plain(p.full)
	for _, in := range p.model.inputs {
		if in.kind == fileInput || in.kind == filesInput {
			delete(out, in.name)
		}
	}
	return out
}

// plain is an input with numbers as numbers, as a model's code gets it.
func plain(values map[string]any) map[string]any {
	out := maps.Clone(values)
	for name, v := range out {
		if n, ok := v.(json.Number); ok {
			if f, err := n.Float64(); err == nil {
				out[name] = f
			}
		}
	}
	return out
}

// lookAlikes is equal for requests that one picture may answer. It is empty
// where the size depends on the references, and for grids, whose judge compares
// them with their own.
func (d drawing) lookAlikes() string {
	if d.Factor > 0 || d.Aspect == "" || d.Aspect == "match_input_image" || ofGrid(d.Prompt) {
		return ""
	}
	return fmt.Sprint(d.Model, d.Aspect, d.Format, d.Options["resolution"], d.Options["size"], d.Flaw, medium(d.Prompt))
}

// sizedLookAlikes is the same where the references are known. What enlarges a
// picture must show that picture, and a grid have its style.
func (d drawing) sizedLookAlikes() string {
	size := ""
	switch {
	case len(d.Images) == 0:
	case d.Factor > 0, ofGrid(d.Prompt):
		size = fmt.Sprintf("%x", sha256.Sum256(d.Images[0]))
	default:
		if c, _, err := image.DecodeConfig(bytes.NewReader(d.Images[0])); err == nil {
			size = fmt.Sprint(c.Width, "x", c.Height)
		}
	}
	return fmt.Sprint(d.Model, d.Aspect, d.Format, d.Factor, size, d.Options["resolution"], d.Options["size"], d.Flaw, medium(d.Prompt))
}

// colourless are the words that black-and-white pictures are asked for with.
var colourless = regexp.MustCompile(`(?i)\b(black[ -]and[ -]white|monochrome|gr[ae]yscale)\b`)

// medium is what a prompt asks for, as far as PreEncoded tells looks apart.
// Grids are told apart by all of it: what a job makes of them must differ.
func medium(prompt string) string {
	switch {
	case ofGrid(prompt):
		return prompt
	case colourless.MatchString(prompt):
		return "black and white"
	}
	return "colour"
}

func ofGrid(prompt string) bool { return strings.Contains(strings.ToLower(prompt), "3x3 grid") }

// errUnreachable is for references that a simulation does not go out for.
var errUnreachable = errors.New("the simulated provider reads its own files, data URIs and http addresses on this machine only")
