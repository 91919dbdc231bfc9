package plan_test

import (
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// short is a style job of 20 images that has ended with one grid, which gave nine.
func short(t *testing.T, change func(*plan.Plan)) plan.Record {
	t.Helper()
	r := styleWith(20, 1, 1)
	for _, s := range plan.Grow(r.Raised(plan.Limits{MaxGrids: 1})).Subtasks {
		add(&r, []plan.Subtask{s})
		settle(&r, s.ID, trainset.ItemSucceeded, plan.Attempt{})
	}
	p := *r.Plan
	if r.Plan, r.State, r.Spent = &p, trainset.JobPartial, 30; change != nil {
		change(&p)
	}
	return r
}

func TestRaisedLimitsLetAStyleGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*plan.Plan)
		limits plan.Limits
		is     plan.Limit // before
		still  plan.Limit // after
		grids  int
		cost   trainset.Money
	}{
		"not raised":          {nil, plan.Limits{}, plan.LimitGrids, plan.LimitGrids, 0, 0},
		"one grid more":       {nil, plan.Limits{MaxGrids: 2}, plan.LimitGrids, "", 1, 30},
		"as many as it needs": {nil, plan.Limits{MaxGrids: 9}, plan.LimitGrids, "", 2, 60},
		"the cap holds":       {func(p *plan.Plan) { p.MaxCost = 40 }, plan.Limits{MaxGrids: 9}, plan.LimitGrids, plan.LimitCost, 0, 0},
		"the bound holds":     {func(p *plan.Plan) { p.MaxCost = 40 }, plan.Limits{MaxCost: 400}, plan.LimitGrids, plan.LimitGrids, 0, 0},
		"for one of two":      {func(p *plan.Plan) { p.MaxCost = 40 }, plan.Limits{MaxCost: 80, MaxGrids: 9}, plan.LimitGrids, "", 1, 30},
		"tiles cost, too": {
			func(p *plan.Plan) { p.Style.Enhance = trainset.EnhanceTile }, plan.Limits{MaxGrids: 3}, plan.LimitGrids, "", 2, 2*20 + 11*10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := short(t, c.change)
			after := r.Raised(c.limits).Reopened(nil)
			if r.Limit() != c.is || after.Limit() != c.still {
				t.Errorf("limited by %q, then by %q", r.Limit(), after.Limit())
			}
			if grids, cost := after.ToCome(); grids != c.grids || cost != c.cost || (grids == 0) != plan.Grow(after).Empty() {
				t.Errorf("%d grids for %d are to come", grids, cost)
			}
			if r.Plan.Style.MaxGrids != 1 || r.Plan.MaxCost > 40 {
				t.Errorf("the plan that it was raised from has changed: %+v", r.Plan)
			}
		})
	}
}
