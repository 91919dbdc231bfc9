package picture

import (
	"image"
	"image/color"
	"strings"
)

// squareSide is that of a plain picture's squares; a power of two, so that what
// compresses it finds it again everywhere.
const squareSide = 16

// squares is a pattern of flat squares: sharp, in as many colours as it must have,
// and a hundredth of a scene's bytes.
func squares(size image.Point, r Request) image.Image {
	ground, square := color.RGBA{208, 96, 48, 255}, color.RGBA{16, 80, 144, 255}
	if asksForMono(strings.ToLower(r.Prompt)) && r.Flaw != Colour {
		ground, square = color.RGBA{208, 208, 208, 255}, color.RGBA{48, 48, 48, 255}
	}
	img := image.NewPaletted(image.Rectangle{Max: size}, color.Palette{ground, square})
	for y := range size.Y {
		if y/squareSide%2 == 1 {
			continue
		}
		row := img.Pix[y*img.Stride : y*img.Stride+size.X]
		for x := range row {
			row[x] = 1 - uint8(x/squareSide%2)
		}
	}
	return img
}
