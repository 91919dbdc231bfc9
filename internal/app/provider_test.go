package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// What each error of the provider's leads to, row by row of the table in
// docs/architecture.md. Two rows have more to say and tests of their own below:
// credit and auth.
func TestEachOfTheProvidersErrorsHasItsPolicy(t *testing.T) {
	const price = 40_000
	for name, c := range map[string]struct {
		fault    fake.Fault
		outcomes []string // of the one image's attempts
		made     int      // predictions
		cost     trainset.Money
		reason   string // of an image that was given up
	}{
		"throttled":                 {fake.Fault{Kind: fake.Throttle}, []string{"succeeded"}, 1, price, ""},
		"throttled, low credit":     {fake.Fault{Kind: fake.ThrottleLowCredit}, []string{"succeeded"}, 1, price, ""},
		"transient, high demand":    {fake.Fault{Kind: fake.Fail, Code: "E003"}, []string{"failed", "succeeded"}, 2, price, ""},
		"transient, interrupted":    {fake.Fault{Kind: fake.Fail, Code: "PA"}, []string{"failed", "succeeded"}, 2, price, ""},
		"transient, never begun":    {fake.Fault{Kind: fake.Abort}, []string{"failed", "succeeded"}, 2, price, ""},
		"transient, stuck":          {fake.Fault{Kind: fake.Stuck}, []string{"failed", "succeeded"}, 2, price, ""},
		"transient, every time":     {fake.Fault{Kind: fake.Fail, Code: "E004", Times: -1}, []string{"failed", "failed"}, 2, 0, "failed after 2 attempts"},
		"stuck, every time":         {fake.Fault{Kind: fake.Stuck, Every: 1, Times: -1}, []string{"failed", "failed"}, 2, 0, "it did not start in time"},
		"invalid":                   {fake.Fault{Kind: fake.Fail, Code: "E1001", Every: 1, Times: -1}, []string{"invalid"}, 1, 0, "invalid after 1 attempt"},
		"moderated":                 {fake.Fault{Kind: fake.Fail, Code: "E005"}, []string{"moderated", "succeeded"}, 2, price, ""},
		"ambiguous, accepted":       {fake.Fault{Kind: fake.ServerErrorAfter}, []string{"succeeded"}, 1, price, ""},
		"ambiguous, not accepted":   {fake.Fault{Kind: fake.EOF}, []string{"succeeded"}, 1, price, ""},
		"lost, data removed":        {fake.Fault{Kind: fake.DataRemoved}, []string{"lost", "succeeded"}, 2, 2 * price, ""},
		"lost, file expired":        {fake.Fault{Kind: fake.DownloadExpired, Times: 5}, []string{"lost", "succeeded"}, 2, 2 * price, ""},
		"a file said to be gone":    {fake.Fault{Kind: fake.DownloadExpired}, []string{"succeeded"}, 1, price, ""},
		"lost, each time":           {fake.Fault{Kind: fake.DataRemoved, Every: 1, Times: -1}, []string{"lost", "lost"}, 2, 2 * price, "lost after 2 attempts"},
		"a question not answered":   {fake.Fault{Kind: fake.ServerError, On: "get"}, []string{"succeeded"}, 1, price, ""},
		"a download that is cut":    {fake.Fault{Kind: fake.DownloadCut}, []string{"succeeded"}, 1, price, ""},
		"an upload not answered":    {fake.Fault{Kind: fake.ServerError, On: "upload"}, []string{"succeeded"}, 1, price, ""},
		"a list that is not served": {fake.Fault{Kind: fake.BadGateway, On: "list"}, []string{"succeeded"}, 1, price, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := quickSystem(t, redistest.Any(t), c.fault)
			s.options.MaxAttempts, s.options.StartWithin, s.options.LowerFor, s.options.Search.Grace = 2, time.Second, time.Second, time.Second
			s.start()
			req := s.request("k", 1)
			job := s.ended(s.enqueue(req))
			it := job.Items[0]
			if failed := c.reason != ""; failed != (it.State == trainset.ItemFailed) || !strings.Contains(it.Reason, c.reason) || failed == (it.Reason == "") {
				t.Errorf("the image is %s: %q", it.State, it.Reason)
			}
			s.made(c.made)
			if job.Cost.Actual != c.cost {
				t.Errorf("it cost %s, not %s", job.Cost.Actual, c.cost)
			}
			if got := s.attempts(req); !slices.Equal(got, c.outcomes) {
				t.Errorf("attempts %v, not %v", got, c.outcomes)
			}
		})
	}
}

// A text that names a lower limit is kept to, for all workers, until it is over.
func TestALowCreditTextLowersTheRate(t *testing.T) {
	t.Parallel() // it mostly waits
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.ThrottleLowCredit, Nth: 2})
	s.options.PerMinute, s.options.LowerFor = 60, 30*time.Second
	s.start()
	gate := limit.New(s.rdb, app.Account(s.options.Token, s.options.BaseURL), limit.Options{PerMinute: s.options.PerMinute})
	t.Cleanup(gate.Close)
	id := s.enqueue(s.request("k", 4))
	redistest.Await(t, "the rate is lowered", func() bool {
		state, err := gate.State(t.Context())
		return err == nil && state.PerMinute == 6
	})
	s.ended(id)
	log := s.provider.Log() // the one before the last may have had its slot already
	if gap := log[3].Created.Sub(log[2].Created); gap < 9*time.Second {
		t.Errorf("the last was made %s after the one before, at 6 a minute", gap)
	}
}

// What stops spending is told where people look, nothing is used up by it, and
// work goes on by itself when it is over.
func TestAnOpenCircuitSaysSoAndClosesByItself(t *testing.T) {
	for name, c := range map[string]struct {
		kind          fake.Kind
		on            string
		class, remedy string
	}{
		"credit":            {fake.Credit, "create", "credit", "add credit"},
		"auth":              {fake.Unauthorized, "create", "auth", "REPLICATE_API_TOKEN"},
		"auth of an upload": {fake.Unauthorized, "upload", "auth", "REPLICATE_API_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			s := quickSystem(t, redistest.Server(t))
			if err := s.provider.Inject(fake.Fault{Kind: c.kind, On: c.on, Every: 1, Times: -1}); err != nil {
				t.Fatal(err)
			}
			s.options.ProbeEvery = time.Second
			base := s.deployed()
			req := s.request("k", 2)
			id := s.enqueue(req)
			var told struct {
				Ready   bool
				Blocked *struct{ Class, Detail, Remedy string }
			}
			redistest.Await(t, "readiness names what blocks", func() bool {
				return json.Unmarshal(s.get(base+"/readyz"), &told) == nil && told.Blocked != nil
			})
			if !told.Ready || told.Blocked.Class != c.class || !strings.Contains(told.Blocked.Remedy, c.remedy) || told.Blocked.Detail == "" {
				t.Errorf("readiness: %+v, %+v", told, told.Blocked)
			}
			if want, metrics := `trainset_circuit_open{class="`+c.class+`"} 1`, string(s.get(base+"/metrics")); !strings.Contains(metrics, want) {
				t.Errorf("the metrics lack %s", want)
			}
			s.until(id, "says what holds it up", func(job trainset.Job) bool { return strings.Contains(job.HeldUp, c.remedy) })
			s.made(0)
			s.provider.ClearFaults() // somebody has paid, or given a better token
			job := s.ended(id)
			if job.State != trainset.JobSucceeded {
				t.Errorf("job %s: %s", job.State, job.Reason)
			}
			s.made(2)
			for _, it := range job.Items {
				if it.Attempts != 1 {
					t.Errorf("image %d took %d attempts", it.Index, it.Attempts)
				}
			}
			if err := json.Unmarshal(s.get(base+"/readyz"), &told); err != nil {
				t.Fatal(err)
			}
			redistest.Await(t, "readiness names nothing any more", func() bool {
				return !strings.Contains(string(s.get(base+"/readyz")), "blocked")
			})
		})
	}
}

// A token of another account does not know the predictions in flight, nor one whose
// create was not answered: that is no reason to pay for them again, and the right
// one goes on with them.
func TestATokenOfAnotherAccountPaysForNothingAgain(t *testing.T) {
	t.Parallel() // it mostly waits
	s := quickSystem(t, redistest.Any(t), fake.Fault{Kind: fake.HoldReply, Nth: 2})
	s.provider.Configure(func(o *fake.Settings) { o.Latency.Fixed = 2 * time.Second })
	right := s.options.Token
	first := s.start()
	id := s.enqueue(s.request("k", 2))
	redistest.Await(t, "both are asked for", func() bool { return s.provider.Stats().Predictions == 2 })
	first.Stop()
	s.options.Token = "another"
	gate := limit.New(s.rdb, app.Account(s.options.Token, s.options.BaseURL), limit.Options{})
	t.Cleanup(gate.Close)
	wrong := s.start()
	redistest.Await(t, "the circuit opens", func() bool {
		state, err := gate.State(t.Context())
		return err == nil && state.Open != nil && state.Open.Class == "auth" && state.Open.Remedy != ""
	})
	redistest.Await(t, "the job says what it waits for", func() bool {
		job, err := s.client.Get(t.Context(), id)
		return err == nil && strings.Contains(job.HeldUp, "the token of another account")
	})
	wrong.Stop()
	s.options.Token = right
	s.start()
	if job := s.ended(id); job.State != trainset.JobSucceeded {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	s.made(2)
}

// A token that is not accepted keeps a worker from starting, and says what to do.
func TestAWorkerWithAWrongTokenDoesNotStart(t *testing.T) {
	s := systemWith(t, redistest.Server(t), fake.Options{Token: "the right one", Seed: 1})
	err := app.RunDeployed(t.Context(), s.config(), zerolog.Nop(), nil)
	var down *app.DownError
	if !errors.As(err, &down) || down.Field != "REPLICATE_API_TOKEN" || down.Remedy == "" || strings.Contains(err.Error(), s.options.Token+" ") {
		t.Errorf("%v", err)
	}
}

// attempts returns how each of the first image's attempts ended.
func (s *system) attempts(req trainset.ActorRequest) []string {
	var outcomes []string
	for _, a := range s.manifest(req).Items[0].Attempts {
		outcomes = append(outcomes, a.Outcome)
	}
	return outcomes
}

// config is that of a deployed worker of the system.
func (s *system) config() config.Config {
	var c config.Config
	single, ok := s.rdb.(*redis.Client)
	if !ok {
		s.t.Fatalf("a configuration is of a single server, not of %T", s.rdb)
	}
	c.Redis.URL = config.NewSecret("unix://" + single.Options().Addr)
	c.Provider.Token, c.Provider.BaseURL = config.NewSecret(s.options.Token), s.options.BaseURL
	c.Provider.PerMinute, c.Concurrency = s.options.PerMinute, 20
	c.Storage.Out, c.HTTP.Listen = strings.TrimPrefix(s.store.Describe(), "folder "), "127.0.0.1:0"
	return c
}

// deployed runs a worker with its HTTP server and returns where that listens.
func (s *system) deployed() (base string) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- app.RunDeployed(ctx, s.config(), s.options.Log, func(addr string) { ready <- addr }, func(o *app.Options) { o.ProbeEvery = s.options.ProbeEvery })
	}()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	select {
	case addr := <-ready:
		return "http://" + addr
	case err := <-ended:
		ended <- nil
		s.t.Fatal(err)
	}
	return ""
}

func (s *system) get(url string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}
