package tasks

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestWhatIsSaidAgainIsSaidOnceInAWhile(t *testing.T) {
	now := time.Unix(0, 0)
	q := newQuiet(func() time.Time { return now })
	var out bytes.Buffer
	log := zerolog.New(&out).Hook(q)
	for range 25 { // seconds
		log.Warn().Msg("away")
		log.Error().Msg("fails")
		now = now.Add(time.Second)
	}
	log.Warn().Msg("something else")
	want := `{"level":"warn","message":"away"}
{"level":"error","message":"fails"}
{"level":"warn","left_out":9,"message":"away"}
{"level":"error","left_out":9,"message":"fails"}
{"level":"warn","left_out":9,"message":"away"}
{"level":"error","left_out":9,"message":"fails"}
{"level":"warn","message":"something else"}`
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	now = now.Add(time.Hour)
	log.Warn().Msg("back")
	if len(q.said) != 1 {
		t.Errorf("%d messages are remembered", len(q.said))
	}
}
