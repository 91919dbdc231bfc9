package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// style is a colour of text, as an SGR parameter of ANSI terminals.
type style string

const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// span is text in one style.
type span struct {
	text string
	style
}

// line is one row of the screen.
type line []span

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += runewidth.StringWidth(s.text)
	}
	return n
}

// cut shortens the line to width columns.
func (l line) cut(width int, tail string) line {
	var short line
	for _, s := range l {
		n := runewidth.StringWidth(s.text)
		if n > width {
			return append(short, span{cut(s.text, width, tail), s.style})
		}
		short, width = append(short, s), width-n
	}
	return short
}

// screen redraws a region at the bottom of a terminal. The cursor stays visible
// below it, so that a killed process leaves the terminal as it should be.
type screen struct {
	w     io.Writer
	color bool
	drawn []int // widths of the lines on the screen
}

// draw replaces the region with lines in a single write, which terminals show
// without flicker. Lines must be narrower than width.
func (s *screen) draw(lines []line, width int) {
	var b strings.Builder
	b.WriteString(s.home(width))
	s.drawn = s.drawn[:0]
	for _, l := range lines {
		b.WriteString(s.paint(l) + "\x1b[K\n")
		s.drawn = append(s.drawn, l.width())
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(s.w, b.String())
}

// erase removes the region and leaves the cursor where it began.
func (s *screen) erase(width int) {
	_, _ = io.WriteString(s.w, s.home(width)+"\x1b[J")
	s.drawn = s.drawn[:0]
}

// home moves to the region's first row. Terminals wrap old lines anew when they
// are made narrower, so the rows are counted at the present width.
func (s *screen) home(width int) string {
	rows := 0
	for _, w := range s.drawn {
		rows += max(1, (w+width-1)/width)
	}
	if rows == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", rows)
}

func (s *screen) paint(l line) string {
	var b strings.Builder
	for _, part := range l {
		if s.color && part.style != plain {
			fmt.Fprintf(&b, "\x1b[%sm%s\x1b[0m", string(part.style), part.text)
		} else {
			b.WriteString(part.text)
		}
	}
	return b.String()
}
