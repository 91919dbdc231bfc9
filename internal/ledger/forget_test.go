package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestForgetLeavesNothing(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 2, 0)
		id := p.JobID
		image, err := l.PutInbox(ctx, id, []byte("an image"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.PutInbox(ctx, id, []byte("of a request that was a conflict")); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			l.MarkQueued(ctx, plan.Lot{Record: plan.Record{ID: id}, Steps: []plan.Step{{Verb: plan.VerbAccept}}}), l.Ask(ctx, id, time.Minute),
			l.Salvage(ctx, plan.Attempt{ID: "image.1.1", Job: id}, []byte("a picture")),
			l.SaveUpload(ctx, id, "sum", ledger.Upload{ID: "f", ExpiresAt: time.Now().Add(time.Hour)}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Open(ctx, attempt(p, 1, 1)); err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{1, 1} { // one is let in, and stays
			if in, err := l.Admit(ctx, "u", id, most); err != nil || !in {
				t.Fatal(in, err)
			}
		}
		_, other, err := l.Create(ctx, request("other"))
		if err != nil || !other {
			t.Fatal(other, err)
		}
		for range 2 {
			if err := l.Forget(ctx, id, "u", image); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Load(ctx, id); !errors.Is(err, trainset.ErrNotFound) {
			t.Errorf("the job: %v", err)
		}
		if _, err := l.Load(ctx, request("other").JobID()); err != nil {
			t.Errorf("another job: %v", err)
		}
		for _, key := range rdb.Keys(ctx, "*").Val() {
			if strings.Contains(key, string(id)) {
				t.Errorf("%s is left", key)
			}
			if rdb.Type(ctx, key).Val() == "zset" && rdb.ZScore(ctx, key, string(id)).Err() == nil {
				t.Errorf("%s still names it", key)
			}
		}
	})
}

// From the moment a deletion begins until it is done nobody takes the job up: not by
// trying it again, not as storage has it, not under its key. One that was
// interrupted may be repeated.
func TestAJobThatIsBeingDeletedIsNotTakenUp(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		r := stopped(t, l)
		newer := r
		newer.Revision++
		mark := func(want trainset.JobState) {
			t.Helper()
			if going, err := l.MarkDeleting(ctx, r.ID); going != want || err != nil {
				t.Fatalf("goes on as %q, %v; want %q", going, err, want)
			}
		}
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, ledger.ErrDeleting) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if begun, err := l.Deleting(ctx, r.ID); begun || err != nil {
			t.Errorf("before: begun %v, %v", begun, err)
		}
		mark("")
		mark("")
		if begun, err := l.Deleting(ctx, r.ID); !begun || err != nil {
			t.Errorf("then: begun %v, %v", begun, err)
		}
		refused("tried again", l.Reopen(ctx, r, plan.Retry(r), plan.Limits{}))
		_, err := l.Recall(ctx, newer)
		refused("read back", err)
		if _, created, err := l.Create(ctx, request("k")); created || err != nil {
			t.Errorf("the same request: created %v, %v", created, err)
		}
		if err := l.Forget(ctx, r.ID, r.User, ""); err != nil {
			t.Fatal(err)
		}
		mark("") // of one that has no record
		_, err = l.Recall(ctx, r)
		refused("read back when it was forgotten", err)
		_, _, err = l.Create(ctx, request("k"))
		refused("enqueued when it was forgotten", err)
		if err := l.Forget(ctx, r.ID, r.User, ""); err != nil {
			t.Fatal(err)
		}
		if _, created, err := l.Create(ctx, request("k")); !created || err != nil {
			t.Errorf("enqueued after that: created %v, %v", created, err)
		}
		mark(trainset.JobQueued)
	})
}

func TestPredictionsOfDeletedJobsStayKnownForAWhile(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		now := time.Now()
		l, ctx := ledger.New(rdb, ledger.Options{Keep: time.Hour, Now: func() time.Time { return now }}), t.Context()
		old, young := request("old").JobID(), request("young").JobID()
		know := func(want map[string]trainset.JobID) {
			t.Helper()
			if got, err := l.Disowned(ctx, func(string) bool { return true }); err != nil || !maps.Equal(got, want) {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
			jobs, err := l.DeletedJobs(ctx, func(id trainset.JobID) bool { return id == young })
			if _, noted := want["p3"]; err != nil || jobs[young] != noted || jobs[old] {
				t.Errorf("%v, %v; want %v", jobs, err, noted)
			}
		}
		disown := func(id trainset.JobID, predictions ...string) {
			t.Helper()
			if err := l.Disown(ctx, id, predictions); err != nil {
				t.Fatal(err)
			}
		}
		know(map[string]trainset.JobID{})
		disown(old)
		disown(old, "p1", "p2")
		disown(old, "p1", "p2")
		if err := l.Forget(ctx, old, "u", ""); err != nil {
			t.Fatal(err)
		}
		know(map[string]trainset.JobID{"p1": old, "p2": old})
		now = now.Add(40 * time.Minute)
		disown(young, "p3")
		know(map[string]trainset.JobID{"p1": old, "p2": old, "p3": young})
		now = now.Add(40 * time.Minute)
		know(map[string]trainset.JobID{"p3": young})
		disown(young, "p4")
		if n := rdb.ZCard(ctx, "trainset:deleted").Val(); n != 2 {
			t.Errorf("%d are kept, the old ones with them", n)
		}
		if ttl := rdb.TTL(ctx, "trainset:deleted").Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("the last of them goes in %s", ttl)
		}
	})
}

func TestUploadsAreThoseThatTheProviderStillHas(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := ledger.New(redistest.Mini(t), ledger.Options{Now: func() time.Time { return now }})
	id := request("k").JobID()
	for sum, lasts := range map[string]time.Duration{"short": time.Minute, "long": time.Hour} {
		if err := l.SaveUpload(t.Context(), id, sum, ledger.Upload{ID: sum, ExpiresAt: now.Add(lasts)}); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := l.Uploads(t.Context(), id); err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	if _, ok, err := l.Upload(t.Context(), id, "short", 40*time.Minute); ok || err != nil {
		t.Errorf("a file that does not stay: %v, %v", ok, err)
	}
	now = now.Add(2 * time.Minute)
	files, err := l.Uploads(t.Context(), id)
	if err != nil || len(files) != 1 || files[0].ID != "long" {
		t.Errorf("after two minutes: %v, %v", files, err)
	}
}

func TestReopenedJobsAreWorkedOnAgain(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		p := begun(t, l, 1, 0)
		sub := p.Subtasks()[0]
		sub.State, sub.Reason = trainset.ItemFailed, "why"
		if _, err := l.Settle(ctx, p.JobID, sub); err != nil {
			t.Fatal(err)
		}
		r, err := l.Load(ctx, p.JobID)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(ctx, r, plan.Retry(r), plan.Limits{}); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("a job that runs was reopened: %v", err)
		}
		end := ledger.Ending{State: trainset.JobFailed, Reason: "none", Revision: 1, Change: r.Change, Output: &trainset.Output{Manifest: "m"}}
		if err := errors.Join(l.Finish(ctx, p.JobID, end), l.Close(ctx, p.JobID)); err != nil {
			t.Fatal(err)
		}
		if r, err = l.Load(ctx, p.JobID); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(ctx, r, plan.Retry(r), plan.Limits{}); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(ctx, r, plan.Retry(r), plan.Limits{}); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("reopened twice: %v", err)
		}
		r, err = l.Load(ctx, p.JobID)
		if err != nil || r.State != trainset.JobRunning || r.FinishedAt != nil || r.Revision != 1 || r.AssembleRevision != 2 {
			t.Errorf("%+v, %v", r, err)
		}
		if steps := plan.Next(r); len(steps) != 1 || steps[0].Subtask != "image.1" || steps[0].Revision != 2 {
			t.Errorf("next: %+v", steps)
		}
		if due, err := l.Due(ctx, 10); err != nil || len(due) != 1 {
			t.Errorf("due: %v, %v", due, err)
		}
		// Whoever ended it may come to closing it only now: nobody else would look after it.
		if err := l.Close(ctx, p.JobID); err != nil {
			t.Fatal(err)
		}
		if due, err := l.Due(ctx, 10); err != nil || len(due) != 1 {
			t.Errorf("due after it was closed late: %v, %v", due, err)
		}
	})
}

// around is a hook of a client that does what a test likes around each command.
type around func(ctx context.Context, cmd redis.Cmder, run func() error) error

func (around) DialHook(next redis.DialHook) redis.DialHook { return next }

func (around) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f around) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return f(ctx, cmd, func() error { return next(ctx, cmd) })
	}
}

// hooked is a ledger over a connection of its own to the same server.
func hooked(t *testing.T, rdb *redis.Client, f around) *ledger.Ledger {
	t.Helper()
	own := redis.NewClient(rdb.Options())
	t.Cleanup(func() { _ = own.Close() })
	own.AddHook(f)
	return ledger.New(own, ledger.Options{})
}

// The worker that ended a job closes it while it is reopened, and then the answer
// that it was is lost: sent again, the script says that the record changed, and a
// caller that has given up hears nothing. Sweepers look after the job all the same.
func TestAJobIsOpenWhateverIsHeardOfItsReopening(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(giveUp func(), run func() error) error
		want error
	}{
		"sent again": {func(_ func(), run func() error) error { return run() }, ledger.ErrStale},
		"given up":   {func(giveUp func(), _ func() error) error { giveUp(); return context.Canceled }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := redistest.Any(t)
			l := ledger.New(rdb, ledger.Options{})
			r, _, err := l.Create(t.Context(), request("k"))
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Finish(t.Context(), r.ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"}); err != nil {
				t.Fatal(err)
			}
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			reopening := hooked(t, rdb, func(ctx context.Context, cmd redis.Cmder, run func() error) error {
				if !strings.HasPrefix(cmd.Name(), "eval") {
					return run()
				}
				if err := errors.Join(l.Close(ctx, r.ID), run()); err != nil {
					return err // the server does not know the script yet
				}
				return c.lose(giveUp, run)
			})
			if err := reopening.Reopen(ctx, r, nil, plan.Limits{}); !errors.Is(err, c.want) {
				t.Errorf("error %v, not %v", err, c.want)
			}
			if due, err := l.Due(t.Context(), 10); err != nil || !slices.Equal(due, []trainset.JobID{r.ID}) {
				t.Errorf("due: %v, %v", due, err)
			}
		})
	}
}

// A job that is taken up again with a higher cap may spend up to that, and is the
// same request's still.
func TestAReopenedJobMayBeAllowedMore(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := ledger.New(rdb, ledger.Options{}), t.Context()
		price := trainset.USD(0.04)
		p := begun(t, l, 3, price)
		open := func(index int) error {
			_, err := l.Open(ctx, attempt(p, index, 1))
			return err
		}
		over := func(err error, limit trainset.Money) {
			t.Helper()
			if e, ok := errors.AsType[*ledger.OverCapError](err); !ok || e.Cap != limit {
				t.Errorf("%v, want a cap of %s", err, limit)
			}
		}
		if err := open(1); err != nil {
			t.Fatal(err)
		}
		over(open(2), price)
		for _, s := range p.Subtasks() {
			s.State = trainset.ItemFailed
			if _, err := l.Settle(ctx, p.JobID, s); err != nil {
				t.Fatal(err)
			}
		}
		before, err := l.Load(ctx, p.JobID)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(ctx, p.JobID, ledger.Ending{State: trainset.JobFailed, Revision: 1, Change: before.Change, Output: &trainset.Output{}}); err != nil {
			t.Fatal(err)
		}
		if before, err = l.Load(ctx, p.JobID); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(ctx, before, plan.Retry(before), plan.Limits{MaxCost: 2 * price}); err != nil {
			t.Fatal(err)
		}
		after, err := l.Load(ctx, p.JobID)
		if err != nil || after.Plan.MaxCost != 2*price || after.Fingerprint != before.Fingerprint || string(after.Request) != string(before.Request) {
			t.Errorf("a cap of %s, %s, %v", after.Plan.MaxCost, after.Request, err)
		}
		if _, created, err := l.Create(ctx, request("k")); created || err != nil {
			t.Errorf("asked again: %v, %v", created, err)
		}
		if err := open(2); err != nil {
			t.Error(err)
		}
		over(open(3), 2*price)
	})
}

// One that was refused before it had a plan is accepted anew, by another task.
func TestReopeningAJobWithoutAPlan(t *testing.T) {
	l, ctx := ledger.New(redistest.Mini(t), ledger.Options{}), t.Context()
	id := request("k").JobID()
	if _, _, err := l.Create(ctx, request("k")); err != nil {
		t.Fatal(err)
	}
	if err := l.MarkQueued(ctx, plan.Lot{Record: plan.Record{ID: id}, Steps: []plan.Step{{Verb: plan.VerbAccept}}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx, id, ledger.Ending{State: trainset.JobFailed, Reason: "portrait: cannot be fetched"}); err != nil {
		t.Fatal(err)
	}
	r, err := l.Load(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(ctx, r, nil, plan.Limits{}); err != nil {
		t.Fatal(err)
	}
	if r, err = l.Load(ctx, id); err != nil || r.State != trainset.JobQueued {
		t.Fatalf("%s, %v", r.State, err)
	}
	if steps := plan.Next(r); len(steps) != 1 || steps[0].Verb != plan.VerbAccept || steps[0].Revision != 1 {
		t.Errorf("next: %+v", steps)
	}
}

// Of very many only those are kept that were asked for.
func TestPredictionsOfDeletedJobsAreReadInPages(t *testing.T) {
	rdb := redistest.Server(t)
	replies := &redistest.Replies{}
	rdb.AddHook(replies)
	now := time.Now()
	l, ctx := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }}), t.Context()
	want := map[string]trainset.JobID{}
	for i := range 150 {
		id := request(fmt.Sprint(i)).JobID()
		var made []string
		for n := range 20 {
			made = append(made, fmt.Sprintf("p%d.%d", i, n))
		}
		want[made[7]] = id
		if err := l.Disown(ctx, id, made); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Millisecond)
	}
	got, err := l.Disowned(ctx, func(id string) bool { return strings.HasSuffix(id, ".7") })
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%d of %d; %v", len(got), len(want), err)
	}
	if most := replies.Most(); most < 500 || most > aPage {
		t.Errorf("a page had %d", most)
	}
}

// Whoever is slower than the worker that accepted a job does not end it.
func TestAnAcceptedJobEndsWithASetOnly(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l := ledger.New(rdb, ledger.Options{})
		p := begun(t, l, 1, 0)
		end := ledger.Ending{State: trainset.JobFailed, Reason: "portrait: cannot be fetched"}
		if err := l.Finish(t.Context(), p.JobID, end); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("got %v", err)
		}
		if r, err := l.Load(t.Context(), p.JobID); err != nil || r.State != trainset.JobRunning {
			t.Errorf("it is %s, %v", r.State, err)
		}
	})
}
