package dataset

import (
	"bytes"
	_ "embed" // the page's template
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

//go:embed gallery.html
var galleryHTML string

var galleryTemplate = template.Must(template.New("gallery").Funcs(template.FuncMap{
	"number": func(n int) string { return fmt.Sprintf("%03d", n) },
	"duration": func(s float64) string {
		return (time.Duration(s * float64(time.Second))).Round(100 * time.Millisecond).String()
	},
	"bytes":    size,
	"when":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") },
	"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"medium":   mediumName,
	"findings": findings,
	"indent":   indented,
	"made":     made,
	"title":    title,
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
