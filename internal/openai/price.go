package openai

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// DefaultModel judges where OpenAI's own API does and none is named.
const DefaultModel = "gpt-4.1-mini"

// Latency is how long a judgement usually takes, for estimates only.
const Latency = 5 * time.Second

const (
	priceSource = "openai.com/api/pricing (by the token; an upper bound for a grid and an example)"
	priceDate   = "2026-11" // when the prices were read
	// maxQuestion bounds the tokens of a question's text and of the answer's schema:
	// they have about a thousand.
	maxQuestion = 3000
)

// tariff is what a vision model charges for a million tokens, and as how many
// tokens it counts the largest picture of any shape.
type tariff struct {
	name    string
	in, out trainset.Money
	picture int64
}

// tariffs is the table. Some models count patches of a picture, at most 1536, and
// each more than once; of two accounts of how often, the dearer is here.
var tariffs = []tariff{
	{"gpt-4.1-mini", trainset.USD(0.40), trainset.USD(1.60), 2489},
	{"gpt-4.1-nano", trainset.USD(0.10), trainset.USD(0.40), 3779},
	{"gpt-4.1", trainset.USD(2.00), trainset.USD(8.00), 1536},
	{"gpt-4o-mini", trainset.USD(0.15), trainset.USD(0.60), 48169},
	{"gpt-4o", trainset.USD(2.50), trainset.USD(10.00), 1536},
	{"gpt-4o-2024-05-13", trainset.USD(5.00), trainset.USD(15.00), 1536}, // it has kept the price of its day
	{"gpt-5-mini", trainset.USD(0.25), trainset.USD(2.00), 2489},
	{"gpt-5-nano", trainset.USD(0.05), trainset.USD(0.40), 3779},
	{"gpt-5", trainset.USD(1.25), trainset.USD(10.00), 1536},
}

// dated is the end of a name that pins a model to one of its versions.
var dated = regexp.MustCompile(`-\d{4}-\d{2}-\d{2}$`)

// tariffOf finds a version's own price before that of its model.
func tariffOf(model string) (tariff, bool) {
	for _, name := range []string{model, dated.ReplaceAllString(model, "")} {
		if i := slices.IndexFunc(tariffs, func(t tariff) bool { return t.name == name }); i >= 0 {
			return tariffs[i], true
		}
	}
	return tariff{}, false
}

// cost is the list price of tokens, rounded up to a millionth of a dollar.
func (t tariff) cost(in, out int64) trainset.Money {
	const million = 1_000_000
	return (t.in*trainset.Money(in) + t.out*trainset.Money(out) + million - 1) / million
}

// bill adds up what the calls of one attempt cost.
type bill struct {
	tariff
	known bool           // the tariff
	price trainset.Money // most that one judgement was expected to cost
	spent trainset.Money // by calls whose answers said how many tokens they took
	blind bool           // others may have been charged, of which no answer says so
}

func billOf(a plan.Attempt, resumed bool) *bill {
	t, known := tariffOf(a.Model)
	return &bill{tariff: t, known: known, price: a.Price, blind: resumed}
}

// add takes a charged call down, with the tokens that its answer names.
func (b *bill) add(in, out int64) {
	if !b.known || in <= 0 {
		b.blind = true
		return
	}
	b.spent += b.cost(in, out)
}

// total is what the attempt cost. What nobody knows is taken for one judgement,
// however often it was asked.
func (b *bill) total() trainset.Money {
	if b.blind {
		return max(b.price, b.spent)
	}
	return b.spent
}

// grid is the most that one call about a grid costs, in whole cents: of two
// pictures, for the example of the style comes with it.
func (t tariff) grid() trainset.Money {
	cent := trainset.USD(0.01)
	return (t.cost(2*t.picture+maxQuestion, maxTokens) + cent - 1) / cent * cent
}

// Priced is a model, the default one when empty, and the most that a judgement
// by it costs. Of a model that is not in the table the operator has to declare
// that, else it is refused: nobody could keep to a cap.
func Priced(model string, declared trainset.Money) (plan.Priced, error) {
	model = cmp.Or(model, DefaultModel)
	if t, ok := tariffOf(model); ok {
		return plan.Priced{Name: model, Price: t.grid(), Source: priceSource, Date: priceDate}, nil
	}
	if declared > 0 {
		return plan.Priced{Name: model, Price: declared, Source: "declared as TRAINSET_JUDGE_PRICE", Date: "an unknown date"}, nil
	}
	names := make([]string, len(tariffs))
	for i, t := range tariffs {
		names[i] = t.name
	}
	return plan.Priced{}, trainset.Invalid("judge_model", fmt.Sprintf("what %q costs is not known", model),
		"use "+strings.Join(names, ", ")+", or say with TRAINSET_JUDGE_PRICE what one judgement costs at most")
}
