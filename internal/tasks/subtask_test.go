package tasks

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
)

// The pause before another attempt is as long as it is, whatever the clock of who
// ended the last one said.
func TestAClockAheadMakesNoPauseLonger(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{
		time.Hour: 2 * time.Second, 0: 2 * time.Second, -500 * time.Millisecond: 1500 * time.Millisecond, -time.Minute: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := New(nil, nil, nil, nil, nil, Options{})
			began := time.Now()
			ended := began.Add(ahead)
			w := ledger.Work{Attempts: []plan.Attempt{{State: plan.AttemptEnded, EndedAt: &ended}}}
			if rung, err := h.pause(t.Context(), w, 2*time.Second); rung || err != nil {
				t.Fatal(rung, err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("ended %s ahead: waited %s, not %s", ahead, took, want)
			}
		})
	}
}
