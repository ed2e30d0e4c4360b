package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/eval"
)

// TestEvalRestored measures what nano saved as another program's pictures: except for
// rounding to 8 bits they are as good as its own, and they work in a table, a
// comparison, a ranking and a page.
func TestEvalRestored(t *testing.T) {
	dir := evalData(t)
	must := func(line string) string {
		t.Helper()
		code, stdout, stderr := evaluate(t, dir, line)
		if code != exitOK {
			t.Fatalf("%s: exit code %d\n%s", line, code, stderr)
		}
		return stdout
	}
	theirs := strings.TrimSuffix(mine, " --threads 2")
	must("eval " + mine + " --save {}/saved --results {}/nano.jsonl")
	must("eval " + theirs + " --restored Saved={}/saved --results {}/saved.jsonl --report {}/page.html")
	own, saved := merged(t, dir, "nano.jsonl"), merged(t, dir, "saved.jsonl")
	a, b := own.Splits[0], saved.Splits[0]
	if d := b.Output.PSNR - a.Output.PSNR; d > 0.01 || d < -0.05 || a.Input != b.Input || a.Images != b.Images || saved.Model != "Saved" {
		t.Errorf("saved pictures: %+v, nano's own %+v", b, a)
	}
	if text := must("compare nano Saved={}/saved " + mine + " --report {}/both.html"); !strings.Contains(text, "pictures of "+dir) {
		t.Errorf("compare prints\n%s", text)
	}
	for name, wants := range map[string][]string{
		"page.html": {"<title>Saved:", "output in the bits of its files"}, "both.html": {"<title>nano and Saved:", `data-by="psnr">B dB`},
	} {
		page := string(readFile(t, filepath.Join(dir, name)))
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		for _, bad := range []string{"seed 0, output clamped", `data-by="ms"`, "<dt>Model"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s of pictures: %q is in the page", name, bad)
			}
		}
	}
	var k eval.Ranking
	text := must("compare {}/nano.jsonl Saved={}/saved Again={}/saved " + mine + " --json")
	if err := json.Unmarshal([]byte(text), &k); err != nil || len(k.Methods) != 3 || k.Images != a.Images {
		t.Errorf("the ranking: %v\n%s", err, text)
	}
	if text := must("eval --restored A={}/saved,B={}/saved " + theirs); !strings.Contains(text, "Friedman") {
		t.Errorf("two programs:\n%s", text)
	}
	copyFile(t, filepath.Join(dir, "photos", "a.png"), filepath.Join(dir, "test", "denoise", "bsd68", "a.png"))
	copyFile(t, filepath.Join(dir, "saved", "mine-25", "a.png"), filepath.Join(dir, "out", "cbsd68-25", "a.png"))
	if text := must("table 1 --row Saved={}/out --data {}"); !strings.Contains(text, "Saved") || !strings.Contains(text, "pictures") {
		t.Errorf("the table:\n%s", text)
	}
}

// merged returns the report of a results file.
func merged(t *testing.T, dir, name string) *eval.Report {
	t.Helper()
	r, err := eval.Merge(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
