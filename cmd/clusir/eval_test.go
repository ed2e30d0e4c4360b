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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/shard"
	"clusir/internal/usage"
)

func TestEvalOptions(t *testing.T) {
	t.Setenv("CLUSIR_DATA", "/from/the/environment")
	for _, c := range []struct {
		args string
		ok   func(o *evalOptions) bool
	}{
		{"--benchmark cbsd68", func(o *evalOptions) bool {
			return o.config.Data == "/from/the/environment" && o.Model == "nano" && o.Jobs == 1 && o.Shard == shard.Shard{} && o.Limit == 0
		}},
		{"--benchmark cbsd68 --data d --protocol gaussian --y-channel --noise-seed 7", func(o *evalOptions) bool {
			return o.config.Data == "d" && eval.ProtocolOf(o.config.Eval) == eval.Protocol{Name: "gaussian", YChannel: true, Seed: 7}
		}},
		{"--benchmark cbsd68 --results r --shard 3/16 --jobs 4 --max-memory 2GiB", func(o *evalOptions) bool {
			return o.Shard == shard.Shard{K: 3, N: 16} && o.Jobs == 4 && o.MaxMemory == 2<<30
		}},
		{"--benchmark cbsd68 --json --images", func(o *evalOptions) bool { return o.Format == "json" && o.Images }},
		{"--benchmark cbsd68 --limit 3 --save d --overwrite", func(o *evalOptions) bool { return o.Limit == 3 && o.Save == "d" && o.Overwrite }},
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

func TestTableOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   func(o *tableOptions) bool
	}{
		{"8 --data d --row ClusIR-T=t --row x=a --runs r", func(o *tableOptions) bool {
			return o.Number == 8 && o.Model == "" && o.Rows[0].Name == "ClusIR-T" && o.Rows[1].Model == "a" && o.Runs == "r"
		}},
		{"1 --data d --model m --format latex", func(o *tableOptions) bool { return o.Model == "m" && o.Format == "latex" }},
	} {
		cmd := newTableCmd(func(o *tableOptions) error {
			if !c.ok(o) {
				t.Errorf("%s: options %+v", c.args, o)
			}
			return nil
		})
		cmd.SetArgs(strings.Fields(c.args))
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

// TestMeasuringUsage: each mistake is reported before anything is measured.
func TestMeasuringUsage(t *testing.T) {
	t.Setenv("CLUSIR_DATA", "")
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"eval", exitUsage, "--benchmark"},
		{"eval --benchmark cbsd68", exitUsage, "CLUSIR_DATA"},
		{"eval --benchmark cbsd86 --data d", exitUsage, `did you mean "cbsd68"?`},
		{"eval --benchmark cbsd68 --data d --protocol matlab", exitUsage, "promptir"},
		{"eval --benchmark cbsd68 --data /nowhere", exitError, "there is no folder /nowhere"},
		{"eval --benchmark cbsd68 --data eval.go", exitError, "eval.go is a file, but a folder"},
		{"eval --benchmark cbsd68 --data .", exitError, "FFDNet"},
		{"eval --benchmark cbsd68 --data d --save=", exitUsage, "--save has no value"},
		{"eval --benchmark cbsd68 --data=~/d", exitUsage, "--data ~/d: the shell did not replace ~"},
		{"eval --benchmark cbsd68 --data d --shard 3/16", exitUsage, "--results"},
		{"eval --benchmark cbsd68 --data d --results r --shard 0/16", exitUsage, "from 1/16"},
		{"eval --benchmark cbsd68 --data d --resume", exitUsage, "--results"},
		{"eval --benchmark cbsd68 --data d --isa foo", exitUsage, "--isa foo: choose"},
		{"eval --benchmark cbsd68 --data d --precision int8", exitUsage, "--precision"},
		{"eval --benchmark cbsd68 --data d --threads -1", exitUsage, "--threads"},
		{"compare absent.jsonl nano", exitError, "cannot read absent.jsonl: there is no such file: name a file of results of clusir eval"},
		{"eval --benchmark cbsd68 --data d --jobs 0", exitUsage, "--jobs 0"},
		{"eval --benchmark cbsd68 --data d --jobs 1000000", exitUsage, "--jobs 1000000: give the number of images to measure at a time, such as 4; at most 256"},
		{"eval --benchmark cbsd68 --data d --limit 0", exitUsage, "--limit 0"},
		{"eval --benchmark cbsd68 --data d --max-memory much", exitUsage, "--max-memory much"},
		{"eval --benchmark cbsd68 --data d --benchmark-file /nowhere.yaml", exitError, "nowhere.yaml"},
		{"eval --benchmark cbsd68 --data d --set eval.benchmark_file=/nowhere.yaml", exitError, "nowhere.yaml"},
		{"eval --benchmark cbsd68 --data d stray", exitUsage, `"stray"`},
		{"eval --benchmark cbsd68 --data d --format word", exitUsage, "markdown"},
		{"eval --benchmark cbsd68 --data d --format csv --json", exitUsage, "leave one out"},
		{"eval --benchmark cbsd68 --data d --images --routing", exitUsage, "cannot be used together"},
		{"eval --benchmark cbsd68 --data d --bootstrap-seed 1", exitUsage, "there is no flag"},
		{"eval --benchmark cbsd68 --data d --restored=", exitUsage, "--restored has no value"},
		{"eval --benchmark cbsd68 --data d --restored a=x,A=y", exitUsage, "two are called A"},
		{"eval --benchmark cbsd68 --data d --restored x,=y", exitUsage, "NAME=DIR"},
		{"eval --benchmark cbsd68 --data d --restored x --save y", exitUsage, "leave one out"},
		{"eval --benchmark cbsd68 --data d --restored x --routing", exitUsage, "leave one out"},
		{"eval --benchmark cbsd68 --data d --restored x --model nano", exitUsage, "--model is of a network"},
		{"eval --benchmark cbsd68 --data d --restored x --device cpu", exitUsage, "--device is of a network"},
		{"eval --benchmark cbsd68 --data d --restored x,y --report r.html", exitUsage, "name one folder"},
		{"eval --benchmark cbsd68 --data d --restored x,y --images", exitUsage, "name one folder"},
		{"eval --benchmark cbsd68 --data d --restored /nowhere", exitError, "/nowhere"},
		{"eval --benchmark cbsd68 --data d --report /proc/r.html", exitError, "--report: cannot write /proc/r.html: its folder takes no new files: "},
		{"merge --report /proc/r.html absent.jsonl", exitError, "--report: cannot write /proc/r.html: its folder takes no new files: "},
		{"eval --benchmark cbsd68 --data d --results r.jsonl --report ./r.jsonl", exitUsage, "--results and --report name one file"},
		{"compare a b --results r.jsonl --report r.jsonl", exitUsage, "--results and --report name one file"},
		{"figure prototypes --out figure.go", exitError, "figure.go is a file, but a folder of figures is needed"},
		{"table 7 --row x=.", exitUsage, "table 7 counts the cost of networks"},
		{"merge", exitUsage, "name the results files"},
		{"merge --results r a", exitUsage, "there is no flag"},
		{"merge /nowhere.jsonl", exitError, "nowhere.jsonl"},
		{"table 10 --data d", exitUsage, "1 to 9"},
		{"table 0 --data d", exitUsage, "1 to 9"},
		{"table foo", exitUsage, "table foo: the paper's are 1 to 9"},
		{"table", exitUsage, "from 1 to 9"},
		{"table 1", exitUsage, "CLUSIR_DATA"},
		{"table 1 --data d --benchmark cbsd68", exitUsage, "there is no flag"},
		{"table 1 --data d --row x", exitUsage, "NAME=FILE"},
		{"table 1 --data d --row x=/nowhere.safetensors", exitError, "nowhere.safetensors"},
		{"table 1 --data d --row x=a,b", exitError, "row x"},
		{"compare a --benchmark cbsd68 --data d", exitUsage, "two models"},
		{"compare nano nano --data d", exitUsage, "--benchmark"},
		{"compare a b --routing", exitUsage, "there is no flag"},
		{"compare a b c --images", exitUsage, "compare two"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(c.args), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.stderr) || stdout.Len() > 0 || strings.Contains(stderr.String(), "strconv") {
			t.Errorf("%q: exit code %d, want %d; stderr %q, want %q in it; stdout %q", c.args, code, c.code, &stderr, c.stderr, &stdout)
		}
	}
}

// TestFewFlags limits the measuring commands to a dozen flags of their own; common ones
// are grouped under titles.
func TestFewFlags(t *testing.T) {
	for _, cmd := range []*cobra.Command{newEvalCmd(nil), newCompareCmd(nil), newTableCmd(nil), newMergeCmd(nil), newFigureCmd(nil)} {
		groups := map[string]int{}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { groups[usage.Group(f)]++ })
		for title, n := range groups {
			if n > 12 {
				t.Errorf("%s has %d flags under %q", cmd.Name(), n, title)
			}
		}
		if help := cmd.UsageString(); len(groups) > 1 && (!strings.Contains(help, "\nFlags:\n") || !strings.Contains(help, "\nNetwork flags:\n")) {
			t.Errorf("%s shows its flags as\n%s", cmd.Name(), help)
		}
	}
}

// evalData makes a folder with two pictures for a user's noise benchmark.
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

// evaluate runs a command line in which {} stands for the folder.
func evaluate(t *testing.T, dir, args string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(strings.Fields(strings.ReplaceAll(args, "{}", dir)), &out, &errOut)
	return code, out.String(), errOut.String()
}

const mine = "--benchmark mine --benchmark-file {}/mine.yaml --data {} --threads 2"

func TestEval(t *testing.T) {
	dir := evalData(t)
	code, text, stderr := evaluate(t, dir, "eval "+mine)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"My photos", "σ=25", "2 of 3", "SSIM window 7×7 uniform", "noise seed 0", "model nano (weights "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	code, whole, _ := evaluate(t, dir, "eval "+mine+" --json")
	if code != exitOK {
		t.Fatal(code)
	}
	for _, shard := range []string{"1", "2"} {
		if code, _, stderr := evaluate(t, dir, "eval "+mine+" --jobs 2 --shard "+shard+"/2 --results {}/"+shard); code != exitOK {
			t.Fatal(code, stderr)
		}
	}
	code, merged, stderr := evaluate(t, dir, "merge {}/1 {}/2 --json")
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

// TestEvalGoesOn damages one of two images: the table is printed, and the exit code is
// 1.
func TestEvalGoesOn(t *testing.T) {
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "photos", "a.png"), "no picture")
	code, stdout, stderr := evaluate(t, dir, "eval "+mine)
	if code != exitError || !strings.Contains(stderr, "1 of 2 images could not be measured") || !strings.Contains(stderr, "a.png") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "1 of 3") || !strings.Contains(stdout, "1 of 2 images failed") {
		t.Errorf("table:\n%s", stdout)
	}
}

// TestEvalSave restores into a folder, refuses to do so twice, and makes what is
// missing when resumed.
func TestEvalSave(t *testing.T) {
	dir := evalData(t)
	line := "eval " + mine + " --save {}/out --results {}/r.jsonl"
	if code, _, stderr := evaluate(t, dir, line); code != exitOK {
		t.Fatal(code, stderr)
	}
	file := filepath.Join(dir, "out", "mine-25", "a.png")
	saved := readFile(t, file)
	m, err := png.Decode(bytes.NewReader(saved))
	if err != nil || m.Bounds() != image.Rect(0, 0, 48, 32) {
		t.Fatalf("%v, %v", m.Bounds(), err)
	}
	if code, _, stderr := evaluate(t, dir, "eval "+mine+" --save {}/out"); code != exitError || !strings.Contains(stderr, "--overwrite") {
		t.Errorf("a second time: exit code %d, %s", code, stderr)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := evaluate(t, dir, line+" --resume"); code != exitOK || !bytes.Equal(readFile(t, file), saved) {
		t.Errorf("resumed: exit code %d, %s", code, stderr)
	}
	for _, command := range []string{"eval " + mine + " --save {}/photos/out", "degrade " + strings.TrimSuffix(mine, " --threads 2") + " --out {}/photos/out"} {
		if code, _, stderr := evaluate(t, dir, command); code != exitError || !strings.Contains(stderr, "would be among those of "+filepath.Join(dir, "photos")+", which are measured") {
			t.Errorf("%s: exit code %d, %s", command, code, stderr)
		}
	}
	shut := filepath.Join(dir, "out", "shut")
	if err := os.WriteFile(shut, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := evaluate(t, dir, "eval "+mine+" --save {}/out/shut --results {}/none.jsonl")
	if _, err := os.Stat(filepath.Join(dir, "none.jsonl")); code != exitError || !strings.Contains(stderr, "cannot write "+shut+"/mine-25/a.png: its folder cannot be made") || err == nil {
		t.Errorf("into a folder that takes nothing: exit code %d, %s, and it began to measure: %v", code, stderr, err)
	}
	code, _, stderr = evaluate(t, dir, "eval "+mine+" --save {}/out --overwrite --limit 1")
	if code != exitOK {
		t.Errorf("overwriting: exit code %d, %s", code, stderr)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestNumbersSurviveThePage: the numbers are printed even if the page cannot be
// written.
func TestNumbersSurviveThePage(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skipf("a full disk is needed: %v", err)
	}
	dir := evalData(t)
	code, stdout, stderr := evaluate(t, dir, "eval "+mine+" --limit 1 --report /dev/full")
	if code != exitError || !strings.Contains(stdout, "My photos") || !strings.Contains(stdout, "1 of 3") || stderr == "" {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
}
