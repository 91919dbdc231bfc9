package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Column is one column of a Table.
type Column struct {
	Title string
	Right bool // aligned to the right, for numbers
}

// Table prints rows in aligned columns, two spaces apart. Without any title the
// line of titles is left out.
type Table struct {
	Columns []Column
	Indent  string // before each line
	rows    [][]string
}

// Add appends a row. Missing cells are empty; cells beyond the columns are
// dropped.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.Columns))
	copy(row, cells)
	for i, cell := range row {
		row[i] = Clean(cell)
	}
	t.rows = append(t.rows, row)
}

// Len counts the rows.
func (t *Table) Len() int { return len(t.rows) }

// Write prints the table.
func (t *Table) Write(w io.Writer) error {
	rows := t.rows
	if titles, some := t.titles(); some {
		rows = append([][]string{titles}, rows...)
	}
	widths := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for _, row := range rows {
		if _, err := io.WriteString(w, t.line(row, widths)); err != nil {
			return fmt.Errorf("write a table: %w", err)
		}
	}
	return nil
}

func (t *Table) titles() (titles []string, some bool) {
	for _, c := range t.Columns {
		titles = append(titles, c.Title)
		some = some || c.Title != ""
	}
	return titles, some
}

func (t *Table) line(row []string, widths []int) string {
	cells := make([]string, len(row))
	for i, cell := range row {
		if t.Columns[i].Right {
			cells[i] = runewidth.FillLeft(cell, widths[i])
		} else {
			cells[i] = runewidth.FillRight(cell, widths[i])
		}
	}
	return strings.TrimRight(t.Indent+strings.Join(cells, "  "), " ") + "\n"
}
