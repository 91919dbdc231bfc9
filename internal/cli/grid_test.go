package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
)

// styling is a style job whose grids are in every condition.
func styling() trainset.Job {
	job := running()
	job.Kind, job.Subject, job.Wanted, job.Items = trainset.KindStyle, "gouache", 20, nil
	job.Grids = []trainset.Grid{
		{Index: 1, State: trainset.ItemSucceeded, Stage: trainset.StageDone, Judge: "openai/gpt-4.1-mini", Fit: 7, Cost: trainset.USD(0.10)},
		{Index: 2, State: trainset.ItemRunning, Stage: trainset.StageEnhancing, Cost: trainset.USD(0.10)},
		{Index: 3, State: trainset.ItemRunning, Stage: trainset.StageGenerating, Reason: "the provider was\nnot available", Cost: trainset.USD(0.04)},
		{Index: 4, State: trainset.ItemFailed, Stage: trainset.StageDone, Reason: "no 3 x 3 grid was found in it"},
		{Index: 5, State: trainset.ItemPending, Stage: trainset.StageGenerating},
	}
	return job
}

func TestGridsOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, ProgressOptions{Terminal: true, Width: func() int { return 80 }, Height: func() int { return 24 }, Now: func() time.Time { return epoch().Add(30 * time.Second) }})
	p.Update(styling())
	p.Close()
	golden(t, "terminal-grids", visible(b.String()))
}

func TestGridsInALogAreSaidOnce(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, ProgressOptions{Now: epoch})
	p.Update(styling())
	first := b.Len()
	p.Update(styling())
	if b.Len() != first {
		t.Errorf("said again: %s", b.String()[first:])
	}
	golden(t, "plain-grids", b.String())
}

func TestSummaryOfGrids(t *testing.T) {
	var b bytes.Buffer
	if err := Summary(&b, SummaryInfo{Job: styling(), Follow: "enqueue watch 0f3a1b2c"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary-grids", b.String())
}

// The grids take their rows from the items, never from the whole.
func TestGridsAndItemsFitTheWindow(t *testing.T) {
	job := running()
	job.Grids = styling().Grids
	for rows := 3; rows < 20; rows++ {
		v := view{job: job, now: epoch(), width: 79, rows: rows, glyphs: glyphsFor(false)}
		if got := len(v.lines()); got > max(rows, 3) {
			t.Errorf("%d lines in %d rows", got, rows)
		}
	}
}

// visible drops what moves the cursor.
func visible(s string) string {
	var lines []string
	for l := range strings.SplitSeq(s, "\n") {
		for {
			before, after, found := strings.Cut(l, "\x1b[")
			if !found {
				break
			}
			end := strings.IndexFunc(after, func(r rune) bool { return r >= '@' && r <= '~' })
			l = before + after[end+1:]
		}
		lines = append(lines, strings.ReplaceAll(l, "\r", ""))
	}
	return strings.Join(lines, "\n")
}
