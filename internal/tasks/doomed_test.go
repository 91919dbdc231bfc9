package tasks

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
)

// A grid that another version has taken in may be one that this one would not
// have: its enlargement fails with the reason, and is not asked for.
func TestAnEnlargementThatIsNoUseIsNotBought(t *testing.T) {
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	h := New(l, nil, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()}) // without a payer
	req := trainset.StyleRequest{Options: trainset.Options{User: "ada", Key: "k"}, Style: "ink", Image: trainset.Reference{URL: "https://example.org/i.png"}}.WithDefaults()
	if _, _, err := l.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	g := plan.Grid{Width: 1650, Height: 1650}
	for i := range 9 {
		x, y := i%3*550, i/3*550
		g.Tiles = append(g.Tiles, plan.Tile{Box: [4]int{x + 20, y + 20, x + 520, y + 520}, DHash: "0", Fit: true})
	}
	p := plan.Plan{
		JobID: req.JobID(), User: "ada", Kind: trainset.KindStyle, Images: 2, MaxAttempts: 5, Request: json.RawMessage("{}"), Model: replicate.DefaultStyleModel,
		Asks: []plan.Ask{{Index: 1, Grid: 1, Tiles: make([]plan.TileAsk, 9)}},
		Style: &plan.Style{
			Grids: 1, MaxGrids: 1, Judge: trainset.JudgeLocal, Enhance: trainset.EnhanceGrid, Factor: factor,
			EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel, Price: trainset.USD(0.05)},
		},
	}
	subs := p.Subtasks()
	won := plan.Attempt{
		ID: plan.AttemptID(subs[0].ID, 1), Job: p.JobID, Subtask: subs[0].ID, Number: 1, User: "ada", Model: p.Model,
		State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded, Grid: &g, Image: &plan.Image{Key: "grid.png"},
	}
	subs[0] = subs[0].Settled([]plan.Attempt{won}, trainset.ItemSucceeded, "", 1)
	if _, err := l.Begin(t.Context(), p, subs, []plan.Attempt{won}); err != nil {
		t.Fatal(err)
	}
	if err := h.Advance(t.Context(), p.JobID); err != nil {
		t.Fatal(err)
	}
	task := taskOf(t, queue.Payload{Job: p.JobID, Subtask: plan.EnhanceID(1), Revision: 1})
	if err := h.subtask(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	r, err := l.Load(t.Context(), p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Subtasks[plan.EnhanceID(1)]
	if s.State != trainset.ItemFailed || !strings.Contains(s.Reason, "not more than 24 million") {
		t.Errorf("the enlargement is %s: %s", s.State, s.Reason)
	}
}

func taskOf(t *testing.T, p queue.Payload) *asynq.Task {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return asynq.NewTask("enhance", b)
}
