package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/eval"
)

func TestEvalOptions(t *testing.T) {
	t.Setenv("CLUSIR_DATA", "/from/the/environment")
	for _, c := range []struct {
		args string
		ok   func(o *evalOptions) bool
	}{
		{"--benchmark cbsd68", func(o *evalOptions) bool {
			return o.config.Data == "/from/the/environment" && o.Model == "nano" && o.Jobs == 1 && o.Shard == eval.Shard{}
		}},
		{"--benchmark cbsd68 --data d --protocol gaussian --y-channel --noise-seed 7", func(o *evalOptions) bool {
			return o.config.Data == "d" && protocolOf(o.config.Eval) == eval.Protocol{Name: "gaussian", YChannel: true, Seed: 7}
		}},
		{"--benchmark cbsd68 --results r --shard 3/16 --jobs 4 --max-memory 2GiB", func(o *evalOptions) bool {
			return o.Shard == eval.Shard{K: 3, N: 16} && o.Jobs == 4 && o.MaxMemory == 2<<30
		}},
		{"--table 8 --row ClusIR-T=t --row x=a,b --runs r", func(o *evalOptions) bool {
			return o.Table == 8 && o.Model == "" && o.Rows[0].Name == "ClusIR-T" && slices.Equal(o.Rows[1].Files, []string{"a", "b"}) && o.Runs == "r"
		}},
		{"--table 1 --model m --format latex", func(o *evalOptions) bool { return o.Model == "m" && o.Format == "latex" }},
		{"--benchmark cbsd68 --json --images", func(o *evalOptions) bool { return o.Format == "json" && o.Images }},
		{"--compare a b --benchmark cbsd68 --bootstrap-seed 3", func(o *evalOptions) bool {
			return slices.Equal(o.Compare, []string{"a", "b"}) && o.Bootstrap == 3
		}},
		{"--merge a b", func(o *evalOptions) bool { return slices.Equal(o.Merge, []string{"a", "b"}) }},
	} {
		ran := false
		cmd := newEvalCmd(func(o *evalOptions) error {
			ran = true
			if !c.ok(o) {
				t.Errorf("%s: options %+v", c.args, o)
			}
			return nil
		})
		cmd.SetArgs(strings.Fields(c.args))
		if err := cmd.Execute(); err != nil || !ran {
			t.Errorf("%s: %v, ran %v", c.args, err, ran)
		}
	}
}

func TestEvalUsage(t *testing.T) {
	t.Setenv("CLUSIR_DATA", "")
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"", exitUsage, "--benchmark"},
		{"--benchmark cbsd68", exitUsage, "CLUSIR_DATA"},
		{"--benchmark cbsd86 --data d", exitError, `did you mean "cbsd68"?`},
		{"--benchmark cbsd68 --data d --protocol matlab", exitError, "promptir"},
		{"--benchmark cbsd68 --data /nowhere", exitError, "FFDNet"},
		{"--benchmark cbsd68 --data d --shard 3/16", exitUsage, "--results"},
		{"--benchmark cbsd68 --data d --results r --shard 0/16", exitUsage, "from 1/16"},
		{"--benchmark cbsd68 --data d --resume", exitUsage, "--results"},
		{"--benchmark cbsd68 --data d --jobs 0", exitUsage, "--jobs 0"},
		{"--benchmark cbsd68 --data d --max-memory much", exitUsage, "--max-memory much"},
		{"--benchmark cbsd68 --data d --benchmark-file /nowhere.yaml", exitError, "nowhere.yaml"},
		{"--benchmark cbsd68 --data d stray", exitUsage, `"stray"`},
		{"--merge", exitUsage, "name the results files"},
		{"--merge --results r a", exitUsage, "exclude each other"},
		{"--table 1 --data d --images", exitUsage, "exclude each other"},
		{"--compare a b --routing", exitUsage, "exclude each other"},
		{"--benchmark cbsd68 --data d --bootstrap-seed 1", exitUsage, "--compare"},
		{"--benchmark cbsd68 --data d --runs r", exitUsage, "--table"},
		{"--table 10 --data d", exitUsage, "1 to 9"},
		{"--table 0 --data d", exitUsage, "1 to 9"},
		{"--table 1", exitUsage, "CLUSIR_DATA"},
		{"--table 1 --data d --benchmark cbsd68", exitUsage, "leave out --benchmark"},
		{"--table 1 --data d --row x", exitUsage, "NAME=FILE"},
		{"--table 1 --data d --row x=/nowhere.safetensors", exitError, "nowhere.safetensors"},
		{"--table 1 --data d --row x=a,b", exitUsage, "--row x"},
		{"--benchmark cbsd68 --data d --row x=y", exitUsage, "--table"},
		{"--table 1 --merge a", exitUsage, "exclude each other"},
		{"--compare a --benchmark cbsd68 --data d", exitUsage, "two models"},
		{"--compare nano nano --data d", exitUsage, "--benchmark"},
		{"--benchmark cbsd68 --data d --format word", exitUsage, "markdown"},
		{"--benchmark cbsd68 --data d --format csv --json", exitUsage, "leave one out"},
		{"--merge /nowhere.jsonl", exitError, "nowhere.jsonl"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"eval"}, strings.Fields(c.args)...), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.stderr) || stdout.Len() > 0 {
			t.Errorf("%q: exit code %d, want %d; stderr %q, want %q in it; stdout %q", c.args, code, c.code, &stderr, c.stderr, &stdout)
		}
	}
}

// evalData is a folder with two pictures for a noise benchmark of one's own.
func evalData(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"a.png", "b.png"} {
		m := image.NewRGBA(image.Rect(0, 0, 48, 32))
		for i := range m.Pix {
			m.Pix[i] = uint8(i * 3 / 5)
		}
		m.Set(1, 1, color.White)
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "photos", name), file.String())
	}
	writeFile(t, filepath.Join(dir, "mine.yaml"), "mine: {title: My photos, task: denoise, clean: photos, sigmas: [25], expected: 3}\n")
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// evaluate runs a command line, {} standing for the folder.
func evaluate(t *testing.T, dir, args string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(append([]string{"eval"}, strings.Fields(strings.ReplaceAll(args, "{}", dir))...), &out, &errOut)
	return code, out.String(), errOut.String()
}

const mine = "--benchmark mine --benchmark-file {}/mine.yaml --data {} --threads 2"

func TestEval(t *testing.T) {
	dir := evalData(t)
	code, text, stderr := evaluate(t, dir, mine)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"My photos", "σ=25", "2 of 3", "SSIM window 7×7 uniform", "noise seed 0", "model nano (weights "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	code, whole, _ := evaluate(t, dir, mine+" --json")
	if code != exitOK {
		t.Fatal(code)
	}
	for _, shard := range []string{"1", "2"} {
		if code, _, stderr := evaluate(t, dir, mine+" --jobs 2 --shard "+shard+"/2 --results {}/"+shard); code != exitOK {
			t.Fatal(code, stderr)
		}
	}
	code, merged, stderr := evaluate(t, dir, "--merge {}/1 {}/2 --json")
	if code != exitOK {
		t.Fatal(stderr)
	}
	if a, b := splitsOf(t, whole), splitsOf(t, merged); !slices.EqualFunc(a, b, func(a, b eval.SplitResult) bool { return a.Output == b.Output && a.Images == b.Images }) {
		t.Errorf("merged: %+v, want %+v", b, a)
	}
}

func splitsOf(t *testing.T, text string) []eval.SplitResult {
	t.Helper()
	var r eval.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r.Splits
}

// TestEvalGoesOn damages one of two images: there is a table, and exit code 1.
func TestEvalGoesOn(t *testing.T) {
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "photos", "a.png"), "no picture")
	code, stdout, stderr := evaluate(t, dir, mine)
	if code != exitError || !strings.Contains(stderr, "1 of 2 images could not be measured") || !strings.Contains(stderr, "a.png") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "1 of 3") || !strings.Contains(stdout, "1 of 2 images failed") {
		t.Errorf("table:\n%s", stdout)
	}
}
