package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"testing"
)

// The picture in the repository is the one this program draws. Machines may
// round differently, so a pixel may differ by a shade or two.
func TestPictureIsDrawnByThisProgram(t *testing.T) {
	data, err := os.ReadFile("../portrait.png")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != width || size.Y != height {
		t.Fatalf("the picture is %v, not %d x %d", size, width, height)
	}
	layers := person()
	for i := 0; i < width*height; i += 97 {
		x, y := i%width, i/width
		want := pixel(layers, x, y)
		got, _ := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
			t.Fatalf("pixel %d,%d is %v, the program draws %v: run go run ./examples/portrait examples/portrait.png", x, y, got, want)
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }
