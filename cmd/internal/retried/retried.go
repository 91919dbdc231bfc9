// Package retried is what both commands ask and say of an ended job that is taken
// up again: the flags of its limits, and what is tried anew.
//
// It must not know how that is done, nor where.
package retried

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/plan"
)

// Limits are flags that raise the limits of an ended job.
type Limits struct {
	given    *pflag.FlagSet
	maxCost  string
	maxGrids int
}

// Add declares the flags.
func (l *Limits) Add(s *pflag.FlagSet) {
	l.given = s
	s.StringVar(&l.maxCost, "max-cost", "", "most that the job may spend in all, in US dollars; more than it may now")
	s.IntVar(&l.maxGrids, "max-grids", 0, fmt.Sprintf("most grids that a style's job may make in all, up to %d; more than it may now", trainset.MaxGrids))
}

// Read returns those that the flags ask for, zero where one stays as it is. All that
// is wrong in them alone is a *trainset.FieldError each.
func (l *Limits) Read() (limits plan.Limits, err error) {
	var problems []error
	if l.given.Changed("max-cost") {
		if limits.MaxCost, err = trainset.ParseMoney(l.maxCost); err != nil || limits.MaxCost <= 0 {
			problems = append(problems, trainset.Invalid("max-cost", fmt.Sprintf("%q is no amount above zero", l.maxCost), "write US dollars, like 1.50"))
		}
	}
	if limits.MaxGrids = l.maxGrids; l.given.Changed("max-grids") && l.maxGrids < 1 {
		problems = append(problems, trainset.Invalid("max-grids", fmt.Sprintf("%d is out of range", l.maxGrids), fmt.Sprintf("give up to %d", trainset.MaxGrids)))
	}
	return limits, errors.Join(problems...)
}

// Write prints what is tried again, or would be, and about what it costs.
func Write(w io.Writer, r operate.Retried, dry bool) error {
	said := "is tried again"
	if dry {
		said = "would be tried again"
	}
	text := fmt.Sprintf("job %s %s: %s; its next data set is v%d\n", r.Job, said, follows(r), r.Revision)
	if r.MaxCost > 0 {
		text += fmt.Sprintf("  it may spend %s in all\n", r.MaxCost)
	}
	if r.MaxGrids > 0 {
		text += fmt.Sprintf("  it may make %d grids in all\n", r.MaxGrids)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("printing what is tried again: %w", err)
	}
	t := cli.Table{Columns: []cli.Column{
		{Title: "again"}, {Title: "was"}, {Title: "tries", Right: true}, {Title: "a try", Right: true}, {Title: "reason"},
	}, Indent: "  "}
	for _, s := range r.Subtasks {
		t.Add(string(s.Subtask), string(s.Was), strconv.Itoa(s.Attempts), s.Price.String(), s.Reason)
	}
	if t.Len() == 0 {
		return nil
	}
	return t.Write(w)
}

// follows says what the job goes on with, and for how much.
func follows(r operate.Retried) string {
	what := fmt.Sprintf("%d subtasks, %s if each takes one attempt", len(r.Subtasks), r.Each)
	if len(r.Subtasks) == 0 {
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
