package tasks

import (
	"cmp"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/openai"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// stylePlan is the part of a style's plan that depends on the request alone.
func (h *Handlers) stylePlan(req trainset.StyleRequest, m replicate.Model) (plan.Plan, error) {
	id := req.JobID()
	style, err := h.styleOf(req)
	if err != nil {
		return plan.Plan{}, err
	}
	p := plan.Plan{
		Version: plan.Version, JobID: id, Kind: trainset.KindStyle, User: req.User, Subject: req.Style, Key: req.Key,
		Class: "style", Name: req.Name, CaptionProfile: string(cmp.Or(req.CaptionProfile, trainset.ProfileStyle)), CatalogVersion: generate.CatalogVersion,
		Seed: seedOf(id), Model: m.Name, Price: m.Price, PriceSource: m.PriceSource, PriceDate: m.PriceDate,
		Images: req.Images, MaxAttempts: h.o.MaxAttempts, MaxCost: req.MaxCost, Style: &style,
	}
	p.Trigger = trigger(req)
	if req.Seed != nil {
		p.Seed = *req.Seed
	}
	if least := p.GridPrice(1); p.MaxCost > 0 && p.MaxCost < least {
		return p, trainset.Invalid("max_cost_usd", fmt.Sprintf("%s does not pay for one grid with what follows from it, %s", p.MaxCost, least), "give more, or leave it out")
	}
	style.Grids = p.FirstGrids()
	p.Estimated = estimate(p)
	return WithGrids(p), nil
}

// WithGrids freezes what the grids of a style's plan are to show, as many as may
// be asked for. Those that the plan has stay as they are; an actor's has none.
func WithGrids(p plan.Plan) plan.Plan {
	if p.Style == nil {
		return p
	}
	for n := len(p.Asks) + 1; n <= p.Style.MaxGrids; n++ {
		p.Asks = append(p.Asks, gridAsk(p, n))
	}
	return p
}

// estimate is what a job costs that needs no more grids than it begins with.
func estimate(p plan.Plan) trainset.Money {
	return p.GridPrice(0)*trainset.Money(p.Style.Grids) + p.Buys(plan.VerbTile).Price*trainset.Money(p.Images)
}

// judgeOf says who judges and with which model: what the request says, else what
// this worker is set to. A model that is named without a judge is the provider's.
func (h *Handlers) judgeOf(req trainset.StyleRequest) (who trainset.Judge, model string) {
	who, model = req.Judge, req.JudgeModel
	if who == "" {
		who = h.o.Judge
		if model != "" {
			who = trainset.JudgeReplicate
		}
	}
	if model == "" && who == h.o.Judge {
		model = h.o.JudgeModel
	}
	return who, model
}

// styleOf settles who judges and what enlarges.
func (h *Handlers) styleOf(req trainset.StyleRequest) (plan.Style, error) {
	who, model := h.judgeOf(req)
	s := plan.Style{Grids: req.Grids, MaxGrids: req.MaxGrids, Judge: who, Enhance: req.Enhance, Factor: 1}
	switch who {
	case trainset.JudgeReplicate:
		m, err := replicate.Lookup(replicate.RoleJudge, cmp.Or(model, replicate.DefaultJudgeModel))
		if err != nil {
			return s, err
		}
		s.JudgeModel = priced(m)
	case trainset.JudgeOpenAI:
		if h.o.OpenAI == nil {
			return s, trainset.Invalid("judge", "this system has no OpenAI key", "set OPENAI_API_KEY for its workers, or use replicate or local")
		}
		m, err := openai.Priced(model, h.o.JudgePrice)
		if err != nil {
			return s, err
		}
		s.JudgeModel = m
	case trainset.JudgeLocal:
	}
	if req.Enhance != trainset.EnhanceNone {
		m, err := replicate.Lookup(replicate.RoleEnhance, replicate.DefaultEnhanceModel)
		if err != nil {
			return s, err
		}
		s.EnhanceModel, s.Factor = priced(m), factor
	}
	return s, nil
}

func priced(m replicate.Model) plan.Priced {
	return plan.Priced{Name: m.Name, Price: m.Price, Source: m.PriceSource, Date: m.PriceDate}
}

// gridAsk is what the n-th grid is to show.
func gridAsk(p plan.Plan, n int) plan.Ask {
	subjects := generate.Grid(p.Seed, n)
	a := plan.Ask{
		Index: n, Grid: n, Scene: fmt.Sprintf("grid-%d", n),
		Prompt: generate.GridPrompt(subjects), Milder: generate.MilderGridPrompt(subjects),
	}
	for _, s := range subjects {
		a.Tiles = append(a.Tiles, plan.TileAsk{
			Subject: s.ID, Category: string(s.Category), Content: s.Content,
			Caption: generate.StyleCaption(trainset.CaptionProfile(p.CaptionProfile), p.Trigger, s),
		})
	}
	for try := 1; try <= p.MaxAttempts*rounds; try++ {
		a.Seeds = append(a.Seeds, generate.Seed(p.Seed, n, try))
	}
	return a
}
