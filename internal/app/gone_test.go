package app_test

import (
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

// lose removes the objects of a folder that have an extension, and returns them.
func (s *system) lose(folder, ext string) (lost map[string][]byte) {
	s.t.Helper()
	lost = map[string][]byte{}
	objects, err := s.store.List(s.t.Context(), folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range objects {
		if path.Ext(o.Key) != ext {
			continue
		}
		data, err := s.store.Get(s.t.Context(), o.Key)
		if err == nil {
			err = s.store.Delete(s.t.Context(), o.Key)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		lost[o.Key] = data
	}
	return lost
}

// A canceled job ends although the image of an item is gone from storage.
func TestACanceledJobEndsWithoutAnImageThatIsGone(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Nth: 3, Seconds: 60})
	s.start()
	req := s.request("k", 3)
	id := s.enqueue(req)
	s.until(id, "made but for one", func(j trainset.Job) bool { return j.Succeeded() == 2 })
	root := dataset.Layout{User: req.User, Kind: trainset.KindActor, Subject: req.Actor, Job: id}.Root()
	if lost := s.lose(root+"/items/", ".png"); len(lost) != 2 {
		t.Fatalf("%d images were stored", len(lost))
	}
	if err := s.client.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	job := s.ended(id)
	if job.State != trainset.JobCanceled || job.Revision != 1 {
		t.Errorf("job %s (%s), v%d", job.State, job.Reason, job.Revision)
	}
	gone := 0
	for _, it := range s.manifest(req).Items {
		if strings.Contains(it.Reason, "its image is gone") {
			gone++
		}
	}
	if gone != 2 {
		t.Errorf("the manifest names %d images that are gone", gone)
	}
}

// Who watches a job is told that it waits for an image that is gone from storage,
// and what to do; once it is back, the job ends as it would have.
func TestAJobSaysThatAnImageIsGone(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Nth: 3, Seconds: 3})
	s.start()
	req := s.request("k", 3)
	id := s.enqueue(req)
	s.until(id, "made but for one", func(j trainset.Job) bool { return j.Succeeded() == 2 })
	lost := s.lose(dataset.Layout{User: req.User, Kind: trainset.KindActor, Subject: req.Actor, Job: id}.Root()+"/items/", ".png")
	if len(lost) != 2 {
		t.Fatalf("%d images were stored", len(lost))
	}
	job := s.until(id, "held up", func(j trainset.Job) bool { return j.HeldUp != "" })
	named := 0
	for key := range lost {
		if strings.Contains(job.HeldUp, "is gone from storage: put "+key+" back into the "+s.store.Describe()+", or cancel the job") {
			named++
		}
	}
	if named != 1 {
		t.Errorf("held up: %s", job.HeldUp)
	}
	for key, data := range lost {
		if err := s.store.Put(t.Context(), key, data, storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if job := s.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != 3 {
		t.Errorf("job %s (%s): %d images", job.State, job.Reason, job.Succeeded())
	}
	s.made(3)
}

// judging is a style's job of one grid that the judge takes its time for, and where
// it is stored.
func (s *system) judging() (id trainset.JobID, root string) {
	s.t.Helper()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.MaxGrids = 2 })
	job, err := s.client.EnqueueStyle(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.until(job.ID, "judged", func(j trainset.Job) bool {
		return len(j.Grids) == 1 && j.Grids[0].Stage == trainset.StageJudging
	})
	return job.ID, dataset.Layout{User: req.User, Kind: trainset.KindStyle, Subject: req.Style, Job: job.ID}.Root()
}

var slowJudge = fake.Fault{Kind: fake.SlowRun, Model: "openai/gpt-4.1-mini", Seconds: 3}

// Where storage is away for a while its tiles wait: nothing is bought instead of
// what is still there.
func TestTilesWaitForStorageThatIsAway(t *testing.T) {
	s := newSystem(t, redistest.Any(t), slowJudge)
	s.start()
	id, root := s.judging()
	away := s.lose(root, ".png")
	maps.Copy(away, s.lose(root, ".json"))
	s.until(id, "refused by storage", func(j trainset.Job) bool { return j.Grids[0].Stage == trainset.StageDone })
	for key, data := range away {
		if err := s.store.Put(t.Context(), key, data, storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if job := s.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != 6 {
		t.Errorf("job %s (%s): %d images", job.State, job.Reason, job.Succeeded())
	}
	s.made(2) // the grid and its judgement
}

// A style goes on without a grid that is gone from storage.
func TestTilesOfAGridThatIsGoneAreOfAnother(t *testing.T) {
	s := newSystem(t, redistest.Any(t), slowJudge)
	s.start()
	id, root := s.judging()
	if lost := s.lose(root+"/grids/", ".png"); len(lost) != 1 {
		t.Fatalf("%d grids were stored", len(lost))
	}
	ended := s.ended(id)
	if ended.State != trainset.JobSucceeded || len(ended.Grids) != 2 || ended.Succeeded() != 6 {
		t.Errorf("job %s (%s) of %d grids: %d images", ended.State, ended.Reason, len(ended.Grids), ended.Succeeded())
	}
	s.made(4) // another grid and its judgement
}

// A request that storage has under another form from before Redis was lost is
// refused, with the reason, and spends nothing.
func TestARequestThatConflictsWithStorageIsRefused(t *testing.T) {
	s := quickSystem(t, redistest.Any(t))
	first := s.start()
	s.ended(s.enqueue(s.request("k", 1)))
	first.Stop()
	s.rdb.FlushAll(t.Context())
	s.start()
	job := s.ended(s.enqueue(s.request("k", 2)))
	if job.State != trainset.JobFailed || !strings.Contains(job.Reason, "with a different request; use another key") {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	s.made(1)
}
