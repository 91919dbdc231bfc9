package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

var categories = []string{"people", "nature", "objects", "architecture", "animals", "transport", "abstract"}

// stylePlan is a whole style plan; price is of every call.
func stylePlan(images, grids, most int, judge trainset.Judge, enhance trainset.Enhance) plan.Plan {
	call := plan.Priced{Name: "o/m", Price: 10}
	p := plan.Plan{
		JobID: "j", Kind: trainset.KindStyle, Images: images, MaxAttempts: 5, Model: "o/grid", Price: 10,
		Style: &plan.Style{Grids: grids, MaxGrids: most, Judge: judge, Enhance: enhance, Factor: 4, JudgeModel: call, EnhanceModel: call},
	}
	return withGrids(p)
}

// withGrids has asks for all grids that a plan allows.
func withGrids(p plan.Plan) plan.Plan {
	for n := len(p.Asks) + 1; n <= p.Style.MaxGrids; n++ {
		a := plan.Ask{Index: n, Grid: n, Seeds: []int64{1, 2, 3, 4, 5}}
		for t := range 9 {
			a.Tiles = append(a.Tiles, plan.TileAsk{Subject: fmt.Sprintf("s%d-%d", n, t), Category: categories[t%7]})
		}
		p.Asks = append(p.Asks, a)
	}
	return p
}

func styleRecord(p plan.Plan) plan.Record {
	head := p.Head()
	r := plan.Record{
		ID: p.JobID, State: trainset.JobRunning, Plan: &head, AssembleRevision: 1,
		Subtasks: map[plan.SubtaskID]plan.Subtask{}, Attempts: map[string]plan.Attempt{}, Queued: map[string]bool{},
	}
	add(&r, p.Subtasks())
	return r
}

func add(r *plan.Record, subs []plan.Subtask) {
	for _, s := range subs {
		r.Subtasks[s.ID] = s
	}
}

// settle ends a subtask; a success has a result.
func settle(r *plan.Record, id plan.SubtaskID, state trainset.ItemState, result plan.Attempt) {
	s := r.Subtasks[id]
	s.State = state
	if state == trainset.ItemSucceeded {
		s.Winner = 1
		result.ID, result.Number, result.State = plan.AttemptID(id, 1), 1, plan.AttemptEnded
		r.Attempts[result.ID] = result
	}
	r.Subtasks[id] = s
}

func madeGrid(fit func(tile int) bool, hash func(tile int) uint64) plan.Attempt {
	g := &plan.Grid{Width: 1024, Height: 1024}
	for t := 1; t <= 9; t++ {
		g.Tiles = append(g.Tiles, plan.Tile{Fit: fit(t), DHash: fmt.Sprintf("%016x", hash(t))})
	}
	return plan.Attempt{Grid: g}
}

func judged(good func(tile int) bool) plan.Attempt {
	j := &plan.Judgement{By: "o/judge"}
	for t := 1; t <= 9; t++ {
		j.Verdicts = append(j.Verdicts, plan.Verdict{Tile: t, Unique: good(t), Fit: true})
	}
	return plan.Attempt{Judgement: j}
}

func always(int) bool { return true }

// spread gives hashes that are far apart.
func spread(grid int) func(int) uint64 {
	return func(t int) uint64 {
		x := uint64(grid*9+t) * 0x9e3779b97f4a7c15
		x ^= x >> 29
		return x * 0xbf58476d1ce4e5b9
	}
}

func TestGridsLeadToJudgementsAndEnlargements(t *testing.T) {
	r := styleRecord(stylePlan(5, 2, 4, trainset.JudgeReplicate, trainset.EnhanceGrid))
	if g := plan.Grow(r); !g.Empty() {
		t.Fatalf("at first: %+v", g)
	}
	settle(&r, plan.GridID(2), trainset.ItemSucceeded, madeGrid(always, spread(2)))
	g := plan.Grow(r)
	if len(g.Subtasks) != 2 || g.Subtasks[0].ID != "judge.2" || g.Subtasks[1].ID != "enhance.2" || g.Grids != 0 {
		t.Fatalf("after a grid: %+v", g)
	}
	add(&r, g.Subtasks)
	if g := plan.Grow(r); !g.Empty() {
		t.Errorf("asked twice: %+v", g)
	}
}

func TestTilesAreChosenOfAllGrids(t *testing.T) {
	r := styleRecord(stylePlan(12, 2, 2, trainset.JudgeReplicate, trainset.EnhanceGrid))
	for n := 1; n <= 2; n++ {
		settle(&r, plan.GridID(n), trainset.ItemSucceeded, madeGrid(func(tile int) bool { return tile != 9 }, spread(n)))
		add(&r, plan.Grow(r).Subtasks)
		settle(&r, plan.JudgeID(n), trainset.ItemSucceeded, judged(func(tile int) bool { return tile != 1 }))
		settle(&r, plan.EnhanceID(n), trainset.ItemSucceeded, plan.Attempt{})
	}
	g := plan.Grow(r)
	if len(g.Subtasks) != 12 || g.Grids != 0 {
		t.Fatalf("chose %d, %d grids", len(g.Subtasks), g.Grids)
	}
	count := map[string]int{}
	for i, s := range g.Subtasks {
		if s.Index != i+1 || s.Verb != plan.VerbTile || s.Ask.Tile == 1 || s.Ask.Tile == 9 {
			t.Errorf("item %d: %+v", i+1, s.Ask)
		}
		count[s.Ask.Category]++
	}
	if len(count) != 7 {
		t.Errorf("categories %v", count)
	}
	// One that fails is replaced by a spare.
	add(&r, g.Subtasks)
	settle(&r, g.Subtasks[4].ID, trainset.ItemRejected, plan.Attempt{})
	again := plan.Grow(r)
	if len(again.Subtasks) != 1 || again.Subtasks[0].Index != 5 || r.Subtasks[again.Subtasks[0].ID].ID != "" {
		t.Errorf("the spare: %+v", again.Subtasks)
	}
}

// A grid's tiles are begun when it is enlarged, whatever the others are at. They
// take the place of those of a grid whose enlargement fails.
func TestTilesAreBegunGridByGrid(t *testing.T) {
	r := styleRecord(stylePlan(12, 2, 2, trainset.JudgeReplicate, trainset.EnhanceGrid))
	for n := 1; n <= 2; n++ {
		settle(&r, plan.GridID(n), trainset.ItemSucceeded, madeGrid(always, spread(n)))
		add(&r, plan.Grow(r).Subtasks)
	}
	settle(&r, plan.EnhanceID(1), trainset.ItemSucceeded, plan.Attempt{})
	settle(&r, plan.JudgeID(1), trainset.ItemSucceeded, judged(always))
	if g := plan.Grow(r); !g.Empty() {
		t.Fatalf("before all are judged: %+v", g)
	}
	settle(&r, plan.JudgeID(2), trainset.ItemSucceeded, judged(always))
	first := plan.Grow(r)
	for _, s := range first.Subtasks {
		if s.Ask.Grid != 1 {
			t.Errorf("%s is begun, its grid is not enlarged", s.ID)
		}
	}
	if n := len(first.Subtasks); n == 0 || n > 9 || first.Grids != 0 {
		t.Fatalf("of the first grid %d tiles, and %d grids more", n, first.Grids)
	}
	add(&r, first.Subtasks)
	if g := plan.Grow(r); !g.Empty() {
		t.Fatalf("chosen twice: %+v", g)
	}
	settle(&r, plan.EnhanceID(2), trainset.ItemFailed, plan.Attempt{})
	rest := plan.Grow(r)
	if got := len(first.Subtasks) + len(rest.Subtasks); got != 9 || rest.Grids != 0 {
		t.Errorf("%d tiles of the one grid that is enlarged, %d grids more of the two that may be", got, rest.Grids)
	}
	for _, s := range rest.Subtasks {
		if s.Ask.Grid != 1 {
			t.Errorf("%s is begun, its grid was not enlarged", s.ID)
		}
	}
}

func TestNoTwoTilesAlikeAreChosen(t *testing.T) {
	r := styleRecord(stylePlan(9, 1, 1, trainset.JudgeLocal, trainset.EnhanceNone))
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, func(tile int) uint64 { return spread(1)(tile%4) ^ uint64(tile&3) }))
	if g := plan.Grow(r); len(g.Subtasks) != 4 {
		t.Errorf("chose %d of 4 different tiles", len(g.Subtasks))
	}
}

// A tile that is the example itself teaches what it shows.
func TestCopiesOfTheExampleAreNotChosen(t *testing.T) {
	p := stylePlan(9, 1, 1, trainset.JudgeLocal, trainset.EnhanceNone)
	p.Reference.DHashes = []string{fmt.Sprintf("%016x", spread(1)(4)^0xff)} // 8 bits away
	r := styleRecord(p)
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, spread(1)))
	g := plan.Grow(r)
	if len(g.Subtasks) != 8 || slices.ContainsFunc(g.Subtasks, func(s plan.Subtask) bool { return s.Ask.Tile == 4 }) {
		t.Errorf("chose %d tiles of 8", len(g.Subtasks))
	}
}

func TestAJudgeThatFailsLeavesItToLocalMeasures(t *testing.T) {
	r := styleRecord(stylePlan(9, 1, 1, trainset.JudgeReplicate, trainset.EnhanceNone))
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(func(tile int) bool { return tile > 3 }, spread(1)))
	add(&r, plan.Grow(r).Subtasks)
	settle(&r, plan.JudgeID(1), trainset.ItemFailed, plan.Attempt{})
	if j := r.Judged(1); j.By != plan.LocalJudge || j.Verdicts[0].Fit || !j.Verdicts[8].Fit {
		t.Errorf("judgement %+v", j)
	}
	if g := plan.Grow(r); len(g.Subtasks) != 6 {
		t.Errorf("chose %d", len(g.Subtasks))
	}
}

// Driven through any order of outcomes, crashes and requeues, a style job ends,
// never has more grids than it may, never costs more than its cap, and never
// asks for the same thing twice.
func TestAStyleJobEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(t, "most")
		p := stylePlan(rapid.IntRange(1, 30).Draw(t, "images"), rapid.IntRange(1, most).Draw(t, "grids"), most,
			rapid.SampledFrom([]trainset.Judge{trainset.JudgeReplicate, trainset.JudgeLocal}).Draw(t, "judge"),
			rapid.SampledFrom([]trainset.Enhance{trainset.EnhanceGrid, trainset.EnhanceTile, trainset.EnhanceNone}).Draw(t, "enhance"))
		if rapid.Bool().Draw(t, "capped") {
			p.MaxCost = trainset.Money(rapid.IntRange(30, 300).Draw(t, "cap"))
		}
		r := styleRecord(p)
		asked := map[plan.SubtaskID]bool{}
		var queue []plan.Step
		for range 2000 {
			for g := plan.Grow(r); !g.Empty(); g = plan.Grow(r) {
				if rapid.IntRange(0, 3).Draw(t, "crash") == 0 { // before anything was written: asked again later
					if again := plan.Grow(r); !slices.EqualFunc(again.Subtasks, g.Subtasks, func(a, b plan.Subtask) bool { return a.ID == b.ID && a.Index == b.Index }) {
						t.Fatal("the same record has two answers")
					}
				}
				subs := append(g.Subtasks, p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids)...)
				for _, s := range subs {
					if _, there := r.Subtasks[s.ID]; there {
						t.Fatalf("%s is added twice", s.ID)
					}
				}
				add(&r, subs)
			}
			for _, s := range plan.Next(r) {
				queue = append(queue, s)
				r.Queued[s.TaskID(r.ID)] = rapid.IntRange(0, 4).Draw(t, "noted") > 0
			}
			if r.State.Ended() {
				check(t, r, most)
				return
			}
			if len(queue) == 0 {
				t.Fatal("nothing is queued and the job has not ended")
			}
			i := rapid.IntRange(0, len(queue)-1).Draw(t, "which")
			s := queue[i]
			queue = slices.Delete(queue, i, i+1)
			deliver(t, &r, s, asked)
		}
		t.Fatal("the job does not end")
	})
}

func check(t *rapid.T, r plan.Record, most int) {
	if r.Grids() > most {
		t.Fatalf("%d grids of %d", r.Grids(), most)
	}
	if r.Plan.MaxCost > 0 && r.Spent > r.Plan.MaxCost {
		t.Fatalf("spent %d of %d", r.Spent, r.Plan.MaxCost)
	}
	used := map[[2]int]bool{}
	for i, s := range r.Items() {
		if s.Index != i+1 || !s.State.Settled() || (s.State != trainset.ItemSucceeded) == (s.Ask.Tile > 0 && s.State == trainset.ItemSucceeded) {
			t.Fatalf("item %d: %s", i+1, s.State)
		}
		tile := [2]int{s.Ask.Grid, s.Ask.Tile}
		if s.State == trainset.ItemSucceeded && used[tile] {
			t.Fatalf("a tile is two items: %v", tile)
		}
		used[tile] = true
	}
}

// deliver carries a step out, pays for it as the ledger does, and settles it.
func deliver(t *rapid.T, r *plan.Record, s plan.Step, asked map[plan.SubtaskID]bool) {
	if s.Verb == plan.VerbAssemble {
		if needed := plan.Needed(*r); len(needed) == 1 && needed[0].Verb == plan.VerbAssemble {
			r.State, _ = r.Outcome()
		}
		return
	}
	sub := r.Subtasks[s.Subtask]
	if sub.State.Settled() || sub.Revision != s.Revision {
		return
	}
	if rapid.IntRange(0, 9).Draw(t, "lost") == 0 { // the queue lost it
		sub.Revision++
		r.Subtasks[s.Subtask] = sub
		return
	}
	price := r.Plan.Buys(s.Verb).Price
	if r.Plan.MaxCost > 0 && r.Spent+price > r.Plan.MaxCost {
		settle(r, s.Subtask, trainset.ItemFailed, plan.Attempt{})
		return
	}
	if price > 0 && asked[s.Subtask] {
		t.Fatalf("%s is asked twice", s.Subtask)
	}
	asked[s.Subtask] = true
	r.Spent += price
	state := trainset.ItemSucceeded
	if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
		state = trainset.ItemFailed
	}
	result := plan.Attempt{}
	good := rapid.SliceOfN(rapid.Bool(), 9, 9).Draw(t, "good")
	switch s.Verb {
	case plan.VerbGrid:
		result = madeGrid(func(tile int) bool { return good[tile-1] }, spread(sub.Ask.Index))
	case plan.VerbJudge:
		result = judged(func(tile int) bool { return good[tile-1] })
	case plan.VerbImage, plan.VerbEnhance, plan.VerbTile, plan.VerbAccept, plan.VerbAssemble:
	}
	settle(r, s.Subtask, state, result)
}

func none(int) bool { return false }

// grow adds what a job needs, and makes and judges its grids, each of which has
// tiles that are fit or none.
func grow(r *plan.Record, p plan.Plan, fruitful func(grid int) bool) {
	for g := plan.Grow(*r); !g.Empty(); g = plan.Grow(*r) {
		add(r, g.Subtasks)
		add(r, p.GridSubtasks(r.Grids()+1, r.Grids()+g.Grids))
		for _, s := range r.Subtasks {
			switch {
			case s.State.Settled():
			case s.Verb == plan.VerbGrid && fruitful(s.Index):
				settle(r, s.ID, trainset.ItemSucceeded, madeGrid(func(t int) bool { return t < 3 }, spread(s.Index)))
			case s.Verb == plan.VerbGrid:
				settle(r, s.ID, trainset.ItemSucceeded, madeGrid(none, spread(s.Index)))
			default:
				settle(r, s.ID, trainset.ItemSucceeded, plan.Attempt{})
			}
		}
	}
}

// Grids that give nothing are not paid for up to the last that is allowed.
func TestNoGridIsAskedForInVain(t *testing.T) {
	for name, c := range map[string]struct {
		first    int
		fruitful func(grid int) bool
		want     int
	}{
		"none gives anything":       {3, none, 3},
		"nor one after the other":   {1, none, 2},
		"one of the first does":     {3, func(n int) bool { return n == 1 }, 5},
		"one after two that do not": {3, func(n int) bool { return n == 1 || n == 5 }, 7},
		"all do":                    {3, always, 10},
	} {
		t.Run(name, func(t *testing.T) {
			p := stylePlan(30, c.first, 10, trainset.JudgeLocal, trainset.EnhanceNone)
			r := styleRecord(p)
			for n := 1; n <= c.first; n++ {
				fit := none
				if c.fruitful(n) {
					fit = func(t int) bool { return t < 3 }
				}
				settle(&r, plan.GridID(n), trainset.ItemSucceeded, madeGrid(fit, spread(n)))
			}
			grow(&r, p, c.fruitful)
			if r.Grids() != c.want {
				t.Errorf("%d grids, want %d", r.Grids(), c.want)
			}
			last := r.Items()[29]
			says := "the last"
			if c.want == 10 {
				says = "no more are allowed"
			}
			if last.State != trainset.ItemFailed || !strings.Contains(last.Reason, says) {
				t.Errorf("the last item is %s: %s", last.State, last.Reason)
			}
		})
	}
}

// Where enlargements of tiles come to nothing, no spare is enlarged after them
// and no grid made, unless one that is under way does.
func TestNoSparesAreEnlargedInVain(t *testing.T) {
	p := stylePlan(5, 1, 10, trainset.JudgeLocal, trainset.EnhanceTile)
	r := styleRecord(p)
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, spread(1)))
	first := plan.Grow(r).Subtasks
	add(&r, first)
	for _, s := range first[:4] {
		settle(&r, s.ID, trainset.ItemRejected, plan.Attempt{})
	}
	if g := plan.Grow(r); !g.Empty() {
		t.Errorf("with four of five in vain: %+v", g)
	}
	succeeded := plan.Record{Subtasks: maps.Clone(r.Subtasks), Attempts: maps.Clone(r.Attempts), Plan: r.Plan, ID: r.ID, State: r.State}
	settle(&succeeded, first[4].ID, trainset.ItemSucceeded, plan.Attempt{Outcome: plan.OutcomeSucceeded})
	if g := plan.Grow(succeeded); len(g.Subtasks) != 4 || g.Grids != 0 {
		t.Errorf("after one that succeeded: %+v", g)
	}
	replaced := succeeded.Reopened(plan.Replace(succeeded, []int{first[4].Index}))
	if g := plan.Grow(replaced); len(g.Subtasks) == 0 {
		t.Errorf("after one that succeeded and was replaced: %+v", g)
	}
	settle(&r, first[4].ID, trainset.ItemRejected, plan.Attempt{})
	if steps := plan.Needed(r); len(steps) != 1 || steps[0].Verb != plan.VerbAssemble {
		t.Errorf("with all in vain: %+v", steps)
	}
}

// A job begins with as many grids as its cap pays for, with all that follows.
func TestTheCapBoundsTheFirstGrids(t *testing.T) {
	for name, c := range map[string]struct {
		enhance trainset.Enhance
		limit   trainset.Money
		want    int
	}{
		"no cap":              {trainset.EnhanceGrid, 0, 3},
		"all":                 {trainset.EnhanceGrid, 90, 3},
		"not all":             {trainset.EnhanceGrid, 89, 2},
		"one":                 {trainset.EnhanceGrid, 31, 1},
		"at least one":        {trainset.EnhanceGrid, 1, 1},
		"tiles cost, too":     {trainset.EnhanceTile, 200, 2}, // 10 + 10 + 7 x 10 a grid
		"nothing is enlarged": {trainset.EnhanceNone, 59, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := stylePlan(20, 3, 10, trainset.JudgeReplicate, c.enhance)
			p.MaxCost = c.limit
			if got := p.FirstGrids(); got != c.want {
				t.Errorf("%d grids, want %d", got, c.want)
			}
		})
	}
}

// What is still to be asked for is set aside before another grid is.
func TestAFurtherGridMustFitTheCapBesideWhatIsOwed(t *testing.T) {
	for limit, want := range map[trainset.Money]int{60: 1, 59: 0} { // spent 20, owed an enlargement, a chain of 30
		p := stylePlan(20, 1, 10, trainset.JudgeReplicate, trainset.EnhanceGrid)
		p.MaxCost = limit
		r := styleRecord(p)
		settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, spread(1)))
		add(&r, plan.Grow(r).Subtasks)
		settle(&r, plan.JudgeID(1), trainset.ItemSucceeded, judged(always))
		r.Spent = 20
		if g := plan.Grow(r); g.Grids != want {
			t.Errorf("with a cap of %d: %d grids, want %d", limit, g.Grids, want)
		}
	}
}

// Tiles that are chosen at the same moment are owed, too.
func TestAFurtherGridMustFitTheCapBesideTheTilesChosen(t *testing.T) {
	for limit, want := range map[trainset.Money]int{10 + 9*10 + 10 + 7*10: 1, 10 + 9*10 + 10 + 7*10 - 1: 0} { // the grid, nine tiles, a grid and seven tiles
		p := stylePlan(20, 3, 10, trainset.JudgeLocal, trainset.EnhanceTile)
		p.MaxCost, p.Style.JudgeModel = limit, plan.Priced{}
		r := styleRecord(p)
		for n := 2; n <= 3; n++ {
			settle(&r, plan.GridID(n), trainset.ItemFailed, plan.Attempt{})
		}
		settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, spread(1)))
		r.Spent = 10
		g := plan.Grow(r)
		if len(g.Subtasks) != 9 || g.Grids != want {
			t.Errorf("with a cap of %d: %d tiles and %d grids, want 9 and %d", limit, len(g.Subtasks), g.Grids, want)
		}
	}
}

// Subjects that the set has not come first, then tiles whose boundaries are sure.
func TestTilesOfNewSubjectsComeFirst(t *testing.T) {
	p := stylePlan(10, 2, 2, trainset.JudgeLocal, trainset.EnhanceNone)
	for i := range p.Asks[1].Tiles { // the second grid repeats the first but for one
		if i != 4 {
			p.Asks[1].Tiles[i] = p.Asks[0].Tiles[i]
		}
	}
	r := styleRecord(p)
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, madeGrid(always, spread(1)))
	settle(&r, plan.GridID(2), trainset.ItemSucceeded, madeGrid(always, spread(2)))
	subjects := map[string]bool{}
	for _, s := range plan.Grow(r).Subtasks {
		subjects[s.Ask.Scene] = true
	}
	if len(subjects) != 10 {
		t.Errorf("%d subjects of 10 images: %v", len(subjects), subjects)
	}
}

func TestTilesOfSureBoundariesComeFirst(t *testing.T) {
	p := stylePlan(1, 1, 1, trainset.JudgeLocal, trainset.EnhanceNone)
	for i := range p.Asks[0].Tiles {
		p.Asks[0].Tiles[i].Category = "one"
	}
	r := styleRecord(p)
	made := madeGrid(always, spread(1))
	made.Grid.Tiles[6].Confidence = 0.9
	settle(&r, plan.GridID(1), trainset.ItemSucceeded, made)
	if g := plan.Grow(r); len(g.Subtasks) != 1 || g.Subtasks[0].Ask.Tile != 7 {
		t.Errorf("chose %+v", g.Subtasks)
	}
}

// An image whose tile a judge, asked again, finds unfit is in the set all the
// same: nothing that looks like it may be chosen beside it.
func TestNothingLikeAnImageIsChosenAfterALaterJudgement(t *testing.T) {
	r := styleRecord(stylePlan(2, 1, 1, trainset.JudgeReplicate, trainset.EnhanceNone))
	looks := func(tile int) uint64 { return []uint64{0, 0x7, 0x00ff00ff00ff00ff}[min(tile, 3)-1] }
	settle(&r, "grid.1", trainset.ItemSucceeded, madeGrid(func(tile int) bool { return tile == 1 || tile == 2 }, looks))
	add(&r, plan.Grow(r).Subtasks)
	settle(&r, "judge.1", trainset.ItemFailed, plan.Attempt{})
	add(&r, plan.Grow(r).Subtasks)
	settle(&r, "tile.1.1", trainset.ItemSucceeded, plan.Attempt{})
	r.State = trainset.JobPartial
	r = r.Reopened(plan.Retry(r))
	settle(&r, "judge.1", trainset.ItemSucceeded, judged(func(tile int) bool { return tile == 2 }))
	for _, s := range plan.Grow(r).Subtasks {
		t.Errorf("%s is chosen, which looks like the image that there is", s.ID)
	}
}

// A record of an actor's job that lacks its subtasks can be looked at all the same.
func TestARecordCutShortCanBeLookedAt(t *testing.T) {
	for _, state := range []trainset.JobState{trainset.JobRunning, trainset.JobPartial} {
		r := plan.Record{ID: "j", State: state, Plan: &plan.Plan{Kind: trainset.KindActor, Images: 2}}
		if items := r.Items(); len(items) != 2 || items[0].State != trainset.ItemPending {
			t.Errorf("%s: %+v", state, items)
		}
	}
}
