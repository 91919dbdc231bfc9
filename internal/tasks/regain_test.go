package tasks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// What is journalled again, and whose end is not, is looked for where it was found:
// the reply to the former was lost, or its worker ended between the two. To the
// journal it is an intent that nobody may have sent.
func TestWhatIsJournalledAgainIsNotBought(t *testing.T) {
	h, p, was := forgottenEnlargement(t) // nobody could pay
	again := was
	again.State, again.Outcome, again.Image, again.Price = "", "", nil, was.Cost
	if _, err := h.ledger.Regain(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	w, err := h.ledger.Subtask(t.Context(), p.JobID, was.Subtask)
	if err != nil {
		t.Fatal(err)
	}
	if settled, err := h.try(t.Context(), w, false); err != nil || !settled {
		t.Errorf("settled: %v, %v", settled, err)
	}
	if r, err := h.ledger.Load(t.Context(), p.JobID); err != nil || r.Spent != was.Cost {
		t.Errorf("%s is spent, not %s (%v)", r.Spent, was.Cost, err)
	}
}

// awayOnce is storage that does not answer the first question about a key.
type awayOnce struct {
	storage.Store

	key string
}

func (s *awayOnce) Get(ctx context.Context, key string) ([]byte, error) {
	if s.key != "" && strings.HasSuffix(key, s.key) {
		s.key = ""
		return nil, errAway
	}
	return s.Store.Get(ctx, key)
}

func (s *awayOnce) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	if s.key != "" && strings.HasSuffix(key, s.key) {
		s.key = ""
		return errAway
	}
	return s.Store.Put(ctx, key, body, o)
}

func TestWhatStorageDoesNotTellIsNotBought(t *testing.T) {
	for name, journalled := range map[string]bool{"before it is journalled": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			h, p, was := forgottenEnlargement(t)
			if journalled {
				again := was
				again.State, again.Outcome, again.Image = "", "", nil
				if _, err := h.ledger.Regain(t.Context(), again); err != nil {
					t.Fatal(err)
				}
			}
			h.store = &awayOnce{h.store, "001.enhanced.1.json"}
			task := taskOf(t, queue.Payload{Job: p.JobID, Subtask: was.Subtask, Revision: 1})
			if err := h.subtask(t.Context(), task); !errors.Is(err, errAway) {
				t.Fatalf("without an answer: %v", err)
			}
			if a, ok := carriedOut(t, h, p, was.Subtask).Winner(was.Subtask); !ok || a.Cost != was.Cost {
				t.Errorf("then it is %+v", a)
			}
		})
	}
}

// counted is a budget that notes what is counted again.
type counted struct {
	paid.Budget

	attempts []string
}

func (c *counted) Count(_ context.Context, user, attempt string, _ time.Time, cost trainset.Money) error {
	c.attempts = append(c.attempts, user+" "+attempt+" "+cost.String())
	return nil
}

// What was paid for counts in the day's budget, which Redis has forgotten with it.
func TestWhatIsRegainedIsInItsDaysBudget(t *testing.T) {
	h, p, was := forgottenEnlargement(t)
	budget := &counted{}
	h.o.Purse.Budget = budget
	carriedOut(t, h, p, was.Subtask)
	if want := "ada " + string(p.JobID) + "/" + was.ID + " " + was.Cost.String(); len(budget.attempts) != 1 || budget.attempts[0] != want {
		t.Errorf("counted: %q, not %q", budget.attempts, want)
	}
}

// An attempt ends in the journal before its receipt is stored. One that storage
// refuses is stored when the subtask goes on, and before anything else is asked for.
func TestAReceiptThatWasRefusedIsStoredLater(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceGrid, squares(900, 300, 300, 300, 300, 300, 300, 300, 300, 300))
	id := plan.EnhanceID(1)
	a, err := h.ledger.Open(t.Context(), plan.Attempt{
		ID: plan.AttemptID(id, 1), Job: p.JobID, Subtask: id, Number: 1, User: "ada", Model: replicate.DefaultEnhanceModel, Price: trainset.USD(0.05),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.State, a.Outcome, a.Reason = plan.AttemptEnded, plan.OutcomeInvalid, "it is refused"
	if _, err := h.ledger.Write(t.Context(), a, a.Cost); err != nil {
		t.Fatal(err)
	}
	h.store = &awayOnce{h.store, "001.enhanced.1.json"}
	task := taskOf(t, queue.Payload{Job: p.JobID, Subtask: id, Revision: 1})
	if err := h.subtask(t.Context(), task); !errors.Is(err, errAway) {
		t.Fatalf("while storage refuses: %v", err)
	}
	r := carriedOut(t, h, p, id)
	kept, ok, err := h.receipt(t.Context(), p, r.Subtasks[id], 1)
	if err != nil || !ok || kept.Cost != a.Cost || r.Subtasks[id].State != trainset.ItemFailed {
		t.Errorf("the receipt: %v, %v, %+v; the enlargement is %s", ok, err, kept, r.Subtasks[id].State)
	}
}
