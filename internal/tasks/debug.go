package tasks

import (
	"image"
	"image/color"
	"image/draw"

	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/plan"
)

func (h *Handlers) debugRequest(a plan.Attempt) {
	if h.o.Debug != nil && a.Input != nil {
		h.o.Debug.Request(a)
	}
}

func (h *Handlers) debugKeep(a plan.Attempt, what string, data []byte) {
	if h.o.Debug != nil && len(data) > 0 {
		h.o.Debug.Keep(a.Job, a.ID+"."+what, data)
	}
}

var (
	fitColour   = image.NewUniform(color.NRGBA{0x20, 0xd0, 0x40, 0xff})
	unfitColour = image.NewUniform(color.NRGBA{0xe0, 0x20, 0x20, 0xff})
)

// debugCuts keeps a grid with its tiles framed: those that are unfit in red.
func (h *Handlers) debugCuts(a plan.Attempt, img *image.NRGBA, g *plan.Grid) {
	if h.o.Debug == nil {
		return
	}
	canvas := image.NewNRGBA(img.Rect)
	draw.Draw(canvas, img.Rect, img, img.Rect.Min, draw.Src)
	for _, t := range g.Tiles {
		pen := fitColour
		if !t.Fit {
			pen = unfitColour
		}
		frame(canvas, image.Rect(t.Box[0], t.Box[1], t.Box[2], t.Box[3]), pen)
	}
	if png, err := imaging.EncodePNG(canvas, imaging.EncodeOptions{}); err == nil {
		h.debugKeep(a, "cuts.png", png)
	}
}

// debugTiles keeps a grid's tiles as they are before anything is enlarged,
// whether they will be chosen or not.
func (h *Handlers) debugTiles(a plan.Attempt, grid int, img *image.NRGBA, g *plan.Grid) {
	if h.o.Debug == nil {
		return
	}
	for i, t := range g.Tiles {
		part, _ := img.SubImage(scaled(t.Box, *g, img.Rect)).(*image.NRGBA)
		if png, err := imaging.EncodePNG(part, imaging.EncodeOptions{}); err == nil {
			h.o.Debug.Keep(a.Job, string(plan.TileID(grid, i+1))+".before.png", png)
		}
	}
}

// frame draws a rectangle's border, two pixels wide.
func frame(on draw.Image, r image.Rectangle, pen image.Image) {
	const width = 2
	inner := r.Inset(width)
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, inner.Min.Y)},
		{image.Pt(r.Min.X, inner.Max.Y), r.Max},
		{image.Pt(r.Min.X, inner.Min.Y), image.Pt(inner.Min.X, inner.Max.Y)},
		{image.Pt(inner.Max.X, inner.Min.Y), image.Pt(r.Max.X, inner.Max.Y)},
	} {
		draw.Draw(on, side, pen, image.Point{}, draw.Src)
	}
}
