package tasks

import (
	"fmt"

	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// factor is by how much an enlargement's sides usually grow: tiles of a grid of
// 1024 pixels then have 1228, above what trainers like.
const factor = 4

// extent is what is to be enlarged, and the least part of it that is to become
// an image.
type extent struct{ width, height, part int }

func extentOf(g plan.Grid) extent {
	e := extent{width: g.Width, height: g.Height, part: min(g.Width, g.Height)}
	for _, t := range g.Tiles {
		e.part = min(e.part, t.Box[2]-t.Box[0], t.Box[3]-t.Box[1])
	}
	return e
}

// growth is by how much the sides are to grow: as much as the plan says, or by
// the least other factor that the model has where that would leave a part too
// small for an image or make more pixels than are read. Where none will do it
// says why not, so that nothing is paid for it.
func (e extent) growth(usual int, others []int) (by int, why string) {
	most := usual
	for _, f := range append([]int{usual}, others...) {
		large, small := e.width*e.height*f*f > outputLimits.MaxPixels, e.part*f < minTile
		if !large && !small {
			return f, ""
		}
		if !large {
			most = max(most, f)
		}
	}
	if e.part*most < minTile {
		return most, fmt.Sprintf("its smallest tile has %d pixels a side, which even %d times enlarged are fewer than %d", e.part, most, minTile)
	}
	return usual, fmt.Sprintf("its %d x %d pixels cannot be enlarged so that every tile has %d a side and the whole not more than %d million; ask with enhance none or tile",
		e.width, e.height, minTile, outputLimits.MaxPixels/1_000_000)
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
func enlarge(s plan.Style, e extent, url string) (question, error) {
	m, err := replicate.Find(s.EnhanceModel.Name)
	if err != nil {
		return question{}, err
	}
	by, _ := e.growth(s.Factor, m.Factors)
	return question{input: m.Input(replicate.Params{ReferenceURL: url, Factor: by})}, nil
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
