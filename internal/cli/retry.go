package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/actormaker/trainset"
)

// LimitFlags raise the limits of an ended job.
type LimitFlags struct {
	given    *pflag.FlagSet
	maxCost  string
	maxGrids int
}

// Add declares the flags.
func (l *LimitFlags) Add(s *pflag.FlagSet) {
	l.given = s
	s.StringVar(&l.maxCost, "max-cost", "", "most that the job may spend in all, in US dollars; more than it may now")
	s.IntVar(&l.maxGrids, "max-grids", 0, fmt.Sprintf("most grids that a style's job may make in all, up to %d; more than it may now", trainset.MaxGrids))
}

// Limits are those that the flags ask for, zero where one stays as it is. All that
// is wrong in them alone is a *trainset.FieldError each.
func (l *LimitFlags) Limits() (cost trainset.Money, grids int, err error) {
	var problems []error
	if l.given.Changed("max-cost") {
		if cost, err = trainset.ParseMoney(l.maxCost); err != nil || cost <= 0 {
			problems = append(problems, trainset.Invalid("max-cost", fmt.Sprintf("%q is no amount above zero", l.maxCost), "write US dollars, like 1.50"))
		}
	}
	if grids = l.maxGrids; l.given.Changed("max-grids") && grids < 1 {
		problems = append(problems, trainset.Invalid("max-grids", fmt.Sprintf("%d is out of range", grids), fmt.Sprintf("give up to %d", trainset.MaxGrids)))
	}
	return cost, grids, errors.Join(problems...)
}

// Retry is a job that is tried again, or would be.
type Retry struct {
	Job   trainset.JobID
	Dry   bool // it would be
	Tries []RetryTry
	// Each is what one attempt at each of Tries costs, Following what the further
	// Grids of a style and all that follows cost, if they turn out as planned.
	Each, Following trainset.Money
	Grids           int
	// MaxCost and MaxGrids are limits that were raised; zero where one was not.
	MaxCost  trainset.Money
	MaxGrids int
	Revision int // of the set that will be assembled
}

// RetryTry is one thing that is tried again.
type RetryTry struct {
	What, Was, Reason string
	Attempts          int
	Price             trainset.Money
}

// Write prints what is tried again and about what it costs.
func (r Retry) Write(w io.Writer) error {
	said := "is tried again"
	if r.Dry {
		said = "would be tried again"
	}
	text := fmt.Sprintf("job %s %s: %s; its next data set is v%d\n", r.Job, said, r.follows(), r.Revision)
	if r.MaxCost > 0 {
		text += fmt.Sprintf("  it may spend %s in all\n", r.MaxCost)
	}
	if r.MaxGrids > 0 {
		text += fmt.Sprintf("  it may make %d grids in all\n", r.MaxGrids)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("printing what is tried again: %w", err)
	}
	t := Table{Columns: []Column{
		{Title: "again"}, {Title: "was"}, {Title: "tries", Right: true}, {Title: "a try", Right: true}, {Title: "reason"},
	}, Indent: "  "}
	for _, s := range r.Tries {
		t.Add(s.What, s.Was, strconv.Itoa(s.Attempts), s.Price.String(), s.Reason)
	}
	if t.Len() == 0 {
		return nil
	}
	return t.Write(w)
}

// follows says what the job goes on with, and for how much.
func (r Retry) follows() string {
	what := fmt.Sprintf("%d subtasks, %s if each takes one attempt", len(r.Tries), r.Each)
	if len(r.Tries) == 0 {
		what = "from where it was stopped"
	}
	switch {
	case r.Grids > 0:
		what += fmt.Sprintf(", about %s more for grids, %d if they turn out as planned", r.Following, r.Grids)
	case r.Following > 0:
		what += fmt.Sprintf(", about %s more for what follows", r.Following)
	}
	return what
}
