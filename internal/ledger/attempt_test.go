package ledger

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/plan"
)

func TestEachFieldOfAnAttemptIsInOneHalf(t *testing.T) {
	halves := map[string]int{}
	for _, half := range []reflect.Type{reflect.TypeFor[asked](), reflect.TypeFor[standing]()} {
		for f := range half.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			halves[f.Name+" "+name]++
		}
	}
	for f := range reflect.TypeFor[plan.Attempt]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if halves[f.Name+" "+name] != 1 {
			t.Errorf("%s is in %d halves", f.Name, halves[f.Name+" "+name])
		}
		delete(halves, f.Name+" "+name)
	}
	if len(halves) > 0 {
		t.Errorf("of no attempt: %v", halves)
	}
}

// An orphan is found by its input: what is read is what was written, to the letter.
func TestAnAttemptIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 1, 2, 3, 4, 5, time.UTC)
	prompts := map[string]struct {
		prompt string
		input  map[string]any
	}{
		"the same":      {"a \"portrait\" <b>", map[string]any{"prompt": "a \"portrait\" <b>", "seed": 7.0}},
		"another":       {"a portrait", map[string]any{"prompt": "A portrait"}},
		"none":          {"", map[string]any{"prompt": "a portrait"}},
		"two empty":     {"", map[string]any{"prompt": ""}},
		"no text":       {"a portrait", map[string]any{"prompt": 7.0}},
		"not the input": {"a portrait", map[string]any{"seed": 7.0}},
		"no input":      {"a portrait", nil},
	}
	for name, p := range prompts {
		t.Run(name, func(t *testing.T) {
			a := plan.Attempt{
				ID: "image.3.1", Job: "j", Subtask: "image.3", Number: 1, Version: 3, State: plan.AttemptEnded, Outcome: plan.OutcomeRejected,
				Reason: "dark", User: "u", Model: "m", Text: true, Prompt: p.prompt, Seed: 7, Input: p.input, Price: 4, Cost: 3,
				Owner: "w", IntentAt: at, Unsent: true, TakenOver: true, Account: "c", PredictionID: "p", Output: []string{"o"}, CreatedAt: at, PredictedAt: &at, EndedAt: &at,
				PredictSeconds: 1.5, Image: &plan.Image{Key: "k"}, Grid: &plan.Grid{}, Judgement: &plan.Judgement{},
			}
			standing, asked, err := encodeAttempt(a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := attemptOf(string(standing), string(asked))
			if diff := cmp.Diff(a, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			whole, err := json.Marshal(a) // as it was kept before there were two halves
			if err != nil {
				t.Fatal(err)
			}
			got, err = attemptOf(string(whole), "")
			if diff := cmp.Diff(a, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}
