package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/actormaker/trainset"
)

const signalChannel = "trainset:signals" // pub/sub: "cancel JOB", "poll JOB ATTEMPT"

// Signal is a word to every worker that something is worth a look. One that is
// lost costs time and nothing else: what it says is in the ledger, or will be
// polled for.
type Signal struct {
	// Job was canceled, or where Attempt is set: that attempt's prediction has news.
	Job     trainset.JobID
	Attempt string
}

// SignalCancel tells every worker that a job was canceled.
func (l *Ledger) SignalCancel(ctx context.Context, id trainset.JobID) error {
	return l.signal(ctx, "cancel "+string(id))
}

// SignalPoll tells every worker that the provider has news of an attempt.
func (l *Ledger) SignalPoll(ctx context.Context, id trainset.JobID, attempt string) error {
	return l.signal(ctx, "poll "+string(id)+" "+attempt)
}

func (l *Ledger) signal(ctx context.Context, text string) error {
	if err := l.rdb.Publish(ctx, signalChannel, text).Err(); err != nil {
		return fmt.Errorf("ledger: signalling: %w", err)
	}
	return nil
}

// Signals calls f with every signal until the context ends. The connection is
// made anew when it breaks.
func (l *Ledger) Signals(ctx context.Context, f func(Signal)) {
	sub := l.rdb.Subscribe(ctx, signalChannel)
	defer sub.Close() //nolint:errcheck // nothing is lost with it
	messages := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-messages:
			if !open {
				return
			}
			if s, ok := parseSignal(m.Payload); ok {
				f(s)
			}
		}
	}
}

func parseSignal(text string) (Signal, bool) {
	words := strings.Fields(text)
	switch {
	case len(words) == 2 && words[0] == "cancel":
		return Signal{Job: trainset.JobID(words[1])}, true
	case len(words) == 3 && words[0] == "poll":
		return Signal{Job: trainset.JobID(words[1]), Attempt: words[2]}, true
	}
	return Signal{}, false
}
