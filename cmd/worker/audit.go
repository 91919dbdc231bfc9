package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/operate"
)

func auditCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	var since time.Duration
	cmd := v.command("audit", "Compare what the provider, the ledger and storage know", none, func(ctx context.Context, s *site, _ []string) error {
		if since <= 0 {
			return trainset.Invalid("since", fmt.Sprintf("%s is no time that has passed", since), "write it like 24h")
		}
		return audit(ctx, s, since)
	})
	cmd.Long = "Audit looks for predictions at the provider that no attempt and no receipt names, objects in folders\n" +
		"of jobs that nobody knows or that were deleted in the last 30 days, images that the ledger names and\n" +
		"storage has not, and jobs whose cost is not the sum of their attempts'. It changes nothing, and exits with 1 when it found something. Predictions of\n" +
		"models that trainset does not ask are counted as somebody else's, and those of jobs that were deleted in\n" +
		"the last 30 days as theirs. What could not be compared is named, and is no finding."
	cmd.Example = "  worker audit\n  worker audit --since 168h --json | jq .unknown_predictions"
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "compare predictions and costs of the time since then, 720h at most: the ledger keeps no more")
	return cmd
}

func audit(ctx context.Context, s *site, since time.Duration) error {
	store, err := s.storage(ctx)
	if err != nil {
		return err
	}
	a := operate.Auditor{Ledger: s.ledger, Store: store, Simulated: s.config.Provider.Simulate, Now: time.Now}
	p, err := provider(s.config)
	if err != nil {
		return err
	}
	if p != nil {
		a.Provider = p
	}
	books, err := a.Audit(ctx, time.Now().Add(-since))
	if err != nil {
		return err
	}
	if err := s.say(books, func(w io.Writer) error { return writeBooks(w, books) }); err != nil {
		return err
	}
	if !books.Clean() {
		return &cli.ExitError{Code: cli.ExitFailed}
	}
	return nil
}

func writeBooks(w io.Writer, b operate.Books) error {
	t := cli.Table{Columns: make([]cli.Column, 2)}
	t.Add("since", b.Since.Format(time.RFC3339))
	t.Add("ledger", fmt.Sprintf("%d jobs; since then %d attempts, %d of them paid, %s", b.Jobs, b.Costs.Attempts, b.Costs.Paid, b.Costs.Spent))
	t.Add("provider", fmt.Sprintf("%d predictions, %d of them of others", b.Listed, b.Others))
	if len(b.Deleted) > 0 {
		t.Add("", fmt.Sprintf("%d of them of deleted jobs, %s at list prices", len(b.Deleted), b.Costs.Deleted))
	}
	t.Add("storage", fmt.Sprintf("%d objects", b.Stored))
	for _, skipped := range b.Skipped {
		t.Add("not looked at", skipped)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	if b.Clean() {
		return printf(w, "\nthe books agree\n")
	}
	for _, part := range []struct {
		title string
		table cli.Table
	}{
		{fmt.Sprintf("predictions that nobody here knows (%s)", b.Costs.Unknown), unknownTable(b)},
		{"objects of jobs that nobody knows", orphanTable(b)},
		{"folders of jobs that were deleted", leftTable(b)},
		{"images that the ledger names and storage has not", missingTable(b)},
		{"jobs whose cost is not that of their attempts", wrongTable(b)},
	} {
		if part.table.Len() == 0 {
			continue
		}
		if err := printf(w, "\n%d %s:\n", part.table.Len(), part.title); err != nil {
			return err
		}
		if err := part.table.Write(w); err != nil {
			return err
		}
	}
	return nil
}

func unknownTable(b operate.Books) cli.Table {
	t := cli.Table{Columns: []cli.Column{{Title: "prediction"}, {Title: "model"}, {Title: "status"}, {Title: "created"}, {Title: "price", Right: true}}, Indent: "  "}
	for _, p := range b.Unknown {
		t.Add(p.ID, p.Model, string(p.Status), p.Created.Format(time.RFC3339), p.Price.String())
	}
	return t
}

func orphanTable(b operate.Books) cli.Table {
	t := cli.Table{Columns: []cli.Column{{Title: "folder"}, {Title: "objects", Right: true}, {Title: "size", Right: true}}, Indent: "  "}
	for _, o := range b.Orphans {
		t.Add(o.Folder, strconv.Itoa(o.Objects), cli.Bytes(o.Bytes))
	}
	return t
}

func leftTable(b operate.Books) cli.Table {
	t := cli.Table{Columns: []cli.Column{{Title: "folder"}, {Title: "objects", Right: true}, {Title: "size", Right: true}, {Title: "remove with"}}, Indent: "  "}
	for _, o := range b.Left {
		t.Add(o.Folder, strconv.Itoa(o.Objects), cli.Bytes(o.Bytes), o.Remedy())
	}
	return t
}

func missingTable(b operate.Books) cli.Table {
	t := cli.Table{Columns: []cli.Column{{Title: "attempt"}, {Title: "key"}}, Indent: "  "}
	for _, m := range b.Missing {
		t.Add(m.Attempt, m.Key)
	}
	return t
}

func wrongTable(b operate.Books) cli.Table {
	t := cli.Table{Columns: []cli.Column{{Title: "job"}, {Title: "total", Right: true}, {Title: "attempts", Right: true}}, Indent: "  "}
	for _, d := range b.Wrong {
		t.Add(string(d.Job), d.Total.String(), d.Attempts.String())
	}
	return t
}
