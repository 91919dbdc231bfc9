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

// bounds is how often attempts of a verb may end in a way before it is given up.
type bounds struct{ budget, moderated, rejected, lost, invalid int }

// boundsOf returns the bounds of a verb within the ledger's budget. A judge is
// asked once more when its answer was wrong: then local measures decide.
func boundsOf(v Verb, budget int) bounds {
	b := bounds{budget, maxModerated, maxRejected, maxLost, maxInvalid}
	switch v {
	case VerbJudge:
		b.budget, b.rejected, b.moderated = min(budget, 3), 2, 1
	case VerbEnhance, VerbTile: // the same picture is enlarged the same way again
		b.budget, b.rejected, b.moderated = min(budget, 3), 2, 1
	case VerbImage, VerbGrid, VerbAccept, VerbAssemble:
	}
	return b
}

// Try is what the next attempt at a subtask asks for.
type Try struct {
	Number int
	Prompt string
	Seed   int64
	Milder bool
	// After is how long to wait first, counted from the last attempt's end.
	After time.Duration
}

// Stop says that no further attempt will be made, in which state the subtask
// settles and why.
type Stop struct {
	State  trainset.ItemState
	Reason string
	Winner int // the attempt that made the result; 0 where none did
}

// NextAttempt decides, from a subtask's ended attempts, whether and how to try
// again. Exactly one result is non-nil. maxAttempts is the ledger's budget;
// what earlier rounds used up does not count.
func NextAttempt(s Subtask, ended []Attempt, maxAttempts int) (*Try, *Stop) {
	round := ended[min(s.Spent, len(ended)):]
	if stop := giveUp(round, boundsOf(s.Verb, maxAttempts)); stop != nil {
		return nil, stop
	}
	ask := s.Ask
	if len(ask.Seeds) > 0 && len(ended) >= len(ask.Seeds) {
		return nil, &Stop{State: trainset.ItemFailed, Reason: fmt.Sprintf("all of its %d attempts are used up", len(ask.Seeds))}
	}
	t := &Try{Number: len(ended) + 1, Prompt: ask.Prompt}
	if len(ask.Seeds) > 0 {
		t.Seed = ask.Seeds[len(ended)]
	}
	if count(round, OutcomeModerated) >= maxModerated-1 && ask.Milder != "" {
		t.Prompt, t.Milder = ask.Milder, true
	}
	if len(round) > 0 && round[len(round)-1].Outcome == OutcomeFailed {
		t.After = backoff(count(round, OutcomeFailed))
	}
	return t, nil
}

func giveUp(ended []Attempt, most bounds) *Stop {
	if len(ended) == 0 {
		if most.budget < 1 {
			return &Stop{State: trainset.ItemFailed, Reason: "no attempts are allowed"}
		}
		return nil
	}
	last := ended[len(ended)-1]
	state := trainset.ItemFailed
	if last.Outcome == OutcomeRejected {
		state = trainset.ItemRejected
	}
	switch winner := made(ended); {
	case winner > 0: // made, and then a crash kept it from being settled
		return &Stop{State: trainset.ItemSucceeded, Winner: winner}
	case last.Outcome == OutcomeCanceled:
		return &Stop{State: trainset.ItemCanceled, Reason: last.Reason}
	case count(ended, OutcomeInvalid) >= most.invalid,
		count(ended, OutcomeModerated) >= most.moderated,
		count(ended, OutcomeRejected) >= most.rejected,
		count(ended, OutcomeLost) >= most.lost,
		len(ended) >= most.budget:
		return &Stop{State: state, Reason: fmt.Sprintf("%s after %s: %s", last.Outcome, attempts(len(ended)), last.Reason)}
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
