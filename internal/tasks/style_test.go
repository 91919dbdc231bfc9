package tasks

import (
	"reflect"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// Grids that are allowed later show what they would have shown from the beginning,
// and none that was frozen shows anything else.
func TestFurtherGridsAreThoseOfTheSameSeed(t *testing.T) {
	p := plan.Plan{Kind: trainset.KindStyle, Trigger: "zrk", CaptionProfile: string(trainset.ProfileStyle), Seed: 7, MaxAttempts: 5, Style: &plan.Style{Grids: 1, MaxGrids: 2}}
	frozen := WithGrids(p)
	raised := WithGrids(frozen.Raised(plan.Limits{MaxGrids: 4}))
	if len(frozen.Asks) != 2 || len(raised.Asks) != 4 {
		t.Fatalf("%d grids, then %d", len(frozen.Asks), len(raised.Asks))
	}
	if all := WithGrids(p.Raised(plan.Limits{MaxGrids: 4})); !reflect.DeepEqual(raised, all) {
		t.Errorf("%+v, at once %+v", raised.Asks, all.Asks)
	}
	frozen.Asks[0].Prompt = "of another catalogue"
	if again := WithGrids(frozen); !reflect.DeepEqual(again, frozen) {
		t.Errorf("what was frozen has changed: %+v", again.Asks)
	}
	seen := map[int64]bool{}
	for _, a := range raised.Asks {
		for _, seed := range a.Seeds {
			if seen[seed] {
				t.Errorf("grid %d has a seed of another", a.Grid)
			}
			seen[seed] = true
		}
	}
	if actor := WithGrids(plan.Plan{Images: 1, Asks: []plan.Ask{{Index: 1}}}); len(actor.Asks) != 1 {
		t.Errorf("an actor's plan has %d asks", len(actor.Asks))
	}
}
