package tabular

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// textMarks follow a number in text.
var textMarks = map[Mark]string{Best: "*", Second: "°"}

var raised = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// superscripts writes numbers in raised digits, as footnotes have it.
func superscripts(numbers ...int) string { return raised.Replace(commas(numbers)) }

// commas returns "1,2".
func commas(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ","), "[]")
}

// Marks returns what follows a cell's text: its rank and the numbers of its footnotes.
func (c Cell) Marks() string { return textMarks[c.Mark] + superscripts(c.Notes...) }

// writeText writes aligned columns. Marks after numbers hang over, so that their digits
// are aligned.
func (t *Table) writeText(w *strings.Builder) {
	if t.Title != "" {
		fmt.Fprintf(w, "%s\n\n", t.Title)
	}
	body, widths := t.layText()
	if t.grouped() {
		fmt.Fprintln(w, t.groupLine(widths))
	}
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Name
	}
	fmt.Fprintln(w, t.line(heads, widths))
	rule := strings.Repeat("─", sum(widths)+2*(len(widths)-1))
	for i, r := range t.Rows {
		if i == 0 || r.Rule {
			fmt.Fprintln(w, rule)
		}
		fmt.Fprintln(w, t.line(body[i], widths))
	}
	if below := t.below("* best, ° second best of a column", strings.NewReplacer()); len(below) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(below, "\n"))
	}
}

// below returns the lines below a table: what its marks mean, notes and remarks.
func (t *Table) below(marks string, escape *strings.Replacer) (lines []string) {
	if t.marked() {
		lines = append(lines, marks)
	}
	for i, n := range t.Notes {
		lines = append(lines, superscripts(i+1)+" "+escape.Replace(n))
	}
	for _, r := range t.Remarks {
		lines = append(lines, escape.Replace(r))
	}
	return lines
}

// layText returns the cells' texts, with suffixes padded, and the columns' widths.
func (t *Table) layText() (body [][]string, widths []int) {
	hang := make([]int, len(t.Columns))
	for _, r := range t.Rows {
		for i, c := range r.Cells {
			if c.Value != nil {
				hang[i] = max(hang[i], width(c.Marks()))
			}
		}
	}
	widths = make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = width(c.Name)
	}
	for _, r := range t.Rows {
		line := make([]string, len(t.Columns))
		for i, c := range r.Cells {
			line[i] = c.Text + c.Marks()
			if !t.Columns[i].Left {
				line[i] += strings.Repeat(" ", max(hang[i]-width(c.Marks()), 0))
			}
			widths[i] = max(widths[i], width(line[i]))
		}
		body = append(body, line)
	}
	for _, g := range t.Groups() {
		last := g.First + g.Span - 1
		widths[last] += max(width(g.Name)-g.room(widths), 0)
	}
	return body, widths
}

// room returns the width of a group's columns.
func (g Group) room(widths []int) int { return sum(widths[g.First:g.First+g.Span]) + 2*(g.Span-1) }

// groupLine centres the groups' names over their columns.
func (t *Table) groupLine(widths []int) string {
	var parts []string
	for _, g := range t.Groups() {
		space := g.room(widths) - width(g.Name)
		parts = append(parts, strings.Repeat(" ", space/2)+g.Name+strings.Repeat(" ", space-space/2))
	}
	return strings.TrimRight(strings.Join(parts, "  "), " ")
}

func (t *Table) line(cells []string, widths []int) string {
	parts := make([]string, len(cells))
	for i, c := range cells {
		pad := strings.Repeat(" ", widths[i]-width(c))
		if t.Columns[i].Left {
			parts[i] = c + pad
		} else {
			parts[i] = pad + c
		}
	}
	return strings.TrimRight(strings.Join(parts, "  "), " ")
}

// width returns the columns that a terminal shows s in: Chinese characters take two.
func width(s string) int { return uniseg.StringWidth(s) }

func sum(x []int) (n int) {
	for _, v := range x {
		n += v
	}
	return n
}
