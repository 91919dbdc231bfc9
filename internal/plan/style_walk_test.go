package plan_test

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// Whatever attempts come to, wherever crashes, cancels and people's retries fall,
// with limits as they were or raised, and however alike the tiles are: each round
// of a style job ends, and at every moment holds what walk.holds says.
func TestAStyleJobKeepsItsPromisesAtEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWalk(t)
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			w.round()
			w.ended()
			if !w.retry() {
				return
			}
		}
		w.round()
		w.ended()
	})
}

// walk is a style job on its way, with what is known of it from outside.
type walk struct {
	*rapid.T

	p       plan.Plan
	r       plan.Record
	queue   []plan.Step
	opened  map[plan.SubtaskID]int  // attempts of this round
	done    map[plan.SubtaskID]bool // has an attempt that succeeded
	seeds   map[string]bool         // that were asked with
	crashes int                     // that may still come
}

func newWalk(t *rapid.T) *walk {
	most := rapid.IntRange(1, 5).Draw(t, "most")
	p := stylePlan(rapid.IntRange(1, 24).Draw(t, "images"), rapid.IntRange(1, most).Draw(t, "grids"), most,
		rapid.SampledFrom([]trainset.Judge{trainset.JudgeReplicate, trainset.JudgeLocal}).Draw(t, "judge"),
		rapid.SampledFrom([]trainset.Enhance{trainset.EnhanceGrid, trainset.EnhanceTile, trainset.EnhanceNone}).Draw(t, "enhance"))
	if rapid.Bool().Draw(t, "capped") {
		p.MaxCost = trainset.Money(rapid.IntRange(10, 400).Draw(t, "cap"))
	}
	return &walk{
		T: t, p: p, r: styleRecord(p), opened: map[plan.SubtaskID]int{}, done: map[plan.SubtaskID]bool{},
		seeds: map[string]bool{}, crashes: 100,
	}
}

// oneIn is true once in so many times, and seldom in what rapid shrinks to.
func (w *walk) oneIn(n int, what string) bool {
	return rapid.IntRange(1, n).Draw(w.T, what) == n
}

// round goes on until the job has ended.
func (w *walk) round() {
	for range 20_000 {
		w.grow()
		for _, s := range plan.Next(w.r) {
			w.queue = append(w.queue, s)
			w.r.Queued[s.TaskID(w.r.ID)] = true
		}
		if w.r.State.Ended() {
			return
		}
		if len(w.queue) == 0 {
			w.Fatal("nothing is queued and the job has not ended")
		}
		if w.oneIn(80, "cancel") {
			w.r.Canceled = true
		}
		i := rapid.IntRange(0, len(w.queue)-1).Draw(w.T, "which")
		s := w.queue[i]
		w.queue = append(w.queue[:i:i], w.queue[i+1:]...)
		w.deliver(s)
		w.holds()
	}
	w.Fatal("the job does not end")
}

// grow adds what the job needs and does not have, as the ledger does.
func (w *walk) grow() {
	for g := plan.Grow(w.r); !g.Empty(); g = plan.Grow(w.r) {
		subs := append(g.Subtasks, w.p.GridSubtasks(w.r.Grids()+1, w.r.Grids()+g.Grids)...)
		if len(subs) == 0 {
			w.Fatalf("the job is to grow, and there is nothing to add: %+v", g)
		}
		for _, s := range subs {
			if _, there := w.r.Subtasks[s.ID]; there {
				w.Fatalf("%s is added twice", s.ID)
			}
		}
		add(&w.r, subs)
		w.holds()
	}
}

// deliver hands a step to a worker, who may be killed before each thing it does.
func (w *walk) deliver(s plan.Step) {
	if s.Verb == plan.VerbAssemble {
		if needed := plan.Needed(w.r); len(needed) == 1 && needed[0] == s {
			w.r.State, w.r.Reason = w.r.Outcome()
		}
		return
	}
	for sub := w.r.Subtasks[s.Subtask]; !sub.State.Settled() && sub.Revision == s.Revision; sub = w.r.Subtasks[s.Subtask] {
		if w.crashes > 0 && w.oneIn(6, "crash") {
			w.crashes--
			sub.Revision++ // queued anew
			w.r.Subtasks[sub.ID] = sub
			return
		}
		w.work(sub)
	}
}

// work does the next thing for a subtask: it ends the attempt that is under
// way, begins one, or settles.
func (w *walk) work(sub plan.Subtask) {
	tries := w.r.Tries(sub.ID)
	if n := len(tries); n > 0 && tries[n-1].State != plan.AttemptEnded {
		if w.r.Canceled && w.oneIn(3, "refused") { // before it was sent anew: the attempt stays as it is
			w.settle(sub, trainset.ItemCanceled, 0)
			return
		}
		w.end(sub, tries[n-1])
		return
	}
	try, stop := plan.NextAttempt(sub, tries, w.p.MaxAttempts)
	price := w.r.Plan.Buys(sub.Verb).Price
	switch {
	case (try == nil) == (stop == nil):
		w.Fatalf("%s: to be tried %+v and stopped %+v", sub.ID, try, stop)
	case stop != nil:
		w.settle(sub, stop.State, stop.Winner)
	case w.r.Canceled:
		w.settle(sub, trainset.ItemCanceled, 0)
	case w.p.MaxCost > 0 && w.r.Spent+price > w.p.MaxCost: // the ledger opens nothing above the cap
		w.settle(sub, trainset.ItemFailed, 0)
	default:
		w.open(sub, *try, price)
	}
}

func (w *walk) open(sub plan.Subtask, try plan.Try, price trainset.Money) {
	if w.done[sub.ID] {
		w.Fatalf("%s has a result and is asked for again", sub.ID)
	}
	if try.Number != len(w.r.Tries(sub.ID))+1 {
		w.Fatalf("%s: attempt %d follows on %d", sub.ID, try.Number, len(w.r.Tries(sub.ID)))
	}
	if sub.Verb == plan.VerbGrid {
		words := fmt.Sprint(sub.ID, try.Seed)
		if w.seeds[words] {
			w.Fatalf("%s is asked for with seed %d again", sub.ID, try.Seed)
		}
		w.seeds[words] = true
	}
	w.opened[sub.ID]++
	w.r.Spent += price
	a := plan.Attempt{ID: plan.AttemptID(sub.ID, try.Number), Subtask: sub.ID, Number: try.Number, State: plan.AttemptIntent, Price: price}
	w.r.Attempts[a.ID] = a
}

// end gives an attempt an outcome. What was made is paid for, also where it is
// no use.
func (w *walk) end(sub plan.Subtask, a plan.Attempt) {
	outcomes := []plan.Outcome{
		plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded, plan.OutcomeSucceeded,
		plan.OutcomeRejected, plan.OutcomeModerated, plan.OutcomeFailed, plan.OutcomeInvalid, plan.OutcomeLost,
	}
	if w.r.Canceled {
		outcomes = append(outcomes, plan.OutcomeCanceled, plan.OutcomeCanceled)
	}
	a.State, a.Outcome = plan.AttemptEnded, rapid.SampledFrom(outcomes).Draw(w.T, "outcome")
	switch a.Outcome {
	case plan.OutcomeSucceeded:
		w.done[sub.ID] = true
		a.Cost = a.Price
		w.make(sub, &a)
	case plan.OutcomeRejected, plan.OutcomeLost:
		a.Cost = a.Price
	case plan.OutcomeModerated, plan.OutcomeFailed, plan.OutcomeInvalid, plan.OutcomeCanceled:
	}
	w.r.Spent += a.Cost - a.Price
	w.r.Attempts[a.ID] = a
}

// make draws what came of an attempt: grids whose tiles may look like any other
// grid's, and judgements that find few or many of them fit.
func (w *walk) make(sub plan.Subtask, a *plan.Attempt) {
	good := func(what string) func(int) bool {
		most := rapid.IntRange(0, 4).Draw(w.T, what+" of five")
		fit := rapid.SliceOfN(rapid.IntRange(0, 4), 9, 9).Draw(w.T, what)
		return func(tile int) bool { return fit[tile-1] <= most }
	}
	switch sub.Verb {
	case plan.VerbGrid:
		looks := rapid.SliceOfN(rapid.IntRange(0, 40), 9, 9).Draw(w.T, "looks")
		noise := rapid.SliceOfN(rapid.IntRange(0, 63), 9, 9).Draw(w.T, "noise")
		a.Grid = madeGrid(good("measured"), func(tile int) uint64 { return spread(1)(looks[tile-1]) ^ 1<<noise[tile-1] }).Grid
	case plan.VerbJudge:
		a.Judgement = judged(good("judged")).Judgement
	case plan.VerbImage, plan.VerbEnhance, plan.VerbTile, plan.VerbAccept, plan.VerbAssemble:
	}
}

func (w *walk) settle(sub plan.Subtask, state trainset.ItemState, winner int) {
	if w.done[sub.ID] != (state == trainset.ItemSucceeded) {
		w.Fatalf("%s settles as %s, and that it has a result is %v", sub.ID, state, w.done[sub.ID])
	}
	sub.State, sub.Winner = state, winner
	w.r.Subtasks[sub.ID] = sub
}

// retry takes the job up again, where a person could; false where there is
// nothing to do.
func (w *walk) retry() bool {
	subs := plan.Retry(w.r)
	if w.r.State == trainset.JobSucceeded {
		return false
	}
	before := w.r.Reopened(subs)
	w.raise()
	if len(subs) == 0 && plan.Grow(w.r.Reopened(nil)).Empty() {
		return false
	}
	w.comes(before, w.r.Reopened(subs))
	for _, s := range subs {
		if was := w.r.Subtasks[s.ID]; was.State == trainset.ItemSucceeded || s.State.Settled() || s.Revision <= was.Revision {
			w.Fatalf("%s, which was %s, is tried again as %+v", s.ID, was.State, s)
		}
		w.opened[s.ID] = 0
	}
	w.r = w.r.Reopened(subs)
	w.r.AssembleRevision++
	w.queue = nil
	w.holds()
	return true
}

// raise allows the job more, where a person does.
func (w *walk) raise() {
	var l plan.Limits
	if w.p.MaxCost > 0 && w.oneIn(2, "a higher cap") {
		l.MaxCost = w.p.MaxCost + trainset.Money(rapid.IntRange(1, 200).Draw(w.T, "dearer by"))
	}
	if w.oneIn(2, "a higher bound") {
		l.MaxGrids = w.p.Style.MaxGrids + rapid.IntRange(1, 3).Draw(w.T, "grids more")
	}
	w.p, w.r = withGrids(w.p.Raised(l)), w.r.Raised(l)
}

// comes compares what is said to come of a job with its limits, and with what
// would come were they not raised.
func (w *walk) comes(before, after plan.Record) {
	grids, cost := after.ToCome()
	if fewer, less := before.ToCome(); grids < fewer || cost < less {
		w.Fatalf("%d grids for %d are to come, before limits were raised %d for %d", grids, cost, fewer, less)
	}
	if grids+after.Grids() > w.p.Style.MaxGrids {
		w.Fatalf("%d grids are to come after %d of %d", grids, after.Grids(), w.p.Style.MaxGrids)
	}
	if why := after.Limit(); grids > 0 && why != "" {
		w.Fatalf("%d grids are to come, and %s is in their way", grids, why)
	}
}

// holds is what is true of the job at every moment.
func (w *walk) holds() {
	if n := w.r.Grids(); n > w.p.Style.MaxGrids {
		w.Fatalf("%d grids of %d", n, w.p.Style.MaxGrids)
	}
	if w.p.MaxCost > 0 && w.r.Spent > w.p.MaxCost {
		w.Fatalf("spent %d of %d", w.r.Spent, w.p.MaxCost)
	}
	for id, n := range w.opened {
		if most := w.budget(w.r.Subtasks[id].Verb); n > most {
			w.Fatalf("%s has %d attempts in one round, and may have %d", id, n, most)
		}
	}
	w.itemsDiffer()
}

// budget is how many attempts a verb may have in a round at most.
func (w *walk) budget(v plan.Verb) int {
	if v == plan.VerbGrid {
		return w.p.MaxAttempts
	}
	return min(w.p.MaxAttempts, 3)
}

// itemsDiffer makes sure that no two subtasks serve one item, and that no two of
// them show nearly the same.
func (w *walk) itemsDiffer() {
	serves, looks := map[int]plan.SubtaskID{}, map[plan.SubtaskID]uint64{}
	for _, s := range w.r.Subtasks {
		if s.Verb != plan.VerbTile || s.State.Settled() && s.State != trainset.ItemSucceeded {
			continue
		}
		if other, twice := serves[s.Index]; twice || s.Index < 1 || s.Index > w.p.Images {
			w.Fatalf("item %d is served by %s and %s", s.Index, s.ID, other)
		}
		serves[s.Index] = s.ID
		look := w.look(s)
		for other, o := range looks {
			if d, near := plan.Near(look, o, plan.NearDuplicate); near {
				w.Fatalf("%s and %s differ in %d bits", s.ID, other, d)
			}
		}
		looks[s.ID] = look
	}
}

// look is the hash of the tile that a subtask is of, which must be fit.
func (w *walk) look(s plan.Subtask) uint64 {
	grid, ok := w.r.Winner(plan.GridID(s.Ask.Grid))
	if !ok {
		w.Fatalf("%s is of a grid that there is not", s.ID)
	}
	tile := grid.Grid.Tiles[s.Ask.Tile-1]
	if !tile.Fit {
		w.Fatalf("%s is of a tile that is unfit", s.ID)
	}
	hash, err := strconv.ParseUint(tile.DHash, 16, 64)
	if err != nil {
		w.Fatal(err)
	}
	return hash
}

// ended is what is true of a job that has ended, beside what always is.
func (w *walk) ended() {
	for id, s := range w.r.Subtasks {
		if !s.State.Settled() {
			w.Fatalf("the job is %s and %s is %s", w.r.State, id, s.State)
		}
	}
	var spent trainset.Money
	for _, a := range w.r.Attempts {
		if a.State != plan.AttemptEnded {
			spent += a.Price
		}
		spent += a.Cost
	}
	if spent != w.r.Spent {
		w.Fatalf("attempts cost %d, and %d is spent", spent, w.r.Spent)
	}
	made := 0
	for i, s := range w.r.Items() {
		if s.Index != i+1 || !s.State.Settled() {
			w.Fatalf("item %d: %s is %s", i+1, s.ID, s.State)
		}
		if s.State == trainset.ItemSucceeded {
			made++
		}
	}
	if (w.r.State == trainset.JobSucceeded) != (made == w.p.Images) {
		w.Fatalf("the job is %s with %d of %d images", w.r.State, made, w.p.Images)
	}
}
