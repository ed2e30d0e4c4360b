package tabular

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// The formats of marked texts.
var (
	markdownMarks = map[Mark]string{"": "%s", Best: "**%s**", Second: "<u>%s</u>"}
	latexMarks    = map[Mark]string{"": "%s", Best: `\textbf{%s}`, Second: `\underline{%s}`}
)

// writeMarkdown writes a table in GitHub's Markdown: the best bold, the second best
// underlined.
func (t *Table) writeMarkdown(w *strings.Builder) {
	escape := strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "<", "&lt;")
	if t.Title != "" {
		fmt.Fprintf(w, "**%s**\n\n", escape.Replace(t.Title))
	}
	heads, rules := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i], rules[i] = escape.Replace(c.title()), "---:"
		if c.Left {
			rules[i] = ":---"
		}
	}
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(heads)
	line(rules)
	for _, r := range t.Rows {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = fmt.Sprintf(markdownMarks[c.Mark], escape.Replace(c.Text)) + superscripts(c.Notes...)
		}
		line(cells)
	}
	if below := t.below("**best**, <u>second best</u> of a column", escape); len(below) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(below, "  \n"))
	}
}

// writeLaTeX writes a tabular environment, which needs only the package booktabs.
func (t *Table) writeLaTeX(w *strings.Builder) {
	escape := strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "_", `\_`, "#", `\#`, "$", `\$`, "{", `\{`, "}", `\}`,
		"σ", `$\sigma$`, "–", "--", "−", "$-$", "×", `$\times$`, "°", `$^\circ$`,
		"<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`)
	for _, line := range t.comments() {
		fmt.Fprintf(w, "%% %s\n", line)
	}
	spec := ""
	for _, c := range t.Columns {
		spec += map[bool]string{true: "l", false: "r"}[c.Left]
	}
	fmt.Fprintf(w, "\\begin{tabular}{%s}\n\\toprule\n", spec)
	if t.grouped() {
		fmt.Fprintln(w, t.latexGroups(escape))
	}
	line := func(cells []string) { fmt.Fprintf(w, "%s \\\\\n", strings.Join(cells, " & ")) }
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = escape.Replace(c.Name)
	}
	line(heads)
	for i, r := range t.Rows {
		if i == 0 || r.Rule {
			fmt.Fprintln(w, `\midrule`)
		}
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			text := escape.Replace(c.Text)
			if i == 0 && strings.IndexAny(text, "[*") == 0 {
				text = "{}" + text // else an argument of the \\ before it
			}
			cells[i] = fmt.Sprintf(latexMarks[c.Mark], text)
			if len(c.Notes) > 0 {
				cells[i] += fmt.Sprintf("$^{%s}$", commas(c.Notes))
			}
		}
		line(cells)
	}
	fmt.Fprint(w, "\\bottomrule\n\\end{tabular}\n")
}

// comments returns the title, notes and remarks as LaTeX comments.
func (t *Table) comments() (lines []string) {
	if t.Title != "" {
		lines = append(lines, t.Title)
	}
	for i, n := range t.Notes {
		lines = append(lines, fmt.Sprintf("%d: %s", i+1, n))
	}
	return append(lines, t.Remarks...)
}

func (t *Table) latexGroups(escape *strings.Replacer) string {
	var cells, rules []string
	for _, g := range t.Groups() {
		if g.Name == "" {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, fmt.Sprintf(`\multicolumn{%d}{c}{%s}`, g.Span, escape.Replace(g.Name)))
		rules = append(rules, fmt.Sprintf(`\cmidrule(lr){%d-%d}`, g.First+1, g.First+g.Span))
	}
	return strings.Join(cells, " & ") + " \\\\\n" + strings.Join(rules, "")
}

// writeCSV writes a line for each row, without remarks. If cells are marked or have
// footnotes, additional columns at the end name these cells.
func (t *Table) writeCSV(w *strings.Builder) {
	out := csv.NewWriter(w)
	var heads []string
	for _, c := range t.Columns {
		heads = append(heads, c.title())
	}
	marked, noted := t.marked(), len(t.Notes) > 0
	if marked {
		heads = append(heads, "best", "second best")
	}
	if noted {
		heads = append(heads, "notes")
	}
	lines := [][]string{heads}
	for _, r := range t.Rows {
		var line, notes []string
		ranks := map[Mark][]string{}
		for i, c := range r.Cells {
			line = append(line, strings.TrimPrefix(c.Text, absent))
			ranks[c.Mark] = append(ranks[c.Mark], t.Columns[i].title())
			for _, n := range c.Notes {
				notes = append(notes, t.Columns[i].title()+": "+t.Notes[n-1])
			}
		}
		if marked {
			line = append(line, strings.Join(ranks[Best], "; "), strings.Join(ranks[Second], "; "))
		}
		if noted {
			line = append(line, strings.Join(notes, "; "))
		}
		lines = append(lines, line)
	}
	_ = out.WriteAll(lines)
}

// MarshalJSON writes infinities, which JSON lacks, only as their text.
func (c Cell) MarshalJSON() ([]byte, error) {
	type plain Cell
	if c.Value != nil && (math.IsInf(*c.Value, 0) || math.IsNaN(*c.Value)) {
		c.Value = nil
	}
	return json.Marshal(plain(c))
}
