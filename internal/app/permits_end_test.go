package app

import (
	"bytes"
	"context"
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate"
)

// Whoever ends while answers come in has nothing to report; a Redis that does not
// answer is worth a word.
func TestLimitsThatAnEndLeavesUntoldAreNoError(t *testing.T) {
	var out bytes.Buffer
	rdb := redistest.Mini(t)
	gate := limit.New(rdb, "a", limit.Options{Log: zerolog.Nop()})
	defer gate.Close()
	p := &permits{gate: gate, lowerFor: lowerFor, log: zerolog.New(&out)}
	report := func(ctx context.Context) {
		p.Accepted(ctx)
		p.Report(ctx, &replicate.Error{Class: replicate.ClassCredit})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if report(ended); out.Len() > 0 {
		t.Errorf("after the end: %s", &out)
	}
	if err := rdb.Close(); err != nil {
		t.Fatal(err)
	}
	if report(t.Context()); bytes.Count(out.Bytes(), []byte("\n")) != 2 {
		t.Errorf("without Redis: %s", &out)
	}
}
