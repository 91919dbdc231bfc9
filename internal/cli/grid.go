package cli

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/actormaker/trainset"
)

// tilesOfGrid is how many images a grid has at most.
const tilesOfGrid = 9

// gridClass sorts grids as items are sorted.
func gridClass(g trainset.Grid) progressClass {
	switch g.State {
	case trainset.ItemSucceeded:
		return classDone
	case trainset.ItemFailed, trainset.ItemRejected, trainset.ItemCanceled:
		return classFailed
	case trainset.ItemPending:
		return classWaiting
	case trainset.ItemRunning:
	}
	return classActive
}

// gridLabel is the one word for where a grid stands.
func gridLabel(g trainset.Grid) string {
	switch gridClass(g) {
	case classDone:
		return string(trainset.StageDone)
	case classFailed:
		return string(g.State)
	case classWaiting:
		return string(trainset.PhaseWaiting)
	case classActive:
	}
	return string(g.Stage)
}

// gridFit says how many tiles will do, once that was decided.
func gridFit(g trainset.Grid) string {
	if g.Judge == "" {
		return ""
	}
	return fmt.Sprintf("%d of %d", g.Fit, tilesOfGrid)
}

// gridNote is what there is to say beside the label.
func gridNote(g trainset.Grid) string {
	switch {
	case gridClass(g) != classDone:
		return Clean(g.Reason)
	case g.Judge == "":
		return ""
	}
	return fmt.Sprintf("%s fit by %s", gridFit(g), Clean(g.Judge))
}

// grids draws the grids that have not ended, and counts the others.
func (v view) grids() []line {
	var body []line
	ended, fit := 0, 0
	for _, g := range v.job.Grids {
		if gridClass(g) == classDone {
			ended, fit = ended+1, fit+g.Fit
			continue
		}
		mark, in := v.markOf(gridClass(g))
		l := line{{mark, in}, {fmt.Sprintf(" grid %d  ", g.Index), plain}}
		if gridClass(g) == classFailed {
			body = append(body, append(l, span{strings.TrimSuffix(gridLabel(g)+": "+gridNote(g), ": "), in}))
			continue
		}
		l = append(l, span{runewidth.FillRight(gridLabel(g), phaseWidth), in})
		if n := gridNote(g); n != "" {
			l = append(l, span{"  " + n, faint})
		}
		body = append(body, l)
	}
	if ended > 0 {
		done := line{{fmt.Sprintf("%s %d of %d grids done, %d tiles fit", v.done, ended, len(v.job.Grids), fit), green}}
		body = append([]line{done}, body...)
	}
	return body
}

// gridLine is a grid in a log.
func gridLine(g trainset.Grid) string {
	s := fmt.Sprintf("grid %d %s", g.Index, gridLabel(g))
	if n := gridNote(g); n != "" {
		s += ": " + n
	}
	return s + "\n"
}
