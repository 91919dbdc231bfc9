package plan

import "github.com/actormaker/trainset"

// Limits bound what a job may ask for in all. One that is zero stays as it is.
type Limits struct {
	MaxCost  trainset.Money
	MaxGrids int // of a style
}

// Limits are those that the plan has.
func (p Plan) Limits() Limits {
	l := Limits{MaxCost: p.MaxCost}
	if p.Style != nil {
		l.MaxGrids = p.Style.MaxGrids
	}
	return l
}

// Most are the higher of each.
func (l Limits) Most(other Limits) Limits {
	return Limits{MaxCost: max(l.MaxCost, other.MaxCost), MaxGrids: max(l.MaxGrids, other.MaxGrids)}
}

// Raised is the plan with other limits, all else as it was frozen.
func (p Plan) Raised(l Limits) Plan {
	if l.MaxCost > 0 {
		p.MaxCost = l.MaxCost
	}
	if l.MaxGrids > 0 && p.Style != nil {
		style := *p.Style
		style.MaxGrids = l.MaxGrids
		p.Style = &style
	}
	return p
}

// Raised is the record of the job with other limits.
func (r Record) Raised(l Limits) Record {
	if r.Plan != nil {
		p := r.Plan.Raised(l)
		r.Plan = &p
	}
	return r
}

// Limit is what keeps a style's job from asking for one more grid.
type Limit string

const (
	LimitCost  Limit = "max_cost_usd"
	LimitGrids Limit = "max_grids"
)

// Limit says which limit keeps a style's job whose images are short of tiles from
// going on; empty where none does, or something else as well.
func (r Record) Limit() Limit {
	if r.Plan == nil || r.Plan.Style == nil || r.enlargesNothing() {
		return ""
	}
	open := r.openItems()
	chosen := choose(r, open)
	short := len(open) - len(chosen)
	if short == 0 || r.vain(chosen) >= gridsInVain {
		return ""
	}
	return r.limit(short, len(chosen))
}

// limit is which of them another grid would exceed.
func (r Record) limit(short, chosen int) Limit {
	switch {
	case r.Grids() >= r.Plan.Style.MaxGrids:
		return LimitGrids
	case !r.affords(short, chosen):
		return LimitCost
	}
	return ""
}

// ToCome is what the job adds next, as far as that is known: how many grids, if
// each gives as many images as the plan counts on and as many as the limits allow,
// and what they and all that follows cost at list prices.
func (r Record) ToCome() (grids int, cost trainset.Money) {
	g := Grow(r)
	for _, s := range g.Subtasks {
		cost += r.Plan.Buys(s.Verb).Price
	}
	if g.Grids == 0 {
		return 0, cost
	}
	short, each := len(r.openItems())-len(g.Subtasks), r.Plan.ExpectedTiles()
	grids = min((short+each-1)/each, r.Plan.Style.MaxGrids-r.Grids())
	if left := r.Plan.MaxCost - r.Spent - cost; r.Plan.MaxCost > 0 {
		grids = min(grids, int(left/r.Plan.GridPrice(each)))
	}
	grids = max(grids, g.Grids)
	tiles := r.Plan.Buys(VerbTile).Price * trainset.Money(min(short, grids*each))
	return grids, cost + r.Plan.GridPrice(0)*trainset.Money(grids) + tiles
}
