package tasks

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

func TestEveryIsFromTheFirstTimeToTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []bool
		stop := every(t.Context(), time.Second, func(first bool) { calls = append(calls, first) })
		<-time.After(2500 * time.Millisecond)
		synctest.Wait()
		stop()
		<-time.After(time.Minute)
		synctest.Wait()
		if len(calls) != 2 || !calls[0] || calls[1] {
			t.Errorf("the calls, and whether each was the first: %v", calls)
		}
	})
}

// stuck is storage that takes nothing until its job says that it waits for storage.
type stuck struct {
	storage.Store

	ledger *ledger.Ledger
	job    trainset.JobID
	said   string
}

func (s *stuck) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	for ; s.said == "" && ctx.Err() == nil; <-time.After(time.Millisecond) {
		r, err := s.ledger.Load(ctx, s.job)
		if err != nil {
			return err
		}
		s.said = r.HeldUp
	}
	return s.Store.Put(ctx, key, body, o)
}

// Storage that hangs fails nothing for minutes: a job says sooner what it waits for,
// and no longer once that is over.
func TestAJobSaysThatStorageHangs(t *testing.T) {
	h, p := oldStyle(t, trainset.EnhanceNone, squares(1536, 500, 500, 500, 500, 500, 500, 500, 500, 500))
	hangs := &stuck{Store: h.store, ledger: h.ledger, job: p.JobID}
	h.store, h.slowAfter = hangs, 10*time.Millisecond
	r, err := h.ledger.Load(t.Context(), p.JobID)
	if err != nil {
		t.Fatal(err)
	}
	var tile plan.SubtaskID
	for _, s := range r.Subtasks {
		if isTile(s) {
			tile = s.ID
		}
	}
	r = carriedOut(t, h, p, tile)
	if !strings.Contains(hangs.said, h.store.Describe()) || !strings.Contains(hangs.said, "has not taken something for 10ms") {
		t.Errorf("while storage hung the job said %q", hangs.said)
	}
	if r.HeldUp != "" || !r.Subtasks[tile].State.Settled() {
		t.Errorf("afterwards the job says %q, and the tile is %s", r.HeldUp, r.Subtasks[tile].State)
	}
}
