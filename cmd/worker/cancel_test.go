package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// operator runs the command as an operator of the deployment.
func (d *deployment) operator(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var environ []string
	for name, value := range d.environ() {
		environ = append(environ, name+"="+value)
	}
	var out, problems bytes.Buffer
	err = run(t.Context(), args, environ, &out, &problems)
	return out.String(), err
}

// until follows a job until it is as a test wants it.
func (d *deployment) until(t *testing.T, id trainset.JobID, what string, reached func(trainset.Job) bool) trainset.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var last trainset.Job
	for job, err := range d.client.Watch(ctx, id) {
		if err != nil {
			t.Fatal(err)
		}
		if last = job; reached(job) {
			return job
		}
	}
	t.Fatalf("job %s was never %s: it is %s with %d images", id, what, last.State, last.Succeeded())
	return last
}

func phases(job trainset.Job) map[trainset.Phase]int {
	n := map[trainset.Phase]int{}
	for _, it := range job.Items {
		n[it.Phase]++
	}
	return n
}

// Whatever a job is at when it is canceled, it ends as canceled, once and soon,
// nothing more is asked for, and what was made is kept.
func TestCancelInEveryState(t *testing.T) {
	ended := func(j trainset.Job) bool { return j.State.Ended() }
	for _, c := range []struct {
		name   string
		faults []fake.Fault
		rate   int
		idle   bool // no worker runs before the job is canceled
		ready  func(trainset.Job) bool
		made   int // predictions
		kept   int // images
	}{
		{
			name: "queued", idle: true, rate: 6000,
			ready: func(j trainset.Job) bool { return j.State == trainset.JobQueued },
		},
		{
			name: "waiting for a permit", rate: 1, made: 1, kept: 1,
			ready: func(j trainset.Job) bool { return j.Succeeded() == 1 && phases(j)[trainset.PhaseWaiting] == 2 },
		},
		{
			name: "predicting", rate: 6000, made: 3, kept: 2,
			faults: []fake.Fault{{Kind: fake.SlowRun, Seconds: 120, Nth: 2}},
			ready:  func(j trainset.Job) bool { return j.Succeeded() == 2 && phases(j)[trainset.PhasePredicting] == 1 },
		},
		{
			name: "storing", rate: 6000, made: 3, kept: 2, // the image that is being stored is kept, too
			faults: []fake.Fault{{Kind: fake.SlowRun, Seconds: 120, Nth: 2}, {Kind: fake.DownloadSlow, Seconds: 2, Nth: 2}},
			ready:  func(j trainset.Job) bool { return phases(j)[trainset.PhaseStoring] == 1 && j.Succeeded() == 1 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t, c.faults...)
			d.rate = c.rate
			if !c.idle {
				if err := d.start(); err != nil {
					t.Fatal(err)
				}
			}
			id, err := d.actor(t, "k", 3)
			if err != nil {
				t.Fatal(err)
			}
			d.until(t, id, c.name, c.ready)
			if out, err := d.operator(t, "cancel", string(id[:8])); err != nil {
				t.Fatal(out, err)
			}
			began := time.Now()
			if c.idle {
				if err := d.start(); err != nil {
					t.Fatal(err)
				}
			}
			job := d.until(t, id, "ended", ended)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s to stop", took)
			}
			if job.State != trainset.JobCanceled || job.Succeeded() != c.kept {
				t.Errorf("it is %s (%s) with %d images", job.State, job.Reason, job.Succeeded())
			}
			if n := d.provider.Stats().Predictions; n != c.made {
				t.Errorf("%d predictions were asked for, not %d", n, c.made)
			}
			for _, p := range d.provider.Log() {
				if p.Done.IsZero() {
					t.Errorf("prediction %s still runs", p.ID)
				}
			}
			d.endedOnce(t, id, c.kept > 0)
		})
	}
}

// endedOnce looks at the timeline, and for the images that were kept.
func (d *deployment) endedOnce(t *testing.T, id trainset.JobID, set bool) {
	t.Helper()
	events, err := ledger.New(d.rdb, ledger.Options{}).Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Type == string(trainset.JobCanceled) && e.Subtask == "" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it ended %d times: %+v", n, events)
	}
	if !set {
		return
	}
	b, err := d.store.Get(t.Context(), layout("k").Manifest())
	if err != nil {
		t.Fatal(err)
	}
	var m trainset.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, it := range m.Items {
		if it.State != trainset.ItemSucceeded {
			continue
		}
		if _, err := d.store.Stat(t.Context(), layout("k").Root()+"/"+it.File); err != nil {
			t.Error(err)
		}
	}
}
