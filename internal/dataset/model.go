package dataset

import (
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// The roles of models, in the order in which a manifest names them.
const (
	roleGenerate = "generate"
	roleJudge    = "judge"
	roleEnhance  = "enhance"
)

// roleOf is what a subtask asks a model for.
func roleOf(v plan.Verb) string {
	switch v {
	case plan.VerbJudge:
		return roleJudge
	case plan.VerbEnhance, plan.VerbTile:
		return roleEnhance
	case plan.VerbImage, plan.VerbGrid, plan.VerbAccept, plan.VerbAssemble:
	}
	return roleGenerate
}

// models names the one that generates, and of the others those that were asked.
func (s Set) models() []trainset.SetModel {
	p := s.Record.Plan
	all := []trainset.SetModel{s.model(roleGenerate, p.Buys(plan.VerbImage))}
	if p.Style == nil {
		return all
	}
	if len(s.asked(roleJudge)) > 0 {
		all = append(all, s.model(roleJudge, p.Style.JudgeModel))
	}
	if len(s.asked(roleEnhance)) > 0 {
		all = append(all, s.model(roleEnhance, p.Style.EnhanceModel))
	}
	return all
}

// asked are the attempts that asked a role's model.
func (s Set) asked(role string) []plan.Attempt {
	var all []plan.Attempt
	for _, a := range s.Record.Attempts {
		if a.Model != "" && roleOf(s.Record.Subtasks[a.Subtask].Verb) == role {
			all = append(all, a)
		}
	}
	return all
}

func (s Set) model(role string, priced plan.Priced) trainset.SetModel {
	m := trainset.SetModel{
		Role: role, Provider: "replicate", Name: priced.Name, Params: s.params(role),
		Price: priced.Price, PriceSource: priced.Source, PriceDate: priced.Date,
	}
	switch {
	case role == roleJudge && s.Record.Plan.Style.Judge == trainset.JudgeOpenAI:
		m.Provider = "openai"
	case s.Record.Plan.Simulate:
		m.Provider = "simulated"
	}
	return m
}

// params is what a role's inputs all have alike.
func (s Set) params(role string) map[string]any {
	var common map[string]any
	for _, a := range s.asked(role) {
		if len(a.Input) == 0 { // its record was lost
			continue
		}
		these := s.lasting(a.Input)
		if common == nil {
			common = these
		}
		for name, v := range common {
			if these[name] != v {
				delete(common, name)
			}
		}
	}
	if common == nil {
		common = map[string]any{}
	}
	return common
}

// lasting is what an input has beside what differs by attempt and the pictures
// that it names, by addresses which expire and may be signed or by keys.
func (s Set) lasting(input map[string]any) map[string]any {
	kept := map[string]any{}
	for name, v := range input {
		if name == "prompt" || name == "seed" {
			continue
		}
		switch v := v.(type) {
		case string:
			if !strings.Contains(v, ":/") && !strings.HasPrefix(v, "data:") && !strings.HasPrefix(v, s.layout().Root()+"/") {
				kept[name] = v
			}
		case bool, float64, int, int64:
			kept[name] = v
		}
	}
	return kept
}
