package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// detail is all that is known of a job.
type detail struct {
	trainset.Job

	CancelAsked bool            `json:"cancel_asked"`
	Attempts    []attemptDetail `json:"attempts"`
	Events      []ledger.Event  `json:"events"`
}

// attemptDetail is a paid try, without what was sent: that is in the manifest
// and in the debug folder.
type attemptDetail struct {
	ID             string            `json:"id"`
	State          plan.AttemptState `json:"state"`
	Outcome        plan.Outcome      `json:"outcome,omitempty"`
	Reason         string            `json:"reason,omitempty"`
	Model          string            `json:"model,omitempty"`
	PredictionID   string            `json:"prediction_id,omitempty"`
	Cost           trainset.Money    `json:"cost_usd"`
	CreatedAt      time.Time         `json:"created_at"`
	EndedAt        *time.Time        `json:"ended_at,omitempty"`
	PredictSeconds float64           `json:"predict_seconds,omitempty"`
	Key            string            `json:"key,omitempty"` // of the object that was stored
	Owner          string            `json:"owner"`
}

func jobCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var events int
	cmd := v.ofJob("job", "Show all that is known of a job", func(ctx context.Context, s *site, id trainset.JobID) error {
		if events < 0 {
			return trainset.Invalid("events", fmt.Sprintf("%d is out of range", events), "give how many to show, or 0 for all")
		}
		d, err := describe(ctx, s, id)
		if err != nil {
			return unknown(id, err)
		}
		return s.say(d, func(w io.Writer) error { return d.write(w, events) })
	})
	cmd.Long = "Job shows a job's images, its grids where it is a style's, every paid attempt with its cost and\n" +
		"the reason it ended, and the timeline of what happened. The exit code does not depend on the job's state."
	cmd.Example = "  worker job 3f2a9c41\n  worker job 3f2a9c41 --events 0\n  worker job 3f2a9c41 --json | jq '.attempts[] | select(.outcome==\"rejected\")'"
	cmd.Flags().IntVar(&events, "events", 30, "show the last so many events; 0 shows all")
	return cmd
}

func describe(ctx context.Context, s *site, id trainset.JobID) (detail, error) {
	r, err := s.ledger.Load(ctx, id)
	if err != nil {
		return detail{}, err
	}
	r.HeldUp = s.queue.Paused(ctx).HeldUp(r)
	d := detail{Job: r.Job(), CancelAsked: r.Canceled, Attempts: []attemptDetail{}}
	for _, a := range r.Attempts {
		one := attemptDetail{
			ID: a.ID, State: a.State, Outcome: a.Outcome, Reason: a.Reason, Model: a.Model, PredictionID: a.PredictionID,
			Cost: a.Cost, CreatedAt: a.CreatedAt, EndedAt: a.EndedAt, PredictSeconds: a.PredictSeconds, Owner: a.Owner,
		}
		if a.Image != nil {
			one.Key = a.Image.Key
		}
		d.Attempts = append(d.Attempts, one)
	}
	slices.SortFunc(d.Attempts, func(a, b attemptDetail) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	d.Events, err = s.ledger.Events(ctx, id)
	return d, err
}

func (d detail) write(w io.Writer, events int) error {
	for _, part := range []func(io.Writer) error{
		d.facts, d.grids, d.items, d.tries, func(w io.Writer) error { return d.timeline(w, events) },
	} {
		if err := part(w); err != nil {
			return err
		}
	}
	return nil
}

func (d detail) facts(w io.Writer) error {
	state := stateOf(d.Job)
	if d.CancelAsked && !d.State.Ended() {
		state += ", being canceled"
	}
	t := cli.Table{Columns: make([]cli.Column, 2)}
	for _, fact := range [][2]string{
		{"job", string(d.ID)},
		{"kind", string(d.Kind)},
		{"user", d.User},
		{"subject", d.Subject},
		{"key", d.Key},
		{"state", state},
		{"reason", d.Reason},
		{"held up", d.HeldUp},
		{"images", fmt.Sprintf("%d of %d", d.Succeeded(), d.Wanted)},
		{"model", d.Model},
		{"cost", d.cost()},
		{"created", d.CreatedAt.Format(time.RFC3339)},
		{"started", stamp(d.StartedAt)},
		{"finished", stamp(d.FinishedAt)},
		{"set", d.set()},
	} {
		if fact[1] != "" {
			t.Add(fact[0], fact[1])
		}
	}
	return t.Write(w)
}

func (d detail) cost() string {
	s := d.Cost.Actual.String()
	if d.Cost.Estimated > 0 {
		s += " of about " + d.Cost.Estimated.String()
	}
	if d.Cost.Cap > 0 {
		s += ", at most " + d.Cost.Cap.String()
	}
	return s
}

func (d detail) set() string {
	if d.Output == nil {
		return ""
	}
	return fmt.Sprintf("v%d, %s", d.Revision, d.Output.Manifest)
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (d detail) grids(w io.Writer) error {
	t := cli.Table{Columns: []cli.Column{
		{Title: "grid", Right: true}, {Title: "state"}, {Title: "stage"}, {Title: "fit", Right: true}, {Title: "judge"}, {Title: "cost", Right: true}, {Title: "reason"},
	}}
	for _, g := range d.Grids {
		t.Add(strconv.Itoa(g.Index), string(g.State), string(g.Stage), strconv.Itoa(g.Fit), g.Judge, g.Cost.String(), g.Reason)
	}
	return section(w, t)
}

func (d detail) items(w io.Writer) error {
	t := cli.Table{Columns: []cli.Column{
		{Title: "image", Right: true},
		{Title: "scene"},
		{Title: "medium"},
		{Title: "state"},
		{Title: "phase"},
		{Title: "tries", Right: true},
		{Title: "cost", Right: true},
		{Title: "reason"},
	}}
	for _, it := range d.Items {
		t.Add(strconv.Itoa(it.Index), it.Scene, string(it.Medium), string(it.State), string(it.Phase), strconv.Itoa(it.Attempts), it.Cost.String(), it.Reason)
	}
	return section(w, t)
}

func (d detail) tries(w io.Writer) error {
	t := cli.Table{Columns: []cli.Column{
		{Title: "attempt"}, {Title: "outcome"}, {Title: "model"}, {Title: "prediction"}, {Title: "cost", Right: true}, {Title: "took", Right: true}, {Title: "reason"},
	}}
	for _, a := range d.Attempts {
		outcome, took := string(a.Outcome), ""
		if outcome == "" {
			outcome = string(a.State)
		}
		if a.EndedAt != nil {
			took = cli.Duration(a.EndedAt.Sub(a.CreatedAt))
		}
		t.Add(a.ID, outcome, a.Model, a.PredictionID, a.Cost.String(), took, a.Reason)
	}
	return section(w, t)
}

func (d detail) timeline(w io.Writer, most int) error {
	events := d.Events
	t := cli.Table{Columns: []cli.Column{{Title: "time"}, {Title: "event"}, {Title: "of"}, {Title: "detail"}}}
	if n := len(events) - most; most > 0 && n > 0 {
		events = events[n:]
		t.Add("…", fmt.Sprintf("%d before", n), "", "--events 0 shows all")
	}
	for _, e := range events {
		t.Add(e.At.Format("2006-01-02 15:04:05.000"), e.Type, e.Subtask, e.Detail)
	}
	return section(w, t)
}

// section prints a table after an empty line, unless it has no rows.
func section(w io.Writer, t cli.Table) error {
	if t.Len() == 0 {
		return nil
	}
	if err := printf(w, "\n"); err != nil {
		return err
	}
	return t.Write(w)
}
