package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// Duration prints a time as people read it: "3.2 s", "4 min 05 s", "1 h 02 min".
func Duration(d time.Duration) string {
	tenths := max(d, 0).Round(100 * time.Millisecond)
	if tenths < time.Minute {
		return fmt.Sprintf("%.1f s", tenths.Seconds())
	}
	whole := int(tenths.Round(time.Second).Seconds())
	if whole < 3600 {
		return fmt.Sprintf("%d min %02d s", whole/60, whole%60)
	}
	return fmt.Sprintf("%d h %02d min", whole/3600, whole%3600/60)
}

// Bytes prints a size in decimal units: "812 B", "3.4 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.95 && unit < len("kMGT")-1 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGT"[unit])
}

// Clean makes text fit for one line of a terminal: control characters, which
// may come from a provider's message, become single spaces.
func Clean(s string) string {
	fields := strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
	return strings.Join(fields, " ")
}

// cut shortens s to at most width columns; tail marks the place.
func cut(s string, width int, tail string) string {
	if width <= 0 {
		return ""
	}
	return runewidth.Truncate(s, width, tail)
}
