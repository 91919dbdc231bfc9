package app_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	fake "github.com/actormaker/trainset/internal/openai/openaitest"
	"github.com/actormaker/trainset/internal/redistest"
	provider "github.com/actormaker/trainset/internal/replicate/fake"
)

// openAISystem is one whose judge is OpenAI's API.
func openAISystem(t *testing.T, judge *fake.Server) *system {
	t.Helper()
	s := newSystem(t, redistest.Any(t))
	judge.Key = "sk-proj-7h3k"
	server := httptest.NewServer(judge)
	t.Cleanup(server.Close)
	s.options.OpenAIKey, s.options.OpenAIBaseURL = judge.Key, server.URL+"/v1"
	return s
}

func smallByOpenAI(r *trainset.StyleRequest) { small(r); r.Judge = trainset.JudgeOpenAI }

// OpenAI's answer decides: a tile that it finds unfit is in no set, and the
// manifest says who judged and why.
func TestOpenAIJudges(t *testing.T) {
	t.Parallel()
	judge := &fake.Server{Script: []fake.Reply{
		fake.With("Retry-After-Ms", "20", fake.Refuse(429, "rate_limit_exceeded", "Rate limit reached")),
		fake.Answer("I cannot tell."),
		fake.Answer(fake.Fit(1, 5)),
	}}
	s := openAISystem(t, judge)
	s.start()
	req := s.styleRequest("k", smallByOpenAI)
	job := s.style(req)
	if job.State != trainset.JobSucceeded || job.Succeeded() != 6 || len(job.Grids) != 1 || job.Grids[0].Judge != "gpt-4.1-mini" {
		t.Fatalf("job %s (%s): %d images of %+v", job.State, job.Reason, job.Succeeded(), job.Grids)
	}
	s.made(1) // the grid; the provider's own judge was not asked
	calls := judge.Calls()
	if len(calls) != 3 || calls[0].Prompt != calls[1].Prompt || !strings.HasPrefix(calls[2].Prompt, calls[1].Prompt) || len(calls[2].Prompt) == len(calls[1].Prompt) {
		t.Errorf("%d questions; after an answer that was none it must be told", len(calls))
	}
	if len(calls[0].Picture) == 0 || calls[0].MediaType != "image/png" {
		t.Errorf("it was shown %d bytes of %s", len(calls[0].Picture), calls[0].MediaType)
	}
	// Two judgements were bought: the one that said nothing counts too.
	// Each cost what its tokens do, not the most that it might have.
	if want := job.Cost.Estimated - trainset.USD(0.01) + 2*1422; job.Cost.Actual != want {
		t.Errorf("it cost %s, want %s", job.Cost.Actual, want)
	}
	m := s.styleManifest(req)
	if m.Plan.Style == nil || m.Plan.Style.Judge != trainset.JudgeOpenAI {
		t.Errorf("the manifest's style is %+v", m.Plan.Style)
	}
	if !slices.ContainsFunc(m.Models, func(u trainset.SetModel) bool {
		return u.Role == "judge" && u.Provider == "openai" && u.Name == "gpt-4.1-mini"
	}) {
		t.Errorf("the manifest's models are %+v", m.Models)
	}
	for _, it := range m.Items {
		if it.File != "" && (it.Tile == nil || it.Tile.Judge != "gpt-4.1-mini" || it.Tile.Reason != "whole and clear") {
			t.Errorf("item %d is of %+v", it.Index, it.Tile)
		}
	}
}

// A key that is refused costs the job nothing but the judge: measures decide,
// and the manifest says so and what to do.
func TestARefusedOpenAIKeyLeavesMeasures(t *testing.T) {
	t.Parallel()
	s := openAISystem(t, &fake.Server{})
	s.options.OpenAIKey = "sk-of-nobody"
	s.start()
	req := s.styleRequest("k", smallByOpenAI)
	job := s.style(req)
	if job.State != trainset.JobSucceeded || job.Grids[0].Judge != "local" {
		t.Fatalf("job %s (%s): %+v", job.State, job.Reason, job.Grids)
	}
	if warnings := strings.Join(s.styleManifest(req).Warnings, "\n"); !strings.Contains(warnings, "OPENAI_API_KEY") || strings.Contains(warnings, "sk-of-nobody") {
		t.Errorf("the warnings are: %s", warnings)
	}
}

// A model whose price nobody knows is refused, or costs what the operator declares.
func TestAModelOfUnknownPriceNeedsAnOperatorsWord(t *testing.T) {
	t.Parallel()
	s := openAISystem(t, &fake.Server{Always: fake.Answer(fake.Fit())})
	w := s.start()
	odd := func(r *trainset.StyleRequest) { smallByOpenAI(r); r.JudgeModel = "llava" }
	if job := s.style(s.styleRequest("refused", odd)); job.State != trainset.JobFailed || !strings.Contains(job.Reason, "judge_model") || !strings.Contains(job.Reason, "TRAINSET_JUDGE_PRICE") {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	w.Stop()
	s.made(0)
	s.options.JudgePrice = trainset.USD(0.3)
	s.start()
	if job := s.style(s.styleRequest("declared", odd)); job.State != trainset.JobSucceeded || job.Cost.Actual != job.Cost.Estimated || job.Cost.Actual < trainset.USD(0.3) {
		t.Errorf("job %s (%s): it cost %s, estimated %s", job.State, job.Reason, job.Cost.Actual, job.Cost.Estimated)
	}
}

// Without access to it, a request for it is refused before anything is made.
func TestNoOpenAINoSuchJudge(t *testing.T) {
	s := newSystem(t, redistest.Any(t))
	s.start()
	job := s.style(s.styleRequest("k", smallByOpenAI))
	if job.State != trainset.JobFailed || !strings.Contains(job.Reason, "OPENAI_API_KEY") {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	s.made(0)
}

// A worker without access to the judge that a job was planned with goes on with
// measures, and says so: the grid is paid for.
func TestAJudgeThatNobodyHasAccessToLeavesMeasures(t *testing.T) {
	s := openAISystem(t, &fake.Server{})
	s.provider.Configure(func(o *provider.Settings) { o.Latency.Fixed = 2 * time.Second })
	first := s.start()
	req := s.styleRequest("k", smallByOpenAI)
	job, err := s.client.EnqueueStyle(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	redistest.Await(t, "the grid is asked for", func() bool { return s.provider.Stats().Predictions == 1 })
	first.Stop()
	s.options.OpenAIKey, s.options.OpenAIBaseURL = "", ""
	s.start()
	if job := s.ended(job.ID); job.State != trainset.JobSucceeded || job.Grids[0].Judge != "local" {
		t.Errorf("job %s (%s), judged by %+v", job.State, job.Reason, job.Grids)
	}
	s.made(1)
}
