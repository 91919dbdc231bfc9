package tasks

import (
	"encoding/json"
	"errors"
	"image"
	"strconv"
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
	"github.com/actormaker/trainset/internal/storage"
)

// oldStyle is a style's job whose one grid another version has taken in, and that
// has begun what follows. Nobody could pay for anything.
func oldStyle(t *testing.T, enhance trainset.Enhance, g plan.Grid) (*Handlers, plan.Plan) {
	t.Helper()
	rdb, store := redistest.Mini(t), storage.NewDirectory(t.TempDir())
	l := ledger.New(rdb, ledger.Options{})
	h := New(l, store, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()}) // without a payer
	req := trainset.StyleRequest{Options: trainset.Options{User: "ada", Key: "k"}, Style: "ink", Image: trainset.Reference{URL: "https://example.org/i.png"}}.WithDefaults()
	if _, _, err := l.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{
		JobID: req.JobID(), User: "ada", Kind: trainset.KindStyle, Subject: "ink", Images: 1, MaxAttempts: 5, Request: json.RawMessage("{}"), Model: replicate.DefaultStyleModel,
		Asks: []plan.Ask{{Index: 1, Grid: 1, Tiles: make([]plan.TileAsk, 9)}},
		Style: &plan.Style{
			Grids: 1, MaxGrids: 1, Judge: trainset.JudgeLocal, Enhance: enhance, Factor: factor,
			EnhanceModel: plan.Priced{Name: replicate.DefaultEnhanceModel, Price: trainset.USD(0.05)},
		},
	}
	subs := p.Subtasks()
	won := plan.Attempt{
		ID: plan.AttemptID(subs[0].ID, 1), Job: p.JobID, Subtask: subs[0].ID, Number: 1, User: "ada", Model: p.Model,
		State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded, Grid: &g, Image: &plan.Image{Key: "grid.png", SHA256: "grid"},
	}
	body := encoded(t, image.NewNRGBA(image.Rect(0, 0, g.Width, g.Height)))
	if err := store.Put(t.Context(), won.Image.Key, body, storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	subs[0] = subs[0].Settled([]plan.Attempt{won}, trainset.ItemSucceeded, "", 1)
	if _, err := l.Begin(t.Context(), p, subs, []plan.Attempt{won}); err != nil {
		t.Fatal(err)
	}
	if err := h.Advance(t.Context(), p.JobID); err != nil {
		t.Fatal(err)
	}
	return h, p
}

// squares is a grid whose tiles have these sides, and look like no other.
func squares(width int, sides ...int) plan.Grid {
	g := plan.Grid{Width: width, Height: width}
	for i, side := range sides {
		x, y := i%3*width/3, i/3*width/3
		g.Tiles = append(g.Tiles, plan.Tile{Box: [4]int{x, y, x + side, y + side}, DHash: strconv.FormatUint(0x1ff<<(7*i), 16), Fit: true})
	}
	return g
}

// carriedOut is the job's record after one of its subtasks was carried out.
func carriedOut(t *testing.T, h *Handlers, p plan.Plan, id plan.SubtaskID) plan.Record {
	t.Helper()
	if err := h.subtask(t.Context(), taskOf(t, queue.Payload{Job: p.JobID, Subtask: id, Revision: 1})); err != nil {
		t.Fatal(err)
	}
	r, err := h.ledger.Load(t.Context(), p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A grid that another version has taken in may be one that this one would not
// have: its enlargement fails with the reason, and is not asked for.
func TestAnEnlargementThatIsNoUseIsNotBought(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceGrid, squares(1650, 500, 500, 500, 500, 500, 500, 500, 500, 500))
	r := carriedOut(t, h, p, plan.EnhanceID(1))
	s := r.Subtasks[plan.EnhanceID(1)]
	if s.State != trainset.ItemFailed || !strings.Contains(s.Reason, "not more than 24 million") || len(r.Tries(s.ID)) != 0 {
		t.Errorf("the enlargement is %s after %d attempts: %s", s.State, len(r.Tries(s.ID)), s.Reason)
	}
}

// forgottenEnlargement is one that another version has paid for and stored, and that
// this Redis knows nothing of.
func forgottenEnlargement(t *testing.T) (*Handlers, plan.Plan, plan.Attempt) {
	t.Helper()
	h, p := oldStyle(t, trainset.EnhanceGrid, squares(1650, 500, 500, 500, 500, 500, 500, 500, 500, 500))
	id := plan.EnhanceID(1)
	s := plan.Subtask{ID: id, Verb: plan.VerbEnhance, Index: 1, Ask: plan.Ask{Grid: 1}}
	paid := plan.Attempt{
		ID: plan.AttemptID(id, 1), Job: p.JobID, Subtask: id, Number: 1, User: "ada", Model: replicate.DefaultEnhanceModel, Input: map[string]any{"upscale_factor": "4x"},
		State: plan.AttemptEnded, Outcome: plan.OutcomeSucceeded, Cost: trainset.USD(0.10), Image: &plan.Image{Key: layoutOfPlan(p).Made(s, 1, "png")},
	}
	if err := h.writeReceipt(t.Context(), p, s, paid); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Put(t.Context(), paid.Image.Key, []byte("large"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return h, p, paid
}

// One that another version has paid for, and that this Redis has forgotten, is
// used: it is there.
func TestAnEnlargementThatWasPaidForIsOfUse(t *testing.T) {
	h, p, paid := forgottenEnlargement(t)
	id := paid.Subtask
	r := carriedOut(t, h, p, id)
	if a, ok := r.Winner(id); !ok || a.Cost != paid.Cost || replicate.FactorOf(a.Input) != 4 {
		t.Errorf("the enlargement is %s (%s) for %s, of %v", r.Subtasks[id].State, r.Subtasks[id].Reason, a.Cost, a.Input)
	}
}

// What a frozen worker stores for a job that was deleted is not taken for that of one
// which has the same key and was given another picture.
func TestWhatWasMadeOfAnotherPictureIsOfNoUse(t *testing.T) {
	h, p, paid := forgottenEnlargement(t)
	deleted := p
	deleted.Reference.SHA256 = "of another picture"
	s := plan.Subtask{ID: paid.Subtask, Verb: plan.VerbEnhance, Index: 1, Ask: plan.Ask{Grid: 1}}
	if err := h.writeReceipt(t.Context(), deleted, s, paid); err != nil {
		t.Fatal(err)
	}
	if a, ok := carriedOut(t, h, p, s.ID).Winner(s.ID); ok {
		t.Errorf("%s was taken for %s", a.ID, a.Cost)
	}
}

// A tile of such a grid that no enlargement makes an image of is not paid for
// either: a spare takes its place.
func TestATileThatCannotGrowEnoughIsNotBought(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceTile, squares(900, 100, 300, 300, 300, 300, 300, 300, 300, 300))
	r := carriedOut(t, h, p, plan.TileID(1, 1))
	s := r.Subtasks[plan.TileID(1, 1)]
	if s.State != trainset.ItemFailed || !strings.Contains(s.Reason, "it has 100 x 100 pixels, which no enlargement makes 1024 a side") || len(r.Tries(s.ID)) != 0 {
		t.Errorf("the tile is %s after %d attempts: %s", s.State, len(r.Tries(s.ID)), s.Reason)
	}
	if spare, ok := r.Subtasks[plan.TileID(1, 2)]; !ok || spare.State != trainset.ItemPending || spare.Index != 1 {
		t.Errorf("the spare: %+v", spare)
	}
}

// A tile that was replaced is an image again where a person has the job tried
// again and there is no other; then storage does not say any more that it was.
func TestATileThatIsTakenBackIsWanted(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceNone, squares(900, 300, 300, 300, 300, 300, 300, 300, 300, 300))
	id, note := plan.TileID(1, 1), layoutOfPlan(p).Unwanted(1, 1)
	a, err := h.ledger.Open(t.Context(), plan.Attempt{ID: plan.AttemptID(id, 1), Job: p.JobID, Subtask: id, Number: 1, User: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	a.State, a.Outcome, a.Image = plan.AttemptEnded, plan.OutcomeSucceeded, &plan.Image{Key: "tile.png"}
	if _, err := h.ledger.Write(t.Context(), a, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Put(t.Context(), note, []byte("{}"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r := carriedOut(t, h, p, id)
	if _, ok := r.Winner(id); !ok {
		t.Errorf("the tile is %s: %s", r.Subtasks[id].State, r.Subtasks[id].Reason)
	}
	if _, err := h.store.Stat(t.Context(), note); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("it is still noted as replaced: %v", err)
	}
}

// A tile waits for a storage that has nothing of its job, and its job says so; one
// that was begun before its job was canceled does not.
func TestATileWaitsForStorageThatIsAway(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceNone, squares(900, 300, 300, 300, 300, 300, 300, 300, 300, 300))
	if err := h.store.Delete(t.Context(), "grid.png"); err != nil {
		t.Fatal(err)
	}
	id := plan.TileID(1, 1)
	err := h.subtask(t.Context(), taskOf(t, queue.Payload{Job: p.JobID, Subtask: id, Revision: 1}))
	r, _ := h.ledger.Load(t.Context(), p.JobID)
	if !blocked(err) || !strings.Contains(r.HeldUp, "pictures are missing from storage, and so is") {
		t.Errorf("held up: %q: %v", r.HeldUp, err)
	}
	if err := h.ledger.Cancel(t.Context(), p.JobID); err != nil {
		t.Fatal(err)
	}
	if s := carriedOut(t, h, p, id).Subtasks[id]; s.State != trainset.ItemFailed || !strings.Contains(s.Reason, "is gone from storage") {
		t.Errorf("the tile is %s: %s", s.State, s.Reason)
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
