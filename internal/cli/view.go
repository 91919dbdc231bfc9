package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/actormaker/trainset"
)

// glyphs are the marks before items.
type glyphs struct {
	spinner             []string
	done, failed, blank string
	tail                string // where text was cut
	dot                 string // between the footer's parts
}

func glyphsFor(unicode bool) glyphs {
	if unicode {
		return glyphs{strings.Split("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", ""), "✓", "✗", "·", "…", "·"}
	}
	return glyphs{strings.Split(`|/-\`, ""), "+", "x", ".", "~", "-"}
}

// view is a job as it looks at one moment in a window of some size.
type view struct {
	job         trainset.Job
	now         time.Time
	width, rows int // the most columns and rows to use
	spin        int
	glyphs
}

// Columns besides the scene: mark, number, medium, phase, seconds, with the
// spaces between them.
const (
	besideScene  = 34
	mediumColumn = 8
	phaseWidth   = 10
	timeWidth    = 6
	leastScene   = 4
)

// lines draws the header, as many items as there is room for, and the footer.
func (v view) lines() []line {
	body := v.body()
	if room := max(1, v.rows-2); len(body) > room {
		body = body[:room]
	}
	all := append(append([]line{v.header()}, body...), v.footer())
	for i := range all {
		all[i] = all[i].cut(v.width, v.tail)
	}
	return all
}

func (v view) header() line {
	l := line{{string(v.job.Kind) + " ", plain}, {Clean(v.job.Subject) + "  ", bold}}
	if v.job.Simulated {
		l = append(l, span{"SIMULATED  ", yellow})
	}
	return append(l, span{string(v.job.State), plain}, span{"  job " + string(v.job.ID), faint})
}

func (v view) footer() line {
	wanted := max(v.job.Wanted, len(v.job.Items))
	l := line{{fmt.Sprintf("%d of %d done", v.job.Succeeded(), wanted), bold}}
	if n := v.count(classFailed); n > 0 {
		l = append(l, span{fmt.Sprintf(", %d not", n), red})
	}
	cost := v.job.Cost.Actual.String()
	if v.job.Cost.Estimated > 0 {
		cost += " of about " + v.job.Cost.Estimated.String()
	}
	between := "  " + v.dot + "  "
	return append(l, span{between + Duration(elapsed(v.job, v.now)) + between + cost, plain})
}

func (v view) count(c progressClass) int {
	n := 0
	for _, it := range v.job.Items {
		if classOf(it) == c {
			n++
		}
	}
	return n
}

func (v view) body() []line {
	var body []line
	if v.job.HeldUp != "" {
		body = append(body, line{{"held up: " + Clean(v.job.HeldUp), yellow}})
	}
	body = append(body, v.grids()...)
	if len(v.job.Items) == 0 {
		if len(body) > 0 {
			return body
		}
		return []line{{{v.spinner[v.spin%len(v.spinner)] + " waiting to be accepted", cyan}}}
	}
	shown, hidden := v.choose(v.rows - 2 - len(body))
	if n := hidden[classDone]; n > 0 {
		body = append(body, line{{fmt.Sprintf("%s %d more done", v.done, n), green}})
	}
	scene, medium := v.columns()
	for _, it := range shown {
		body = append(body, v.item(it, scene, medium))
	}
	for _, rest := range []struct {
		class progressClass
		words string
		style
	}{{classActive, "more at work", cyan}, {classWaiting, "more waiting", faint}, {classFailed, "more not done", red}} {
		if n := hidden[rest.class]; n > 0 {
			body = append(body, line{{fmt.Sprintf("%s %d %s", v.blank, n, rest.words), rest.style}})
		}
	}
	return body
}

// choose drops items until the rest fits into rows, with a row for each class
// that has dropped any: the done first, longest done foremost, then the last of
// the waiting, of those at work, of the failed.
func (v view) choose(rows int) (shown []trainset.Item, hidden map[progressClass]int) {
	hidden = map[progressClass]int{}
	shown = slices.Clone(v.job.Items)
	order := slices.Clone(v.job.Items)
	slices.SortStableFunc(order, dropFirst)
	for _, it := range order {
		if len(shown)+len(hidden) <= rows {
			break
		}
		hidden[classOf(it)]++
		shown = slices.DeleteFunc(shown, func(s trainset.Item) bool { return s.Index == it.Index })
	}
	return shown, hidden
}

func dropFirst(a, b trainset.Item) int {
	if c := cmp.Compare(classOf(b), classOf(a)); c != 0 {
		return c
	}
	if classOf(a) == classDone && a.SettledAt != nil && b.SettledAt != nil {
		return a.SettledAt.Compare(*b.SettledAt)
	}
	return cmp.Compare(b.Index, a.Index)
}

// columns returns the scene column's width, and whether there is room for the
// medium. The medium gives way first.
func (v view) columns() (scene int, medium bool) {
	longest := 0
	for _, it := range v.job.Items {
		longest = max(longest, runewidth.StringWidth(Clean(it.Scene)))
	}
	room := v.width - besideScene
	if room >= longest {
		return longest, true
	}
	room += mediumColumn
	if room < leastScene {
		return 0, false
	}
	return min(room, longest), false
}

func (v view) item(it trainset.Item, scene int, medium bool) line {
	mark, in := v.mark(it)
	l := line{{mark, in}, {fmt.Sprintf(" %2d  ", it.Index), plain}}
	if scene > 0 {
		l = append(l, span{runewidth.FillRight(cut(Clean(it.Scene), scene, v.tail), scene) + "  ", plain})
	}
	if medium {
		l = append(l, span{runewidth.FillRight(string(it.Medium), mediumColumn-2) + "  ", faint})
	}
	if classOf(it) == classFailed {
		return append(l, span{strings.TrimSuffix(label(it)+": "+note(it), ": "), in})
	}
	l = append(l, span{runewidth.FillRight(label(it), phaseWidth), in}, span{"  " + runewidth.FillLeft(v.seconds(it), timeWidth), plain})
	if n := note(it); n != "" {
		l = append(l, span{"  " + n, faint})
	}
	return l
}

func (v view) seconds(it trainset.Item) string {
	took, ok := spent(it, v.now)
	if !ok {
		return ""
	}
	if took < 100*time.Second {
		return strconv.FormatFloat(max(took, 0).Seconds(), 'f', 1, 64) + " s"
	}
	return fmt.Sprintf("%.0f s", took.Seconds())
}

func (v view) mark(it trainset.Item) (string, style) { return v.markOf(classOf(it)) }

func (v view) markOf(c progressClass) (string, style) {
	switch c {
	case classDone:
		return v.done, green
	case classFailed:
		return v.failed, red
	case classActive:
		return v.spinner[v.spin%len(v.spinner)], cyan
	case classWaiting:
	}
	return v.blank, faint
}
