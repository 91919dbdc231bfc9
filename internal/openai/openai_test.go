package openai_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/judge"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/openai"
	fake "github.com/actormaker/trainset/internal/openai/openaitest"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
)

const secret = "sk-proj-4f0dA8wq7"

var png = []byte("\x89PNG\r\n\x1a\nnine tiles")

// journal keeps attempts as the ledger does, in memory.
type journal struct {
	mu      sync.Mutex
	m       map[string]plan.Attempt
	stopped bool
}

func newJournal() *journal { return &journal{m: map[string]plan.Attempt{}} }

func (j *journal) Open(_ context.Context, a plan.Attempt) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return a, ledger.ErrStopped
	}
	if _, ok := j.m[a.ID]; ok {
		return a, ledger.ErrExists
	}
	a.Version, a.State, a.Cost, a.IntentAt, a.CreatedAt = 1, plan.AttemptIntent, a.Price, time.Now(), time.Now()
	j.m[a.ID] = a
	return a, nil
}

func (j *journal) Write(ctx context.Context, a plan.Attempt, _ trainset.Money) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	if j.m[a.ID].Version != a.Version {
		return a, ledger.ErrStale
	}
	a.Version++
	j.m[a.ID] = a
	return a, nil
}

func (j *journal) Attempt(_ context.Context, _ trainset.JobID, id string) (plan.Attempt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.m[id], nil
}

func (j *journal) Stopped(context.Context, trainset.JobID) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stopped, nil
}

func (j *journal) cancel() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped = true
}

func (j *journal) known(id string) plan.Attempt {
	a, _ := j.Attempt(context.Background(), "job", id)
	return a
}

// told is what an answer of the fake costs by the tokens that it names: 2410 at
// $0.40 and 286 at $1.60 a million.
const told = trainset.Money(1422)

func fresh(id string) plan.Attempt {
	return plan.Attempt{
		ID: id, Job: "job", User: "ada", Model: "gpt-4.1-mini", Price: trainset.USD(0.01), Text: true, Prompt: "which?",
		Input: map[string]any{"prompt": "which?", "image": "grids/1.png"},
	}
}

func read(_ context.Context, key string) ([]byte, error) {
	if key != "grids/1.png" {
		return nil, fmt.Errorf("%s: %w", key, openai.ErrGone)
	}
	return png, nil
}

// payer is one that asks the server over connections in memory.
func payer(t *testing.T, j *journal, s *fake.Server, change func(*openai.Options)) *openai.Payer {
	t.Helper()
	if s.Key == "" { // one that two workers ask has it already
		s.Key = secret
	}
	o := openai.Options{Key: secret, BaseURL: "http://openai.test/v1", Owner: "w1", Transport: fake.Serve(t, s)}
	if change != nil {
		change(&o)
	}
	p, err := openai.New(j, read, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheQuestionIsWholeAndItsAnswerJournalled(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-of-somebody-else")
	t.Setenv("OPENAI_BASE_URL", "http://elsewhere.test/v1")
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{}
		p := payer(t, j, s, nil)
		a, out, err := p.Once(t.Context(), fresh("judge.1.1"))
		if err != nil || a.State != plan.AttemptPredicted || a.Cost != told || a.PredictedAt == nil {
			t.Fatalf("%s, cost %s, %v", a.State, a.Cost, err)
		}
		if _, err := judge.Parse(string(out.Data)); err != nil || !strings.HasPrefix(out.ContentType, "text/plain") {
			t.Errorf("%q (%s): %v", out.Data, out.ContentType, err)
		}
		want := fake.Call{Model: "gpt-4.1-mini", System: judge.SystemPrompt, Prompt: "which?", MediaType: "image/png", SchemaName: judge.SchemaName}
		got := s.Calls()[0]
		if !bytes.Equal(got.Picture, png) {
			t.Errorf("picture %q", got.Picture)
		}
		if got.Picture = nil; got.Model != want.Model || got.System != want.System || got.Prompt != want.Prompt || got.MediaType != want.MediaType || got.SchemaName != want.SchemaName {
			t.Errorf("asked %+v, want %+v", got, want)
		}
		// What the journal has is not asked again.
		_, again, err := p.Once(t.Context(), j.known("judge.1.1"))
		if err != nil || !bytes.Equal(again.Data, out.Data) || s.Hits() != 1 {
			t.Errorf("%q after %d calls: %v", again.Data, s.Hits(), err)
		}
	})
}

// drawn is an encoded picture of a size in pixels.
func drawn(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i>>6) | uint8(i%4/3*255)
	}
	data, err := imaging.EncodePNG(img, imaging.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The example of the style comes after the grid, no larger than a style can be
// told from. One that cannot be read is refused like any such picture, and ends
// the attempt rather than keep its job waiting.
func TestTheExampleIsTheSecondPicture(t *testing.T) {
	small, large := drawn(t, 1024, 700), drawn(t, 2048, 1024)
	for name, c := range map[string]struct {
		example []byte
		size    image.Point // of what is sent; none where it is refused
	}{
		"as it is": {small, image.Pt(1024, 700)},
		"reduced":  {large, image.Pt(1024, 512)},
		"damaged":  {[]byte("no picture"), image.Point{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fake.Server{Key: secret}
				both := func(_ context.Context, key string) ([]byte, error) {
					return map[string][]byte{"grids/1.png": png, "reference.png": c.example}[key], nil
				}
				p, err := openai.New(newJournal(), both, openai.Options{Key: secret, BaseURL: "http://openai.test/v1", Owner: "w1", Transport: fake.Serve(t, s)})
				if err != nil {
					t.Fatal(err)
				}
				a := fresh("judge.1.1")
				a.Input["example_image"] = "reference.png"
				a, _, err = p.Once(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				if c.size == (image.Point{}) {
					if a.Outcome != plan.OutcomeInvalid || a.Cost != 0 || s.Hits() != 1 {
						t.Errorf("%s, cost %s, %d calls: %s", a.Outcome, a.Cost, s.Hits(), a.Reason)
					}
					return
				}
				got := s.Calls()[0]
				if a.State != plan.AttemptPredicted || !bytes.Equal(got.Picture, png) || len(got.Others) != 1 {
					t.Fatalf("%s: the first of %d pictures is %.20q", a.State, 1+len(got.Others), got.Picture)
				}
				info, err := imaging.Inspect(got.Others[0], imaging.DefaultLimits)
				if err != nil || image.Pt(info.Width, info.Height) != c.size {
					t.Errorf("the example is sent as %d x %d, want %v: %v", info.Width, info.Height, c.size, err)
				}
				if same := bytes.Equal(got.Others[0], c.example); same != (name == "as it is") {
					t.Errorf("the same bytes: %v", same)
				}
			})
		})
	}
}

// An intent from before examples were shown is asked as it was journalled.
func TestAnIntentOfTheVersionBeforeKeepsItsOnePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{}
		a, err := j.Open(t.Context(), fresh("judge.1.1"))
		if err != nil {
			t.Fatal(err)
		}
		if a, _, err = payer(t, j, s, nil).Once(t.Context(), a); err != nil || a.State != plan.AttemptPredicted {
			t.Fatalf("%s: %v", a.State, err)
		}
		if got := s.Calls()[0]; got.Prompt != "which?" || !bytes.Equal(got.Picture, png) || len(got.Others) != 0 {
			t.Errorf("it is asked %q of %d pictures", got.Prompt, 1+len(got.Others))
		}
	})
}

// What each kind of answer comes to, what it costs, and how often it is asked.
func TestOutcomes(t *testing.T) {
	full := trainset.USD(0.01)
	always := func(r fake.Reply) *fake.Server { return &fake.Server{Always: r} }
	for name, c := range map[string]struct {
		server  *fake.Server
		outcome plan.Outcome // none where it is answered
		cost    trainset.Money
		hits    int
		says    string
	}{
		"a wrong key":           {always(fake.Refuse(401, "invalid_api_key", "Incorrect API key provided: "+secret)), plan.OutcomeInvalid, 0, 1, "OPENAI_API_KEY"},
		"a key without rights":  {always(fake.Refuse(403, "", "Project has no access to model; key "+secret)), plan.OutcomeInvalid, 0, 1, "OPENAI_API_KEY"},
		"an unknown model":      {always(fake.Refuse(404, "model_not_found", "The model does not exist")), plan.OutcomeInvalid, 0, 1, "judge_model"},
		"no credit":             {always(fake.Refuse(429, "insufficient_quota", "You exceeded your current quota")), plan.OutcomeInvalid, 0, 1, "credit"},
		"a wrong request":       {always(fake.Refuse(400, "invalid_value", "Invalid value")), plan.OutcomeInvalid, 0, 1, "Invalid value"},
		"a picture too large":   {always(fake.Page(413)), plan.OutcomeInvalid, 0, 1, "413"},
		"a filtered prompt":     {always(fake.Refuse(400, "content_policy_violation", "rejected")), plan.OutcomeModerated, 0, 1, "rejected"},
		"a withheld answer":     {always(fake.Withheld()), plan.OutcomeModerated, told, 1, "content filter"},
		"a refusal":             {always(fake.Decline("I'm sorry, I can't assist with that.")), plan.OutcomeModerated, told, 1, "I can't assist"},
		"always busy":           {always(fake.Refuse(429, "rate_limit_exceeded", "Rate limit reached")), plan.OutcomeFailed, 0, 4, "Rate limit reached"},
		"always down":           {always(fake.Page(502)), plan.OutcomeFailed, 0, 4, "502 Bad Gateway"},
		"never an answer":       {always(fake.Hang()), plan.OutcomeFailed, full, 4, "1m0s"},
		"always cut off":        {always(fake.Drop()), plan.OutcomeFailed, full, 4, "(after 4 calls)"},
		"never a choice":        {always(fake.Empty()), plan.OutcomeFailed, full, 4, "no choice"},
		"too long a wait":       {always(fake.With("Retry-After", "3600", fake.Refuse(429, "", "later"))), plan.OutcomeFailed, 0, 1, "1h0m0s"},
		"busy, down, then well": {&fake.Server{Script: []fake.Reply{fake.Refuse(429, "", ""), fake.Page(503), fake.Hang()}}, "", full, 4, ""},
		"an answer cut short":   {always(fake.CutShort(`{"tiles":[`)), "", told, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				j := newJournal()
				p := payer(t, j, c.server, func(o *openai.Options) { o.Log = zerolog.New(&log) })
				a, out, err := p.Once(t.Context(), fresh("judge.1.1"))
				if err != nil {
					t.Fatal(err)
				}
				if a.Outcome != c.outcome || a.Cost != c.cost || c.server.Hits() != c.hits || !strings.Contains(a.Reason, c.says) {
					t.Errorf("%s %q, cost %s, %d calls: %s", a.State, a.Outcome, a.Cost, c.server.Hits(), a.Reason)
				}
				if (c.outcome == "") != (a.State == plan.AttemptPredicted && len(out.Data) > 0) {
					t.Errorf("%s with %q", a.State, out.Data)
				}
				if j.known("judge.1.1").State != a.State {
					t.Errorf("the journal has %+v", j.known("judge.1.1"))
				}
				if strings.Contains(a.Reason+log.String(), secret) {
					t.Errorf("the key is told: %s %s", a.Reason, log.String())
				}
			})
		})
	}
}

func TestTheServersPatienceIsHonoured(t *testing.T) {
	busy := fake.Refuse(429, "rate_limit_exceeded", "Rate limit reached")
	for name, c := range map[string]struct {
		header, value string
		want          time.Duration
	}{
		"seconds":      {"Retry-After", "17", 17 * time.Second},
		"milliseconds": {"Retry-After-Ms", "20500", 20500 * time.Millisecond},
		"a date":       {"Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT", 30 * time.Second}, // fake time begins that year
		"nonsense":     {"Retry-After", "soon", time.Second},
		"less than no": {"Retry-After", "-5", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fake.Server{Script: []fake.Reply{fake.With(c.header, c.value, busy)}}
				begun := time.Now()
				a, _, err := payer(t, newJournal(), s, nil).Once(t.Context(), fresh("judge.1.1"))
				if took := time.Since(begun); err != nil || a.State != plan.AttemptPredicted || took != c.want {
					t.Errorf("%s after %s: %v", a.State, took, err)
				}
			})
		})
	}
}

// Whatever goes wrong, in any order, with workers that die in between: an
// attempt ends, an answer that was journalled is the result and never asked
// for again.
func TestAnAnswerIsNeverAskedForTwice(t *testing.T) {
	const crash = "crash"
	replies := map[string]fake.Reply{
		"busy": fake.Refuse(429, "", ""), "down": fake.Page(500), "silent": fake.Hang(), "drop": fake.Drop(), crash: fake.Hang(),
		"answer": fake.Answer(fake.Fit(3)), "filter": fake.Withheld(),
	}
	rapid.Check(t, func(r *rapid.T) {
		script := rapid.SliceOfN(rapid.SampledFrom([]string{"busy", "down", "silent", "drop", crash, "answer", "filter"}), 0, 10).Draw(r, "script")
		synctest.Test(t, func(t *testing.T) {
			j, s := newJournal(), &fake.Server{}
			for _, name := range script {
				s.Script = append(s.Script, replies[name])
			}
			p := payer(t, j, s, nil)
			a, out, asked := fresh("judge.1.1"), paid.Output{}, 0
			for a.State != plan.AttemptPredicted && a.State != plan.AttemptEnded {
				ctx, kill := context.WithCancel(t.Context())
				timer := time.AfterFunc(5*time.Hour, kill)
				if asked = s.Hits(); crashes(script, asked) {
					timer.Reset(killAfter(script, asked, crash))
				}
				var err error
				_, out, err = p.Once(ctx, a)
				timer.Stop()
				kill()
				if err != nil && !errors.Is(err, context.Canceled) {
					r.Fatal(err)
				}
				a = j.known("judge.1.1")
			}
			want := expected(script)
			if a.Outcome != want || s.Hits() > len(script)+1 {
				r.Fatalf("%q after %d calls, want %q: %s", a.Outcome, s.Hits(), want, a.Reason)
			}
			hits := s.Hits()
			_, again, err := p.Once(t.Context(), a)
			if err != nil || s.Hits() != hits || !bytes.Equal(again.Data, out.Data) {
				r.Fatalf("asked again: %q, %d calls, %v", again.Data, s.Hits(), err)
			}
		})
	})
}

// crashes tells whether a worker that begins with the n-th reply will die.
func crashes(script []string, n int) bool {
	return killAfter(script, n, "crash") > 0
}

// killAfter is when the call that hangs until the crash is under way: calls
// before it take their timeouts and pauses, and at most four are made.
func killAfter(script []string, n int, crash string) time.Duration {
	at := time.Duration(0)
	for i, name := range script[min(n, len(script)):] {
		switch {
		case i == 4, name == "answer", name == "filter":
			return 0
		case name == crash:
			return at + 30*time.Second
		case name == "silent":
			at += time.Minute
		}
		at += time.Second << i
	}
	return 0
}

// expected is how the script ends: a worker gives up after four calls of its own.
func expected(script []string) plan.Outcome {
	calls := 0
	for _, name := range script {
		switch name {
		case "answer":
			return ""
		case "filter":
			return plan.OutcomeModerated
		case "crash":
			calls = 0
			continue
		}
		if calls++; calls == 4 {
			return plan.OutcomeFailed
		}
	}
	return ""
}

// once runs beside the test, which may act meanwhile.
func once(ctx context.Context, p *openai.Payer, a plan.Attempt) <-chan plan.Attempt {
	done := make(chan plan.Attempt, 1)
	go func() {
		a, _, err := p.Once(ctx, a)
		if err != nil {
			a.Reason = "error: " + err.Error()
		}
		done <- a
	}()
	return done
}

func after(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

func TestCancelingEndsAnAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		reply fake.Reply
		cost  trainset.Money
	}{
		"during a call":        {fake.Hang(), trainset.USD(0.01)},
		"between calls":        {fake.With("Retry-After", "100", fake.Page(503)), 0},
		"after an ask unheard": {fake.With("Retry-After", "100", fake.Empty()), trainset.USD(0.01)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, bell := newJournal(), new(paid.Bell)
				p := payer(t, j, &fake.Server{Always: c.reply}, func(o *openai.Options) { o.Bell = bell })
				done := once(t.Context(), p, fresh("judge.1.1"))
				after(500 * time.Millisecond)
				bell.Ring("job", "") // not canceled yet: a ring is only a hint
				synctest.Wait()
				j.cancel()
				begun := time.Now()
				bell.Ring("job", "")
				if a := <-done; a.Outcome != plan.OutcomeCanceled || a.Cost != c.cost || time.Since(begun) > 0 {
					t.Errorf("%s after %s, cost %s: %s", a.Outcome, time.Since(begun), a.Cost, a.Reason)
				}
			})
		})
	}
}

func TestACanceledIntentIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{}
		a, _ := j.Open(t.Context(), fresh("judge.1.1"))
		j.cancel()
		a, _, err := payer(t, j, s, nil).Once(t.Context(), a)
		if err != nil || a.Outcome != plan.OutcomeCanceled || a.Cost != a.Price || s.Hits() != 0 {
			t.Errorf("%s, cost %s, %d calls: %v", a.Outcome, a.Cost, s.Hits(), err)
		}
		if _, _, err = payer(t, j, s, nil).Once(t.Context(), fresh("judge.2.1")); !errors.Is(err, ledger.ErrStopped) || s.Hits() != 0 {
			t.Errorf("a new attempt: %v, %d calls", err, s.Hits())
		}
	})
}

func TestAnInterruptedAttemptStaysAnIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{Script: []fake.Reply{fake.Hang()}}
		p := payer(t, j, s, nil)
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		_, _, err := p.Once(ctx, fresh("judge.1.1"))
		if !errors.Is(err, context.Canceled) || j.known("judge.1.1").State != plan.AttemptIntent {
			t.Fatalf("%s: %v", j.known("judge.1.1").State, err)
		}
		// The next worker asks again, says so in the journal, and pays once in the record.
		a, _, err := payer(t, j, s, func(o *openai.Options) { o.Owner = "w2" }).Once(t.Context(), j.known("judge.1.1"))
		if err != nil || a.State != plan.AttemptPredicted || a.Owner != "w2" || a.Cost != a.Price || s.Hits() != 2 {
			t.Errorf("%s by %s, cost %s, %d calls: %v", a.State, a.Owner, a.Cost, s.Hits(), err)
		}
	})
}

// A worker that was taken for dead has its answer after all: whichever comes
// first is everybody's.
func TestTheFirstAnswerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		s := &fake.Server{Script: []fake.Reply{fake.Slowly(10*time.Second, fake.Answer("first")), fake.Slowly(30*time.Second, fake.Answer("second"))}}
		slow := once(t.Context(), payer(t, j, s, nil), fresh("judge.1.1"))
		after(time.Second)
		second := once(t.Context(), payer(t, j, s, func(o *openai.Options) { o.Owner = "w2" }), j.known("judge.1.1"))
		for _, a := range []plan.Attempt{<-slow, <-second} {
			if a.State != plan.AttemptPredicted || strings.Join(a.Output, "") != "first" {
				t.Errorf("%s %q: %s", a.State, a.Output, a.Reason)
			}
		}
	})
}

// budget notes what is set aside and what is spent.
type budget struct {
	refuses error
	aside   map[string]trainset.Money
}

func (b *budget) Count(context.Context, string, string, time.Time, trainset.Money) error { return nil }

func (b *budget) Reserve(_ context.Context, user, attempt string, price trainset.Money) error {
	if b.refuses == nil {
		b.aside[user+"/"+attempt] = price
	}
	return b.refuses
}

func (b *budget) Release(_ context.Context, user, attempt string) error {
	delete(b.aside, user+"/"+attempt)
	return nil
}

func (b *budget) Settle(_ context.Context, user, attempt string, _ time.Time, cost trainset.Money) error {
	b.aside[user+"/"+attempt] = cost
	return nil
}

func TestTheBudgetIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{aside: map[string]trainset.Money{}}
		s := &fake.Server{Script: []fake.Reply{fake.Refuse(400, "", "wrong")}}
		p := payer(t, newJournal(), s, func(o *openai.Options) { o.Budget = b })
		for _, id := range []string{"judge.1.1", "judge.2.1"} {
			if _, _, err := p.Once(t.Context(), fresh(id)); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.aside; len(got) != 2 || got["ada/job/judge.1.1"] != 0 || got["ada/job/judge.2.1"] != told {
			t.Errorf("the budget has %v", got)
		}
		j, broke := newJournal(), errors.New("nothing left")
		_, _, err := payer(t, j, s, func(o *openai.Options) { o.Budget = &budget{refuses: broke} }).Once(t.Context(), fresh("judge.3.1"))
		if !errors.Is(err, broke) || j.known("judge.3.1").State != "" || s.Hits() != 2 {
			t.Errorf("%v, journalled %q, %d calls", err, j.known("judge.3.1").State, s.Hits())
		}
	})
}

func TestCallsAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fake.Server{Always: fake.Slowly(time.Second, fake.Answer(fake.Fit()))}
		p := payer(t, newJournal(), s, func(o *openai.Options) { o.AtOnce = 2 })
		var all []<-chan plan.Attempt
		for _, id := range []string{"judge.1.1", "judge.2.1", "judge.3.1", "judge.4.1", "judge.5.1"} {
			all = append(all, once(t.Context(), p, fresh(id)))
		}
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if a := <-once(ctx, p, fresh("judge.6.1")); !strings.Contains(a.Reason, "canceled") {
			t.Errorf("one that waits for its turn does not end: %s", a.Reason)
		}
		for _, done := range all {
			if a := <-done; a.State != plan.AttemptPredicted {
				t.Errorf("%s: %s", a.State, a.Reason)
			}
		}
		if s.Most() != 2 {
			t.Errorf("%d calls at once", s.Most())
		}
	})
}

func TestWhatCannotBeAskedIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{}
		p := payer(t, j, s, nil)
		for _, input := range []map[string]any{
			nil,
			{"prompt": "x"},
			{"prompt": "x", "image": "grids/none.png"},
			{"prompt": "x", "image": "grids/1.png", "example_image": "none.png"},
		} {
			a := fresh("judge.1.1")
			a.Input = input
			if _, _, err := p.Once(t.Context(), a); err == nil || j.known(a.ID).State != "" || s.Hits() != 0 {
				t.Errorf("%v: %v, %d calls", input, err, s.Hits())
			}
		}
	})
}

// An intent whose picture is gone ends: were it to wait for that, its job would
// wait for ever. It may have been asked before, so that it counts as paid.
func TestAnIntentWhosePictureIsGoneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newJournal(), &fake.Server{}
		a := fresh("judge.1.1")
		a.Input["example_image"] = "none.png"
		a, err := j.Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		a, _, err = payer(t, j, s, nil).Once(t.Context(), a)
		if err != nil || a.State != plan.AttemptEnded || a.Outcome != plan.OutcomeFailed || a.Cost != a.Price || s.Hits() != 0 {
			t.Errorf("%s, %s, cost %s, %d calls: %v", a.State, a.Outcome, a.Cost, s.Hits(), err)
		}
	})
}

func TestNobodyToAskIsRefused(t *testing.T) {
	_, err := openai.New(newJournal(), read, openai.Options{})
	if field, ok := errors.AsType[*trainset.FieldError](err); !ok || field.Field != "OPENAI_API_KEY" {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &fake.Server{}
		p, err := openai.New(newJournal(), read, openai.Options{BaseURL: "http://local.test/v1", Transport: noKey{t, fake.Serve(t, s)}})
		if err != nil {
			t.Fatal(err)
		}
		if a, _, err := p.Once(t.Context(), fresh("judge.1.1")); err != nil || a.State != plan.AttemptPredicted {
			t.Errorf("a server without keys: %s, %v", a.State, err)
		}
	})
}

// noKey makes sure that no key is sent.
type noKey struct {
	t    *testing.T
	next http.RoundTripper
}

func (n noKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") != "" || r.URL.Host != "local.test" {
		n.t.Errorf("asked %s with %q", r.URL.Host, r.Header.Get("Authorization"))
	}
	return n.next.RoundTrip(r)
}
