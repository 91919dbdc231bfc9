package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// Recall reads the record of an ended job back from storage: its plan, what its last
// set came to, and its attempts. Its limits are those that it ended with: where they
// were raised since, and nobody took it up, it is still to be taken up with them.
// trainset.ErrNotFound says that there is no set of it.
func Recall(ctx context.Context, store storage.Store, layout dataset.Layout) (plan.Record, error) {
	var m trainset.Manifest
	b, err := store.Get(ctx, layout.Manifest())
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return plan.Record{}, fmt.Errorf("reading %s: %w", layout.Manifest(), asJob(err))
	}
	p, err := readPlan(ctx, store, layout)
	if err != nil {
		return plan.Record{}, asJob(err)
	}
	req, err := trainset.DecodeRequest(p.Kind, p.Request)
	if err != nil {
		return plan.Record{}, fmt.Errorf("reading the plan %s: %w", layout.Plan(), err)
	}
	p = p.Raised(limitsOf(m))
	head := p.Head()
	r := plan.Record{
		ID: p.JobID, Kind: p.Kind, User: p.User, Subject: p.Subject, Key: p.Key, Request: p.Request, Fingerprint: req.Fingerprint(),
		Priority: req.Common().Priority, State: m.State, Reason: m.Reason, Revision: m.Revision, AssembleRevision: max(m.Revision, 1),
		Plan: &head, CreatedAt: m.CreatedAt, StartedAt: m.StartedAt, FinishedAt: &m.FinishedAt, Output: m.Job().Output,
		Subtasks: map[plan.SubtaskID]plan.Subtask{}, Attempts: map[string]plan.Attempt{}, Queued: map[string]bool{},
	}
	made := p.Raised(plan.Limits{MaxGrids: len(m.Grids)}) // others were never asked for, but for those that storage has
	subs, attempts, err := (&Handlers{store: store}).restore(ctx, r, made, func(s plan.Subtask) plan.Subtask {
		if s.Verb == plan.VerbGrid || s.Verb == plan.VerbJudge { // tiles follow from what became of all of them
			return givenUp(s, m)
		}
		return s
	})
	if err != nil {
		return plan.Record{}, err
	}
	for _, s := range subs {
		r.Subtasks[s.ID] = givenUp(s, m)
	}
	for _, a := range attempts {
		r.Attempts[a.ID] = a
	}
	r.Spent = spentBy(attempts, m)
	return r, nil
}

// asJob says of an object that is gone that its job is.
func asJob(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return trainset.ErrNotFound
	}
	return err
}

// spentBy is what a job has spent: as much as its set says and attempts since have
// cost, for not all that was paid for left something in storage, or as much as is
// found there, should that be more.
func spentBy(attempts []plan.Attempt, m trainset.Manifest) trainset.Money {
	said, found := m.Cost.Actual, trainset.Money(0)
	for _, a := range attempts {
		found += a.Cost
		if a.EndedAt != nil && a.EndedAt.After(m.FinishedAt) {
			said += a.Cost
		}
	}
	return max(said, found)
}

// limitsOf are the limits that a set was made with.
func limitsOf(m trainset.Manifest) plan.Limits {
	l := plan.Limits{MaxCost: m.Cost.Cap}
	if m.Plan.Style != nil {
		l.MaxGrids = m.Plan.Style.MaxGrids
	}
	return l
}

// givenUp is a subtask of an ended job, which has settled though its attempts alone
// do not say why: what kept it from others is in the manifest, if anywhere.
func givenUp(s plan.Subtask, m trainset.Manifest) plan.Subtask {
	if s.State.Settled() {
		return s
	}
	s.State, s.Reason, s.SettledAt = trainset.ItemFailed, "it was given up", &m.FinishedAt
	switch {
	case s.Verb == plan.VerbImage && s.Index <= len(m.Items):
		s = as(s, m.Items[s.Index-1].State, m.Items[s.Index-1].Reason)
	case s.Verb == plan.VerbGrid && s.Index <= len(m.Grids):
		s = as(s, m.Grids[s.Index-1].State, m.Grids[s.Index-1].Reason)
	}
	return s
}

// as is a subtask without a result, for the reason that is recorded of one.
func as(s plan.Subtask, state trainset.ItemState, reason string) plan.Subtask {
	if state.Settled() && state != trainset.ItemSucceeded {
		s.State, s.Reason = state, reason
	}
	return s
}
