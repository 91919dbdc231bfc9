package tasks

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// What goes on every second fails every second while Redis is away, in each of a
// worker's servers. It is said once in a while.

const (
	quietFor  = 10 * time.Second // the same message is not said again
	countsFor = time.Minute      // how often it was left out is remembered
)

// Quietly gives a log that says each message once in ten seconds, and the next time how
// often it was left out meanwhile.
func Quietly(log zerolog.Logger) zerolog.Logger { return log.Hook(newQuiet(time.Now)) }

// quiet is the hook of such a log.
type quiet struct {
	now func() time.Time

	mu   sync.Mutex
	said map[string]*saying // by message; few, for what is left for long is forgotten
}

// saying is when a message was said, and how often it was left out since.
type saying struct {
	at   time.Time
	left int
}

func newQuiet(now func() time.Time) *quiet { return &quiet{now: now, said: map[string]*saying{}} }

// Run implements zerolog.Hook.
func (q *quiet) Run(e *zerolog.Event, _ zerolog.Level, message string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	s := q.said[message]
	if s != nil && now.Sub(s.at) < quietFor {
		s.left++
		e.Discard()
		return
	}
	if s != nil && s.left > 0 {
		e.Int("left_out", s.left)
	}
	for m, s := range q.said {
		if now.Sub(s.at) >= countsFor {
			delete(q.said, m)
		}
	}
	q.said[message] = &saying{at: now}
}
