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
		{"--training-log {}/log.jsonl " + mine, exitUsage, "name it with --report"},
		{"--report {}/r.html --table 2", exitUsage, "leave out --table"},
		{"--report {}/nowhere/r.html " + mine, exitError, "nowhere"},
		{"--report {}/mine.yaml/r.html " + mine, exitError, "mine.yaml"},
		{"--report {}/r.html --training-log {}/log.jsonl " + mine, exitError, "log.jsonl:1"},
	} {
		if code, stdout, stderr := evaluate(t, dir, c.args); code != c.code || !strings.Contains(stderr, c.stderr) || stdout != "" {
			t.Errorf("%s: exit code %d, want %d; stderr %q, want %q in it; stdout %q", c.args, code, c.code, stderr, c.stderr, stdout)
		}
	}
}

// TestReportPage writes the page of a run, of one that was resumed, and of
// merged results, which has no pictures.
func TestReportPage(t *testing.T) {
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "log.jsonl"), `{"step":1,"loss":0.5,"l1":0.4,"time":"2026-01-01T00:00:00Z"}`+"\n"+`{"step":2,"loss":0.4,"l1":0.3,"time":"2026-01-01T00:00:01Z"}`+"\n")
	page := func(name, args string) string {
		t.Helper()
		code, table, stderr := evaluate(t, dir, "--report {}/"+name+" "+args)
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
	first := page("1.html", mine+" --results {}/results --training-log {}/log.jsonl")
	if n := strings.Count(first, "data:image/jpeg"); n != thumbs+large {
		t.Errorf("%d pictures, want %d", n, thumbs+large)
	}
	for _, want := range []string{"My photos σ=25", "2 of 3", "<b>Best</b>", "<b>Worst</b>", "Training", "Routing", "&#34;dim&#34;: 16", "processors"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if n := strings.Count(page("2.html", mine+" --results {}/results --resume"), "data:image/jpeg"); n != large {
		t.Errorf("resumed: %d pictures, want the %d large ones", n, large)
	}
	if merged := page("3.html", "--merge {}/results"); strings.Contains(merged, "data:image") || !strings.Contains(merged, "no pictures") {
		t.Error("the page of merged results shows pictures, or does not say why not")
	}
}
