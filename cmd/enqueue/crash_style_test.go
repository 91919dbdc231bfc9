package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// What a style's job pays for is more than its pictures: a judgement, the
// enlargement of a grid, those of its tiles. Killed during any of them, the
// command asks for none a second time.
func TestKilledStyleCommandPaysOnce(t *testing.T) {
	needRedis(t)
	const upscaler, judges = replicate.DefaultEnhanceModel, replicate.DefaultJudgeModel
	slow := fake.Latency{Fixed: 50 * time.Millisecond, Models: map[string]time.Duration{judges: time.Second, upscaler: 2 * time.Second}}
	for name, c := range map[string]struct {
		enhance trainset.Enhance
		faults  []fake.Fault
		kills   []moment // one after the other
		made    int
	}{
		"a whole grid is enlarged": {
			trainset.EnhanceGrid,
			nil,
			[]moment{{"judged and enlarged at once", func(s *fake.Server) bool { return asksOf(s, judges) == 1 && asksOf(s, upscaler) == 1 }}},
			3,
		},
		"each tile is enlarged": {
			trainset.EnhanceTile,
			[]fake.Fault{{Kind: fake.HoldReply, Model: upscaler, Nth: 2}},
			[]moment{
				{"judged", func(s *fake.Server) bool { return asksOf(s, judges) == 1 }},
				{
					"one enlargement under way, and another between its acceptance and the journal",
					func(s *fake.Server) bool { return s.Stats().Injected[fake.HoldReply] == 1 },
				},
			},
			2 + styleImages,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvided(t, fake.Options{Settings: fake.Settings{Latency: slow}, Faults: c.faults})
			args := []string{
				"style", "--image", filepath.Join("..", "..", "examples", "style.png"), "--json",
				"--images", strconv.Itoa(styleImages), "--grids", "1", "--enhance", string(c.enhance),
			}
			for _, kill := range c.kills {
				p.killed(t, kill.when, kill.now, args)
			}
			job := p.finish(t, args)
			if job.State != trainset.JobSucceeded || job.Succeeded() != styleImages {
				t.Errorf("job %s with %d images: %s", job.State, job.Succeeded(), job.Reason)
			}
			p.shows(t, job)
			p.askedOnce(t, c.made)
		})
	}
}

// moment is when a command is killed.
type moment struct {
	when string
	now  func(*fake.Server) bool
}

// styleImages is how many each of the jobs makes.
const styleImages = 3

// asksOf counts the predictions that a model was asked for.
func asksOf(s *fake.Server, model string) (n int) {
	for _, e := range s.Log() {
		if e.Model == model {
			n++
		}
	}
	return n
}

// shows makes sure that all images of a job's set are there and can be seen.
func (p provided) shows(tb testing.TB, job trainset.Job) {
	tb.Helper()
	for _, it := range job.Items {
		b, err := os.ReadFile(filepath.Join(p.out, filepath.FromSlash(job.ImageKey(it))))
		if err != nil {
			tb.Fatal(err)
		}
		if c, err := png.DecodeConfig(bytes.NewReader(b)); err != nil || c.Width == 0 || c.Width != c.Height {
			tb.Errorf("image %d has %d x %d pixels: %v", it.Index, c.Width, c.Height, err)
		}
	}
}

// askedOnce makes sure that the provider was asked for so many predictions, and
// for none in words that it had heard before.
func (p provided) askedOnce(tb testing.TB, made int) {
	tb.Helper()
	log := p.Log()
	if len(log) != made {
		tb.Errorf("the provider made %d predictions, not %d", len(log), made)
	}
	first := map[string]fake.Entry{}
	for _, e := range log {
		if was, twice := first[e.InputDigest]; twice {
			tb.Errorf("%s was asked the same thing as %s and %s", e.Model, was.ID, e.ID)
		}
		first[e.InputDigest] = e
	}
}
