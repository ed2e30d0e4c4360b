package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/eval"
	"clusir/internal/tabular"
)

// tableData is evalData with its pictures as those of CBSD68.
func tableData(t *testing.T) (dir string) {
	t.Helper()
	dir = evalData(t)
	if err := os.MkdirAll(filepath.Join(dir, "test", "denoise"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "photos"), filepath.Join(dir, "test", "denoise", "bsd68")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEvalTable(t *testing.T) {
	dir := tableData(t)
	code, text, stderr := evaluate(t, dir, "table 2 --data {} --runs {}/runs --threads 2")
	if code != exitOK {
		t.Fatal(code, stderr)
	}
	for _, want := range []string{"Table 2", "MoCE-IR", "2 of 68 images measured", "missing: benchmark sots", "missing: row five-task", "--config five-task"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	for _, format := range []string{"markdown", "csv", "latex"} {
		code, out, stderr := evaluate(t, dir, "table 2 --data {} --runs {}/runs --format "+format)
		if code != exitOK || !strings.Contains(out, "MoCE-IR") || !strings.Contains(out, "nano") {
			t.Errorf("%s: exit code %d, %s\n%s", format, code, stderr, out)
		}
	}
	code, out, _ := evaluate(t, dir, "table 2 --data {} --runs {}/runs --json")
	var doc struct {
		Table   tabular.Table
		Reports map[string]*eval.Report
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != exitOK {
		t.Fatal(err, code)
	}
	// The table has one noise level, so one is measured.
	if r := doc.Reports["nano"]; r == nil || len(r.Images) != 2 || r.Splits[0].Key != "cbsd68-25" {
		t.Errorf("reports: %+v", doc.Reports)
	}
	if last := doc.Table.Rows[len(doc.Table.Rows)-1]; last.Cells[0].Text != "nano" || last.Cells[2].Value == nil {
		t.Errorf("our row is %+v", last)
	}
}

// TestEvalTableRows takes rows from a run, from a file and from results, and refuses a
// network that does not match its row.
func TestEvalTableRows(t *testing.T) {
	dir := tableData(t)
	nano := filepath.Join(dir, "runs", "five-task", "best.safetensors")
	weights, err := os.ReadFile("../../weights/nano.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, nano, string(weights))
	code, text, stderr := evaluate(t, dir, "table 2 --data {} --runs {}/runs --row other="+nano+" --results {}/results")
	if code != exitOK || !strings.Contains(text, "\nfive-task ") || !strings.Contains(text, "\nother ") || strings.Contains(text, "missing: row") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, text)
	}
	code, again, stderr := evaluate(t, dir, "table 2 --runs {}/none --row five-task={}/results/five-task.jsonl")
	if code != exitOK || lineOf(again, "five-task ") != lineOf(text, "five-task ") {
		t.Errorf("from results: exit code %d, %s\n%s", code, stderr, again)
	}
	if code, _, stderr := evaluate(t, dir, "table 2 --benchmark-file {}/none.yaml --row five-task={}/results/five-task.jsonl"); code != exitError || !strings.Contains(stderr, "none.yaml") {
		t.Errorf("a benchmark file that does not exist: exit code %d, %s", code, stderr)
	}
	for _, twice := range []string{"--row a=x --row A=y", "--model nano --row nano=x"} {
		if code, _, stderr := evaluate(t, dir, "table 2 --data {} "+twice); code != exitUsage || !strings.Contains(stderr, "two rows are called") {
			t.Errorf("%s: exit code %d, %s", twice, code, stderr)
		}
	}
	code, text, stderr = evaluate(t, dir, "table 4 --data {} --runs {}/runs")
	if code != exitError || !strings.Contains(text, "WTB+PCGRM-MoE ") || !strings.Contains(stderr, "no row of table 4") {
		t.Errorf("without networks: exit code %d, %s\n%s", code, stderr, text)
	}
	code, _, stderr = evaluate(t, dir, "table 4 --data {} --row WTB="+nano)
	if code != exitError || !strings.Contains(stderr, "use_moe is true") {
		t.Errorf("with the wrong network: exit code %d, %s", code, stderr)
	}
	code, text, stderr = evaluate(t, dir, "table 3 --data {} --row denoise="+nano)
	if code != exitError || !strings.Contains(text, "Kodak24") || !strings.Contains(text, "missing: row denoise: nothing to measure") {
		t.Errorf("without its benchmark: exit code %d, %s\n%s", code, stderr, text)
	}
}

func lineOf(text, begin string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begin) {
			return line
		}
	}
	return "none"
}

func TestEvalSizes(t *testing.T) {
	code, text, stderr := evaluate(t, "", "table 7 --row mine=nano --format csv")
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if code != exitOK || err != nil || stderr != "" {
		t.Fatal(code, err, stderr)
	}
	rows := map[string][]string{}
	for _, l := range lines {
		rows[l[0]] = l[2:]
	}
	if p := rows["ClusIR-Base"]; p[0] != "54.66" || p[1] != "28.85" {
		t.Errorf("the paper's row is %v", p)
	}
	if rows["mine"][0] != rows["nano"][0] || rows["nano"][0] != "2.24" {
		t.Errorf("nano is %v, mine %v", rows["nano"], rows["mine"])
	}
}

func TestEvalCompare(t *testing.T) {
	dir := evalData(t)
	compare := "compare nano ../../weights/nano.safetensors " + mine
	code, text, stderr := evaluate(t, dir, compare+" --results {}/c")
	if code != exitOK || !strings.Contains(text, "+0.00 to +0.00") || !strings.Contains(text, "paired bootstrap") {
		t.Fatalf("exit code %d, %s\n%s", code, stderr, text)
	}
	for _, flag := range []string{"--limit 1", "--results {}/d", "--data d", "--threads 1"} {
		name, _, _ := strings.Cut(flag, " ")
		if code, _, stderr := evaluate(t, dir, "compare {}/c/A.jsonl {}/c/B.jsonl "+flag); code != exitUsage || !strings.Contains(stderr, name+" does nothing where all results are read from files") {
			t.Errorf("%s: exit code %d, %s", flag, code, stderr)
		}
	}
	code, again, stderr := evaluate(t, dir, "compare {}/c/A.jsonl {}/c/B.jsonl")
	if code != exitOK || again != text {
		t.Errorf("from results: exit code %d, %s\n%s\nwant\n%s", code, stderr, again, text)
	}
	var c eval.Comparison
	code, out, _ := evaluate(t, dir, "compare {}/c/A.jsonl {}/c/B.jsonl --json")
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != exitOK || len(c.Images) != 2 || c.A.Weights != c.B.Weights {
		t.Errorf("JSON: %v, %+v", err, c)
	}
	code, out, _ = evaluate(t, dir, "compare {}/c/A.jsonl {}/c/B.jsonl --format csv --images")
	if lines, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || code != exitOK || len(lines) != 3 {
		t.Errorf("CSV: %v\n%s", err, out)
	}
}

func TestEvalImages(t *testing.T) {
	dir := evalData(t)
	code, out, stderr := evaluate(t, dir, "eval "+mine+" --images --format csv")
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if code != exitOK || err != nil || len(lines) != 3 || lines[1][2] != "a" || lines[1][3] != "48×32" {
		t.Errorf("exit code %d, %v, %s\n%s", code, err, stderr, out)
	}
}
