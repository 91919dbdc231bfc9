package app

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
)

// A pause is as long as the provider says, within reason: one of a day would be a
// day without work for everybody.
func TestAPauseOfAnyLengthIsNotBelieved(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{0: pauseUnset, 30 * time.Second: 30 * time.Second, 24 * time.Hour: pauseMost} {
		gate := limit.New(redistest.Mini(t), "account", limit.Options{PerMinute: 600})
		p := &permits{gate: gate, log: zerolog.Nop()}
		p.Report(t.Context(), &replicate.Error{Class: replicate.ClassThrottled, After: after, Detail: "too many"})
		s, err := gate.State(t.Context())
		if err != nil || s.Paused > want || s.Paused < want-5*time.Second {
			t.Errorf("told to wait %s, everybody waits %s (%v)", after, s.Paused, err)
		}
	}
}
