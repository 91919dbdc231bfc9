package app_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

// Storage that refuses a write, or whose answer is lost, costs time: what was paid
// for is fetched again while the provider has it, and written over with itself.
func TestStorageThatFailsCostsNothing(t *testing.T) {
	errAway := errors.New("storage is away")
	const writes, reads = 11, 2 // of a job of one image
	faults := map[string]func(*storagetest.Faulty){}
	for n := 1; n <= writes; n++ {
		faults[fmt.Sprintf("write %d is refused", n)] = func(f *storagetest.Faulty) { f.FailPut(n, errAway) }
		faults[fmt.Sprintf("write %d is not heard of", n)] = func(f *storagetest.Faulty) { f.LosePut(n, errAway) }
	}
	for n := 1; n <= reads; n++ {
		faults[fmt.Sprintf("read %d is refused", n)] = func(f *storagetest.Faulty) { f.FailGet(n, errAway) }
	}
	for what, fault := range faults {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t))
			req := s.request("k", 1)
			f := storagetest.NewFaulty(s.store)
			fault(f)
			s.startOn(f)
			if job := s.ended(s.enqueue(req)); job.State != trainset.JobSucceeded || job.Cost.Actual != 40_000 {
				t.Errorf("job %s for %s: %s", job.State, job.Cost.Actual, job.Reason)
			}
			s.made(1)
			s.manifest(req)
			if f.Puts() < writes || f.Gets() < reads {
				t.Errorf("there were only %d writes and %d reads: the fault may not have come", f.Puts(), f.Gets())
			}
		})
	}
}

// Storage may be away for longer than the provider keeps what was paid for: what was
// fetched meanwhile is kept in Redis, whichever worker stores it in the end.
func TestStorageThatIsAwayForHoursCostsNothing(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.DownloadExpired, Nth: 3, Every: 1, Times: -1})
	away := &full{Store: s.store}
	away.is.Store(true)
	s.startOn(away)
	other := s.startOn(away)
	req := s.request("k", 2)
	id := s.enqueue(req)
	s.heldUp(id, "free some space")
	kept := func() int { return len(s.rdb.Keys(t.Context(), "trainset:*:salvaged:*").Val()) }
	redistest.Await(t, "both are salvaged", func() bool { return kept() == 2 }) // which those who watch the job are not told
	other.Stop()
	s.startOn(away)
	away.is.Store(false)
	if job := s.ended(id); job.State != trainset.JobSucceeded || job.Cost.Actual != 80_000 {
		t.Errorf("job %s for %s: %s", job.State, job.Cost.Actual, job.Reason)
	}
	s.made(2)
	s.manifest(req)
	if n := s.provider.Stats().Requests["download"]; n != 2 {
		t.Errorf("%d downloads of two pictures", n)
	}
	if n := kept(); n != 0 {
		t.Errorf("%d pictures are still in Redis", n)
	}
}

// A primary that dies while a job is under way takes nothing with it that its
// replica has: the job goes on with the replica, and pays for nothing twice.
func TestAJobOutlivesAFailover(t *testing.T) {
	t.Parallel() // it mostly waits for servers to find each other
	watched := redistest.Sentinel(t, redistest.Guards{})
	var sentinels []string
	for _, n := range watched.Sentinels {
		sentinels = append(sentinels, n.Addr)
	}
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: watched.Name, SentinelAddrs: sentinels})
	t.Cleanup(func() { _ = rdb.Close() })
	const images = 3
	s := quickSystem(t, rdb, fake.Fault{Kind: fake.SlowRun, Every: 1, Times: -1, Seconds: 8})
	s.start()
	s.start()
	req := s.request("k", images)
	id := s.enqueue(req)
	redistest.Await(t, "all is asked for", func() bool { return s.provider.Stats().Predictions == images })
	primary := watched.Primary.Client(t).Conn()
	t.Cleanup(func() { _ = primary.Close() })
	if err := primary.Set(t.Context(), "trainset:test", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := primary.Wait(t.Context(), 1, 10*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas have what the primary has, %v", n, err)
	}
	watched.Primary.Kill()
	if job := s.ended(id); job.State != trainset.JobSucceeded || job.Succeeded() != images {
		t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
	}
	s.made(images)
	s.manifest(req)
}
