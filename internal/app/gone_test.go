package app_test

import (
	"path"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// lose removes the objects of a folder that have an extension, and returns how many.
func (s *system) lose(folder, ext string) (n int) {
	s.t.Helper()
	objects, err := s.store.List(s.t.Context(), folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range objects {
		if path.Ext(o.Key) != ext {
			continue
		}
		if err := s.store.Delete(s.t.Context(), o.Key); err != nil {
			s.t.Fatal(err)
		}
		n++
	}
	return n
}

// A canceled job ends although the image of an item is gone from storage.
func TestACanceledJobEndsWithoutAnImageThatIsGone(t *testing.T) {
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Nth: 3, Seconds: 60})
	s.start()
	req := s.request("k", 3)
	id := s.enqueue(req)
	s.until(id, "made but for one", func(j trainset.Job) bool { return j.Succeeded() == 2 })
	root := dataset.Layout{User: req.User, Kind: trainset.KindActor, Subject: req.Actor, Job: id}.Root()
	if n := s.lose(root+"/items/", ".png"); n != 2 {
		t.Fatalf("%d images were stored", n)
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

// A style's tiles fail, with the reason, where their grid is gone from storage.
func TestTilesOfAGridThatIsGoneFail(t *testing.T) {
	s := newSystem(t, redistest.Any(t), fake.Fault{Kind: fake.SlowRun, Model: "openai/gpt-4.1-mini", Seconds: 3})
	s.start()
	req := s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.MaxGrids = 1 })
	job, err := s.client.EnqueueStyle(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	root := dataset.Layout{User: req.User, Kind: trainset.KindStyle, Subject: req.Style, Job: job.ID}.Root()
	s.until(job.ID, "judged", func(j trainset.Job) bool {
		return len(j.Grids) == 1 && j.Grids[0].Stage == trainset.StageJudging
	})
	if n := s.lose(root+"/grids/", ".png") + s.lose(root+"/grids/", ".jpg"); n != 1 {
		t.Fatalf("%d grids were stored", n)
	}
	ended := s.ended(job.ID)
	if ended.State != trainset.JobFailed || !strings.Contains(ended.Items[0].Reason, "gone from storage") {
		t.Errorf("job %s (%s), its first item: %s", ended.State, ended.Reason, ended.Items[0].Reason)
	}
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
