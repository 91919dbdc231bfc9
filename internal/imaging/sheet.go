package imaging

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"

	"github.com/actormaker/trainset/internal/pages"
)

// CellWidth and CellHeight are the most that a picture has on a contact sheet, in
// pixels: a wide one and a square one are about as large to the eye.
const (
	CellWidth  = 480
	CellHeight = 360
)

// Cell is one place on a contact sheet.
type Cell struct {
	Label string      // says which item it is
	Sub   string      // describes it; where there is no image, why not
	Image image.Image // nil for an empty cell
}

// thumbnailLimits bound what a thumbnail is made of: our own files.
var thumbnailLimits = Limits{MaxBytes: 128 << 20, MaxPixels: DefaultLimits.MaxPixels}

// Thumbnail reads an encoded picture and fits it into a box. What is smaller stays
// as it is.
func Thumbnail(data []byte, maxW, maxH int) (image.Image, error) {
	img, err := decode(data, thumbnailLimits, maxW, maxH)
	if err != nil {
		return nil, err
	}
	return img, nil
}

// Reduce is Thumbnail for an opaque picture that is at hand.
func Reduce(img image.Image, maxW, maxH int) *image.NRGBA {
	w, h := within(img.Bounds().Dx(), img.Bounds().Dy(), maxW, maxH)
	return opaqueRows(img).shrink(w, h)
}

// Measures of a contact sheet, in pixels.
const (
	margin    = 40
	gap       = 20
	headSpace = 96
	padding   = 12 // between a card's edge and what is in it
	textSpace = 66 // of a card, below its picture
	radius    = 10
	quality   = 90
	textWidth = 320 // of a card, at least
)

var (
	groundColour = color.NRGBA{0x12, 0x14, 0x18, 0xff}
	cardColour   = color.NRGBA{0x1e, 0x21, 0x28, 0xff}
	emptyColour  = color.NRGBA{0x16, 0x18, 0x1d, 0xff}
	titleColour  = color.NRGBA{0xf4, 0xf5, 0xf7, 0xff}
	labelColour  = color.NRGBA{0xe6, 0xe8, 0xec, 0xff}
	subColour    = color.NRGBA{0x98, 0x9f, 0xac, 0xff}
	reasonColour = color.NRGBA{0xf0, 0xa0, 0x8c, 0xff}
	accentColour = color.NRGBA{0xe2, 0xb1, 0x5a, 0xff}
)

// ContactSheet draws labelled pictures in a grid and returns it as a JPEG. A
// cell without a picture shows the reason in its place. Text that is too long
// ends in an ellipsis.
func ContactSheet(title string, cells []Cell) ([]byte, error) {
	f, err := newFaces()
	if err != nil {
		return nil, err
	}
	g := arrange(cells)
	size := g.size()
	sheet := &image.RGBA{Pix: pages.Make(4 * size.Dx() * size.Dy()), Stride: 4 * size.Dx(), Rect: size}
	draw.Draw(sheet, sheet.Rect, image.NewUniform(groundColour), image.Point{}, draw.Src)
	f.heading(sheet, title, summary(cells))
	for i, c := range cells {
		f.card(sheet, g.card(i), g.pictureHeight, c)
	}
	data, err := encodeJPEG(sheet, quality)
	if err != nil {
		return nil, fmt.Errorf("drawing a contact sheet: %w", err)
	}
	return data, nil
}

func summary(cells []Cell) string {
	made := 0
	for _, c := range cells {
		if c.Image != nil {
			made++
		}
	}
	if made < len(cells) {
		return fmt.Sprintf("%d of %d images", made, len(cells))
	}
	if made == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", made)
}

// grid is where the cards of a sheet are: all as wide as the widest picture, and
// with room for the tallest.
type grid struct{ columns, rows, width, pictureHeight int }

// arrange chooses the columns so that a sheet is about as wide as a screen.
func arrange(cells []Cell) grid {
	n := max(len(cells), 1)
	g := grid{columns: min(n, max(2, int(math.Ceil(math.Sqrt(float64(n))))))}
	if n > 2 {
		g.columns = max(g.columns, 3)
	}
	g.rows = (n + g.columns - 1) / g.columns
	for _, c := range cells {
		if c.Image != nil {
			w, h := within(c.Image.Bounds().Dx(), c.Image.Bounds().Dy(), CellWidth, CellHeight)
			g.width, g.pictureHeight = max(g.width, w), max(g.pictureHeight, h)
		}
	}
	if g.width == 0 {
		g.width, g.pictureHeight = CellWidth, CellWidth*9/16
	}
	g.width = max(g.width, textWidth)
	return g
}

// size is the sheet's.
func (g grid) size() image.Rectangle {
	last := g.card(g.columns*g.rows - 1)
	return image.Rectangle{Max: last.Max.Add(image.Pt(margin, margin))}
}

func (g grid) card(i int) image.Rectangle {
	w, h := g.width, g.pictureHeight+textSpace
	at := image.Pt(margin+i%g.columns*(w+gap), headSpace+i/g.columns*(h+gap))
	return image.Rectangle{at, at.Add(image.Pt(w, h))}
}

func (f *faces) heading(dst *image.RGBA, title, count string) {
	const baseline = headSpace - 36
	room := dst.Rect.Dx() - 2*margin
	w := f.sub.width(count)
	draw.Draw(dst, image.Rect(margin, baseline-26, margin+6, baseline+4), image.NewUniform(accentColour), image.Point{}, draw.Src)
	f.title.draw(dst, margin+20, baseline, room-w-60, titleColour, title)
	f.sub.draw(dst, margin+room-w, baseline, w, subColour, count)
}

func (f *faces) card(dst *image.RGBA, card image.Rectangle, pictureHeight int, c Cell) {
	rounded(dst, card, image.NewUniform(cardColour))
	place := image.Rectangle{card.Min, image.Pt(card.Max.X, card.Min.Y+pictureHeight)}
	if c.Image != nil {
		picture(dst, place, c.Image)
	} else {
		f.reason(dst, place, c.Sub)
	}
	left, room := card.Min.X+padding+2, card.Dx()-2*padding-4
	f.label.draw(dst, left, place.Max.Y+28, room, labelColour, c.Label)
	if c.Image != nil {
		f.sub.draw(dst, left, place.Max.Y+51, room, subColour, c.Sub)
	}
}

// picture draws a picture in the middle of its place.
func picture(dst *image.RGBA, place image.Rectangle, img image.Image) {
	b := img.Bounds()
	w, h := within(b.Dx(), b.Dy(), place.Dx(), place.Dy())
	if w != b.Dx() || h != b.Dy() {
		img = newRows(img, converter{}).shrink(w, h)
	}
	at := place.Min.Add(image.Pt((place.Dx()-w)/2, (place.Dy()-h)/2))
	if w < place.Dx() || h < place.Dy() {
		rounded(dst, place, image.NewUniform(emptyColour))
	}
	rounded(dst, image.Rectangle{at, at.Add(image.Pt(w, h))}, img)
}

// reason fills the place of a missing picture with why it is missing.
func (f *faces) reason(dst *image.RGBA, place image.Rectangle, why string) {
	const lineHeight, most = 24, 5
	rounded(dst, place.Inset(1), image.NewUniform(emptyColour))
	room := place.Dx() - 6*padding
	lines := f.sub.wrap(why, room, most)
	y := place.Min.Y + (place.Dy()-len(lines)*lineHeight)/2 + 17
	for _, line := range lines {
		x := place.Min.X + (place.Dx()-min(f.sub.width(line), room))/2
		f.sub.draw(dst, x, y, room, reasonColour, line)
		y += lineHeight
	}
}

// rounded draws an opaque src into r with round corners. Only there a mask is
// needed, which costs more than all the rest.
func rounded(dst *image.RGBA, r image.Rectangle, src image.Image) {
	from := src.Bounds().Min
	if img, ok := src.(*image.NRGBA); ok { // the same bytes, which are copied
		src = &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
	}
	top, bottom := r, r
	top.Max.Y, bottom.Min.Y = min(r.Min.Y+radius, r.Max.Y), max(r.Max.Y-radius, r.Min.Y+radius)
	middle := image.Rect(r.Min.X, top.Max.Y, r.Max.X, bottom.Min.Y)
	draw.Draw(dst, middle, src, from.Add(middle.Min.Sub(r.Min)), draw.Src)
	mask := roundMask(r.Dx(), r.Dy())
	for _, band := range []image.Rectangle{top, bottom} {
		at := band.Min.Sub(r.Min)
		draw.DrawMask(dst, band, src, from.Add(at), mask, at, draw.Over)
	}
}

// roundMask covers a rectangle but for its corners.
func roundMask(width, height int) *image.Alpha {
	w, h := float32(width), float32(height)
	rad := min(radius, w/2, h/2)
	k := rad * 0.4477 // where a Bezier curve is nearest to an arc
	var z vector.Rasterizer
	z.Reset(width, height)
	z.MoveTo(rad, 0)
	z.LineTo(w-rad, 0)
	z.CubeTo(w-k, 0, w, k, w, rad)
	z.LineTo(w, h-rad)
	z.CubeTo(w, h-k, w-k, h, w-rad, h)
	z.LineTo(rad, h)
	z.CubeTo(k, h, 0, h-k, 0, h-rad)
	z.LineTo(0, rad)
	z.CubeTo(0, k, k, 0, rad, 0)
	z.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, width, height))
	z.DrawOp = draw.Src
	z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	return mask
}
