package tabular

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

// sample returns a table with groups, marks, footnotes, a rule, an absent number and
// characters that formats must escape.
func sample() *Table {
	t := &Table{Title: "Noise & rain", Columns: []Column{
		{Name: "method", Left: true}, {Group: "Set_1 σ=15", Name: "PSNR"}, {Group: "Set_1 σ=15", Name: "SSIM"}, {Group: "X", Name: "PSNR"},
	}}
	best := Number("%.2f", 31.456)
	best.Mark = Best
	best.Notes = []int{t.Note("50%% of it")}
	second := Number("%.2f", 9.5)
	second.Mark, second.Notes = Second, []int{t.Note("50%% of it"), t.Note("other")}
	t.Rows = []Row{
		{Cells: []Cell{Words("A|B_c"), best, Number("%.3f", 0.5), None()}},
		{Cells: []Cell{Words("longer name"), second, Number("%.3f", 0.25), Number("%.2f", math.Inf(1))}, Rule: true},
	}
	t.Remarks = []string{"a remark"}
	return t
}

var want = map[string]string{
	"text": `Noise & rain

                Set_1 σ=15      X
method            PSNR   SSIM  PSNR
───────────────────────────────────
A|B_c        31.46*¹    0.500     –
───────────────────────────────────
longer name   9.50°¹,²  0.250  +Inf

* best, ° second best of a column
¹ 50% of it
² other
a remark
`,
	"markdown": `**Noise & rain**

| method | Set\_1 σ=15 PSNR | Set\_1 σ=15 SSIM | X PSNR |
| :--- | ---: | ---: | ---: |
| A\|B\_c | **31.46**¹ | 0.500 | – |
| longer name | <u>9.50</u>¹,² | 0.250 | +Inf |

**best**, <u>second best</u> of a column  
¹ 50% of it  
² other  
a remark
`,
	"csv": `method,Set_1 σ=15 PSNR,Set_1 σ=15 SSIM,X PSNR,best,second best,notes
A|B_c,31.46,0.500,,Set_1 σ=15 PSNR,,Set_1 σ=15 PSNR: 50% of it
longer name,9.50,0.250,+Inf,,Set_1 σ=15 PSNR,Set_1 σ=15 PSNR: 50% of it; Set_1 σ=15 PSNR: other
`,
	"latex": `% Noise & rain
% 1: 50% of it
% 2: other
% a remark
\begin{tabular}{lrrr}
\toprule
 & \multicolumn{2}{c}{Set\_1 $\sigma$=15} & \multicolumn{1}{c}{X} \\
\cmidrule(lr){2-3}\cmidrule(lr){4-4}
method & PSNR & SSIM & PSNR \\
\midrule
A\textbar{}B\_c & \textbf{31.46}$^{1}$ & 0.500 & -- \\
\midrule
longer name & \underline{9.50}$^{1,2}$ & 0.250 & +Inf \\
\bottomrule
\end{tabular}
`,
}

func TestFormats(t *testing.T) {
	for format, want := range want {
		var b bytes.Buffer
		if err := sample().Write(&b, format); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", format, err, &b, want)
		}
	}
	if err := sample().Write(&bytes.Buffer{}, "word"); err == nil || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Write(&b, "json"); err != nil {
		t.Fatal(err)
	}
	var back Table
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	c := back.Rows[0].Cells[1]
	if c.Value == nil || *c.Value != 31.456 || c.Text != "31.46" || c.Mark != Best || back.Notes[c.Notes[0]-1] != "50% of it" {
		t.Errorf("got %+v", c)
	}
	if c := back.Rows[1].Cells[3]; c.Value != nil || c.Text != "+Inf" {
		t.Errorf("infinity is %+v", c)
	}
}

// TestAlign: every line of a text table has each column's digits at the same place,
// whatever follows them.
func TestAlign(t *testing.T) {
	table := &Table{Columns: []Column{{Name: "n", Left: true}, {Name: "v"}}}
	for i, v := range []float64{1.25, 100.5, -3} {
		c := Number("%.2f", v)
		c.Mark = []Mark{Best, "", Second}[i]
		table.Rows = append(table.Rows, Row{Cells: []Cell{Words("r"), c}})
	}
	var b bytes.Buffer
	if err := table.Write(&b, "text"); err != nil {
		t.Fatal(err)
	}
	point := -1
	for line := range strings.Lines(b.String()) {
		before, _, ok := strings.Cut(line, ".")
		if !ok {
			continue
		}
		at := utf8.RuneCountInString(before)
		if point >= 0 && at != point {
			t.Errorf("the points are not below each other:\n%s", &b)
		}
		point = at
	}
	if point < 0 {
		t.Errorf("no numbers in:\n%s", &b)
	}
}

// TestPlain: a table without groups, marks and notes shows no trace of them.
func TestPlain(t *testing.T) {
	table := &Table{Columns: []Column{{Name: "a", Left: true}, {Name: "b"}}, Rows: []Row{{Cells: []Cell{Words("x,y"), Number("%g", 1)}}}}
	for format, want := range map[string]string{
		"text":     "a    b\n──────\nx,y  1\n",
		"markdown": "| a | b |\n| :--- | ---: |\n| x,y | 1 |\n",
		"csv":      "a,b\n\"x,y\",1\n",
		"latex":    "\\begin{tabular}{lr}\n\\toprule\na & b \\\\\n\\midrule\nx,y & 1 \\\\\n\\bottomrule\n\\end{tabular}\n",
	} {
		var b bytes.Buffer
		if err := table.Write(&b, format); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", format, err, &b, want)
		}
	}
	var b bytes.Buffer
	if err := sample().Write(&b, "csv"); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Errorf("CSV of %d lines: %v", len(lines), err)
	}
}

// TestZero: what is printed as zero has the sign of zero.
func TestZero(t *testing.T) {
	for v, want := range map[float64]string{-0.004: "+0.00", 0.004: "+0.00", -0.006: "-0.01", -10: "-10.00"} {
		if c := Number("%+.2f", v); c.Text != want || *c.Value != v {
			t.Errorf("%g is %q, want %q", v, c.Text, want)
		}
	}
}

// TestNames: names of any characters keep the columns aligned and each row on its line,
// and LaTeX and Markdown print them as they are.
func TestNames(t *testing.T) {
	table := &Table{Columns: []Column{{Name: "name", Left: true}, {Name: "B − A"}}}
	for _, name := range []string{"雨 rain", "line\nbreak", `a\|b[c]`, "[x]", "*<y>"} {
		table.Rows = append(table.Rows, Row{Cells: []Cell{Words("%s", name), Number("%.2f", 1)}})
	}
	table.Remarks = []string{"left out: line\nbreak"}
	for format, want := range map[string]string{
		"text": "name         B − A\n──────────────────\n雨 rain       1.00\nline\\nbreak   1.00\na\\|b[c]       1.00\n[x]           1.00\n*<y>          1.00\n\nleft out: line\\nbreak\n",
		"markdown": "| name | B − A |\n| :--- | ---: |\n| 雨 rain | 1.00 |\n| line\\\\nbreak | 1.00 |\n| a\\\\\\|b\\[c] | 1.00 |\n| \\[x] | 1.00 |\n| \\*&lt;y> | 1.00 |\n\n" +
			"left out: line\\\\nbreak\n",
		"latex": "% left out: line\\nbreak\n\\begin{tabular}{lr}\n\\toprule\nname & B $-$ A \\\\\n\\midrule\n雨 rain & 1.00 \\\\\n" +
			"line\\textbackslash{}nbreak & 1.00 \\\\\na\\textbackslash{}\\textbar{}b[c] & 1.00 \\\\\n{}[x] & 1.00 \\\\\n{}*\\textless{}y\\textgreater{} & 1.00 \\\\\n\\bottomrule\n\\end{tabular}\n",
		"csv": "name,B − A\n雨 rain,1.00\n\"line\nbreak\",1.00\na\\|b[c],1.00\n[x],1.00\n*<y>,1.00\n",
	} {
		var b bytes.Buffer
		if err := table.Write(&b, format); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", format, err, &b, want)
		}
	}
}

// TestNote: a footnote that is there already keeps its number.
func TestNote(t *testing.T) {
	var table Table
	if a, b, c, d := table.Note("x %d", 1), table.Note("y"), table.Note("x 1"), table.Note("y"); a != 1 || b != 2 || c != 1 || d != 2 || len(table.Notes) != 2 {
		t.Errorf("%d, %d, %d, %d of %q", a, b, c, d, table.Notes)
	}
}
