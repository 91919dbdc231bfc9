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
				cut := got.Cut(part, bytes.Repeat([]byte{9}, 10))
				visible := part.Intersect(want.Rect)
				if cut.Rect != image.Rect(0, 0, visible.Dx(), visible.Dy()) {
					t.Fatalf("%v is cut to %v", part, cut.Rect)
				}
				for y := range visible.Dy() {
					for x := range visible.Dx() {
						if a, b := cut.NRGBAAt(x, y), want.NRGBAAt(visible.Min.X+x, visible.Min.Y+y); a != b {
							t.Fatalf("of %v, the pixel at %d,%d is %v, not %v", part, x, y, a, b)
						}
					}
				}
			}
		})
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
