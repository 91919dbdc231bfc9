package imaging

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
)

// Each pixel of a smaller picture, and of its luma, is the rounded mean of the
// area that it covers, to the last bit: here by adding up whole numbers the slow
// way, a part of a pixel at a time.
func TestShrinkingIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		sw, sh := 1+random.IntN(40), 1+random.IntN(40)
		w, h := 1+random.IntN(sw), 1+random.IntN(sh)
		img := image.NewNRGBA(image.Rect(0, 0, sw, sh))
		for i := range img.Pix {
			img.Pix[i] = byte(random.IntN(256) | 0xff*(i%4/3)) // opaque
		}
		luma := make([]byte, sw*sh)
		lumaOf(luma, img.Pix, 4)
		mean := func(at func(x, y int) byte, x, y int) byte {
			sum := 0
			for py := y * sh; py < (y+1)*sh; py++ {
				for px := x * sw; px < (x+1)*sw; px++ {
					sum += int(at(px/w, py/h))
				}
			}
			return byte((sum + sw*sh/2) / (sw * sh))
		}
		rows := opaqueRows(img)
		if random.IntN(2) == 0 {
			rows = opaqueRows(pack(nil, img))
		}
		small, grey := rows.shrink(w, h), rows.shrinkLuma(make([]byte, w*h), w, h)
		for y := range h {
			for x := range w {
				for c := range 3 {
					if got, want := small.Pix[small.PixOffset(x, y)+c], mean(func(x, y int) byte { return img.Pix[img.PixOffset(x, y)+c] }, x, y); got != want {
						t.Fatalf("%d x %d to %d x %d: channel %d at %d, %d is %d, not %d", sw, sh, w, h, c, x, y, got, want)
					}
				}
				if got, want := grey.at(x, y), mean(func(x, y int) byte { return luma[y*sw+x] }, x, y); got != want {
					t.Fatalf("%d x %d to %d x %d: luma at %d, %d is %d, not %d", sw, sh, w, h, x, y, got, want)
				}
			}
		}
	}
}

// Sums of columns that go on from 2^32 at 0 make no white darker.
func TestShrinkingALargePicture(t *testing.T) {
	const side = 4200 // 255 times its pixels are more than 2^32
	white := &Packed{bytes.Repeat([]byte{0xff}, 3*side*side), 3 * side, image.Rect(0, 0, side, side)}
	rows := opaqueRows(white)
	if small := rows.shrink(9, 8); bytes.Count(small.Pix, []byte{0xff}) != len(small.Pix) {
		t.Errorf("it is not white: % x", small.Pix)
	}
	if grey := rows.shrinkLuma(make([]byte, 72), 9, 8); bytes.Count(grey.pix, []byte{0xff}) != len(grey.pix) {
		t.Errorf("its luma is not white: % x", grey.pix)
	}
}

// Pixels that are read together have the luma that each has alone.
func TestLumaOfPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 2 * 20 {
		n, step := n/2, 3+n%2
		px, got := make([]byte, step*n), make([]byte, n)
		for range 1000 {
			for i := range px {
				px[i] = byte(random.IntN(256)) | byte(255*random.IntN(2))
			}
			lumaOf(got, px, step)
			for i, v := range got {
				r, g, b := int(px[step*i]), int(px[step*i+1]), int(px[step*i+2])
				if want := (19595*r + 38470*g + 7471*b + 1<<15) >> 16; int(v) != want {
					t.Fatalf("the luma of %v is %d, not %d", px[step*i:step*i+3], v, want)
				}
			}
		}
	}
}
