package app_test

import (
	"errors"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/tasks"
)

// raise takes a job up again with higher limits.
func (s *system) raise(id trainset.JobID, limits plan.Limits) operate.Retried {
	s.t.Helper()
	again := operate.Raiser{Ledger: ledger.New(s.rdb, ledger.Options{}), Store: s.store, Grids: tasks.WithGrids}
	done, err := again.Retry(s.t.Context(), id, limits, false)
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// onceEach makes sure that the provider was asked for each thing once, and that
// nothing which it was asked for before is missing.
func (s *system) onceEach(before []fake.Entry) {
	s.t.Helper()
	asked := map[string]int{}
	for _, e := range s.provider.Log() {
		if asked[e.Model+e.InputDigest]++; asked[e.Model+e.InputDigest] > 1 {
			s.t.Errorf("%s was asked for the same again: %s", e.Model, e.Prompt)
		}
	}
	for i, e := range before {
		if s.provider.Log()[i].ID != e.ID {
			s.t.Errorf("prediction %d is another", i)
		}
	}
}

// A style that its cap, or its bound, has stopped goes on with a higher one: it
// pays for the grids that are missing, and the same request is the same job still.
func TestAStoppedStyleGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*trainset.StyleRequest)
		limits plan.Limits
	}{
		"with a higher cap":   {func(r *trainset.StyleRequest) { r.Grids, r.MaxCost = 2, 60_000 }, plan.Limits{MaxCost: 2_000_000}},
		"with a higher bound": {func(r *trainset.StyleRequest) { r.Grids, r.MaxGrids = 1, 1 }, plan.Limits{MaxGrids: 3}},
		"with both":           {func(r *trainset.StyleRequest) { r.Grids, r.MaxGrids, r.MaxCost = 1, 1, 60_000 }, plan.Limits{MaxCost: 2_000_000, MaxGrids: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t))
			s.start()
			req := s.styleRequest("k", func(r *trainset.StyleRequest) {
				r.Images, r.Enhance = 10, trainset.EnhanceNone
				c.change(r)
			})
			before := s.style(req)
			if before.State != trainset.JobPartial {
				t.Fatalf("job %s (%s)", before.State, before.Reason)
			}
			kept, paid := s.styleManifest(req), s.provider.Log()
			said := s.raise(before.ID, c.limits)
			after := s.ended(before.ID)
			if after.State != trainset.JobSucceeded || after.Succeeded() != 10 || after.Revision != 2 || len(after.Grids) <= len(before.Grids) {
				t.Fatalf("job %s (%s), v%d: %d images of %d grids", after.State, after.Reason, after.Revision, after.Succeeded(), len(after.Grids))
			}
			s.onceEach(paid)
			if n := len(after.Grids) - len(before.Grids); said.Grids != n || said.Following != after.Cost.Actual-before.Cost.Actual {
				t.Errorf("said %d grids for %s, made %d for %s", said.Grids, said.Following, n, after.Cost.Actual-before.Cost.Actual)
			}
			m := s.styleManifest(req)
			if want := max(c.limits.MaxCost, kept.Cost.Cap); m.Cost.Cap != want || m.Plan.Style.MaxGrids != max(c.limits.MaxGrids, kept.Plan.Style.MaxGrids) {
				t.Errorf("a cap of %s, at most %d grids", m.Cost.Cap, m.Plan.Style.MaxGrids)
			}
			for i, it := range kept.Items {
				if it.SHA256 != "" && m.Items[i].SHA256 != it.SHA256 {
					t.Errorf("image %d is another", it.Index)
				}
			}
			all := s.provider.Stats().Predictions
			if again := s.style(req); again.ID != before.ID || !again.FinishedAt.Equal(*after.FinishedAt) {
				t.Errorf("asked again, it is job %s, finished at %v", again.ID, again.FinishedAt)
			}
			other := s.styleRequest("k", func(r *trainset.StyleRequest) { r.Images, r.MaxCost = 10, 2_000_001 })
			if _, err := s.client.EnqueueStyle(t.Context(), other); !errors.As(err, new(*trainset.ConflictError)) {
				t.Errorf("another request under its key: %v", err)
			}
			s.made(all)
		})
	}
}

// An actor's images that did not fit under the cap are made, and no other.
func TestAStoppedActorGoesOnWithAHigherCap(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 5)
	req.MaxCost = 100_000 // two at 0.04
	id := s.enqueue(req)
	s.ended(id)
	paid := s.provider.Log()
	s.raise(id, plan.Limits{MaxCost: 170_000}) // four
	if job := s.ended(id); job.State != trainset.JobPartial || job.Succeeded() != 4 || job.Cost.Actual > 170_000 {
		t.Errorf("job %s with %d images for %s", job.State, job.Succeeded(), job.Cost.Actual)
	}
	s.raise(id, plan.Limits{MaxCost: 1_000_000})
	if job := s.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != 5 || job.Revision != 3 {
		t.Errorf("job %s with %d images, v%d", job.State, job.Succeeded(), job.Revision)
	}
	s.made(5)
	s.onceEach(paid)
}

// What a job was allowed outlives Redis, whether it was lost on the way or after
// the end; what one was not allowed is not spent.
func TestRaisedLimitsOutliveTheLedger(t *testing.T) {
	bound := func(r *trainset.StyleRequest) {
		r.Images, r.Grids, r.MaxGrids, r.Enhance, r.MaxCost = 10, 1, 1, trainset.EnhanceNone, 60_000
	}
	limits := plan.Limits{MaxCost: 1_000_000, MaxGrids: 3}
	for name, onTheWay := range map[string]bool{"on the way": true, "after the end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t))
			first := s.start()
			req := s.styleRequest("k", bound)
			id := s.style(req).ID
			if onTheWay {
				first.Stop()
			}
			s.raise(id, limits)
			if !onTheWay {
				s.ended(id)
				first.Stop()
			}
			s.rdb.FlushAll(t.Context())
			s.start()
			after := s.style(s.styleRequest("k", bound))
			if after.State != trainset.JobSucceeded || after.Succeeded() != 10 || after.Cost.Cap != limits.MaxCost {
				t.Errorf("job %s (%s): %d images of %d grids under a cap of %s", after.State, after.Reason, after.Succeeded(), len(after.Grids), after.Cost.Cap)
			}
			s.made(2 * len(after.Grids)) // a grid and its judgement
			s.onceEach(nil)
		})
	}
	t.Run("not raised", func(t *testing.T) {
		t.Parallel()
		s := newSystem(t, redistest.Any(t))
		first := s.start()
		before := s.style(s.styleRequest("k", bound))
		first.Stop()
		s.rdb.FlushAll(t.Context())
		s.start()
		if after := s.style(s.styleRequest("k", bound)); after.State != before.State || after.Cost != before.Cost {
			t.Errorf("job %s for %s, before the wipe %s for %s", after.State, after.Cost.Actual, before.State, before.Cost.Actual)
		}
		s.made(2)
	})
}
