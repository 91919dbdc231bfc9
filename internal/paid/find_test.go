package paid_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// crowded is an account whose list has many predictions, none of them ours and
// all without their inputs. It counts how often each is read.
type crowded struct {
	rows []replicate.Prediction

	mu   sync.Mutex
	read map[string]int
}

func (c *crowded) List(context.Context, replicate.ListQuery) (replicate.Page, error) {
	return replicate.Page{Predictions: c.rows}, nil
}

func (c *crowded) Get(_ context.Context, id string) (replicate.Prediction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[id]++
	return replicate.Prediction{ID: id, Model: "o/m", Input: map[string]any{"prompt": "another's " + id}}, nil
}

// nothingTaken is a journal of attempts that nobody goes on with.
type nothingTaken struct{}

func (nothingTaken) Attempt(_ context.Context, job trainset.JobID, id string) (plan.Attempt, error) {
	return plan.Attempt{ID: id, Job: job}, nil
}

func (nothingTaken) Predictions(context.Context, trainset.JobID) (map[string]bool, error) {
	return nil, nil
}

// A look that lasts a minute lists twenty times; what it has read of others'
// predictions it must not read again, or it would exceed the provider's limit.
func TestSearchReadsEachRowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowded{read: map[string]int{}}
		for n := range 50 {
			c.rows = append(c.rows, replicate.Prediction{ID: fmt.Sprint("p", n), Model: "o/m", CreatedAt: time.Now()})
		}
		search := paid.NewSearch(c, nothingTaken{}, paid.SearchOptions{})
		var looking sync.WaitGroup
		for n := range 5 {
			looking.Go(func() {
				a := plan.Attempt{ID: fmt.Sprint("image.1.", n), Model: "o/m", Input: map[string]any{"prompt": fmt.Sprint("mine ", n)}, IntentAt: time.Now()}
				if found, err := search.Find(t.Context(), a); err != nil || found.Verdict != paid.FoundAbsent {
					t.Errorf("%v, %v", found.Verdict, err)
				}
			})
		}
		looking.Wait()
		if len(c.read) != len(c.rows) {
			t.Errorf("%d of %d rows were read", len(c.read), len(c.rows))
		}
		for id, n := range c.read {
			if n != 1 {
				t.Errorf("%s was read %d times", id, n)
			}
		}
	})
}
