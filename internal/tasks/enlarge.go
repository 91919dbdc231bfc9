package tasks

import (
	"fmt"
	"slices"

	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// factor is by how much an enlargement's sides usually grow: tiles of a grid of
// 1024 pixels then have 1228, above what trainers like.
const factor = 4

// maxEnlarged is the most pixels that an enlargement is to have: a larger one is
// charged twice, and could have more bytes than are read.
const maxEnlarged = 24_000_000

// extent is what is to be enlarged, and the sides of the parts of it of which
// each is to become an image.
type extent struct {
	width, height int
	parts         []int
}

func side(t plan.Tile) int { return min(t.Box[2]-t.Box[0], t.Box[3]-t.Box[1]) }

// extentOf is a grid with the tiles that are fit: what becomes of others is
// all one, unless there are no fit ones.
func extentOf(g plan.Grid) extent {
	e := extent{width: g.Width, height: g.Height}
	var others []int
	for _, t := range g.Tiles {
		if t.Fit {
			e.parts = append(e.parts, side(t))
		} else {
			others = append(others, side(t))
		}
	}
	if e.parts == nil {
		e.parts = others
	}
	return e
}

// single is a part that is enlarged by itself.
func single(side int) extent { return extent{side, side, []int{side}} }

// enough counts the parts that are large enough for an image when they are so
// many times as large.
func (e extent) enough(by int) (n int) {
	for _, p := range e.parts {
		if p*by >= minTile {
			n++
		}
	}
	return n
}

// growth is by how much the sides are to grow: as much as the plan says, or by
// the least other factor that the model has where that leaves fewer parts too
// small for an image, but never to more pixels than an enlargement is to have.
// Where no part would be large enough it says why, so that nothing is paid for it.
func (e extent) growth(usual int, others []int) (by int, why string) {
	most, best := usual, 0
	by = usual
	for _, f := range append([]int{usual}, others...) {
		most = max(most, f)
		if n := e.enough(f); n > best && e.width*e.height*f*f <= maxEnlarged {
			by, best = f, n
		}
	}
	switch {
	case best > 0:
		return by, ""
	case e.enough(most) == 0:
		return by, fmt.Sprintf("its largest tile has %d pixels a side, which even %d times enlarged are fewer than %d", slices.Max(append(e.parts, 0)), most, minTile)
	}
	return by, fmt.Sprintf("its %d x %d pixels cannot be enlarged so that a tile has %d a side and the whole not more than %d million; ask with enhance none or tile",
		e.width, e.height, minTile, maxEnlarged/1_000_000)
}

// growthOf is the growth under a style's plan.
func growthOf(s plan.Style, e extent) (by int, why string, err error) {
	m, err := replicate.Find(s.EnhanceModel.Name)
	if err != nil {
		return 0, "", err
	}
	by, why = e.growth(s.Factor, m.Factors)
	return by, why, nil
}

// enlarge asks for an enlargement of what is at the address.
func enlarge(s plan.Style, by int, url string) (question, error) {
	m, err := replicate.Find(s.EnhanceModel.Name)
	if err != nil {
		return question{}, err
	}
	return question{input: m.Input(replicate.Params{ReferenceURL: url, Factor: by})}, nil
}

// asked is by how much an attempt asked for the sides of a grid to grow, which
// may have been by another version's rule.
func asked(s plan.Style, a plan.Attempt, g plan.Grid) (int, error) {
	if by := replicate.FactorOf(a.Input); by > 0 {
		return by, nil
	}
	by, _, err := growthOf(s, extentOf(g))
	return by, err
}

// notGrown says why an enlargement of a picture is none, allowing for models
// that round.
func notGrown(was plan.Grid, m made, factor int) string {
	want := was.Width * factor
	if m.width < want*9/10 || m.height < was.Height*factor*9/10 {
		return fmt.Sprintf("the enlargement has %d x %d pixels, not %d x %d", m.width, m.height, want, was.Height*factor)
	}
	return ""
}
