package openai_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/openai"
	fake "github.com/actormaker/trainset/internal/openai/openaitest"
	"github.com/actormaker/trainset/internal/plan"
)

// What a judgement counts as includes the example beside the grid.
func TestAModelsPriceBoundsOneJudgement(t *testing.T) {
	for name, want := range map[string]float64{
		"": 0.01, "gpt-4.1-mini": 0.01, "gpt-4.1-mini-2025-04-14": 0.01, "gpt-4.1": 0.05, "gpt-4o": 0.06,
		"gpt-4o-2024-08-06": 0.06, "gpt-4o-2024-05-13": 0.10, "gpt-4o-mini": 0.02, "gpt-5": 0.05,
	} {
		p, err := openai.Priced(name, trainset.USD(9))
		if err != nil || p.Price != trainset.USD(want) || p.Name == "" || p.Source == "" || p.Date == "" {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
}

func TestAModelWithoutAPriceIsRefused(t *testing.T) {
	_, err := openai.Priced("llava", 0)
	if field, ok := errors.AsType[*trainset.FieldError](err); !ok || field.Field != "judge_model" || !strings.Contains(field.Remedy, "TRAINSET_JUDGE_PRICE") {
		t.Error(err)
	}
	if p, err := openai.Priced("llava", trainset.USD(0.02)); err != nil || p.Price != trainset.USD(0.02) || !strings.Contains(p.Source, "declared") {
		t.Errorf("%+v, %v", p, err)
	}
}

// What an answer says of its tokens counts for the model that gave it; of a model
// whose tokens have no known price, the declared price does.
func TestAnAnswersTokensArePriced(t *testing.T) {
	for model, want := range map[string]trainset.Money{
		"gpt-4.1-mini": told, "gpt-4o": 8885, "gpt-4.1-mini-2025-04-14": told, "llava": trainset.USD(0.01),
	} {
		synctest.Test(t, func(t *testing.T) {
			a := fresh("judge.1.1")
			a.Model = model
			a, _, err := payer(t, newJournal(), &fake.Server{}, nil).Once(t.Context(), a)
			if err != nil || a.State != plan.AttemptPredicted || a.Cost != want {
				t.Errorf("%s: %s, cost %s, want %s: %v", model, a.State, a.Cost, want, err)
			}
		})
	}
}
