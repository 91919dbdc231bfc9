package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

// window is what a terminal of a given size shows.
type window struct {
	width, height int
	color, ascii  bool
	now           time.Time
}

func (w window) options() ProgressOptions {
	return ProgressOptions{
		Terminal: true, Color: w.color, Unicode: !w.ascii, Width: func() int { return w.width }, Height: func() int { return w.height },
		Now: func() time.Time { return w.now },
	}
}

func TestTerminalForms(t *testing.T) {
	noon := *at(11.5)
	for name, w := range map[string]window{
		"wide":   {width: 120, height: 30, now: noon},
		"usual":  {width: 80, height: 24, now: noon},
		"narrow": {width: 42, height: 24, now: noon, ascii: true},
		"tiny":   {width: 16, height: 6, now: noon},
		"short":  {width: 80, height: 8, now: noon},
		"colour": {width: 80, height: 24, now: noon, color: true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			NewProgress(&b, w.options()).Update(running())
			golden(t, "terminal-"+name, strings.ReplaceAll(b.String(), "\x1b", "^["))
		})
	}
}

func TestWhatHoldsAJobUpIsSaidInEveryForm(t *testing.T) {
	const why = "no credit; add some"
	job := running()
	job.HeldUp = why
	var screen, lines bytes.Buffer
	NewProgress(&screen, window{width: 80, height: 24, now: *at(3)}.options()).Update(job)
	log := NewProgress(&lines, ProgressOptions{Now: func() time.Time { return *at(3) }})
	log.Update(job)
	log.Update(job)
	if !strings.Contains(screen.String(), "held up: "+why) {
		t.Errorf("the screen shows %q", screen.String())
	}
	if n := strings.Count(lines.String(), "held up: "+why); n != 1 {
		t.Errorf("it is said %d times in %q", n, lines.String())
	}
	var summary bytes.Buffer
	if err := Summary(&summary, SummaryInfo{Job: job}); err != nil || !strings.Contains(summary.String(), "held up: "+why) {
		t.Errorf("the summary says %q, %v", summary.String(), err)
	}
}

func TestTerminalWithoutColourSendsNone(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, window{width: 80, height: 24, now: *at(3)}.options())
	p.Update(running())
	p.Tick()
	p.Close()
	if rest := strings.NewReplacer("\x1b[K", "", "\x1b[J", "", "\x1b[9A", "").Replace(b.String()); strings.Contains(rest, "\x1b") {
		t.Errorf("escapes other than for motion: %q", rest)
	}
}

func TestPlainFormIsALineAChange(t *testing.T) {
	var b bytes.Buffer
	now := epoch()
	p := NewProgress(&b, ProgressOptions{Now: func() time.Time { return now }})
	queued := trainset.Job{
		ID: running().ID, Kind: trainset.KindActor, State: trainset.JobQueued, Subject: "mona", Wanted: 7, Simulated: true, CreatedAt: epoch(),
	}
	p.Update(queued)
	p.Tick()
	p.Update(queued)
	job := running()
	p.Update(job)
	p.Update(job)
	now = *at(12)
	job.Items[4].State, job.Items[4].Phase, job.Items[4].Attempts = trainset.ItemRunning, trainset.PhasePredicting, 1
	p.Update(job)
	p.Update(ended())
	p.Close()
	p.Update(running())
	golden(t, "plain", b.String())
}

func TestEmptyJobIsWaitingToBeAccepted(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, window{width: 80, height: 24, now: *at(0)}.options())
	p.Tick()
	if b.Len() != 0 {
		t.Errorf("drawn before there is a job: %q", b.String())
	}
	p.Update(trainset.Job{Kind: trainset.KindActor, State: trainset.JobQueued, Subject: "mona", Wanted: 12})
	if got := b.String(); !strings.Contains(got, "waiting to be accepted") || !strings.Contains(got, "0 of 12 done") {
		t.Errorf("got %q", got)
	}
}

func TestTickTurnsSpinnerAndClock(t *testing.T) {
	term := newTerminal(100, 24)
	w := window{width: 100, height: 24, now: *at(11)}
	o := w.options()
	o.Now = func() time.Time { return w.now }
	p := NewProgress(term, o)
	p.Update(running())
	before := term.String()
	w.now = w.now.Add(time.Second)
	p.Tick()
	after := term.String()
	if !strings.Contains(before, "⠋  3") || !strings.Contains(before, "9.0 s") || !strings.Contains(after, "⠙  3") || !strings.Contains(after, "10.0 s") {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if strings.Count(after, "woodcut-alley") != 1 {
		t.Errorf("the region was not redrawn in place:\n%s", after)
	}
}

func TestWriteGoesAboveTheRegion(t *testing.T) {
	term := newTerminal(100, 24)
	p := NewProgress(term, window{width: 100, height: 24, now: *at(11)}.options())
	p.Update(running())
	for _, text := range []string{"a warning\n", "no end of line"} {
		if n, err := p.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	p.Close()
	got := term.String()
	if !strings.HasPrefix(got, "a warning\nno end of line\nactor mona") || strings.Count(got, "actor mona") != 1 {
		t.Errorf("got\n%s", got)
	}
}

func TestCloseShowsEveryItem(t *testing.T) {
	term := newTerminal(80, 100)
	p := NewProgress(term, window{width: 80, height: 10, now: *at(11)}.options())
	p.Update(many(48, 40))
	if got := term.lines(); got != 9 {
		t.Errorf("%d lines on a terminal of 10", got)
	}
	p.Close()
	p.Close()
	p.Tick()
	if got := term.lines(); got != 50 {
		t.Errorf("%d lines at the end, want 50:\n%s", got, term)
	}
}

func TestManyItemsOnAShortTerminalCollapse(t *testing.T) {
	var b bytes.Buffer
	job := many(48, 30)
	job.Items[47].State, job.Items[47].Reason = trainset.ItemFailed, "moderated"
	NewProgress(&b, window{width: 80, height: 16, now: *at(11.5)}.options()).Update(job)
	golden(t, "terminal-many", strings.ReplaceAll(b.String(), "\x1b", "^["))
}

// many is a job of n items: some done, eight at work, the rest waiting.
func many(n, done int) trainset.Job {
	job := running()
	job.Wanted, job.Items = n, nil
	for i := 1; i <= n; i++ {
		it := trainset.Item{Index: i, State: trainset.ItemPending, Phase: trainset.PhaseWaiting, Scene: "scene-" + strconv.Itoa(i), Medium: trainset.MediumBW}
		switch {
		case i <= done:
			it.State, it.Phase, it.StartedAt, it.SettledAt = trainset.ItemSucceeded, trainset.PhaseDone, at(1), at(2+float64(n-i)/10)
		case i <= done+8:
			it.State, it.Phase, it.StartedAt = trainset.ItemRunning, trainset.PhasePredicting, at(2)
		}
		job.Items = append(job.Items, it)
	}
	return job
}

// Whatever the job, the region fits into the window and accounts for each item.
func TestRegionAlwaysFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		job := drawJob(t)
		v := view{
			job: job, now: *at(50), width: rapid.IntRange(1, 130).Draw(t, "width"), rows: rapid.IntRange(3, 60).Draw(t, "rows"),
			glyphs: glyphsFor(rapid.Bool().Draw(t, "unicode")),
		}
		lines := v.lines()
		if len(lines) > v.rows {
			t.Fatalf("%d lines in %d rows", len(lines), v.rows)
		}
		for _, l := range lines {
			if l.width() > v.width {
				t.Fatalf("%d columns in %d: %v", l.width(), v.width, l)
			}
		}
		shown, hidden := v.choose(v.rows - 2)
		total := len(shown)
		for _, n := range hidden {
			total += n
		}
		if total != len(job.Items) {
			t.Fatalf("%d of %d items accounted for", total, len(job.Items))
		}
		if len(shown)+len(hidden) > v.rows-2 && len(shown) > 0 {
			t.Fatal("rows beyond the window, while items are shown")
		}
	})
}

func drawJob(t *rapid.T) trainset.Job {
	job := running()
	job.Items = nil
	for i := range rapid.IntRange(0, 48).Draw(t, "items") {
		it := rapid.SampledFrom(running().Items).Draw(t, "item")
		it.Index, it.Scene = i+1, rapid.StringN(0, 30, -1).Draw(t, "scene")
		job.Items = append(job.Items, it)
	}
	return job
}

func TestRedrawLeavesNothingBehindWhenTheWindowNarrows(t *testing.T) {
	term := newTerminal(120, 60)
	w := window{width: 120, height: 60, now: *at(11)}
	o := w.options()
	o.Width = func() int { return w.width }
	p := NewProgress(term, o)
	p.Update(running())
	w.width = 50
	term.resize(50)
	p.Tick()
	if got := term.String(); strings.Count(got, "actor mona") != 1 || term.lines() != 9 {
		t.Errorf("got\n%s", got)
	}
}

func TestProgressMayBeUsedConcurrently(t *testing.T) {
	term := newTerminal(80, 200)
	p := NewProgress(term, window{width: 80, height: 24, now: *at(11)}.options())
	var wg sync.WaitGroup
	for _, act := range []func(){func() { p.Update(running()) }, p.Tick, p.Close, func() { _, _ = p.Write([]byte("x\n")) }} {
		wg.Go(func() {
			for range 20 {
				act()
			}
		})
	}
	wg.Wait()
	before := term.lines()
	p.Update(running())
	if term.lines() != before {
		t.Error("an update after Close was drawn")
	}
}

// terminal understands the few sequences that the screen sends, and fails on
// others. Like most terminals it wraps lines anew when it is resized.
type terminal struct {
	width, height int
	rows          []string
	row           int
}

func newTerminal(width, height int) *terminal {
	return &terminal{width: width, height: height, rows: []string{""}}
}

func (m *terminal) Write(b []byte) (int, error) {
	for rest := string(b); rest != ""; {
		rest = m.step(rest)
	}
	return len(b), nil
}

func (m *terminal) step(s string) string {
	switch {
	case s[0] == '\r':
		return s[1:]
	case s[0] == '\n':
		if m.row++; m.row == len(m.rows) {
			m.rows = append(m.rows, "")
		}
		return s[1:]
	case strings.HasPrefix(s, "\x1b[K"):
		return s[3:] // the row was written anew from its start
	case strings.HasPrefix(s, "\x1b[J"):
		m.rows = append(m.rows[:m.row], "")
		return s[3:]
	case strings.HasPrefix(s, "\x1b["):
		var up int
		if _, err := fmt.Sscanf(s, "\x1b[%dA", &up); err != nil || up > m.row {
			panic(fmt.Sprintf("unknown or too far: %q", s[:min(8, len(s))]))
		}
		m.row -= up
		return s[strings.IndexByte(s, 'A')+1:]
	}
	end := strings.IndexAny(s, "\r\n\x1b")
	if end < 0 {
		end = len(s)
	}
	m.rows[m.row] = s[:end]
	return s[end:]
}

func (m *terminal) resize(width int) {
	var rows []string
	for _, row := range m.rows {
		for runewidth.StringWidth(row) > width {
			head := runewidth.Truncate(row, width, "")
			rows, row = append(rows, head), row[len(head):]
		}
		rows = append(rows, row)
	}
	m.width, m.rows, m.row = width, rows, len(rows)-1
}

func (m *terminal) String() string { return strings.Join(m.rows, "\n") }

func (m *terminal) lines() int { return len(m.rows) - 1 }
