package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"testing"
)

// The picture in the repository is the one this program paints. Machines may
// round differently, and a stroke that ends a pixel sooner leaves another colour
// there, so a few pixels may differ.
func TestPictureIsPaintedByThisProgram(t *testing.T) {
	data, err := os.ReadFile("../style.png")
	if err != nil {
		t.Fatal(err)
	}
	there, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	painted := paint()
	if there.Bounds() != painted.Bounds() {
		t.Fatalf("the picture is %v, not %v", there.Bounds(), painted.Bounds())
	}
	differ := 0
	for y := range side {
		for x := range side {
			got, _ := color.NRGBAModel.Convert(there.At(x, y)).(color.NRGBA)
			if want := painted.NRGBAAt(x, y); far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
				differ++
			}
		}
	}
	if differ > side*side/100 {
		t.Errorf("%d pixels differ: run go run ./examples/style examples/style.png", differ)
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }

// Every part of the composition is big enough to be seen, and has its strokes.
func TestEveryPartIsInThePicture(t *testing.T) {
	seen := map[part]int{}
	for i := range side * side {
		seen[look(place(float64(i%side), float64(i/side))).part]++
	}
	for p := sky; p <= door; p++ {
		if seen[p] < side*side/1000 {
			t.Errorf("part %d has %d pixels", p, seen[p])
		}
	}
}
