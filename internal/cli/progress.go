package cli

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/actormaker/trainset"
)

// TickEvery is a good interval for Tick: the spinner turns, tenths of seconds
// run.
const TickEvery = 125 * time.Millisecond

// ProgressOptions says where progress is drawn. TerminalOptions fills it for a
// file.
type ProgressOptions struct {
	// Terminal redraws one region in place; otherwise each change is a line.
	Terminal bool
	Color    bool
	// Unicode allows marks and a spinner beyond ASCII.
	Unicode bool
	// Width and Height are asked before each drawing; 80 and 24 where they are
	// nil or return no positive number.
	Width, Height func() int
	// Now is time.Now when nil.
	Now func() time.Time
}

// Progress shows a job as it goes. Its methods may be called concurrently.
// Errors of the writer are ignored: a job does not stop for want of a
// spectator.
type Progress struct {
	o ProgressOptions

	mu     sync.Mutex
	screen screen
	plain  plainLog
	job    *trainset.Job
	spin   int
	closed bool
}

// NewProgress makes a Progress that writes to w. Nothing is drawn before the
// first Update.
func NewProgress(w io.Writer, o ProgressOptions) *Progress {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Width, o.Height = positive(o.Width, 80), positive(o.Height, 24)
	return &Progress{o: o, screen: screen{w: w, color: o.Color}, plain: plainLog{w: w}}
}

func positive(measure func() int, otherwise int) func() int {
	return func() int {
		if measure != nil {
			if n := measure(); n > 0 {
				return n
			}
		}
		return otherwise
	}
}

// Update shows the job as it now stands. The job is not kept: its lists are
// copied.
func (p *Progress) Update(job trainset.Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	job.Items = append([]trainset.Item(nil), job.Items...)
	job.Grids = append([]trainset.Grid(nil), job.Grids...)
	p.job = &job
	if p.o.Terminal {
		p.draw(p.o.Height())
	} else {
		p.plain.update(job, p.o.Now())
	}
}

// Tick redraws, so that the spinner turns and the seconds run. Off a terminal it
// does nothing.
func (p *Progress) Tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.o.Terminal || p.job == nil {
		return
	}
	p.spin++
	p.draw(p.o.Height())
}

// Write prints whole lines, such as a logger's, above the progress.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Terminal && !p.closed && p.job != nil {
		p.screen.erase(p.o.Width())
		defer p.draw(p.o.Height())
	}
	n, err := p.screen.w.Write(text)
	if err == nil && !bytes.HasSuffix(text, []byte("\n")) {
		_, err = io.WriteString(p.screen.w, "\n") // the region starts on a line of its own
	}
	return n, err //nolint:wrapcheck // an io.Writer returns its target's errors
}

// Close leaves the last state on the terminal, with every item on a line of its
// own. Calls after the first, and updates after it, do nothing.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && p.o.Terminal && p.job != nil {
		p.draw(len(p.job.Items) + len(p.job.Grids) + 8) // scrolls what does not fit; nothing is redrawn after it
	}
	p.closed = true
}

func (p *Progress) draw(height int) {
	width := p.o.Width()
	v := view{job: *p.job, now: p.o.Now(), width: width - 1, rows: height - 1, spin: p.spin, glyphs: glyphsFor(p.o.Unicode)}
	p.screen.draw(v.lines(), width)
}
