package plan

import (
	"cmp"
	"fmt"
	"slices"

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

// Hash is the tile's difference hash as a number; false where there is none.
func (t Tile) Hash() (uint64, bool) {
	return ParseHash(t.DHash)
}

// Judgement is what a judge said of a grid's tiles.
type Judgement struct {
	By       string    `json:"by"` // a model
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is what was said of one tile, 1 to 9.
type Verdict struct {
	Tile   int  `json:"tile"`
	Unique bool `json:"unique"`
	Fit    bool `json:"fit"`
	// Shows is the tile of the grid whose content it shows, where that is known: its
	// own when 0.
	Shows  int    `json:"shows,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// tilesOfAGrid is how many cells a grid has.
const tilesOfAGrid = 9

// LocalJudge is who decides where no model does.
const LocalJudge = "local"

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
	if r.enlargesNothing() {
		return Growth{}
	}
	open := r.openItems()
	chosen := choose(r, open)
	grow := Growth{Subtasks: begun(chosen)}
	if short := len(open) - len(chosen); short > 0 && r.stopsShort(chosen, short) == "" {
		grow.Grids = 1
	}
	return grow
}

// inVain is how many grids in a row, or enlarged tiles at first, may give nothing
// before no more are paid for.
const (
	gridsInVain = 2
	tilesInVain = 3
)

// enlargesNothing reports whether tiles were enlarged and none came to anything,
// be it one that a person had replaced: no others take their places unless one of
// those under way does.
func (r Record) enlargesNothing() bool {
	failed := 0
	for _, s := range r.Subtasks {
		switch {
		case s.Verb != VerbTile || !s.State.Settled():
		case s.State == trainset.ItemSucceeded, made(r.Tries(s.ID)) > 0:
			return false
		default:
			failed++
		}
	}
	return r.Plan.Style.Enhance == trainset.EnhanceTile && failed >= tilesInVain
}

// stopsShort says why no further grid is asked for though images are short of
// tiles, beyond those that were just chosen; empty where one is.
func (r Record) stopsShort(chosen []candidate, short int) string {
	if in := r.vain(chosen); in >= gridsInVain {
		return fmt.Sprintf("the last %d gave none: %s", in, r.fault())
	}
	switch r.limit(short, len(chosen)) {
	case LimitGrids:
		return "no more are allowed"
	case LimitCost:
		return fmt.Sprintf("another one with what follows from it does not fit in %s", r.Plan.MaxCost)
	}
	return ""
}

// vain is how many grids in a row have given no image and no tile that may become
// one, of those that were asked for since the job began; of all, where none has
// given anything.
func (r Record) vain(chosen []candidate) int {
	gave := map[int]bool{}
	for _, c := range chosen {
		gave[c.grid] = true
	}
	for _, s := range r.Subtasks {
		if s.Verb == VerbTile && (!s.State.Settled() || s.State == trainset.ItemSucceeded) {
			gave[s.Ask.Grid] = true
		}
	}
	last := r.Grids()
	for last > 0 && !gave[last] {
		last--
	}
	if last == 0 {
		return r.Grids()
	}
	return r.Grids() - max(last, r.Plan.Style.Grids)
}

// fault is why the last grid gave no image.
func (r Record) fault() string {
	n := r.Grids()
	for _, id := range []SubtaskID{GridID(n), EnhanceID(n)} {
		if s, ok := r.Subtasks[id]; ok && s.State.Settled() && s.State != trainset.ItemSucceeded {
			return s.Reason
		}
	}
	for t := range tilesOfAGrid {
		if s, ok := r.Subtasks[TileID(n, t+1)]; ok && s.State != trainset.ItemSucceeded && s.Reason != "" {
			return s.Reason
		}
	}
	return "none of its tiles is fit and unlike the others"
}

// affords reports whether the cost cap leaves room for one more grid and what
// follows from it, beside what is still to be asked for and tiles that were just
// chosen.
func (r Record) affords(short, chosen int) bool {
	if r.Plan.MaxCost == 0 {
		return true
	}
	owed := r.Plan.GridPrice(min(short, r.Plan.ExpectedTiles())) + r.Plan.Buys(VerbTile).Price*trainset.Money(chosen)
	for _, s := range r.Subtasks {
		if tries := r.Tries(s.ID); !s.State.Settled() && (len(tries) == 0 || tries[len(tries)-1].State == AttemptEnded) {
			owed += r.Plan.Buys(s.Verb).Price
		}
	}
	return r.Spent+owed <= r.Plan.MaxCost
}

// GridPrice is what a grid costs with all that follows from it, some of its tiles
// becoming images.
func (p Plan) GridPrice(tiles int) trainset.Money {
	return p.Price + p.Style.JudgeModel.Price + p.Buys(VerbTile).Price*trainset.Money(tiles) + p.enlargement()
}

func (p Plan) enlargement() trainset.Money {
	if p.Style.Enhance == trainset.EnhanceGrid {
		return p.Style.EnhanceModel.Price
	}
	return 0
}

// FirstGrids is how many grids a job begins with: as many as were asked for, or
// as the cost cap pays for with all that follows from them, and at least one.
func (p Plan) FirstGrids() int {
	if p.MaxCost == 0 {
		return p.Style.Grids
	}
	return max(min(p.Style.Grids, int(p.MaxCost/p.GridPrice(p.ExpectedTiles()))), 1)
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
		} else if items[i].Verb == VerbTile {
			items[i].Ask = tileAsk(r, i+1, items[i].Ask.Grid, items[i].Ask.Tile)
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
	case r.Plan.Style == nil: // a record that is cut short: an actor's images all have subtasks
	case r.Canceled:
		s.State, s.Reason = trainset.ItemCanceled, "canceled before a tile was chosen for it"
	case r.State.Ended() || r.assembling():
		s.State, s.Reason = trainset.ItemFailed, grids(r.Grids())+" gave no further tile that is fit"
		if open := r.openItems(); len(open) > 0 {
			if why := r.stopsShort(nil, len(open)); why != "" {
				s.Reason += "; " + why
			}
		}
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
