package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestLoggerKeepsToLevelAndForm(t *testing.T) {
	for _, tc := range []struct {
		level, format string
		lines         int
	}{{"info", "json", 2}, {"warn", "json", 1}, {"error", "console", 0}, {"info", "console", 2}, {"nonsense", "json", 1}} {
		var b bytes.Buffer
		log := Logger(&b, tc.level, tc.format)
		log.Info().Msg("one")
		log.Warn().Int("item", 3).Msg("two")
		if got := strings.Count(b.String(), "\n"); got != tc.lines {
			t.Errorf("%s, %s: %d lines, want %d: %s", tc.level, tc.format, got, tc.lines, b.String())
		}
		if first, _, ok := strings.Cut(b.String(), "\n"); ok && json.Valid([]byte(first)) != (tc.format == "json") {
			t.Errorf("%s, %s: wrong form: %s", tc.level, tc.format, first)
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s, %s: colour in a log: %q", tc.level, tc.format, b.String())
		}
	}
}
