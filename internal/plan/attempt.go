package plan

import (
	"fmt"
	"time"

	"github.com/actormaker/trainset"
)

// Bounds on the ways an attempt may end before its item is given up, whatever
// is left of the attempt budget. Each costs, or is likely to end the same way.
const (
	maxModerated = 3 // the prompt, the prompt with another seed, the milder prompt
	maxRejected  = 3 // images that failed the checks
	maxLost      = 2 // made again once
	maxInvalid   = 1 // the same input is refused again
)

// Try is what the next attempt at a subtask asks for.
type Try struct {
	Number int
	Prompt string
	Seed   int64
	Milder bool
	// After is how long to wait first, counted from the last attempt's end.
	After time.Duration
}

// GiveUp says that no further attempt will be made, in which state the
// subtask settles and why.
type GiveUp struct {
	State  trainset.ItemState
	Reason string
}

// NextAttempt decides, from a subtask's ended attempts, whether and how to try
// again. Exactly one result is non-nil. maxAttempts is the ledger's budget.
func NextAttempt(ask Ask, ended []Attempt, maxAttempts int) (*Try, *GiveUp) {
	if stop := giveUp(ended, min(maxAttempts, len(ask.Seeds))); stop != nil {
		return nil, stop
	}
	t := &Try{Number: len(ended) + 1, Prompt: ask.Prompt, Seed: ask.Seeds[len(ended)]}
	if count(ended, OutcomeModerated) >= maxModerated-1 && ask.Milder != "" {
		t.Prompt, t.Milder = ask.Milder, true
	}
	if len(ended) > 0 && ended[len(ended)-1].Outcome == OutcomeFailed {
		t.After = backoff(count(ended, OutcomeFailed))
	}
	return t, nil
}

func giveUp(ended []Attempt, budget int) *GiveUp {
	if len(ended) == 0 {
		if budget < 1 {
			return &GiveUp{trainset.ItemFailed, "no attempts are allowed"}
		}
		return nil
	}
	last := ended[len(ended)-1]
	state := trainset.ItemFailed
	if last.Outcome == OutcomeRejected {
		state = trainset.ItemRejected
	}
	switch {
	case last.Outcome == OutcomeCanceled:
		return &GiveUp{trainset.ItemCanceled, last.Reason}
	case count(ended, OutcomeInvalid) >= maxInvalid,
		count(ended, OutcomeModerated) >= maxModerated,
		count(ended, OutcomeRejected) >= maxRejected,
		count(ended, OutcomeLost) >= maxLost,
		len(ended) >= budget:
		return &GiveUp{state, fmt.Sprintf("%s after %s: %s", last.Outcome, attempts(len(ended)), last.Reason)}
	}
	return nil
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func count(ended []Attempt, o Outcome) int {
	n := 0
	for _, a := range ended {
		if a.Outcome == o {
			n++
		}
	}
	return n
}

// backoff doubles from two seconds to a minute: providers' bad minutes pass.
func backoff(failures int) time.Duration {
	d := time.Second << min(failures, 6)
	return min(d, time.Minute)
}
