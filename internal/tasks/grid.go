package tasks

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path"
	"slices"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/grid"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/judge"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/openai"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// gridCraft makes a style's grids.
type gridCraft struct{ h *Handlers }

func (c gridCraft) question(ctx context.Context, w ledger.Work, a plan.Attempt) (question, error) {
	return c.h.generate(ctx, w, a, "1:1")
}

// shown is for the enlargement of whole grids, and for a judge who is shown an address.
func (c gridCraft) shown(w ledger.Work) bool {
	s := w.Job.Plan.Style
	return s.Enhance == trainset.EnhanceGrid || s.Judge == trainset.JudgeReplicate
}

// wholeGrid is what a grid should be before its tiles are found. Dark margins
// are for that to trim: they may cover any part of it.
var wholeGrid = imaging.Want{AspectW: 1, AspectH: 1, MinSide: 512, Ink: true}

// finish finds the tiles of a grid and measures them. The grid is kept as it
// came: its tiles are cut from it, or from an enlargement of it, without loss.
func (c gridCraft) finish(ctx context.Context, w ledger.Work, a plan.Attempt, b bought) (made, error) {
	var m made
	err := c.h.withPixels(ctx, func() error {
		img, err := imaging.Decode(b.data, outputLimits)
		if err != nil {
			m = unreadable(b.data, err)
			return nil
		}
		if m, err = asItCame(b.data, img, wholeGrid); err != nil || m.rejected != "" {
			return err
		}
		found, err := grid.Find(img)
		if errors.Is(err, grid.ErrNoGrid) {
			m.rejected = err.Error()
			return nil
		}
		if err != nil {
			return fmt.Errorf("finding the tiles of %s: %w", w.Subtask.ID, err)
		}
		m.grid = tiles(img, found)
		if m.rejected, err = unusable(*w.Job.Plan.Style, m.grid); err != nil {
			return err
		}
		c.h.debugCuts(a, img, m.grid)
		if w.Job.Plan.Style.Enhance != trainset.EnhanceNone {
			c.h.debugTiles(a, w.Subtask.Ask.Grid, img, m.grid)
		}
		return nil
	})
	return m, err
}

// unusable says why no enlargement of a grid would give an image: before one is
// paid for. Where some tiles alone would give none, they are not fit.
func unusable(s plan.Style, g *plan.Grid) (why string, err error) {
	if s.Enhance == trainset.EnhanceNone {
		return "", nil
	}
	whole := extentOf(*g)
	if s.Enhance == trainset.EnhanceTile {
		whole = single(slices.Max(append(whole.parts, 0)))
	}
	by, why, err := growthOf(s, whole)
	if err != nil || why != "" {
		return why, err
	}
	for i, t := range g.Tiles {
		own := by
		if s.Enhance == trainset.EnhanceTile {
			if own, _, err = growthOf(s, single(side(t))); err != nil {
				return "", err
			}
		}
		if t.Fit && side(t)*own < minTile {
			g.Tiles[i].Fit = false
			g.Tiles[i].Reason = fmt.Sprintf("it has %d pixels a side, which %d times enlarged are fewer than %d", side(t), own, minTile)
		}
	}
	return "", nil
}

// asItCame keeps a picture's own bytes and checks its pixels.
func asItCame(data []byte, img *image.NRGBA, want imaging.Want) (made, error) {
	measures := imaging.Measure(img)
	m := made{body: data, width: img.Rect.Dx(), height: img.Rect.Dy()}
	m.kind, m.ext = formatOf(data)
	var err error
	m.checks, m.rejected, err = verdict(measures, imaging.Check(measures, want))
	return m, err
}

// formatOf names the media type and the extension of a picture's bytes.
func formatOf(data []byte) (kind, ext string) {
	switch {
	case len(data) > 3 && data[0] == 0xff && data[1] == 0xd8:
		ext = "jpg"
	case len(data) > 12 && string(data[8:12]) == "WEBP":
		ext = "webp"
	default:
		ext = "png"
	}
	return mediaTypes[ext], ext
}

// mediaTypes of pictures that are kept as they came, by extension.
var mediaTypes = map[string]string{"jpg": "image/jpeg", "webp": "image/webp", "png": "image/png"}

// tiles measures what was found.
func tiles(img *image.NRGBA, found grid.Layout) *plan.Grid {
	g := &plan.Grid{Width: img.Rect.Dx(), Height: img.Rect.Dy(), Confidence: found.Confidence}
	var boxes [grid.Tiles]image.Rectangle
	cut := found.Tiles()
	for i, t := range cut {
		boxes[i] = t.Box
	}
	for i, v := range judge.Local(img, boxes) {
		b := boxes[i]
		part, _ := img.SubImage(b).(*image.NRGBA)
		g.Tiles = append(g.Tiles, plan.Tile{
			Box: [4]int{b.Min.X, b.Min.Y, b.Max.X, b.Max.Y}, Method: string(cut[i].Method), Confidence: cut[i].Confidence,
			DHash: imaging.Hash(part), Fit: v.Good(), Reason: v.Reason,
		})
	}
	return g
}

// objectURL returns the address at which the provider reads an object of the
// job, uploading it once however many ask.
func (h *Handlers) objectURL(ctx context.Context, job trainset.JobID, o plan.Image) (string, error) {
	ext := strings.TrimPrefix(path.Ext(o.Key), ".") // formatOf has named it
	return h.pictureURL(ctx, job, o.SHA256, ext, func() ([]byte, error) { return h.store.Get(ctx, o.Key) })
}

// pictureURL is objectURL of a picture of an extension, with this digest.
func (h *Handlers) pictureURL(ctx context.Context, job trainset.JobID, sum, ext string, read func() ([]byte, error)) (string, error) {
	return h.uploaded(ctx, job, sum, "grid."+ext, mediaTypes[ext], read)
}

// judgeCraft asks a vision model which tiles of a grid are fit for training, and
// shows it the example that they should be in the style of.
type judgeCraft struct{ h *Handlers }

func (c judgeCraft) question(ctx context.Context, w ledger.Work, _ plan.Attempt) (question, error) {
	_, made, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.GridID(w.Subtask.Ask.Grid))
	if err != nil {
		return question{}, err
	}
	return c.about(ctx, w, *made.Image)
}

// about asks about a grid.
func (c judgeCraft) about(ctx context.Context, w ledger.Work, made plan.Image) (question, error) {
	style := w.Job.Plan.Style
	example, err := c.example(ctx, *w.Job.Plan)
	if err != nil {
		return question{}, err
	}
	text := judge.Question(contents(w.Subtask.Ask.Tiles), example != "")
	if last := w.Last(); last.Outcome == plan.OutcomeRejected {
		text += judge.Again(errors.New(last.Reason))
	}
	q := question{prompt: text, text: true}
	if style.Judge == trainset.JudgeOpenAI { // it is sent the bytes, not an address
		q.input = map[string]any{"prompt": text, "image": made.Key}
		if example != "" {
			q.input["example_image"] = example
		}
		return q, nil
	}
	m, err := replicate.Find(style.JudgeModel.Name)
	if err != nil {
		return q, err
	}
	url, err := c.h.objectURL(ctx, w.Job.ID, made)
	if err != nil {
		return q, err
	}
	q.input = m.Input(replicate.Params{Prompt: text, System: judge.SystemPrompt, ReferenceURL: url, ExampleURL: example})
	return q, nil
}

// example is where the judge finds the job's reference: its address, or its key
// where the bytes are sent. It is empty where the judge takes one picture, and
// where the reference is gone: a grid that was paid for is judged without it.
func (c judgeCraft) example(ctx context.Context, p plan.Plan) (at string, err error) {
	if !c.takesExample(*p.Style) {
		return "", nil
	}
	if at = p.Reference.Key; p.Style.Judge == trainset.JudgeOpenAI {
		_, err = c.h.store.Stat(ctx, at)
	} else {
		at, err = c.h.referenceURL(ctx, p)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for the example: %w", err)
	}
	return at, nil
}

// takesExample reports whether the judge is shown two pictures. The price in the
// plan, which may be of a version that showed one, must pay for both.
func (c judgeCraft) takesExample(s plan.Style) bool {
	if s.Judge == trainset.JudgeOpenAI {
		now, err := openai.Priced(s.JudgeModel.Name, c.h.o.JudgePrice)
		return err == nil && now.Price <= s.JudgeModel.Price
	}
	m, err := replicate.Find(s.JudgeModel.Name)
	return err == nil && m.Example && m.Price <= s.JudgeModel.Price
}

func contents(tiles []plan.TileAsk) []string {
	all := make([]string, len(tiles))
	for i, t := range tiles {
		all[i] = t.Content
	}
	return all
}

// finish reads the judge's answer.
func (c judgeCraft) finish(_ context.Context, _ ledger.Work, a plan.Attempt, b bought) (made, error) {
	m := made{body: b.data, kind: "text/plain; charset=utf-8", ext: "txt"}
	verdicts, err := judge.Parse(string(b.data))
	if err != nil {
		m.rejected = "the judge's answer: " + err.Error()
		return m, nil //nolint:nilerr // an answer that cannot be read is an outcome, and asked for once more
	}
	m.judgement = &plan.Judgement{By: a.Model}
	for _, v := range verdicts {
		m.judgement.Verdicts = append(m.judgement.Verdicts, recorded(v))
	}
	return m, nil
}

// recorded is a verdict as the job's record keeps it. What shows none of the
// grid's contents has no caption, and is of no use.
func recorded(v judge.Verdict) plan.Verdict {
	kept := plan.Verdict{Tile: v.Tile, Unique: v.Unique, Fit: v.Fit, Shows: v.Shows, Reason: v.Reason}
	if v.Fit && v.Shows == 0 {
		kept.Fit, kept.Reason = false, "it shows none of what the grid was to show: "+v.Reason
	}
	return kept
}

// enhanceCraft enlarges whole grids.
type enhanceCraft struct{ h *Handlers }

// question asks for an enlargement of the grid, unless it was taken in by another
// version and can be of no use.
func (c enhanceCraft) question(ctx context.Context, w ledger.Work, _ plan.Attempt) (question, error) {
	_, made, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.GridID(w.Subtask.Ask.Grid))
	if err != nil {
		return question{}, err
	}
	by, why, err := growthOf(*w.Job.Plan.Style, extentOf(*made.Grid))
	if err != nil {
		return question{}, err
	}
	if why != "" {
		return question{}, &hopelessError{why}
	}
	url, err := c.h.objectURL(ctx, w.Job.ID, *made.Image)
	if err != nil {
		return question{}, err
	}
	go c.h.expectSheet(ctx, made.Grid.Width*by*made.Grid.Height*by)
	return enlarge(*w.Job.Plan.Style, by, url)
}

func (c enhanceCraft) shown(ledger.Work) bool { return false }

// finish makes sure that the picture has grown, and keeps it decoded for the
// tiles that will be cut from it.
func (c enhanceCraft) finish(ctx context.Context, w ledger.Work, a plan.Attempt, b bought) (made, error) {
	_, raw, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.GridID(w.Subtask.Ask.Grid))
	if err != nil {
		return made{}, err
	}
	img, release, err := c.h.sheet(ctx, b.sum, func() ([]byte, error) { return b.data, nil })
	if err != nil {
		return unreadable(b.data, err), ctx.Err()
	}
	defer release()
	by, err := asked(*w.Job.Plan.Style, a, *raw.Grid)
	if err != nil {
		return made{}, err
	}
	m := made{body: b.data, width: img.Rect.Dx(), height: img.Rect.Dy()}
	m.kind, m.ext = formatOf(b.data)
	m.rejected = notGrown(*raw.Grid, m, by)
	return m, nil
}
