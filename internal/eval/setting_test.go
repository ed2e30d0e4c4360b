package eval

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"clusir/internal/dataset"
)

// measured returns a report of complete splits with the given keys, as of a run with
// these names; our results are 30 dB and up.
func measured(names string, keys ...string) *Report {
	h := Header{Protocol: Protocol{Name: "promptir"}}
	for _, k := range keys {
		benchmark, sigma, _ := strings.Cut(k, "-")
		label := ""
		if sigma != "" {
			label = "σ=" + sigma
		}
		h.Splits = append(h.Splits, Split{Benchmark: benchmark, Title: benchmark, Label: label, Key: k, Expected: 1, Found: 1})
	}
	h.Setting = chooseSetting(names, h.Splits)
	var rows []ImageResult
	for i, s := range h.Splits {
		rows = append(rows, ImageResult{Index: i, Benchmark: s.Benchmark, Split: s.Label, Image: "a", W: 16, H: 16, Input: Quality{20, 0.5}, Output: Quality{30 + float64(i), 0.9}})
	}
	return h.report(rows)
}

// paperCells returns the paper's PSNR in each row of a report's table, "" without a
// column, and what the mean is of.
func paperCells(r *Report) (cells []string, mean string) {
	t := r.Table()
	last := len(t.Columns) - 2
	for _, row := range t.Rows {
		cell := ""
		if strings.HasPrefix(t.Columns[last].Group, "ClusIR") {
			cell = row.Cells[last].Text
		}
		cells = append(cells, cell)
		if strings.HasPrefix(row.Cells[0].Text, "mean") {
			mean = row.Cells[0].Text + " " + row.Cells[5].Text
		}
	}
	return cells, mean
}

// TestPaperColumn checks that published numbers come from one table.
func TestPaperColumn(t *testing.T) {
	noise := []string{"cbsd68-15", "cbsd68-25", "cbsd68-50"}
	three := append([]string{"sots", "rain100l"}, noise...)
	five := append(three, "gopro", "lol")
	for _, c := range []struct {
		names string
		keys  []string
		table string // "" for none
		cells string
		mean  string
	}{
		{"cbsd68", noise, "Table 1", "34.10 31.45 28.19 –", "mean of the 3 parts 31.00"},
		{"three-task", three, "Table 1", "32.85 38.71 34.10 31.45 28.19 33.06", "mean of Table 1's 5 parts 32.00"},
		{"five-task", five, "Table 2", "31.94 37.28 – 31.35 – 28.54 23.78 30.58", "mean of Table 2's 5 parts 33.00"},
		{"five-task,kodak24", append(five, "kodak24-25"), "Table 2", "31.94 37.28 – 31.35 – 28.54 23.78 – 30.58", "mean of Table 2's 5 parts 33.00"},
		{"Five-Task ", five[:6], "Table 2", "31.94 37.28 – 31.35 – 28.54 –", "mean of the 6 parts 32.50"},
		{"sots,rain100l,cbsd68,gopro,lol", five, "Table 2", "31.94 37.28 – 31.35 – 28.54 23.78 30.58", "mean of Table 2's 5 parts 33.00"},
		{"rain100l,lol", []string{"rain100l", "lol"}, "Table 2", "37.28 23.78 –", "mean of the 2 parts 30.50"},
		{"rain100l", []string{"rain100l"}, "Table 1", "38.71", ""},
		{"kodak24,rain100l", []string{"kodak24-25", "rain100l"}, "Table 3", "32.60 37.52 –", "mean of the 2 parts 30.50"},
		{"cbsd68,kodak24,sots,gopro", append([]string{"kodak24-15", "kodak24-25", "kodak24-50", "sots", "gopro"}, noise...), "Table 3", "35.06 32.60 29.49 32.67 30.07 – – – –", "mean of the 8 parts 33.50"},
		{"urban100", []string{"urban100-25"}, "", "", ""},
		{"three-task,urban100", []string{"urban100-25"}, "", "", ""},
	} {
		r := measured(c.names, c.keys...)
		cells, mean := paperCells(r)
		if got := strings.TrimSpace(strings.Join(cells, " ")); got != c.cells || mean != c.mean {
			t.Errorf("%s: the paper's are %q, %q; want %q, %q", c.names, got, mean, c.cells, c.mean)
		}
		if group := r.Table().Columns[len(r.Table().Columns)-1].Group; c.table != "" && !strings.HasSuffix(group, "paper's "+c.table) {
			t.Errorf("%s: the column is of %q, want %s", c.names, group, c.table)
		}
	}
}

// TestPaperColumnIsEmpty: the paper's numbers are not shown for another protocol or for
// the user's own pictures; those of an incomplete benchmark are marked.
func TestPaperColumnIsEmpty(t *testing.T) {
	for _, p := range []Protocol{{Name: "gaussian"}, {Name: "promptir", YChannel: true}} {
		r := measured("three-task", "sots", "rain100l")
		r.Protocol = p
		if cells, _ := paperCells(r); fmt.Sprint(cells) != "[– – –]" {
			t.Errorf("%v: the paper's are %v", p, cells)
		}
	}
	r := measured("three-task", "sots", "rain100l")
	r.Splits[0].Own = true
	if cells, _ := paperCells(r); fmt.Sprint(cells) != "[– 38.71 –]" {
		t.Errorf("of a benchmark of one's own: %v", cells)
	}
	r = measured("three-task", "sots", "rain100l")
	r.Splits[0].Expected = 500
	table := r.Table()
	if a, b := table.Rows[0].Cells[8], table.Rows[1].Cells[8]; len(a.Notes) != 1 || len(b.Notes) != 0 || !strings.Contains(table.Notes[0], "part") {
		t.Errorf("of 1 of 500 images: %+v, of all: %+v; %v", a, b, table.Notes)
	}
	r.Splits[0].Images, r.Splits[0].Found = 612, 612
	table = r.Table()
	if a := table.Rows[0].Cells; a[2].Text != "612, not 500" || len(a[8].Notes) != 1 || !strings.Contains(table.Notes[0], "more images were measured") {
		t.Errorf("of 612 images of a set of 500: %+v; %v", a, table.Notes)
	}
}

// TestPerfectMean: parts of perfect images only have no mean.
func TestPerfectMean(t *testing.T) {
	r := measured("mine", "a", "b")
	for i := range r.Splits {
		r.Splits[i].Output.PSNR = math.Inf(1)
	}
	if _, mean := paperCells(r); mean != "" {
		t.Errorf("it has a row %q", mean)
	}
}

// TestMergeKeepsTheSetting merges the results of a group of benchmarks.
func TestMergeKeepsTheSetting(t *testing.T) {
	o := options(t)
	o.Names, o.Results = "five-task", t.TempDir()+"/r.jsonl"
	run := mustRun(t, openNano(t, 1, 1), o)
	merged, err := Merge(o.Results)
	if err != nil || merged.Setting != "five-task" || run.Setting != "five-task" {
		t.Fatalf("the settings are %q and %q, %v", run.Setting, merged.Setting, err)
	}
	a, _ := paperCells(run)
	if b, _ := paperCells(merged); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the paper's numbers are %v, and merged %v", a, b)
	}
}

// TestLimit measures one image of each split, which makes it incomplete.
func TestLimit(t *testing.T) {
	o := options(t)
	o.Limit, o.Results = 1, t.TempDir()+"/r.jsonl"
	r := mustRun(t, openNano(t, 1, 1), o)
	merged, err := Merge(o.Results)
	if err != nil || len(r.Images) != 4 || len(merged.Images) != 4 {
		t.Fatalf("%d and %d images, %v", len(r.Images), len(merged.Images), err)
	}
	for _, r := range []*Report{r, merged} {
		if s := r.Splits[1]; s.Count() != "1 of 68" || !strings.Contains(strings.Join(r.Table().Remarks, "\n"), "--limit 1") {
			t.Errorf("%s, remarks %q", s.Count(), r.Table().Remarks)
		}
	}
	own, err := dataset.Standard().Resolve("cbsd68")
	if err != nil {
		t.Fatal(err)
	}
	own[0].Expected, o.Benchmarks, o.Results = 0, own, ""
	if r := mustRun(t, openNano(t, 1, 1), o); r.Splits[0].Count() != "1 of 3" {
		t.Errorf("of a benchmark whose size is not known: %s", r.Splits[0].Count())
	}
}
