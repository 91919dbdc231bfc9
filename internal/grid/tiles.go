package grid

import "image"

// insetShare of a tile's shorter side is left off on every side: upscalers and
// codecs smear a boundary over the pixels next to it.
const insetShare = 0.01

// Tiles returns the nine tiles row by row: inset by about one per cent and
// cropped square about their centres, never stretched.
func (l Layout) Tiles() [Tiles]Tile {
	columns := spans(l.Frame.Min.X, l.Frame.Max.X, l.Columns)
	rows := spans(l.Frame.Min.Y, l.Frame.Max.Y, l.Rows)
	var tiles [Tiles]Tile
	for i := range tiles {
		row, column := i/side, i%side
		t := Tile{
			Number: i + 1, Row: row + 1, Column: column + 1,
			Box: square(columns[column], rows[row]),
		}
		t.Method, t.Confidence = weakest(append(beside(l.Columns, column), beside(l.Rows, row)...))
		tiles[i] = t
	}
	return tiles
}

// interval is a half-open range of positions on an axis.
type interval struct{ from, to int }

func (i interval) length() int { return max(i.to-i.from, 0) }

// spans are the extents of an axis's three tiles.
func spans(from, to int, b [side - 1]Boundary) [side]interval {
	return [side]interval{{from, b[0].From}, {b[0].To, b[1].From}, {b[1].To, to}}
}

// square is the largest centred square within a tile, less the inset.
func square(column, row interval) image.Rectangle {
	size := min(column.length(), row.length())
	size -= 2 * inset(size)
	x := column.from + (column.length()-size)/2
	y := row.from + (row.length()-size)/2
	return image.Rect(x, y, x+size, y+size)
}

// inset is at least a pixel, unless that would leave nothing.
func inset(size int) int {
	return min(int(float64(size)*insetShare)+1, max(size-1, 0)/2)
}

// beside are the boundaries on either side of the tile at place on an axis.
func beside(b [side - 1]Boundary, place int) []Boundary {
	return b[max(place-1, 0):min(place+1, len(b)):min(place+1, len(b))]
}

func weakest(bs []Boundary) (Method, float64) {
	least := bs[0]
	for _, b := range bs[1:] {
		if b.Confidence < least.Confidence {
			least = b
		}
	}
	return least.Method, least.Confidence
}
