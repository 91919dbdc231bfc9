package judge

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"github.com/actormaker/trainset/internal/cores"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/plan"
)

// Thresholds of the local measures. They are those of finished images for
// drawings, whose medium is the most lenient: a style may be any.
const (
	leastDetail  = 20.0 // sharpness below which nothing can be learnt from it
	borderPixels = 2    // width of an even band at an edge that is the rest of a gutter
)

// measuredSide bounds the copy that is measured, so that tiles count the same
// before and after they are enlarged.
const measuredSide = 512

// Local judges a grid's tiles by measuring them, for when no model's answer
// can be had. It sees what is blank, blurred, doubled or cut wrong; it cannot
// see what a tile shows.
func Local(img image.Image, boxes [Tiles]image.Rectangle) Verdicts {
	var all Verdicts
	var looks [Tiles]*look
	_ = cores.Each(Tiles, func(i int) error { // none fails
		all[i], looks[i] = judged(img, i+1, boxes[i].Intersect(img.Bounds()))
		return nil
	})
	for i := range all {
		if twin := duplicateOf(looks[:], i); twin > 0 {
			all[i].Unique = false
			all[i].note(fmt.Sprintf("nearly the same as tile %d", twin))
		}
		if all[i].Reason == "" {
			all[i].Reason = "no fault was measured"
		}
	}
	return all
}

// judged judges a tile by itself. It has no look where there is nothing to see.
func judged(img image.Image, number int, box image.Rectangle) (v Verdict, l *look) {
	v = Verdict{Tile: number, Unique: true, Fit: true, Shows: number}
	if box.Empty() {
		v.fault("it lies outside the picture")
		return v, nil
	}
	tile := reduced(img, box)
	m := imaging.Measure(tile)
	v.measure(m)
	if !m.Blank() { // blank tiles are alike, but blank is the better reason
		hash, _ := plan.ParseHash(m.DHash) // a measure is one
		l = &look{hash: hash, outline: newOutline(tile)}
	}
	return v, l
}

// look is what tells whether two tiles show the same picture.
type look struct {
	hash    uint64
	outline *outline
}

// same tells by the hash, which sees tones, or by the outline, which sees
// through a shift.
func (l *look) same(other *look) bool {
	if _, near := plan.Near(l.hash, other.hash, plan.NearDuplicate); near {
		return true
	}
	return l.outline.alike(other.outline) >= sameOutline
}

// measure notes the faults of one tile.
func (v *Verdict) measure(m imaging.Measures) {
	if m.Blank() {
		v.fault(fmt.Sprintf("blank or nearly so: its greys deviate by %.1f", m.Std))
		return // a blank tile has no detail and no border either
	}
	if m.SharpP90 < leastDetail {
		v.fault(fmt.Sprintf("too little detail: sharpness %.1f, %.0f is the least", m.SharpP90, leastDetail))
	}
	if m.Border >= borderPixels {
		v.fault(fmt.Sprintf("an even band of %d px at an edge, as gutters leave", m.Border))
	}
}

// fault notes why a tile is not fit.
func (v *Verdict) fault(why string) {
	v.Fit = false
	v.note(why)
}

func (v *Verdict) note(why string) {
	v.Reason = strings.TrimPrefix(v.Reason+"; "+why, "; ")
}

// duplicateOf is the number of the first tile before the one at i that it
// repeats, or 0.
func duplicateOf(looks []*look, i int) int {
	if looks[i] == nil {
		return 0
	}
	for j, l := range looks[:i] {
		if l != nil && l.same(looks[i]) {
			return j + 1
		}
	}
	return 0
}

// reduced is the part of img within box, shrunk by a whole number so that
// no side is longer than measuredSide.
func reduced(img image.Image, box image.Rectangle) *image.NRGBA {
	by := (max(box.Dx(), box.Dy()) + measuredSide - 1) / measuredSide
	if whole, ok := img.(*image.NRGBA); ok && by == 1 {
		if part, _ := whole.SubImage(box).(*image.NRGBA); part.Opaque() {
			return part
		}
	}
	part := image.NewRGBA(image.Rectangle{Max: box.Size()})
	draw.Draw(part, part.Rect, img, box.Min, draw.Src)
	out := image.NewNRGBA(image.Rect(0, 0, max(box.Dx()/by, 1), max(box.Dy()/by, 1)))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.SetNRGBA(x, y, mean(part, image.Rect(x*by, y*by, (x+1)*by, (y+1)*by).Intersect(part.Rect)))
		}
	}
	return out
}

// mean is the mean colour of a block, taken as opaque.
func mean(img *image.RGBA, block image.Rectangle) color.NRGBA {
	var r, g, b int
	for y := block.Min.Y; y < block.Max.Y; y++ {
		row := img.Pix[img.PixOffset(block.Min.X, y):][:4*block.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			r, g, b = r+int(row[0]), g+int(row[1]), b+int(row[2])
		}
	}
	n := max(block.Dx()*block.Dy(), 1)
	return color.NRGBA{uint8(r / n & 0xff), uint8(g / n & 0xff), uint8(b / n & 0xff), 255}
}
