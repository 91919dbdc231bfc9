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
	img := image.NewNRGBA(image.Rectangle{Max: size}) // which encode takes its time for, and makes smallest of
	for y := range size.Y {
		row := img.Pix[y*img.Stride:][:img.Stride]
		if y >= 2*squareSide { // as all before
			copy(row, img.Pix[(y-2*squareSide)*img.Stride:])
			continue
		}
		for x := range size.X {
			c := ground
			if x/squareSide%2 == 0 && y < squareSide {
				c = square
			}
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
	return img
}
