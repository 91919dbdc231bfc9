package plan

import (
	"maps"

	"github.com/actormaker/trainset"
)

// Retry returns the subtasks that an ended job tries again when a person asks
// for it, open once more: an actor's images that there are none of; of a style
// the tiles that could not be finished and, only where images are still short
// of a tile, the judgements, enlargements and grids that failed. What has
// succeeded is never among them, so nothing is paid for twice.
//
// A job may go on with none of them, where what it lacks follows from what has
// settled: ask Grow about the record Reopened. One whose attempts are all used
// up, each with its own seed, is left as it is.
func Retry(r Record) []Subtask {
	if r.Plan == nil || !r.State.Ended() {
		return nil
	}
	var again again
	used := inUse(r)
	for _, s := range r.Items() {
		tile, is := cutFrom(r, s)
		if is && resembles(tile, used) {
			continue // of two alike that failed, one
		}
		if again.take(r, s.ID) && is {
			used = append(used, tile)
		}
	}
	if r.Plan.Style != nil {
		again.grids(r)
	}
	return again.subs
}

// Reopened is the record as it is once a job was taken up again with these
// subtasks.
func (r Record) Reopened(subs []Subtask) Record {
	r.State, r.Reason, r.Canceled, r.FinishedAt = trainset.JobRunning, "", false, nil
	r.Subtasks = maps.Clone(r.Subtasks)
	for _, s := range subs {
		r.Subtasks[s.ID] = s
	}
	return r
}

// again collects subtasks that are open once more.
type again struct{ subs []Subtask }

// take reopens a subtask that has settled without a result.
func (a *again) take(r Record, id SubtaskID) bool {
	s, ok := r.Subtasks[id]
	if !ok || !s.State.Settled() || s.State == trainset.ItemSucceeded {
		return false
	}
	spent := usedUp(r.Tries(id))
	if n := len(s.Ask.Seeds); n > 0 && spent >= n {
		return false
	}
	s.State, s.Reason, s.Winner, s.SettledAt = trainset.ItemPending, "", 0, nil
	s.Revision, s.Spent = s.Revision+1, spent
	a.subs = append(a.subs, s)
	return true
}

// usedUp counts the attempts of earlier rounds. A last one that has not ended
// is gone on with, and one that succeeded without having been settled is the
// result: both belong to the round that begins, so that neither is paid again.
func usedUp(tries []Attempt) int {
	n := len(tries)
	if n > 0 && (tries[n-1].State != AttemptEnded || tries[n-1].Outcome == OutcomeSucceeded) {
		n--
	}
	return n
}

// grids reopens what failed around a style's grids, as far as images are short
// of tiles: judgements first, for they say which tiles will do; then
// enlargements of grids that are there; then grids.
func (a *again) grids(r Record) {
	r = r.Reopened(a.subs)
	open := r.openItems()
	if len(open) == 0 {
		return
	}
	for n := 1; n <= r.Grids(); n++ {
		if _, made := r.Winner(GridID(n)); made {
			a.take(r, JudgeID(n))
		}
	}
	short, each := len(open)-len(choose(r, open)), r.Plan.ExpectedTiles()
	for n := 1; n <= r.Grids() && short > 0; n++ {
		if _, made := r.Winner(GridID(n)); made && r.Plan.Style.Enhance == trainset.EnhanceGrid && a.enlargement(r, n) {
			short -= each
		}
	}
	for n := 1; n <= r.Grids() && short > 0; n++ {
		if a.take(r, GridID(n)) {
			short -= each
		}
	}
}

// enlargement reports whether a made grid will get the enlargement that it has
// not: tried again, or for the first time, as Grow will have it.
func (a *again) enlargement(r Record, grid int) bool {
	_, begun := r.Subtasks[EnhanceID(grid)]
	return !begun || a.take(r, EnhanceID(grid))
}

// ExpectedTiles is how many images the plan counts on from one grid, 1 to 9.
func (p Plan) ExpectedTiles() int {
	grids := max(p.Style.Grids, 1)
	return min(max((p.Images+grids-1)/grids, 1), tilesOfAGrid)
}
