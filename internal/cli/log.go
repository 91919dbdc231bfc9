package cli

import (
	"io"
	"time"

	"github.com/rs/zerolog"
)

// Logger writes messages of at least a level to w, as JSON or for people.
func Logger(w io.Writer, level, format string) zerolog.Logger {
	least, err := zerolog.ParseLevel(level)
	if err != nil {
		least = zerolog.WarnLevel
	}
	if format == "console" {
		w = zerolog.ConsoleWriter{Out: w, NoColor: true, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(least).With().Timestamp().Logger()
}
