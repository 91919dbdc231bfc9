package imaging_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	"github.com/actormaker/trainset/internal/imaging"
)

func sheetOf(t *testing.T, title string, cells []imaging.Cell) *image.NRGBA {
	t.Helper()
	data, err := imaging.ContactSheet(title, cells)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, image.Point{}, draw.Src)
	return out
}

// patch is a part of a sheet where nothing but one colour is.
func patches(img *image.NRGBA, c color.NRGBA) int {
	n := 0
	for y := 4; y < img.Rect.Dy(); y += 8 {
		for x := 4; x < img.Rect.Dx(); x += 8 {
			if near(img.NRGBAAt(x, y), c, 10) {
				n++
			}
		}
	}
	return n
}

func TestContactSheetShowsEveryPicture(t *testing.T) {
	colours := []color.NRGBA{{200, 30, 30, 255}, {30, 160, 40, 255}, {40, 60, 210, 255}, {210, 190, 30, 255}, {160, 40, 170, 255}}
	var cells []imaging.Cell
	for i, c := range colours {
		cells = append(cells, imaging.Cell{Label: fmt.Sprintf("%03d  scene", i+1), Sub: "pen and ink, medium shot", Image: filled(960, 540, c)})
	}
	img := sheetOf(t, "A title", cells)
	const whole = imaging.CellWidth / 8 * (imaging.CellWidth * 9 / 16) / 8
	for i, c := range colours {
		if n := patches(img, c); n < whole*9/10 || n > whole*11/10 {
			t.Errorf("picture %d fills %d places, want about %d", i+1, n, whole)
		}
	}
}

func TestContactSheetFitsOddPictures(t *testing.T) {
	tall := sheetOf(t, "", []imaging.Cell{{Image: filled(300, 1200, red)}})
	if n := patches(tall, red); n < 80/8*(350/8) || n > 100/8*(370/8) {
		t.Errorf("a tall picture fills %d places", n)
	}
	small := sheetOf(t, "", []imaging.Cell{{Image: filled(80, 80, red)}})
	if n := patches(small, red); n < 64 || n > 121 {
		t.Errorf("a small picture fills %d places", n)
	}
	part := filled(600, 600, color.NRGBA{0, 0, 255, 255})
	draw.Draw(part, image.Rect(100, 100, 500, 400), image.NewUniform(red), image.Point{}, draw.Src)
	cut := sheetOf(t, "", []imaging.Cell{{Image: part.SubImage(image.Rect(100, 100, 500, 400))}})
	if n := patches(cut, color.NRGBA{0, 0, 255, 255}); n > 0 {
		t.Errorf("of what lies beside a part, %d places are seen", n)
	}
}

// letters counts pixels that text has drawn in a part of a sheet.
func letters(img *image.NRGBA, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if img.NRGBAAt(x, y).R > 110 {
				n++
			}
		}
	}
	return n
}

func TestContactSheetWritesReasonsOfEmptyCells(t *testing.T) {
	reason := "failed: moderated after 3 attempts: the provider refuses the prompt"
	with := sheetOf(t, "Title", []imaging.Cell{{Label: "001  scene", Sub: reason}})
	without := sheetOf(t, "Title", []imaging.Cell{{Label: "001  scene"}})
	if with.Rect != without.Rect {
		t.Fatalf("a reason changes the sheet's size: %v, %v", with.Rect, without.Rect)
	}
	place := image.Rect(60, 150, 500, 320)
	if a, b := letters(with, place), letters(without, place); a < 500 || b > 0 {
		t.Errorf("%d pixels of a reason, %d of none", a, b)
	}
}

func TestContactSheetKeepsLongTextInItsPlace(t *testing.T) {
	long := ""
	for range 400 {
		long += "Wonderfully\tlong\n"
	}
	cells := []imaging.Cell{{Label: long, Sub: long, Image: filled(480, 270, color.NRGBA{9, 9, 9, 255})}, {Label: long, Sub: long}, {}}
	img := sheetOf(t, long, cells)
	edge := 40
	b := img.Rect
	for name, r := range map[string]image.Rectangle{
		"left":    image.Rect(0, 0, edge-2, b.Dy()),
		"right":   image.Rect(b.Dx()-edge+2, 0, b.Dx(), b.Dy()),
		"between": image.Rect(edge+imaging.CellWidth+3, 100, edge+imaging.CellWidth+17, b.Dy()),
		"below":   image.Rect(0, b.Dy()-edge+2, b.Dx(), b.Dy()),
	} {
		if n := letters(img, r); n > 0 {
			t.Errorf("%s, %d pixels of text", name, n)
		}
	}
}

// Cards are no wider than their pictures, so that twenty square ones fit a screen.
func TestContactSheetHasNoRoomToSpare(t *testing.T) {
	squares, wide := make([]imaging.Cell, 20), make([]imaging.Cell, 12)
	for i := range squares {
		squares[i].Image = filled(1365, 1365, red)
	}
	for i := range wide {
		wide[i].Image = filled(1392, 783, red)
	}
	narrow := sheetOf(t, "Squares", squares).Rect.Dx()
	if other := sheetOf(t, "Wide", wide).Rect.Dx(); narrow != 2*40+5*360+4*20 || other != 2*40+4*480+3*20 {
		t.Errorf("the sheets are %d and %d pixels wide", narrow, other)
	}
}

func TestContactSheetOfNothing(t *testing.T) {
	if img := sheetOf(t, "Nothing", nil); img.Rect.Empty() {
		t.Error("it is empty")
	}
}

func TestThumbnailIsBounded(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{{1392, 752, 480, 259}, {752, 1392, 194, 360}, {1365, 1365, 360, 360}, {300, 200, 300, 200}} {
		img, err := imaging.Thumbnail(pngOf(t, filled(c.w, c.h, red)), imaging.CellWidth, imaging.CellHeight)
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Bounds(); got != image.Rect(0, 0, c.wantW, c.wantH) {
			t.Errorf("%d x %d becomes %v", c.w, c.h, got)
		}
	}
	if img, err := imaging.Thumbnail([]byte("nothing"), 10, 10); err == nil || img != nil {
		t.Errorf("a thumbnail of nothing: %v, %v", img, err)
	}
}

func BenchmarkContactSheet(b *testing.B) {
	cells := make([]imaging.Cell, 12)
	for i := range cells {
		cells[i] = imaging.Cell{Label: fmt.Sprintf("%03d  rooftop_chase", i+1), Sub: "pen and ink, medium shot", Image: textured(480, 270, uint64(i))}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := imaging.ContactSheet("Ada Fairweather", cells); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeGrid decodes a grid of 4096 x 4096, the largest picture that
// jobs handle.
func BenchmarkDecodeGrid(b *testing.B) {
	data := jpegOf(b, textured(4096, 4096, 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := imaging.Decode(data, imaging.Limits{MaxBytes: 64 << 20, MaxPixels: 40_000_000}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThumbnail(b *testing.B) {
	data, err := imaging.EncodePNG(textured(1392, 752, 1), imaging.EncodeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := imaging.Thumbnail(data, imaging.CellWidth, imaging.CellHeight); err != nil {
			b.Fatal(err)
		}
	}
}
