package tasks

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// imageCraft makes an actor's images.
type imageCraft struct{ h *Handlers }

func (c imageCraft) question(ctx context.Context, w ledger.Work, a plan.Attempt) (question, error) {
	return c.h.generate(ctx, w, a, "16:9")
}

// generate asks the job's own model for a picture after the reference.
func (h *Handlers) generate(ctx context.Context, w ledger.Work, a plan.Attempt, aspect string) (question, error) {
	m, err := replicate.Find(w.Job.Plan.Model)
	if err != nil {
		return question{}, err
	}
	url, err := h.referenceURL(ctx, *w.Job.Plan)
	if err != nil {
		return question{}, err
	}
	return question{prompt: a.Prompt, input: m.Input(replicate.Params{Prompt: a.Prompt, ReferenceURL: url, Aspect: aspect, Seed: a.Seed})}, nil
}

// minSide is the shortest side of an actor's image: Kontext's own 16:9 is 752 high.
const minSide = 704

func (c imageCraft) finish(ctx context.Context, w ledger.Work, _ plan.Attempt, b bought) (made, error) {
	var m made
	err := c.h.withPixels(ctx, func() (err error) {
		m, err = finishImage(b.data, w.Subtask.Ask)
		return err
	})
	return m, err
}

// outputLimits bound what a provider may send.
var outputLimits = imaging.Limits{MaxBytes: 64 << 20, MaxPixels: 40_000_000}

// finishImage decodes an output, crops it to its aspect and checks it.
func finishImage(data []byte, ask plan.Ask) (made, error) {
	img, err := imaging.Decode(data, outputLimits)
	if err != nil {
		return unreadable(data, err), nil
	}
	return picture(img, imaging.Want{Medium: ask.Medium, AspectW: 16, AspectH: 9, MinSide: minSide, Ink: ask.Medium == trainset.MediumBW})
}

// unreadable is what cannot be decoded: it was paid for all the same, so it is
// kept as it came.
func unreadable(data []byte, err error) made {
	return made{body: data, kind: "application/octet-stream", ext: "bin", rejected: "unreadable: " + err.Error()}
}

// picture crops and checks a picture and encodes it for the set.
func picture(img imaging.Picture, want imaging.Want) (made, error) {
	measures, thumb := imaging.MeasureAndReduce(img)
	findings := imaging.Check(measures, want)
	cropped := imaging.CropAspect(img, want.AspectW, want.AspectH)
	if cropped != img {
		thumb = imaging.Reduce(cropped, imaging.CellWidth, imaging.CellHeight)
	}
	measures.Width, measures.Height = cropped.Bounds().Dx(), cropped.Bounds().Dy()
	png, err := imaging.EncodePNG(cropped, imaging.EncodeOptions{Generated: true})
	if err != nil {
		return made{}, fmt.Errorf("encoding an image: %w", err)
	}
	m := made{body: png, kind: "image/png", ext: "png", width: measures.Width, height: measures.Height, thumb: thumb}
	m.checks, m.rejected, err = verdict(measures, findings)
	return m, err
}

// verdict is the record of checks, and the first reason to reject.
func verdict(m imaging.Measures, found []imaging.Finding) (json.RawMessage, string, error) {
	raw, err := json.Marshal(checks{Measures: m, Findings: found, Thresholds: imaging.CheckVersion})
	if err != nil {
		return nil, "", fmt.Errorf("encoding the checks: %w", err)
	}
	for _, f := range found {
		if f.Severity == imaging.Fail {
			return raw, f.Detail, nil
		}
	}
	return raw, "", nil
}

// checks is what an image's record keeps of its checks.
type checks struct {
	Measures   imaging.Measures  `json:"measures"`
	Findings   []imaging.Finding `json:"findings"`
	Thresholds string            `json:"thresholds"` // by which it was found: imaging.CheckVersion
}
