package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/openai"
	"github.com/actormaker/trainset/internal/replicate"
)

// estimate is what a job takes when every picture is good at the first try.
type estimate struct {
	Images   int    `json:"images"`
	Grids    int    `json:"grids,omitempty"`
	MaxGrids int    `json:"max_grids,omitempty"`
	Model    string `json:"model"`
	amount
	Seconds float64  `json:"seconds"`
	Parts   []part   `json:"parts"`
	Notes   []string `json:"notes,omitempty"` // what only the workers know
}

// amount is what is to be paid: at list prices, and nothing for simulated pictures.
type amount struct {
	Cost      trainset.Money `json:"estimated_usd"`
	ListPrice trainset.Money `json:"list_price_usd"`
	Simulated bool           `json:"simulated"`
}

func (a amount) String() string {
	if a.Simulated {
		return fmt.Sprintf("%s, simulated; real images would cost %s", a.Cost, a.ListPrice)
	}
	return a.Cost.String()
}

// part is one kind of paid calls.
type part struct {
	Calls  int            `json:"calls"`
	Model  string         `json:"model"`
	Price  trainset.Money `json:"price_usd"`
	Source string         `json:"price_source"`
	Date   string         `json:"price_date"`

	unsure bool // whether it will be bought is for the workers to say
}

func estimateOf(req trainset.Request, cfg config.Config) (estimate, error) {
	o := req.Common()
	m, err := replicate.Lookup(replicate.RoleGenerate, o.Model)
	if err != nil {
		return estimate{}, err
	}
	e := estimate{Images: o.Images, Model: m.Name, amount: amount{Simulated: o.Simulate}}
	took := m.Latency
	if style, ok := req.(trainset.StyleRequest); ok {
		e.Grids, e.MaxGrids = style.Grids, style.MaxGrids
		e.add(style.Grids, m)
		after, err := e.addStyle(style, cfg)
		if err != nil {
			return estimate{}, err
		}
		took += after
	} else {
		e.add(o.Images, m)
	}
	calls := 0
	for _, p := range e.Parts {
		calls += p.Calls
		e.ListPrice += p.Price * trainset.Money(p.Calls)
	}
	if !o.Simulate {
		e.Cost = e.ListPrice
	}
	took += time.Duration(max(calls-1, 0)) * time.Minute / time.Duration(cfg.Provider.PerMinute)
	e.Seconds = took.Seconds()
	return e, nil
}

func (e *estimate) add(calls int, m replicate.Model) {
	e.Parts = append(e.Parts, part{Calls: calls, Model: m.Name, Price: m.Price, Source: m.PriceSource, Date: m.PriceDate})
}

// addStyle adds what follows the grids, and returns how long that takes: the
// judgement and the enlargement of a grid go on at the same time.
func (e *estimate) addStyle(req trainset.StyleRequest, cfg config.Config) (time.Duration, error) {
	judging, err := e.addJudge(req, cfg)
	if err != nil {
		return 0, err
	}
	if req.Enhance == trainset.EnhanceNone {
		return judging, nil
	}
	m, err := replicate.Lookup(replicate.RoleEnhance, replicate.DefaultEnhanceModel)
	if err != nil {
		return 0, err
	}
	enlarging := m.Latency
	if req.Enhance == trainset.EnhanceTile { // the chosen ones, so after the judgement
		e.add(req.Images, m)
		return judging + enlarging, nil
	}
	e.add(req.Grids, m)
	return max(judging, enlarging), nil
}

// addJudge adds the judgements, and returns how long one takes. What is for
// workers elsewhere to decide is counted as usual, or not at all, and noted.
func (e *estimate) addJudge(req trainset.StyleRequest, cfg config.Config) (time.Duration, error) {
	model := req.JudgeModel
	if model == "" && string(req.Judge) == cfg.Judge.Kind {
		model = cfg.Judge.JudgeModel
	}
	switch req.Judge {
	case trainset.JudgeReplicate, "":
		m, err := replicate.Lookup(replicate.RoleJudge, cmp.Or(model, replicate.DefaultJudgeModel))
		if err != nil {
			return 0, err
		}
		e.add(req.Grids, m)
		if req.Judge == "" {
			e.Parts[len(e.Parts)-1].unsure = true
			e.Notes = append(e.Notes, "who judges is a setting of the workers; counted as "+m.Name)
		}
		return m.Latency, nil
	case trainset.JudgeOpenAI:
		m, err := openai.Priced(model, cfg.Judge.Price)
		switch {
		case err == nil:
			e.Parts = append(e.Parts, part{Calls: req.Grids, Model: m.Name, Price: m.Price, Source: m.Source, Date: m.Date})
		case deployed(cfg, e.Simulated):
			e.Notes = append(e.Notes, fmt.Sprintf("without the judgements by %s: only the workers may know what they cost", model))
		default:
			return 0, err
		}
		return openai.Latency, nil
	case trainset.JudgeLocal:
	}
	return 0, nil
}

// underCap says whether the cap pays for at least one picture: for one of each
// call that it takes.
func (e estimate) underCap(limit trainset.Money) error {
	least, what := trainset.Money(0), "one image of "+e.Model
	for _, p := range e.Parts {
		if !p.unsure {
			least += p.Price
		}
	}
	if e.Grids > 0 {
		what = "one grid of " + e.Model + " with what follows from it"
	}
	if limit > 0 && limit < least {
		return trainset.Invalid("max_cost_usd", fmt.Sprintf("%s does not pay for %s, %s", limit, what, least), "give more, or leave it out")
	}
	return nil
}

// write prints what the job would take.
func (e estimate) write(w io.Writer) error {
	images := fmt.Sprint(e.Images)
	if e.Grids > 0 {
		images += fmt.Sprintf(" from %d grids, up to %d while images are short", e.Grids, e.MaxGrids)
	}
	t := cli.Table{Columns: make([]cli.Column, 2)}
	t.Add("images", images)
	t.Add("cost", e.amount.String())
	for _, p := range e.Parts {
		t.Add("", fmt.Sprintf("%d x %s for %s, list price of %s, %s", p.Calls, p.Price, p.Model, p.Date, p.Source))
	}
	for _, note := range e.Notes {
		t.Add("", note)
	}
	t.Add("time", "about "+cli.Duration(time.Duration(e.Seconds*float64(time.Second))))
	return t.Write(w)
}
