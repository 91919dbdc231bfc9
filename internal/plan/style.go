package plan

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/actormaker/trainset"
)

// Grid is what was found in a grid's picture.
type Grid struct {
	Width      int     `json:"width"`      // px
	Height     int     `json:"height"`     // px
	Confidence float64 `json:"confidence"` // of the boundaries, 0 to 1: the least certain one's
	Tiles      []Tile  `json:"tiles"`      // row by row
}

// Tile is one cell of a grid, as local measures see it.
type Tile struct {
	Box        [4]int  `json:"box"`    // left, top, right, bottom, px
	Method     string  `json:"method"` // how its boundaries were found: "gutter", "seam", "thirds"
	Confidence float64 `json:"confidence"`
	DHash      string  `json:"dhash"`
	Fit        bool    `json:"fit"`
	Reason     string  `json:"reason,omitempty"` // why it is not
}

// Judgement is what a judge said of a grid's tiles.
type Judgement struct {
	By       string    `json:"by"` // a model
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is what was said of one tile, 1 to 9.
type Verdict struct {
	Tile   int    `json:"tile"`
	Unique bool   `json:"unique"`
	Fit    bool   `json:"fit"`
	Reason string `json:"reason,omitempty"`
}

// LocalJudge is who decides where no model does.
const LocalJudge = "local"

// nearDuplicate is the distance of difference hashes, in bits of 64, up to
// which two tiles teach a trainer the same thing twice.
const nearDuplicate = 8

// Growth is what a job needs beyond the subtasks it has: some that follow from
// what has settled, and how many grids more, whose asks only the whole plan has.
type Growth struct {
	Subtasks []Subtask
	Grids    int
}

// Empty reports whether nothing is to be added.
func (g Growth) Empty() bool { return len(g.Subtasks) == 0 && g.Grids == 0 }

// Grow says what a job needs that it does not have yet. It is asked after every
// settlement; the same record has the same answer, and what was added is never
// taken back.
func Grow(r Record) Growth {
	if r.Plan == nil || r.Plan.Style == nil || r.Canceled || r.State.Ended() {
		return Growth{}
	}
	if follow := followUps(r); len(follow) > 0 {
		return Growth{Subtasks: follow}
	}
	if !gridsJudged(r) {
		return Growth{}
	}
	wanted := r.openItems()
	chosen, ready := choose(r, wanted)
	short := len(wanted) - chosen
	grow := Growth{Subtasks: ready}
	if short > 0 && r.Grids() < r.Plan.Style.MaxGrids && affords(r) {
		grow.Grids = 1
	}
	return grow
}

// affords reports whether the cost cap leaves room for one more grid and all
// that follows from it.
func affords(r Record) bool {
	p := r.Plan
	price := p.Price + p.Style.JudgeModel.Price + p.Buys(VerbEnhance).Price
	return p.MaxCost == 0 || r.Spent+price <= p.MaxCost
}

// followUps returns the judgement and the enlargement of every grid that was
// made and has none.
func followUps(r Record) []Subtask {
	var follow []Subtask
	for n := 1; n <= r.Grids(); n++ {
		grid, ok := r.Subtasks[GridID(n)]
		if !ok || grid.State != trainset.ItemSucceeded {
			continue
		}
		ask := Ask{Index: n, Grid: n, Tiles: grid.Ask.Tiles}
		if r.Plan.Style.Judge != trainset.JudgeLocal {
			follow = append(follow, pending(JudgeID(n), VerbJudge, ask))
		}
		if r.Plan.Style.Enhance == trainset.EnhanceGrid {
			follow = append(follow, pending(EnhanceID(n), VerbEnhance, ask))
		}
	}
	return slices.DeleteFunc(follow, func(s Subtask) bool { _, there := r.Subtasks[s.ID]; return there })
}

// Grids is how many grids the job has asked for.
func (r Record) Grids() int {
	n := 0
	for _, s := range r.Subtasks {
		if s.Verb == VerbGrid {
			n++
		}
	}
	return n
}

// gridsJudged reports whether it is known of every grid which of its tiles are
// fit.
func gridsJudged(r Record) bool {
	for _, s := range r.Subtasks {
		if (s.Verb == VerbGrid || s.Verb == VerbJudge) && !s.State.Settled() {
			return false
		}
	}
	return true
}

// openItems returns the numbers of the items that have neither an image nor a
// subtask that may still make one.
func (r Record) openItems() []int {
	served := map[int]bool{}
	for _, s := range r.Subtasks {
		if s.Verb.MakesItem() && (!s.State.Settled() || s.State == trainset.ItemSucceeded) {
			served[s.Index] = true
		}
	}
	var open []int
	for i := 1; i <= r.Plan.Images; i++ {
		if !served[i] {
			open = append(open, i)
		}
	}
	return open
}

// Winner returns the attempt that made a subtask's result.
func (r Record) Winner(id SubtaskID) (Attempt, bool) {
	s, ok := r.Subtasks[id]
	if !ok || s.State != trainset.ItemSucceeded {
		return Attempt{}, false
	}
	a, ok := r.Attempts[AttemptID(id, s.Winner)]
	return a, ok
}

// Judged returns who decided about a grid and what was said of its tiles.
// Where no model has, local measures decide.
func (r Record) Judged(grid int) Judgement {
	if a, ok := r.Winner(JudgeID(grid)); ok && a.Judgement != nil {
		return *a.Judgement
	}
	j := Judgement{By: LocalJudge}
	a, ok := r.Winner(GridID(grid))
	if !ok || a.Grid == nil {
		return j
	}
	for i, t := range a.Grid.Tiles {
		j.Verdicts = append(j.Verdicts, Verdict{Tile: i + 1, Unique: t.Fit, Fit: t.Fit, Reason: t.Reason})
	}
	return j
}

// candidate is a tile that may become an item.
type candidate struct {
	grid, tile int
	about      TileAsk
	hash       uint64
	ready      bool // its grid need not be enlarged any more
}

// candidates returns the tiles that are fit by the judge's word and by local
// measures, of grids that are enlarged or may still be, in the order of grids
// and tiles.
func candidates(r Record) []candidate {
	var all []candidate
	for n := 1; n <= r.Grids(); n++ {
		made, ok := r.Winner(GridID(n))
		if !ok || made.Grid == nil {
			continue
		}
		larger, asked := r.Subtasks[EnhanceID(n)]
		ready := r.Plan.Style.Enhance != trainset.EnhanceGrid || larger.State == trainset.ItemSucceeded
		if !ready && (!asked || larger.State.Settled()) {
			continue
		}
		for _, v := range r.Judged(n).Verdicts {
			if v.Tile < 1 || v.Tile > len(made.Grid.Tiles) || !v.Unique || !v.Fit || !made.Grid.Tiles[v.Tile-1].Fit {
				continue
			}
			hash, err := strconv.ParseUint(made.Grid.Tiles[v.Tile-1].DHash, 16, 64)
			if err != nil {
				continue
			}
			all = append(all, candidate{n, v.Tile, r.Subtasks[GridID(n)].Ask.Tiles[v.Tile-1], hash, ready})
		}
	}
	return all
}

// choose gives tiles to items: none that looks like one in use, those of the
// categories that the set has least of first. What is left over is a spare. It
// returns how many tiles it chose, and the subtasks of those whose grid is ready:
// the others are chosen again when theirs is.
func choose(r Record, items []int) (chosen int, ready []Subtask) {
	if len(items) == 0 {
		return 0, nil
	}
	var free, used []candidate
	count := map[string]int{}
	for _, c := range candidates(r) {
		s, there := r.Subtasks[TileID(c.grid, c.tile)]
		switch {
		case !there:
			free = append(free, c)
		case !s.State.Settled() || s.State == trainset.ItemSucceeded:
			used = append(used, c)
			count[c.about.Category]++
		}
	}
	for _, index := range items {
		free = slices.DeleteFunc(free, func(c candidate) bool { return resembles(c, used) })
		if len(free) == 0 {
			break
		}
		c := slices.MinFunc(free, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(count[a.about.Category], count[b.about.Category]),
				cmp.Compare(a.grid, b.grid), cmp.Compare(a.tile, b.tile))
		})
		free = slices.DeleteFunc(free, func(o candidate) bool { return o == c })
		used = append(used, c)
		count[c.about.Category]++
		chosen++
		if c.ready {
			ready = append(ready, c.subtask(index))
		}
	}
	return chosen, ready
}

func resembles(c candidate, used []candidate) bool {
	return slices.ContainsFunc(used, func(u candidate) bool { return bits.OnesCount64(c.hash^u.hash) <= nearDuplicate })
}

func (c candidate) subtask(index int) Subtask {
	return pending(TileID(c.grid, c.tile), VerbTile, Ask{
		Index: index, Grid: c.grid, Tile: c.tile, Category: c.about.Category, Scene: c.about.Subject, Caption: c.about.Caption,
	})
}

// Items returns one subtask for each wanted image, by number: the one that made
// it, else the one that was tried last. An item that no subtask was found for
// is pending, or in an ended job failed.
func (r Record) Items() []Subtask {
	if r.Plan == nil {
		return nil
	}
	items := make([]Subtask, r.Plan.Images)
	for _, s := range r.Subtasks {
		if s.Verb.MakesItem() && 1 <= s.Index && s.Index <= len(items) && before(items[s.Index-1], s) {
			items[s.Index-1] = s
		}
	}
	for i := range items {
		if items[i].ID == "" {
			items[i] = r.unserved(i + 1)
		}
	}
	return items
}

// before says whether b stands for an item rather than a.
func before(a, b Subtask) bool {
	if a.ID == "" {
		return true
	}
	rank := func(s Subtask) int {
		switch {
		case s.State == trainset.ItemSucceeded:
			return 2
		case !s.State.Settled():
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Ask.Grid, b.Ask.Grid), cmp.Compare(a.Ask.Tile, b.Ask.Tile)) < 0
}

func (r Record) unserved(index int) Subtask {
	s := Subtask{ID: SubtaskID(fmt.Sprintf("item.%d", index)), Verb: VerbTile, Index: index, State: trainset.ItemPending}
	switch {
	case r.Canceled:
		s.State, s.Reason = trainset.ItemCanceled, "canceled before a tile was chosen for it"
	case r.State.Ended() || r.assembling():
		s.State, s.Reason = trainset.ItemFailed, fmt.Sprintf("%s gave no further tile that is fit", grids(r.Grids()))
	}
	return s
}

func grids(n int) string {
	if n == 1 {
		return "1 grid"
	}
	return fmt.Sprintf("%d grids", n)
}

// assembling reports whether all has settled and nothing more will be added.
func (r Record) assembling() bool {
	for _, s := range r.Subtasks {
		if !s.State.Settled() {
			return false
		}
	}
	return Grow(r).Empty()
}
