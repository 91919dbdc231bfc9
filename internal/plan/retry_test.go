package plan_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// tried gives a subtask ended attempts.
func tried(r *plan.Record, id plan.SubtaskID, outcomes ...plan.Outcome) {
	for i, a := range ended(outcomes...) {
		a.ID, a.Subtask = plan.AttemptID(id, i+1), id
		r.Attempts[a.ID] = a
	}
}

func ids(subs []plan.Subtask) []plan.SubtaskID {
	var all []plan.SubtaskID
	for _, s := range subs {
		all = append(all, s.ID)
	}
	slices.Sort(all)
	return all
}

func TestRetryOfAnActorTriesWhatThereIsNoImageOf(t *testing.T) {
	r := record(5)
	r.Attempts = map[string]plan.Attempt{}
	settle(&r, "image.1", trainset.ItemSucceeded, plan.Attempt{})
	settle(&r, "image.2", trainset.ItemFailed, plan.Attempt{})
	tried(&r, "image.2", plan.OutcomeFailed, plan.OutcomeInvalid)
	settle(&r, "image.3", trainset.ItemRejected, plan.Attempt{})
	tried(&r, "image.3", plan.OutcomeRejected)
	settle(&r, "image.4", trainset.ItemCanceled, plan.Attempt{})
	settle(&r, "image.5", trainset.ItemCanceled, plan.Attempt{})
	tried(&r, "image.5", plan.OutcomeSucceeded) // a job may end between the two writes
	if subs := plan.Retry(r); len(subs) > 0 {
		t.Fatalf("a running job: %v", ids(subs))
	}
	r.State = trainset.JobPartial
	subs := plan.Retry(r)
	if got := ids(subs); !slices.Equal(got, []plan.SubtaskID{"image.2", "image.3", "image.4", "image.5"}) {
		t.Fatalf("tries %v", got)
	}
	for i, want := range []int{2, 1, 0, 0} {
		if subs[i].Spent != want || subs[i].Revision != 2 {
			t.Errorf("%s: %d spent, revision %d", subs[i].ID, subs[i].Spent, subs[i].Revision)
		}
	}
	again := r.Reopened(subs)
	if next, _ := plan.NextAttempt(again.Subtasks["image.2"], again.Tries("image.2"), 5); next == nil || next.Number != 3 {
		t.Errorf("the next attempt at image 2: %+v", next)
	}
	// What was made and never settled is taken, not paid for again.
	if _, stop := plan.NextAttempt(again.Subtasks["image.5"], again.Tries("image.5"), 5); stop == nil || stop.Winner != 1 {
		t.Errorf("image 5 ends with %+v", stop)
	}
	if r.Subtasks["image.2"].State != trainset.ItemFailed {
		t.Error("the record that was read has changed")
	}
}

func TestRetryLeavesWhatHasNoSeedLeft(t *testing.T) {
	p := plan.Plan{JobID: "j", Images: 1, Asks: []plan.Ask{{Index: 1, Seeds: []int64{1, 2}}}}
	r := plan.Record{ID: "j", State: trainset.JobFailed, Plan: &p, Subtasks: map[plan.SubtaskID]plan.Subtask{}, Attempts: map[string]plan.Attempt{}}
	add(&r, p.Subtasks())
	settle(&r, "image.1", trainset.ItemFailed, plan.Attempt{})
	tried(&r, "image.1", plan.OutcomeFailed)
	if len(plan.Retry(r)) != 1 {
		t.Error("one seed is left, and it is not tried again")
	}
	tried(&r, "image.1", plan.OutcomeFailed, plan.OutcomeFailed)
	if subs := plan.Retry(r); len(subs) > 0 {
		t.Errorf("no seed is left: %v", ids(subs))
	}
}

// styleWith has grids that were made, judged and enlarged, all tiles fit.
func styleWith(images, grids, made int) plan.Record {
	r := styleRecord(stylePlan(images, grids, grids, trainset.JudgeReplicate, trainset.EnhanceGrid))
	for n := 1; n <= made; n++ {
		settle(&r, plan.GridID(n), trainset.ItemSucceeded, madeGrid(always, spread(n)))
		add(&r, plan.Grow(r).Subtasks)
		settle(&r, plan.JudgeID(n), trainset.ItemSucceeded, judged(always))
		settle(&r, plan.EnhanceID(n), trainset.ItemSucceeded, plan.Attempt{})
	}
	return r
}

func TestRetryOfAStyleBuysGridsOnlyWhereTilesAreShort(t *testing.T) {
	// Two grids of three were made, which is enough for 12 images but not for 20.
	for _, c := range []struct {
		images int
		want   []plan.SubtaskID
	}{{12, nil}, {20, []plan.SubtaskID{"grid.3"}}} {
		r := styleWith(c.images, 3, 2)
		settle(&r, "grid.3", trainset.ItemFailed, plan.Attempt{})
		r.State, r.Canceled = trainset.JobCanceled, true // before tiles were chosen
		if got := ids(plan.Retry(r)); !slices.Equal(got, c.want) {
			t.Errorf("%d images: tries %v", c.images, got)
		}
		// What is not tried again follows by itself.
		if g := plan.Grow(r.Reopened(nil)); c.want == nil && len(g.Subtasks) != c.images {
			t.Errorf("%d images: %d tiles are chosen", c.images, len(g.Subtasks))
		}
	}
}

func TestRetryOfAStyleTriesTilesAndWhatTheyDependOn(t *testing.T) {
	r := styleWith(12, 2, 2)
	settle(&r, "judge.2", trainset.ItemFailed, plan.Attempt{})
	settle(&r, "enhance.1", trainset.ItemFailed, plan.Attempt{})
	for _, s := range plan.Grow(r).Subtasks { // nine tiles of grid 2, by local measures
		add(&r, []plan.Subtask{s})
		settle(&r, s.ID, trainset.ItemSucceeded, plan.Attempt{})
	}
	first := plan.TileID(2, 1)
	settle(&r, first, trainset.ItemRejected, plan.Attempt{})
	r.State = trainset.JobPartial
	got := ids(plan.Retry(r))
	if !slices.Equal(got, []plan.SubtaskID{"enhance.1", "judge.2", first}) {
		t.Errorf("three images are missing for want of grid 1's enlargement, one tile was rejected: tries %v", got)
	}
	// With all images but that one there, its tile is all.
	r.Plan.Images = 9
	if got := ids(plan.Retry(r)); !slices.Equal(got, []plan.SubtaskID{first}) {
		t.Errorf("one image is missing: tries %v", got)
	}
}

// Whatever has settled in whichever way, a retry opens nothing that has
// succeeded, nothing twice, and counts what was used up; and a complete set
// asks for nothing.
func TestRetryNeverOpensASuccess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := rapid.IntRange(0, 3).Draw(t, "made")
		r := styleWith(rapid.IntRange(1, 27).Draw(t, "images"), 3, made)
		for {
			g := plan.Grow(r)
			if len(g.Subtasks) == 0 {
				break
			}
			add(&r, g.Subtasks)
		}
		for id, s := range r.Subtasks {
			if s.State.Settled() && !rapid.Bool().Draw(t, "spoil") {
				continue
			}
			state := rapid.SampledFrom([]trainset.ItemState{
				trainset.ItemSucceeded, trainset.ItemFailed, trainset.ItemRejected, trainset.ItemCanceled,
			}).Draw(t, string(id))
			if s.Verb == plan.VerbGrid && state == trainset.ItemSucceeded && !s.State.Settled() {
				state = trainset.ItemFailed // a success has a picture
			}
			settle(&r, id, state, r.Attempts[plan.AttemptID(id, 1)])
		}
		r.State = trainset.JobPartial
		subs := plan.Retry(r)
		if got := ids(subs); len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("opened twice: %v", got)
		}
		for _, s := range subs {
			was := r.Subtasks[s.ID]
			if was.State == trainset.ItemSucceeded || s.State != trainset.ItemPending || s.Revision != was.Revision+1 || s.Winner != 0 {
				t.Fatalf("%s was %s: %+v", s.ID, was.State, s)
			}
		}
		complete := true
		for _, s := range r.Items() {
			complete = complete && s.State == trainset.ItemSucceeded
		}
		if complete && len(subs) > 0 {
			t.Fatalf("all images are there: tries %v", ids(subs))
		}
	})
}

// What stands for two items may look alike, where one was a spare for the other
// item and all have failed: a retry opens one of them.
func TestRetryOpensNoTwoTilesAlike(t *testing.T) {
	r := styleRecord(stylePlan(2, 1, 1, trainset.JudgeLocal, trainset.EnhanceNone))
	settle(&r, "grid.1", trainset.ItemSucceeded, madeGrid(always, func(int) uint64 { return 0xff }))
	for index, tile := range []int{4, 5} {
		id := plan.TileID(1, tile)
		add(&r, []plan.Subtask{{ID: id, Verb: plan.VerbTile, Index: index + 1, Ask: plan.Ask{Index: index + 1, Grid: 1, Tile: tile}}})
		settle(&r, id, trainset.ItemFailed, plan.Attempt{})
	}
	r.State = trainset.JobFailed
	if got := ids(plan.Retry(r)); !slices.Equal(got, []plan.SubtaskID{"tile.1.4"}) {
		t.Errorf("%v are tried again, which look alike", got)
	}
}

// Another image that was wanted and could not be made leaves the one that there
// was; one that was made takes its place. Either is found again in the attempts.
func TestReplacingLeavesWhatThereWas(t *testing.T) {
	at := func(n int, o plan.Outcome) plan.Attempt {
		return plan.Attempt{Number: n, State: plan.AttemptEnded, Outcome: o}
	}
	r := plan.Record{
		ID: "j", State: trainset.JobSucceeded, Plan: &plan.Plan{Images: 1, MaxAttempts: 5},
		Subtasks: map[plan.SubtaskID]plan.Subtask{"image.1": {ID: "image.1", Verb: plan.VerbImage, Index: 1, State: trainset.ItemSucceeded, Winner: 1}},
		Attempts: map[string]plan.Attempt{"image.1.1": {ID: "image.1.1", Subtask: "image.1", Number: 1, State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded}},
	}
	s := plan.Replace(r, []int{1})[0]
	if s.State.Settled() || s.Spent != 1 || s.Revision != 1 {
		t.Errorf("it is to be made anew: %+v", s)
	}
	tries := []plan.Attempt{at(1, plan.OutcomeSucceeded)}
	if try, stop := plan.NextAttempt(s, tries, 5); stop != nil || try.Number != 2 {
		t.Errorf("first %+v, %+v", try, stop)
	}
	tries = append(tries, at(2, plan.OutcomeInvalid))
	_, stop := plan.NextAttempt(s, tries, 5)
	if stop == nil || stop.State != trainset.ItemFailed {
		t.Fatalf("after a refusal %+v", stop)
	}
	if s := s.Settled(tries, stop.State, stop.Reason, stop.Winner); s.State != trainset.ItemSucceeded || s.Winner != 1 || s.Reason != "" {
		t.Errorf("what there was is gone: %+v", s)
	}
	s.Spent = 0 // the ledger was lost
	if _, stop := plan.NextAttempt(s, tries, 5); stop == nil || stop.Winner != 1 {
		t.Errorf("of the receipts %+v", stop)
	}
	tries[1].Outcome = plan.OutcomeSucceeded
	if _, stop := plan.NextAttempt(s, tries, 5); stop == nil || stop.Winner != 2 {
		t.Errorf("of the receipts %+v", stop)
	}
}

// What was replaced at once is known by its time, whatever order storage lists it in.
func TestRoundsAreInTheirOrder(t *testing.T) {
	at := func(second, tile int) plan.Unwanted {
		return plan.Unwanted{At: time.Unix(int64(second), 0), Tile: tile}
	}
	var got [][]int
	for _, round := range plan.Rounds([]plan.Unwanted{at(9, 1), at(2, 2), at(9, 3), at(5, 4), at(2, 5)}) {
		var tiles []int
		for _, u := range round {
			tiles = append(tiles, u.Tile)
		}
		got = append(got, tiles)
	}
	if !reflect.DeepEqual(got, [][]int{{2, 5}, {4}, {1, 3}}) {
		t.Errorf("the rounds are %v", got)
	}
}
