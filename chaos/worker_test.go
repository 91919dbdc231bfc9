//go:build unix

package chaos

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
)

// What only this test's workers read.
const (
	ownerVariable = "CHAOS_OWNER" // the worker's name in the ledger
	graceVariable = "CHAOS_GRACE" // how long an unanswered create is looked for
	startVariable = "CHAOS_START" // how long a prediction may wait to start
	lowerVariable = "CHAOS_LOWER" // how long a lower limit is believed
	blindVariable = "CHAOS_BLIND" // do not look at all, and pay again
)

// blind never finds a prediction: what every client does that simply sends a
// create again.
type blind struct{}

func (blind) Find(context.Context, plan.Attempt) (paid.Found, error) {
	return paid.Found{Verdict: paid.FoundAbsent}, nil
}

// runWorker is what worker run does, under a name that the test knows.
func runWorker(ctx context.Context) error {
	cfg, err := config.LoadWorker(os.Environ(), "")
	if err != nil {
		return err
	}
	var grace, start, lower time.Duration
	for variable, d := range map[string]*time.Duration{graceVariable: &grace, startVariable: &start, lowerVariable: &lower} {
		if *d, err = time.ParseDuration(os.Getenv(variable)); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
	}
	log := zerolog.New(os.Stderr).Level(zerolog.InfoLevel).With().Timestamp().Str("worker", os.Getenv(ownerVariable)).Logger()
	ready := func(string) { _, _ = fmt.Fprintln(os.Stdout, serving) }
	return app.RunDeployed(ctx, cfg, log, ready, func(o *app.Options) {
		o.Owner, o.Search.Grace, o.StartWithin, o.LowerFor = os.Getenv(ownerVariable), grace, start, lower
		if os.Getenv(blindVariable) != "" {
			o.Finder = blind{}
		}
	})
}
