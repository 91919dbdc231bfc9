// Package grid finds the nine pictures of a 3x3 grid and cuts them out. Where
// they lie is found from the pixels, not assumed: models draw gutters of any
// tone and width, or none, and let the lines drift by a few per cent.
//
// It must not know files, jobs, models or networks, nor what the pictures
// show: pixels in, boxes out. Whether a tile is any good is judge's to say.
package grid

import (
	"errors"
	"image"
)

// Tiles is how many tiles a grid has.
const Tiles = side * side

// side is how many tiles a row or a column has.
const side = 3

// LowConfidence is the confidence below which a boundary may be off by more
// than two pixels: look at its tiles before using them.
const LowConfidence = 0.5

// ErrNoGrid says that a picture is no 3x3 grid. The error that wraps it says
// what the picture seems to be instead.
var ErrNoGrid = errors.New("no 3x3 grid")

// Method is how a boundary was found.
type Method string

const (
	// MethodGutter is a strip of one tone between two tiles, cut at both its ends.
	MethodGutter Method = "gutter"
	// MethodSeam is a line where one tile stops and the next begins.
	MethodSeam Method = "seam"
	// MethodThirds is a guess: nothing was seen where a boundary should be.
	MethodThirds Method = "thirds"
)

// Boundary is what lies between two neighbouring columns or rows of tiles.
type Boundary struct {
	From, To   int     // the gutter's first pixel and the next tile's first pixel; equal without a gutter
	Method     Method  // how it was found
	Confidence float64 // 0 to 1; below LowConfidence it may be misplaced
}

// Layout is where a grid's tiles lie, in its image's coordinates.
type Layout struct {
	Frame      image.Rectangle    // the image without its outer margins
	Columns    [side - 1]Boundary // left to right
	Rows       [side - 1]Boundary // top to bottom
	Confidence float64            // the least of the boundaries'
}

// Tile is one picture of a grid.
type Tile struct {
	Number      int // 1 to 9, row by row
	Row, Column int // from 1
	// Box is square and lies a little within the tile's boundaries.
	Box image.Rectangle
	// Method and Confidence are those of the tile's least certain boundary.
	Method     Method
	Confidence float64
}
