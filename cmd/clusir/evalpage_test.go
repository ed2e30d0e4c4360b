package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPageUsage(t *testing.T) {
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "log.jsonl"), "no log\n")
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"eval --training-log {}/log.jsonl " + mine, exitUsage, "name it with --report"},
		{"eval --report {}/nowhere/r.html " + mine, exitError, "nowhere"},
		{"eval --report {}/mine.yaml/r.html " + mine, exitError, "mine.yaml"},
		{"eval --report {}/r.html --training-log {}/log.jsonl " + mine, exitError, "log.jsonl: not a line of a training log"},
	} {
		if code, stdout, stderr := evaluate(t, dir, c.args); code != c.code || !strings.Contains(stderr, c.stderr) || stdout != "" {
			t.Errorf("%s: exit code %d, want %d; stderr %q, want %q in it; stdout %q", c.args, code, c.code, stderr, c.stderr, stdout)
		}
	}
}

// TestReportPage writes the page of a run, of a resumed run, and of merged results,
// which has no pictures.
func TestReportPage(t *testing.T) {
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "log.jsonl"), `{"step":1,"loss":0.5,"l1":0.4,"time":"2026-01-01T00:00:00Z"}`+"\n"+`{"step":2,"loss":0.4,"l1":0.3,"time":"2026-01-01T00:00:01Z"}`+"\n")
	page := func(name, args string) string {
		t.Helper()
		code, table, stderr := evaluate(t, dir, args+" --report {}/"+name)
		if code != exitOK || stderr != "" || !strings.Contains(table, "My photos") {
			t.Fatalf("exit code %d: %s\n%s", code, stderr, table)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const thumbs, large = 2, 2 * 3
	first := page("1.html", "eval "+mine+" --results {}/results --training-log {}/log.jsonl")
	if n := strings.Count(first, "data:image/jpeg"); n != thumbs+large {
		t.Errorf("%d pictures, want %d", n, thumbs+large)
	}
	for _, want := range []string{"My photos σ=25", "2 of 3", "<b>Best</b>", "<b>Worst</b>", "Training", "Routing", "&#34;dim&#34;: 16", "processors"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if n := strings.Count(page("2.html", "eval "+mine+" --results {}/results --resume"), "data:image/jpeg"); n != large {
		t.Errorf("resumed: %d pictures, want the %d large ones", n, large)
	}
	results := string(readFile(t, filepath.Join(dir, "results")))
	if err := os.Symlink("new", filepath.Join(dir, "link")); err != nil {
		t.Skip(err) // Windows allows links to some users only
	}
	for _, line := range []string{"merge {}/results --report {}/results --overwrite", "eval " + mine + " --results {}/new --report {}/link --overwrite"} {
		if code, _, stderr := evaluate(t, dir, line); code != exitError || !strings.Contains(stderr, "the file is no page, and would be lost") {
			t.Errorf("%s: exit code %d, %s", line, code, stderr)
		}
	}
	if again := string(readFile(t, filepath.Join(dir, "new"))); again == "" || string(readFile(t, filepath.Join(dir, "results"))) != results {
		t.Error("a page has replaced results")
	}
	if merged := page("3.html", "merge {}/results"); strings.Contains(merged, "data:image") || !strings.Contains(merged, "no pictures") {
		t.Error("the page of merged results shows pictures, or does not say why not")
	}
}

// TestComparePage writes the page of a comparison, with and without pictures.
func TestComparePage(t *testing.T) {
	dir := evalData(t)
	line := "compare nano ../../weights/nano.safetensors " + mine + " --results {}/c --report {}/c.html"
	code, _, stderr := evaluate(t, dir, line)
	page := string(readFile(t, filepath.Join(dir, "c.html")))
	if code != exitOK || strings.Count(page, "data:image/jpeg") != 2*3 || !strings.Contains(page, "A&#39;s result") && !strings.Contains(page, "A's result") {
		t.Errorf("exit code %d, %s; %d pictures", code, stderr, strings.Count(page, "data:image/jpeg"))
	}
	if code, _, stderr := evaluate(t, dir, line); code != exitError || !strings.Contains(stderr, "--overwrite") {
		t.Errorf("a second time: exit code %d, %s", code, stderr)
	}
	code, _, stderr = evaluate(t, dir, "compare {}/c/A.jsonl {}/c/B.jsonl --report {}/d.html")
	if page := string(readFile(t, filepath.Join(dir, "d.html"))); code != exitOK || strings.Contains(page, "data:image/jpeg") || !strings.Contains(page, "paired bootstrap") {
		t.Errorf("of results: exit code %d, %s", code, stderr)
	}
}
