// Package tabular writes tables of numbers for people and for programs: as aligned
// text, Markdown, CSV, LaTeX and JSON. It supports footnotes and the marks that papers
// put on the best and second best of a column.
package tabular

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"clusir/internal/userfile"
)

// Table is rows of cells under columns.
type Table struct {
	Title   string   `json:"title,omitempty"`
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
	// Notes are footnotes: Cell.Notes count them from 1.
	Notes []string `json:"notes,omitempty"`
	// Remarks are lines below the table that no cell refers to.
	Remarks []string `json:"remarks,omitempty"`
}

// Column is the head of a column; neighbours with the same group appear under its name.
type Column struct {
	Group string `json:"group,omitempty"`
	Name  string `json:"name"`
	Left  bool   `json:"-"` // left-aligned, as text is
}

// Row is a row; Rule separates it from the previous one.
type Row struct {
	Cells []Cell `json:"cells"`
	Rule  bool   `json:"-"`
}

// Mark is a cell's rank in its column.
type Mark string

// The marks of a column's best and second best cells.
const (
	Best   Mark = "best"
	Second Mark = "second"
)

// Cell is text or a number; the zero value is an empty cell.
type Cell struct {
	Text  string   `json:"text,omitempty"`
	Value *float64 `json:"value,omitempty"` // of a number
	Mark  Mark     `json:"mark,omitempty"`
	Notes []int    `json:"notes,omitempty"`
}

// absent is shown if there is no number.
const absent = "–"

// Words returns a cell of text.
func Words(format string, a ...any) Cell { return Cell{Text: fmt.Sprintf(format, a...)} }

// Number returns a cell of a number, shown in a format such as "%.2f".
func Number(format string, v float64) Cell {
	return Cell{Text: Format(format, v), Value: &v}
}

// Format formats a number; what rounds to zero has no minus.
func Format(format string, v float64) string {
	text := fmt.Sprintf(format, v)
	if strings.Trim(text, "-0.") == "" {
		return fmt.Sprintf(format, 0.)
	}
	return text
}

// None returns a cell for an absent number.
func None() Cell { return Cell{Text: absent} }

// Note adds a footnote, once, and returns its number.
func (t *Table) Note(format string, a ...any) int {
	text := fmt.Sprintf(format, a...)
	if i := slices.Index(t.Notes, text); i >= 0 {
		return i + 1
	}
	t.Notes = append(t.Notes, text)
	return len(t.Notes)
}

// marked reports whether any cell is marked.
func (t *Table) marked() bool {
	return slices.ContainsFunc(t.Rows, func(r Row) bool {
		return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Mark != "" })
	})
}

// grouped reports whether there is a row of groups' names.
func (t *Table) grouped() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Group != "" })
}

// Group is neighbouring columns, from First, with one group's name; or a single column,
// without a name.
type Group struct {
	Name        string
	First, Span int
}

// Groups returns the groups of all columns.
func (t *Table) Groups() (groups []Group) {
	for i, c := range t.Columns {
		if i > 0 && c.Group != "" && t.Columns[i-1].Group == c.Group {
			groups[len(groups)-1].Span++
		} else {
			groups = append(groups, Group{c.Group, i, 1})
		}
	}
	return groups
}

// title returns a column's name including its group's.
func (c Column) title() string { return strings.TrimSpace(c.Group + " " + c.Name) }

// writers write to memory, which cannot fail.
var writers = map[string]func(*Table, *strings.Builder){
	"text": (*Table).writeText, "markdown": (*Table).writeMarkdown, "csv": (*Table).writeCSV, "latex": (*Table).writeLaTeX,
}

// Formats are the formats that Write supports.
var Formats = []string{"text", "markdown", "csv", "latex", "json"}

// Write writes the table in one of the Formats.
func (t *Table) Write(w io.Writer, format string) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(t)
	}
	write, ok := writers[format]
	if !ok {
		return fmt.Errorf("format %q: choose %s", format, strings.Join(Formats, ", "))
	}
	if format != "csv" { // which quotes line breaks
		t = t.onOneLine()
	}
	var b strings.Builder
	write(t, &b)
	_, err := io.WriteString(w, b.String())
	return err
}

// onOneLine returns the table with the control characters of its texts, such as those in
// the name of a file, as escapes.
func (t *Table) onOneLine() *Table {
	out := *t
	out.Title, out.Notes, out.Remarks = userfile.OneLine(t.Title), oneLines(t.Notes), oneLines(t.Remarks)
	out.Columns, out.Rows = slices.Clone(t.Columns), slices.Clone(t.Rows)
	for i, c := range t.Columns {
		out.Columns[i].Group, out.Columns[i].Name = userfile.OneLine(c.Group), userfile.OneLine(c.Name)
	}
	for i, r := range t.Rows {
		out.Rows[i].Cells = slices.Clone(r.Cells)
		for k, c := range r.Cells {
			out.Rows[i].Cells[k].Text = userfile.OneLine(c.Text)
		}
	}
	return &out
}

func oneLines(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = userfile.OneLine(text)
	}
	return out
}

// Write prints a value as JSON, or in another of the Formats as the table that table
// returns.
func Write(w io.Writer, format string, value any, table func() *Table) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(value)
	}
	return table().Write(w, format)
}
