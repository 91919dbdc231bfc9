package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
)

// reach is which of the workers that live now keep to what was switched. Those that
// start later do, too.
type reach struct {
	Reached []string `json:"reached"`
	Others  []string `json:"of_other_accounts"`  // whose spending is not that of the token
	Unknown []string `json:"of_unknown_account"` // that did not say whose money they spend

	names map[string]string // that people know the workers by
}

// reaches looks which workers live: all of them serve all queues, and those of the
// token's account share its spending.
func (sw *switching) reaches(ctx context.Context, s *site) (*reach, error) {
	workers, err := operate.Watcher{Ledger: s.ledger}.Watch(ctx)
	if err != nil {
		return nil, err
	}
	account := ""
	if sw.spending {
		account = app.AccountOf(s.config)
	}
	return reachOf(workers, account), nil
}

// reachOf tells the live workers apart by their account, where one is named.
func reachOf(workers []operate.Worker, account string) *reach {
	r := &reach{Reached: []string{}, Others: []string{}, Unknown: []string{}, names: map[string]string{}}
	for _, one := range workers {
		r.names[one.ID] = one.ID
		if one.StartedAt != nil {
			r.names[one.ID] = fmt.Sprintf("%s (%s, pid %d)", one.ID, one.Host, one.PID)
		}
		switch {
		case !one.Live:
		case account == "" || one.Account == account:
			r.Reached = append(r.Reached, one.ID)
		case one.Account == "":
			r.Unknown = append(r.Unknown, one.ID)
		default:
			r.Others = append(r.Others, one.ID)
		}
	}
	return r
}

func (r *reach) write(w io.Writer) error {
	lines := []string{"it reaches " + r.some(r.Reached) + r.list(r.Reached)}
	if len(r.Reached) == 0 {
		lines[0] = "it reaches no worker, for none lives that it is for; those that start keep to it"
	}
	if len(r.Others) > 0 {
		lines = append(lines, "it does not reach "+r.some(r.Others)+" of other accounts"+r.list(r.Others)+"; give the command their REPLICATE_API_TOKEN and REPLICATE_BASE_URL")
	}
	if len(r.Unknown) > 0 {
		lines = append(lines, "it may not reach "+r.some(r.Unknown)+" of a version that does not tell its account"+r.list(r.Unknown))
	}
	for _, line := range lines {
		if err := printf(w, "%s\n", cli.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

func (*reach) some(ids []string) string {
	if len(ids) == 1 {
		return "1 live worker"
	}
	return fmt.Sprintf("%d live workers", len(ids))
}

// namedAtMost is how many workers are named in a line.
const namedAtMost = 5

func (r *reach) list(ids []string) string {
	if len(ids) > namedAtMost {
		return ", which worker workers names"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = r.names[id]
	}
	return ": " + strings.Join(names, ", ")
}
