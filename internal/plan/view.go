package plan

import "github.com/actormaker/trainset"

// Job is the public view of a record.
func (r Record) Job() trainset.Job {
	j := trainset.Job{
		ID: r.ID, Kind: r.Kind, State: r.State, User: r.User, Subject: r.Subject, Key: r.Key,
		Revision: r.Revision, Reason: r.Reason, Items: r.items(), Grids: r.grids(), CreatedAt: r.CreatedAt,
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Output: r.Output,
		Cost: trainset.Cost{Actual: r.Spent},
	}
	if !r.State.Ended() {
		j.HeldUp = r.HeldUp
	}
	if p := r.Plan; p != nil {
		j.Trigger, j.Model, j.Simulated, j.Wanted = p.Trigger, p.Model, p.Simulate, p.Images
		j.Cost.Estimated, j.Cost.Cap = p.Estimated, p.MaxCost
	} else {
		o := r.asks()
		j.Wanted, j.Cost.Cap = o.Images, o.MaxCost
	}
	return j
}

// asks is what a request that is not accepted yet asks for; nothing where it cannot
// be read, which its acceptance says.
func (r Record) asks() trainset.Options {
	req, _ := trainset.DecodeRequest(r.Kind, r.Request)
	switch req := req.(type) {
	case trainset.ActorRequest:
		return req.WithDefaults().Options
	case trainset.StyleRequest:
		return req.WithDefaults().Options
	}
	return trainset.Options{}
}

func (r Record) items() []trainset.Item {
	items := make([]trainset.Item, 0, len(r.Subtasks))
	for _, s := range r.Items() {
		it := item(s, r.Tries(s.ID))
		if r.assembled() && it.State == trainset.ItemSucceeded {
			it.File = trainset.ImageFile(r.Revision, it.Index)
		}
		items = append(items, it)
	}
	return items
}

// assembled reports whether the last set has everything that was made: one that
// is tried again may have more.
func (r Record) assembled() bool { return r.State.Ended() && r.Output != nil }

// grids shows what has come of a style's grids.
func (r Record) grids() []trainset.Grid {
	var all []trainset.Grid
	for n := 1; n <= r.Grids(); n++ {
		g := trainset.Grid{Index: n, State: r.Subtasks[GridID(n)].State, Reason: r.Subtasks[GridID(n)].Reason, Stage: trainset.StageDone}
		for _, part := range []struct {
			id    SubtaskID
			stage trainset.Stage
		}{{EnhanceID(n), trainset.StageEnhancing}, {JudgeID(n), trainset.StageJudging}, {GridID(n), trainset.StageGenerating}} {
			s, there := r.Subtasks[part.id]
			if there && !s.State.Settled() {
				g.Stage, g.State = part.stage, trainset.ItemRunning
			}
			for _, a := range r.Tries(part.id) {
				g.Cost += a.Cost
			}
		}
		if _, ok := r.Winner(GridID(n)); ok && g.Stage == trainset.StageDone {
			j := r.Judged(n)
			g.Judge = j.By
			for _, v := range j.Verdicts {
				if v.Unique && v.Fit {
					g.Fit++
				}
			}
		}
		all = append(all, g)
	}
	return all
}

func item(s Subtask, tries []Attempt) trainset.Item {
	it := trainset.Item{
		Index: s.Index, State: s.State, Scene: s.Ask.Scene, Medium: s.Ask.Medium,
		Reason: s.Reason, Attempts: len(tries), SettledAt: s.SettledAt, Phase: trainset.PhaseWaiting,
	}
	for _, a := range tries {
		it.Cost += a.Cost
	}
	if len(tries) == 0 {
		if s.State.Settled() {
			it.Phase = trainset.PhaseDone
		}
		return it
	}
	it.StartedAt = &tries[0].CreatedAt
	last := tries[len(tries)-1]
	switch {
	case s.State.Settled():
		it.Phase = trainset.PhaseDone
		return it
	case last.State == AttemptEnded && last.Outcome != OutcomeSucceeded:
		it.Reason = last.Reason
	case last.State == AttemptEnded, last.State == AttemptPredicted:
		it.Phase = trainset.PhaseStoring
	default:
		it.Phase = trainset.PhasePredicting
	}
	it.State = trainset.ItemRunning
	return it
}
