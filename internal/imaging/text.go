package imaging

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// faces are the letters of one sheet. They are for one goroutine.
type faces struct{ title, label, sub *face }

type face struct{ font.Face }

// typefaces are parsed once; they may be shared.
var typefaces = sync.OnceValues(func() (all [3]*opentype.Font, err error) {
	for i, ttf := range [][]byte{gobold.TTF, gomedium.TTF, goregular.TTF} {
		if all[i], err = opentype.Parse(ttf); err != nil {
			return all, fmt.Errorf("reading a typeface: %w", err)
		}
	}
	return all, nil
})

func newFaces() (*faces, error) {
	all, err := typefaces()
	if err != nil {
		return nil, err
	}
	var made [3]*face
	for i, size := range []float64{32, 19, 16} {
		f, err := opentype.NewFace(all[i], &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingVertical})
		if err != nil {
			return nil, fmt.Errorf("preparing a typeface: %w", err)
		}
		made[i] = &face{f}
	}
	return &faces{title: made[0], label: made[1], sub: made[2]}, nil
}

func (f *face) width(s string) int { return font.MeasureString(f.Face, s).Ceil() }

// draw writes one line of text within a width.
func (f *face) draw(dst *image.RGBA, x, y, room int, c color.Color, s string) {
	d := font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: f.Face, Dot: fixed.P(x, y)}
	d.DrawString(f.fit(s, room))
}

const ellipsis = "…"

// longest is more letters than any line of a sheet has room for.
const longest = 300

// fit shortens text to a width; what is cut off becomes an ellipsis. Line
// breaks and tabs, which have no letter, become spaces.
func (f *face) fit(s string, room int) string {
	r := []rune(strings.Map(printable, s))
	if len(r) <= longest && f.width(string(r)) <= room {
		return string(r)
	}
	r = r[:min(len(r), longest)]
	for len(r) > 0 && f.width(string(r)+ellipsis) > room {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ,;:.-") + ellipsis
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// wrap breaks text into lines of a width, the last of them shortened where
// there are too many.
func (f *face) wrap(s string, room, most int) []string {
	words := strings.Fields(s)
	var lines []string
	for len(words) > 0 {
		if len(lines) == most-1 {
			return append(lines, f.fit(strings.Join(words, " "), room))
		}
		n := 1
		for n < len(words) && f.width(strings.Join(words[:n+1], " ")) <= room {
			n++
		}
		lines = append(lines, f.fit(strings.Join(words[:n], " "), room))
		words = words[n:]
	}
	return lines
}
