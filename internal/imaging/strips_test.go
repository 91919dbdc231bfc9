package imaging

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"pgregory.net/rapid"
)

// A JPEG that was encoded in parts shows the very pixels of one that was encoded
// whole, whatever its size, and is as good as as large.
func TestPartsOfAJPEGAreAsGoodAsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := image.Pt(rapid.IntRange(0, 40).Draw(t, "x"), rapid.IntRange(0, 40).Draw(t, "y"))
		size := image.Pt(rapid.IntRange(1, 300).Draw(t, "width"), rapid.IntRange(1, 12*stripHeight).Draw(t, "height"))
		whole := image.NewRGBA(image.Rectangle{Max: at.Add(size)})
		noise := rapid.Uint32().Draw(t, "seed")
		for i := range whole.Pix {
			if noise = noise*1664525 + 1013904223; i%4 == 3 {
				whole.Pix[i] = 0xff
			} else {
				whole.Pix[i] = byte(i/97) + byte(noise>>28)
			}
		}
		img, _ := whole.SubImage(image.Rectangle{at, at.Add(size)}).(*image.RGBA)
		got, err := encodeJPEG(img, quality)
		if err != nil {
			t.Fatal(err)
		}
		want, err := plainJPEG(img, quality)
		if err != nil {
			t.Fatal(err)
		}
		a, err := jpeg.Decode(bytes.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		b, err := jpeg.Decode(bytes.NewReader(want))
		if err != nil {
			t.Fatal(err)
		}
		parts, _ := a.(*image.YCbCr)
		one, _ := b.(*image.YCbCr)
		if parts.Rect != one.Rect || !bytes.Equal(parts.Y, one.Y) || !bytes.Equal(parts.Cb, one.Cb) || !bytes.Equal(parts.Cr, one.Cr) {
			t.Fatalf("%v shows something else in parts", size)
		}
		if most := len(want) + len(want)/20 + 40*(size.Y/stripHeight+1); len(got) > most {
			t.Errorf("%d bytes in parts, %d as one", len(got), len(want))
		}
	})
}

func TestAPartThatIsNoJPEGIsAnError(t *testing.T) {
	for _, data := range [][]byte{nil, {0xff, 0xd8}, []byte("no picture at all"), {0xff, 0xd8, 0xff, markFrame, 0, 4, 0, 0}} {
		if _, err := joined([][]byte{data}, image.Pt(1, 1)); err == nil {
			t.Errorf("%x was joined", data)
		}
	}
}

func TestOpaqueIsThePicturesOwn(t *testing.T) {
	whole := image.NewNRGBA(image.Rect(0, 0, 9, 7))
	for i := range whole.Pix {
		whole.Pix[i] = 0xff
	}
	whole.Pix[whole.PixOffset(8, 3)+3] = 0xfe
	for _, part := range []image.Rectangle{whole.Rect, image.Rect(0, 0, 8, 7), image.Rect(2, 4, 9, 7), image.Rect(8, 3, 9, 4), {}} {
		m, _ := whole.SubImage(part).(*image.NRGBA)
		if got := opaque(m); got != m.Opaque() {
			t.Errorf("%v: %v", part, got)
		}
	}
}
