package main

import (
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
)

// judging is what is set and what is given of who judges.
type judging struct{ set, setModel, judge, model string }

// styled is an order for a style, completed in a system that is set so.
func styled(j judging, redis string) order {
	cfg := config.Default()
	cfg.Redis.URL = config.NewSecret(redis)
	if j.set != "" {
		cfg.Judge.Kind, cfg.Judge.Given = j.set, true
	}
	cfg.Judge.JudgeModel = j.setModel
	o := order{kind: trainset.KindStyle, source: "ink.png", options: trainset.Options{Version: trainset.RequestVersion}}
	o.style.Judge, o.style.JudgeModel = trainset.Judge(j.judge), j.model
	o.complete(cfg)
	return o
}

const redisOfTest = "redis://127.0.0.1:6379/0"

// A key that is derived names a set that was paid for: the same command must
// derive the same one for ever. These are of the first version that derived any.
func TestDerivedKeysStayAsTheyAre(t *testing.T) {
	ref := trainset.Reference{SHA256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"}
	const (
		usual       = "auto-8ccf3b0b4d5de2ceead1228adf14937f"
		byOpenAI    = "auto-375885fef531a521c0ebb043c3c25e31"
		byMeasures  = "auto-e65a71647cf6a6053d2cc0e8bf349918"
		byMini      = "auto-3ff723aa9a8fcdc9ab523089dba48960"
		byOpenAI4o  = "auto-d063f088404e6666840250b110782b05"
		byOpenAI41  = "auto-b2854d5884260cb851b20def2a1c2962"
		localAndSet = "auto-449020ef2d960ee0d85cf906f18a14cb"
		mini        = "openai/gpt-4o-mini"
	)
	for j, want := range map[judging]string{
		{}:                                        usual,
		{set: "replicate"}:                        usual,
		{set: "openai"}:                           byOpenAI,
		{set: "local"}:                            byMeasures,
		{setModel: mini}:                          byMini,
		{set: "replicate", setModel: mini}:        byMini,
		{set: "openai", setModel: "gpt-4o"}:       byOpenAI4o,
		{set: "local", setModel: "llava"}:         localAndSet,
		{"openai", "gpt-4o", "openai", ""}:        byOpenAI,
		{"replicate", mini, "replicate", ""}:      usual,
		{"openai", "gpt-4o", "local", ""}:         byMeasures,
		{"openai", "gpt-4o", "replicate", ""}:     usual,
		{"openai", "gpt-4o", "openai", "gpt-4.1"}: byOpenAI41,
		{model: mini}:                             byMini,
	} {
		for _, redis := range []string{"", redisOfTest} {
			if got := styled(j, redis).key(ref); got != want {
				t.Errorf("%+v, Redis %q: the key is %s, not %s", j, redis, got, want)
			}
		}
	}
	if got := styled(judging{set: "openai", model: "gpt-4.1"}, "").key(ref); got != byOpenAI41 {
		t.Errorf("a model of this command's own judge: the key is %s, not %s", got, byOpenAI41)
	}
}

// Workers that are asked without a word of the judge decide for themselves. A
// command that works itself goes by its own settings.
func TestTheJudgeIsLeftToTheWorkers(t *testing.T) {
	for j, want := range map[judging]struct{ deployed, alone judging }{
		{}:                             {judging{}, judging{judge: "replicate"}},
		{set: "replicate"}:             {judging{judge: "replicate"}, judging{judge: "replicate"}},
		{set: "openai"}:                {judging{judge: "openai"}, judging{judge: "openai"}},
		{judge: "local"}:               {judging{judge: "local"}, judging{judge: "local"}},
		{model: "a/b"}:                 {judging{judge: "replicate", model: "a/b"}, judging{judge: "replicate", model: "a/b"}},
		{setModel: "a/b"}:              {judging{judge: "replicate", model: "a/b"}, judging{judge: "replicate", model: "a/b"}},
		{set: "openai", setModel: "m"}: {judging{judge: "openai", model: "m"}, judging{judge: "openai", model: "m"}},
		{set: "openai", setModel: "m", model: "a/b"}: {judging{judge: "replicate", model: "a/b"}, judging{judge: "openai", model: "a/b"}},
	} {
		for redis, want := range map[string]judging{redisOfTest: want.deployed, "": want.alone} {
			o := styled(j, redis)
			if got := (judging{judge: string(o.style.Judge), model: o.style.JudgeModel}); got != want {
				t.Errorf("%+v, Redis %q: %+v is asked for, not %+v", j, redis, got, want)
			}
		}
	}
}

// Simulated pictures are made by the command itself, whatever else there is.
func TestASimulatedSetIsJudgedByTheCommand(t *testing.T) {
	cfg := config.Default()
	cfg.Redis.URL = config.NewSecret(redisOfTest)
	o := order{kind: trainset.KindStyle, source: "ink.png", options: trainset.Options{Simulate: true}}
	o.complete(cfg)
	if o.style.Judge != trainset.JudgeReplicate {
		t.Errorf("judged by %q", o.style.Judge)
	}
}
