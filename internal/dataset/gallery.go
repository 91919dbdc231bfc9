package dataset

import (
	"bytes"
	_ "embed" // the page's template
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

//go:embed gallery.html
var galleryHTML string

var galleryTemplate = template.Must(template.New("gallery").Funcs(template.FuncMap{
	"number":   func(n int) string { return fmt.Sprintf("%03d", n) },
	"duration": duration,
	"facts":    facts,
	"join":     func(words []string) string { return strings.Join(words, " · ") },
	"bytes":    size,
	"when":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") },
	"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"medium":   mediumName,
	"findings": findings,
	"attempts": attempts,
	"indent":   indented,
	"made":     made,
	"title":    title,
	"fit":      fit,
	"counts":   counts,
	"verdict":  verdict,
	"judge":    judge,
	"percent":  func(f float64) string { return fmt.Sprintf("%.0f%%", 100*f) },
	"file":     path.Base,
	"part":     func(n, of int) int { return max(n/of, 1) },
	"box": func(b [4]int) string {
		return fmt.Sprintf("%d × %d px at %d, %d", b[2]-b[0], b[3]-b[1], b[0], b[1])
	},
	"mark": marked,
}).Parse(galleryHTML))

// gallery is a page that shows a set. It lies beside the revision's manifest
// and names its images by it; it needs no network and runs no script.
func gallery(m trainset.Manifest) ([]byte, error) {
	var b bytes.Buffer
	if err := galleryTemplate.Execute(&b, m); err != nil {
		return nil, fmt.Errorf("making the gallery: %w", err)
	}
	return b.Bytes(), nil
}

// attempts are those at an item. The one that made its image names that of the set:
// it has the same bytes, and is wherever the gallery is.
func attempts(it trainset.SetItem) []trainset.SetAttempt {
	all := slices.Clone(it.Attempts)
	for i, a := range slices.Backward(all) {
		if it.File != "" && a.File != "" && a.Outcome == string(plan.OutcomeSucceeded) && a.PredictionID == it.PredictionID {
			all[i].File = it.File
			break
		}
	}
	return all
}

// Linked lists the files that a set's gallery links to and its manifest has no digest
// of: the revision's manifest, and what attempts left that is no picture of the set.
func Linked(m trainset.Manifest) []string {
	if m.Files.Gallery == nil {
		return nil
	}
	files := []string{path.Join(path.Dir(m.Files.Gallery.File), "manifest.json")}
	add := func(all []trainset.SetAttempt, but ...string) {
		for _, a := range all {
			if a.File != "" && !slices.Contains(but, a.File) {
				files = append(files, a.File)
			}
		}
	}
	for _, it := range m.Items {
		add(attempts(it), it.File)
	}
	for _, g := range m.Grids {
		enlarged := ""
		if g.Enhanced != nil {
			enlarged = g.Enhanced.File
		}
		add(g.Attempts, g.File, enlarged)
		for _, c := range g.Tiles {
			add(c.Attempts)
		}
	}
	return files
}

func title(m trainset.Manifest) string {
	if m.Subject.Name != "" {
		return m.Subject.Name
	}
	return m.Subject.ID
}

func made(m trainset.Manifest) int {
	j := m.Job()
	return j.Succeeded()
}

// duration prints seconds for a person.
func duration(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// facts are an item's figures. A tile that was cut out at the first try, for
// nothing, has no history that is worth a word.
func facts(it trainset.SetItem) []string {
	var words []string
	if it.File != "" {
		words = append(words, fmt.Sprintf("%d × %d px", it.Width, it.Height))
	}
	if n := len(it.Attempts); n != 1 || it.Cost > 0 || it.Tile == nil {
		words = append(words, counted(n, "attempt"), it.Cost.String(), duration(it.Seconds))
	}
	if it.Seed != nil && it.File != "" {
		words = append(words, fmt.Sprintf("seed %d", *it.Seed))
	}
	return words
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// judge names who judged, after what was judged.
func judge(by string) string {
	if by == plan.LocalJudge {
		return "by local measures"
	}
	return "in the eyes of " + by
}

// fit says how many of the grids' tiles their judges found fit.
func fit(m trainset.Manifest) string {
	good, all := 0, 0
	for _, g := range m.Grids {
		good, all = good+g.Fit, all+len(g.Tiles)
	}
	return fmt.Sprintf("%d of %d tiles fit", good, all)
}

// counts lists what there is of each kind, in their order.
func counts(of map[string]int) string {
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		words = append(words, fmt.Sprintf("%s %d", kind, of[kind]))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// verdict is what a judge said of a tile.
func verdict(t trainset.SetTile) string {
	switch {
	case !t.Fit:
		return "unfit"
	case !t.Unique:
		return "fit, but not unique"
	}
	return "unique and fit"
}

// mark is how a tile is drawn on its grid, in the grid's own pixels.
type mark struct {
	X, Y, Width, Height, Line int
	LabelWidth, LabelHeight   int
	TextX, TextY              int
	Label, Title              string
}

// marked frames a tile and says, in words too, what became of it.
func marked(g trainset.SetGrid, c trainset.SetCell) mark {
	letter := max(g.Width/28, 1)
	m := mark{
		X: c.Box[0], Y: c.Box[1], Width: c.Box[2] - c.Box[0], Height: c.Box[3] - c.Box[1], Line: max(g.Width/256, 1),
		Label: fmt.Sprintf("%d %s", c.Tile, c.Use), Title: fmt.Sprintf("Tile %d, %s: %s", c.Tile, c.Subject, c.Use),
	}
	if c.Use == trainset.TileImage {
		m.Label, m.Title = fmt.Sprintf("%d → %03d", c.Tile, c.Item), fmt.Sprintf("Tile %d, %s: image %03d", c.Tile, c.Subject, c.Item)
	}
	m.LabelWidth, m.LabelHeight = letter*(len([]rune(m.Label))+1)*6/10, letter*3/2
	m.TextX, m.TextY = m.X+letter/3, m.Y+letter*11/10
	return m
}

func mediumName(m trainset.Medium) string {
	switch m {
	case trainset.MediumBW:
		return "black and white"
	case trainset.MediumPhoto:
		return "photograph"
	case trainset.MediumColour:
		return "colour"
	}
	return string(m)
}

// findings are what the checks say of an image, for a person.
func findings(raw json.RawMessage) []string {
	c, ok := readChecks(raw)
	if !ok {
		return nil
	}
	var all []string
	for _, f := range c.Findings {
		all = append(all, strings.TrimSpace(f.Severity+": "+f.Detail))
	}
	return slices.Clip(all)
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}

func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
