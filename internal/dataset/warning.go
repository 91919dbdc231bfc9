package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/grid"
	"github.com/actormaker/trainset/internal/plan"
)

// smallImage is the side, in pixels, below which trainers learn less of an image.
const smallImage = 1024

// styleWarnings says what a person should know of a style's set before training
// on it, beside what is true of any set.
func styleWarnings(m trainset.Manifest, made int) []string {
	all := slices.Concat(judgeWarnings(m), splitWarnings(m), enlargementWarnings(m))
	if small, side := smallest(m.Items); small > 0 {
		all = append(all, fmt.Sprintf("%s less than %d px on a side, down to %d px: %s", have(small, "image"), smallImage, side, whySmall(m)))
	}
	if n, want := len(m.Diversity.Categories), len(generate.Categories())-1; n < min(want, made) {
		all = append(all, fmt.Sprintf("the images show %d of %d categories; a style is learnt apart from what it shows from %d", n, len(generate.Categories()), want))
	}
	return all
}

// judgeWarnings name the grids that no model has judged, once for each reason.
func judgeWarnings(m trainset.Manifest) []string {
	grids := map[string][]int{}
	var reasons []string
	for _, g := range m.Grids {
		if g.Judge != plan.LocalJudge {
			continue
		}
		if len(grids[g.JudgeReason]) == 0 {
			reasons = append(reasons, g.JudgeReason)
		}
		grids[g.JudgeReason] = append(grids[g.JudgeReason], g.Index)
	}
	var all []string
	for _, why := range reasons {
		said := why
		if said == "" {
			said = "as was asked"
		}
		all = append(all, fmt.Sprintf("%s judged by local measures, which cannot see what a tile shows: %s", were("grid", grids[why]), said))
	}
	return all
}

// splitWarnings name the images that may have been cut in the wrong place.
func splitWarnings(m trainset.Manifest) []string {
	var unsure []int
	for _, it := range m.Items {
		if it.File != "" && it.Tile != nil && it.Tile.Confidence < grid.LowConfidence {
			unsure = append(unsure, it.Index)
		}
	}
	if len(unsure) == 0 {
		return nil
	}
	return []string{were("image", unsure) + " cut where boundaries were not clearly seen: look at the edges"}
}

// enlargementWarnings name the grids that were paid for and could not be used,
// for want of an enlargement.
func enlargementWarnings(m trainset.Manifest) []string {
	var all []string
	for _, g := range m.Grids {
		if g.File == "" || g.Enhanced != nil || m.Plan.Style.Enhance != trainset.EnhanceGrid {
			continue
		}
		for _, c := range g.Tiles {
			if c.Use == trainset.TileFailed && c.Item == 0 {
				all = append(all, fmt.Sprintf("grid %d was of no use: %s", g.Index, c.Why))
				break
			}
		}
	}
	return all
}

// smallest counts the images that are small, and gives the least side.
func smallest(items []trainset.SetItem) (small, side int) {
	for _, it := range items {
		least := min(it.Width, it.Height)
		if it.File == "" || least >= smallImage {
			continue
		}
		if small++; small == 1 || least < side {
			side = least
		}
	}
	return small, side
}

func whySmall(m trainset.Manifest) string {
	if m.Plan.Style.Enhance == trainset.EnhanceNone {
		return "nothing was enlarged, as was asked"
	}
	return "they were not enlarged enough"
}

// have says of one or of several things that they have something.
func have(n int, what string) string {
	if n == 1 {
		return counted(n, what) + " has"
	}
	return counted(n, what) + " have"
}

// were says of numbered things that something was done to them.
func were(what string, numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	if len(words) == 1 {
		return what + " " + words[0] + " was"
	}
	last := len(words) - 1
	return what + "s " + strings.Join(words[:last], ", ") + " and " + words[last] + " were"
}
