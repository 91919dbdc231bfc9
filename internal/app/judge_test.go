package app_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	fake "github.com/actormaker/trainset/internal/openai/openaitest"
	"github.com/actormaker/trainset/internal/redistest"
)

// byQueue asks as a service does that knows asynq alone.
func (s *system) byQueue(req trainset.StyleRequest) trainset.Job {
	s.t.Helper()
	req.Version = trainset.RequestVersion
	payload, err := json.Marshal(req)
	if err != nil {
		s.t.Fatal(err)
	}
	c := asynq.NewClientFromRedisClient(s.rdb)
	if _, err := c.EnqueueContext(s.t.Context(), asynq.NewTask(trainset.TaskStyleGenerate, payload), asynq.Queue("control")); err != nil {
		s.t.Fatal(err)
	}
	return s.ended(req.JobID())
}

// The worker's setting says who judges where a request does not, however it came.
func TestTheWorkersJudgeDecidesWhereARequestDoesNotSay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.options.Judge = trainset.JudgeLocal
	s.start()
	req := s.styleRequest("bare", small)
	if job := s.byQueue(req); job.State != trainset.JobSucceeded || job.Grids[0].Judge != "local" {
		t.Fatalf("job %s (%s): %+v", job.State, job.Reason, job.Grids)
	}
	if m := s.styleManifest(req); m.Plan.Style.Judge != trainset.JudgeLocal || len(m.Models) != 1 {
		t.Errorf("the manifest says %+v and %+v", m.Plan.Style, m.Models)
	}
	if job := s.style(s.styleRequest("client", small)); job.Grids[0].Judge != "local" {
		t.Errorf("by the client: %+v", job.Grids)
	}
	s.made(2) // two grids, and no judgement
	// A request's own word counts more, and a model of the provider is a word.
	for key, change := range map[string]func(*trainset.StyleRequest){
		"judge": func(r *trainset.StyleRequest) { small(r); r.Judge = trainset.JudgeReplicate },
		"model": func(r *trainset.StyleRequest) { small(r); r.JudgeModel = "openai/gpt-4.1-mini" },
	} {
		if job := s.style(s.styleRequest(key, change)); job.Grids[0].Judge == "local" {
			t.Errorf("%s: %+v", key, job.Grids)
		}
	}
	s.made(6)
}

// Who asked without a judge and asks again with the usual one is given the job
// that there is: it was one request before workers had a setting.
func TestAnUnsaidJudgeIsTheSameRequestAsTheUsualOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	first := s.style(s.styleRequest("k", small))
	again, err := s.client.EnqueueStyle(t.Context(), s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.Judge = trainset.JudgeReplicate }))
	if err != nil || again.ID != first.ID {
		t.Errorf("%s: %v", again.ID, err)
	}
	_, err = s.client.EnqueueStyle(t.Context(), s.styleRequest("k", func(r *trainset.StyleRequest) { small(r); r.Judge = trainset.JudgeLocal }))
	if conflict, ok := errors.AsType[*trainset.ConflictError](err); !ok || conflict.JobID != first.ID {
		t.Errorf("another judge under the same key: %v", err)
	}
}

// A model that is set is that of the judge that is set: asked for by name or not.
func TestTheWorkersJudgeModelIsItsJudges(t *testing.T) {
	t.Parallel()
	judge := &fake.Server{Always: fake.Answer(fake.Fit(1)), Key: "sk-proj-7h3k"}
	server := httptest.NewServer(judge)
	t.Cleanup(server.Close)
	s := newSystem(t, redistest.Any(t))
	o := app.FromConfig(config.Config{Judge: config.Judge{
		Kind: "openai", JudgeModel: "gpt-4o-mini", OpenAIKey: config.NewSecret(judge.Key), OpenAIBaseURL: server.URL + "/v1",
	}}, zerolog.Nop())
	s.options.Judge, s.options.JudgeModel, s.options.OpenAIKey, s.options.OpenAIBaseURL = o.Judge, o.JudgeModel, o.OpenAIKey, o.OpenAIBaseURL
	s.start()
	for key, c := range map[string]struct {
		judge trainset.Judge
		want  string
	}{
		"unsaid":    {"", "gpt-4o-mini"},
		"bare":      {trainset.JudgeOpenAI, "gpt-4o-mini"},
		"replicate": {trainset.JudgeReplicate, "openai/gpt-4.1-mini"},
	} {
		job := s.byQueue(s.styleRequest(key, func(r *trainset.StyleRequest) { small(r); r.Judge = c.judge }))
		if job.State != trainset.JobSucceeded || job.Grids[0].Judge != c.want {
			t.Errorf("%s: job %s (%s): %+v", key, job.State, job.Reason, job.Grids)
		}
	}
}
