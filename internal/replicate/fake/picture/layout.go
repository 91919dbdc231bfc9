package picture

import (
	"fmt"
	"image"
	"regexp"
	"strings"
)

// Layout is where a grid's tiles are and which of them are of no use. A program
// under test must find that out from the pixels; this is for its tests.
type Layout struct {
	// Boxes are the nine tiles, row by row, in a grid of 1024 pixels a side. A
	// grid twice as large has everything at twice the coordinates.
	Boxes [9]image.Rectangle
	// Duplicate is the index of a tile that repeats the earlier tile Of, and
	// Blank of one that shows nothing.
	Duplicate, Of, Blank int
}

const (
	mostGutter = 12               // of 1024; 32 in a grid of 2700
	mostDrift  = square * 3 / 100 // how far a boundary strays from its third
)

// GridOf tells how the grid for a prompt and seed is laid out.
func GridOf(prompt string, seed int64) Layout {
	d := dice("layout", prompt, seed)
	gutter := d.IntN(mostGutter + 1)
	margin := 0
	if d.chance(.4) {
		margin = gutter
	}
	columns, rows := cuts(d, gutter, margin), cuts(d, gutter, margin)
	var l Layout
	for i := range l.Boxes {
		x, y := columns[i%3], rows[i/3]
		l.Boxes[i] = image.Rect(x[0], y[0], x[1], y[1])
	}
	l.Blank = d.IntN(9)
	others := d.Perm(9)
	picked := make([]int, 0, 2)
	for _, i := range others {
		if i != l.Blank && len(picked) < 2 {
			picked = append(picked, i)
		}
	}
	l.Of, l.Duplicate = min(picked[0], picked[1]), max(picked[0], picked[1])
	return l
}

// cuts are the begins and ends of three tiles along one axis.
func cuts(d random, gutter, margin int) [3][2]int {
	a := square/3 + d.IntN(2*mostDrift+1) - mostDrift
	b := 2*square/3 + d.IntN(2*mostDrift+1) - mostDrift
	near, far := gutter/2, gutter-gutter/2
	return [3][2]int{{margin, a - near}, {a + far, b - near}, {b + far, square - margin}}
}

func asksForGrid(prompt string) bool {
	return containsAny(strings.ToLower(prompt), "3x3", "3×3", "3 x 3", "3 by 3", "three by three grid")
}

var rowOf = regexp.MustCompile(`(?i)\brow[^:.]*:\s*([^.]*)`)

// subjectsOf are the nine descriptions in a grid's prompt. What it does not list
// in rows of three is made up from its words.
func subjectsOf(prompt string) [9]string {
	var out [9]string
	n := 0
	for _, row := range rowOf.FindAllStringSubmatch(prompt, -1) {
		for s := range strings.SplitSeq(row[1], ";") {
			if n < len(out) {
				out[n] = strings.ToLower(strings.TrimSpace(s))
				n++
			}
		}
	}
	for ; n < len(out); n++ {
		out[n] = fmt.Sprintf("%s #%d", prompt, n+1)
	}
	return out
}
