package imaging_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/actormaker/trainset/internal/imaging"
)

// What is kept packed is what Decode reads, whatever the picture is.
func TestPackedIsWhatDecodeReads(t *testing.T) {
	img := textured(61, 43, 5)
	glass := image.NewNRGBA(img.Rect)
	draw.Draw(glass, glass.Rect, img, image.Point{}, draw.Src)
	glass.SetNRGBA(3, 4, color.NRGBA{200, 10, 10, 90})
	generated, err := imaging.EncodePNG(img, imaging.EncodeOptions{Generated: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"ours":           generated,
		"PNG":            pngOf(t, img),
		"PNG with alpha": pngOf(t, glass),
		"grey PNG":       pngOf(t, image.NewGray(img.Rect)),
		"with a profile": tagged(pngOf(t, img), adobeRGB()),
		"turned PNG":     afterHead(pngOf(t, img), "eXIf", exif(binary.BigEndian, 6)),
		"JPEG":           jpegOf(t, img),
		"turned JPEG":    afterStart(jpegOf(t, img), 0xe1, exif(binary.LittleEndian, 3)),
	} {
		t.Run(name, func(t *testing.T) {
			want, err := imaging.Decode(data, imaging.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			room := bytes.Repeat([]byte{7}, 3*61*43+5)
			got, err := imaging.DecodePacked(room, data, imaging.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounds() != want.Rect {
				t.Fatalf("it is %v, not %v", got.Bounds(), want.Rect)
			}
			if &got.Pix[0] != &room[0] {
				t.Error("it has pixels of its own")
			}
			for _, part := range []image.Rectangle{want.Rect, image.Rect(7, 5, 38, 36), image.Rect(40, 30, 400, 300)} {
				same(t, got.SubImage(part), want.SubImage(part))
				same(t, got.SubImage(part.Inset(-4)).(*imaging.Packed).SubImage(part), want.SubImage(part))
			}
			if none := got.SubImage(image.Rect(400, 0, 500, 10)); !none.Bounds().Empty() {
				t.Errorf("a part without pixels is %v", none.Bounds())
			}
		})
	}
}

// same compares a part that is packed with one that is not: its place, its
// pixels, and all that is done with them.
func same(t *testing.T, got, want image.Image) {
	t.Helper()
	b := want.Bounds()
	if got.Bounds() != b {
		t.Fatalf("%v is %v", b, got.Bounds())
	}
	for y := b.Min.Y - 1; y <= b.Max.Y; y++ {
		for x := b.Min.X - 1; x <= b.Max.X; x++ {
			if got.At(x, y) != want.At(x, y) {
				t.Fatalf("the pixel at %d,%d is %v, not %v", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
	a, small := imaging.MeasureAndReduce(got)
	other, smaller := imaging.MeasureAndReduce(want)
	if a != other || !bytes.Equal(small.Pix, smaller.Pix) {
		t.Errorf("it measures %+v, not %+v", a, other)
	}
	if a, b := imaging.Reduce(got, 9, 7), imaging.Reduce(want, 9, 7); a.Rect != b.Rect || !bytes.Equal(a.Pix, b.Pix) {
		t.Error("it is reduced to another picture")
	}
	one, err := imaging.EncodePNG(got, imaging.EncodeOptions{})
	two, err2 := imaging.EncodePNG(want, imaging.EncodeOptions{})
	if err != nil || err2 != nil || !bytes.Equal(one, two) {
		t.Errorf("it is encoded as other bytes (%v, %v)", err, err2)
	}
}

func TestDecodePackedRefusesAsDecodeDoes(t *testing.T) {
	whole := pngOf(t, textured(40, 40, 1))
	for name, c := range map[string]struct {
		data []byte
		want error
	}{"cut": {whole[:len(whole)/2], imaging.ErrTruncated}, "nothing": {nil, imaging.ErrEmpty}, "no picture": {[]byte("not a picture at all"), imaging.ErrFormat}} {
		if _, err := imaging.DecodePacked(nil, c.data, imaging.DefaultLimits); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var large *imaging.TooLargeError
	if _, err := imaging.DecodePacked(nil, whole, imaging.Limits{MaxBytes: 1 << 20, MaxPixels: 100}); !errors.As(err, &large) {
		t.Errorf("too large: %v", err)
	}
}
