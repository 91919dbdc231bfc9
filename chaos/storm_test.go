//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// faultsOf draws what goes wrong at the provider, so many of each kind, among
// the first creates of a run.
func faultsOf(random *rand.Rand, s scenario) []fake.Fault {
	creates := s.creates()
	some := func(f fake.Fault, n int) (all []fake.Fault) {
		for range n {
			f.Nth = 1 + random.IntN(creates)
			all = append(all, f)
		}
		return all
	}
	var all []fake.Fault
	add := func(n int, fs ...fake.Fault) {
		for _, f := range fs {
			all = append(all, some(f, n)...)
		}
	}
	// Held until the client leaves: the test kills whoever waits.
	add(s.holds, fake.Fault{Kind: fake.HoldReply})
	add(s.low, fake.Fault{Kind: fake.ThrottleLowCredit, Seconds: 2})
	add(s.each,
		fake.Fault{Kind: fake.ServerErrorAfter}, fake.Fault{Kind: fake.BadGatewayAfter}, fake.Fault{Kind: fake.EOFAfter},
		fake.Fault{Kind: fake.EOF}, fake.Fault{Kind: fake.ServerError}, fake.Fault{Kind: fake.Hang},
		fake.Fault{Kind: fake.Throttle, Seconds: 1, Every: 1, Times: 2}, fake.Fault{Kind: fake.ThrottleBody, Seconds: 1},
		fake.Fault{Kind: fake.Fail, Code: "E003"}, fake.Fault{Kind: fake.Fail, Code: "E6716"}, fake.Fault{Kind: fake.Fail, Code: "PA"},
		fake.Fault{Kind: fake.Abort}, fake.Fault{Kind: fake.Stuck}, fake.Fault{Kind: fake.DataRemoved}, fake.Fault{Kind: fake.OutputNotImage},
		fake.Fault{Kind: fake.DownloadExpired}, fake.Fault{Kind: fake.DownloadCut}, fake.Fault{Kind: fake.DownloadCut},
		fake.Fault{Kind: fake.WebhookDrop}, fake.Fault{Kind: fake.WebhookDuplicate}, fake.Fault{Kind: fake.WebhookForged},
		fake.Fault{Kind: fake.WebhookLate, Seconds: 3}, fake.Fault{Kind: fake.WebhookOutOfOrder},
		fake.Fault{Kind: fake.ServerError, On: "list"}, fake.Fault{Kind: fake.EOF, On: "get"}, fake.Fault{Kind: fake.BadGateway, On: "get"},
		fake.Fault{Kind: fake.Throttle, On: "get"})
	return all
}

// blow is one thing that the test does to the deployment.
type blow string

const (
	killWorker  blow = "SIGKILL of a worker"
	killHolding blow = "SIGKILL of a worker between acceptance and journal"
	freeze      blow = "SIGSTOP and SIGCONT of a worker"
	killRedis   blow = "SIGKILL and restart of Redis"
	cutProvider blow = "connections to the provider cut"
	cutRedis    blow = "connections to Redis cut"
	cutStorage  blow = "connections to storage cut"
)

// storm strikes at a deployment.
type storm struct {
	site   *site
	random *rand.Rand

	mu    sync.Mutex
	blows map[blow]int
	err   error
}

func (s *storm) draw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *storm) count(b blow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blows[b]++
}

// fail keeps the first thing that the test itself could not do.
func (s *storm) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = err
	}
}

// rage strikes in a drawn order until all blows are dealt or the context ends.
func (s *storm) rage(ctx context.Context) {
	var all []blow
	for b, n := range s.site.scenario.blows {
		for range n {
			all = append(all, b)
		}
	}
	slices.Sort(all)
	s.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var freezing sync.WaitGroup
	defer freezing.Wait()
	for _, b := range all {
		mean := s.site.scenario.between
		if !pause(ctx, mean/2+time.Duration(s.draw(int(mean)))) {
			return
		}
		if b == freeze { // the storm goes on meanwhile
			freezing.Go(func() { s.strike(ctx, b) })
			continue
		}
		s.strike(ctx, b)
	}
}

func (s *storm) strike(ctx context.Context, b blow) {
	away := time.Duration(300+s.draw(900)) * time.Millisecond
	from := time.Now()
	var err error
	switch b {
	case killWorker:
		for !s.killAny(ctx) { // one is left, or none: another is about to serve
			if !pause(ctx, 200*time.Millisecond) {
				return
			}
		}
	case freeze:
		w, ok := s.any()
		if !ok {
			return
		}
		err = s.site.fleet.freeze(ctx, w, s.site.scenario.frozen)
	case killRedis:
		s.site.redis.kill()
		pause(ctx, away)
		err = insist(ctx, s.site.redis.start)
		s.site.takeovers.disturbed(from, time.Now())
	case cutProvider:
		err = s.site.provide.cut(ctx, away)
	case cutRedis:
		err = s.site.store.cut(ctx, away)
		s.site.takeovers.disturbed(from, time.Now())
	case cutStorage:
		if s.site.objects == nil {
			return
		}
		err = s.site.objects.cut(ctx, away)
	case killHolding: // dealt by hunt
	}
	s.fail(err)
	s.count(b)
}

// any draws a living worker; none where it would be the last.
func (s *storm) any() (*worker, bool) {
	all := s.site.fleet.living()
	if len(all) < 2 {
		return nil, false
	}
	return all[s.draw(len(all))], true
}

func (s *storm) killAny(ctx context.Context) bool {
	w, ok := s.any()
	return ok && s.killOne(ctx, w)
}

func (s *storm) killOne(ctx context.Context, w *worker) bool {
	at, ok := s.site.fleet.kill(w)
	if ok {
		s.site.takeovers.follow(ctx, w.owner, at)
	}
	return ok
}

// hunt kills each worker for which the provider holds a reply back: it has
// made the prediction, and the worker does not know its ID.
func (s *storm) hunt(ctx context.Context) {
	seen := 0
	for pause(ctx, 150*time.Millisecond) {
		log, err := s.site.provider.logAfter(ctx, seen)
		if err != nil {
			continue // too busy to answer in time
		}
		seen += len(log)
		for _, e := range log {
			if !held(e) {
				continue
			}
			if w, ok := s.asker(ctx, e); ok && s.killOne(ctx, w) {
				s.count(killHolding)
			}
		}
	}
}

func held(e fake.Entry) bool {
	return slices.Contains(e.Faults, fake.HoldReply)
}

// asker finds the worker that waits for a prediction's ID.
func (s *storm) asker(ctx context.Context, e fake.Entry) (*worker, bool) {
	open, err := s.site.ledger.OpenJobs(ctx)
	if err != nil {
		return nil, false
	}
	for _, id := range open {
		r, err := s.site.ledger.Load(ctx, id)
		if err != nil {
			continue
		}
		for _, a := range r.Attempts {
			if a.State == plan.AttemptIntent && a.Model == e.Model && wording(a) == e.InputDigest {
				return s.site.fleet.named(a.Owner)
			}
		}
	}
	return nil, false
}

// wording is the digest of what an attempt sends, as the provider's log has it:
// a judgement has no seed to tell it by, and an enlargement no prompt either.
func wording(a plan.Attempt) string {
	b, err := json.Marshal(a.Input)
	if err != nil {
		return ""
	}
	return digestOf(b)
}
