package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDegrade makes the inputs of a benchmark and of a folder. Measured as another
// program's pictures, they score what eval prints for the inputs.
func TestDegrade(t *testing.T) {
	dir := evalData(t)
	must := func(line string) string {
		t.Helper()
		code, stdout, stderr := evaluate(t, dir, line)
		if code != exitOK {
			t.Fatalf("%s: exit code %d\n%s", line, code, stderr)
		}
		return stdout
	}
	must("degrade --benchmark mine --benchmark-file {}/mine.yaml --data {} --out {}/inputs --noise-seed 3")
	if text := must("degrade {}/photos --kind noise --sigma 25 --out {}/own --noise-seed 3"); text != "photos σ=25: 2 pictures in "+filepath.Join(dir, "own", "photos-25")+"\n" {
		t.Errorf("it prints %q", text)
	}
	for _, name := range []string{"a.png", "b.png"} {
		if !bytes.Equal(readFile(t, filepath.Join(dir, "inputs", "mine-25", name)), readFile(t, filepath.Join(dir, "own", "photos-25", name))) {
			t.Errorf("%s: the folder's noise differs from the benchmark's", name)
		}
	}
	must("degrade {}/photos --kind rain --out {}/rain")
	t.Setenv("CLUSIR_DATA", "") // rain/benchmark.yaml names folders from the root
	must("eval --benchmark photos --benchmark-file {}/rain/benchmark.yaml --restored {}/rain")
	for _, line := range []string{
		"--benchmark mine --benchmark-file {}/mine.yaml --restored {}/inputs --noise-seed 3",
		"--benchmark photos --benchmark-file {}/own/benchmark.yaml --restored {}/own --noise-seed 3",
		"--benchmark photos --benchmark-file {}/rain/benchmark.yaml --restored {}/rain",
	} {
		rows := strings.Split(must("eval --data {} --format csv --images "+line), "\n")
		for _, row := range rows[1:3] {
			cells := strings.Split(row, ",")
			if cells[4] != cells[6] || cells[5] != cells[7] || cells[4] == "" {
				t.Errorf("%s: %s", line, row)
			}
		}
	}
}

// TestDegradeTakenNames: a folder with the name of a benchmark or a group gives a benchmark
// of another name, so that neither hides the other.
func TestDegradeTakenNames(t *testing.T) {
	dir := evalData(t)
	for _, name := range []string{"clean", "Five-Task"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(dir, "photos"))); err != nil {
			t.Fatal(err)
		}
		own := strings.ToLower(name) + "-low-light"
		for _, line := range []string{
			"degrade {}/" + name + " --kind low-light --out {}/out-" + name,
			"eval --benchmark " + own + " --benchmark-file {}/out-" + name + "/benchmark.yaml --restored {}/out-" + name,
		} {
			if code, _, stderr := evaluate(t, dir, line); code != exitOK {
				t.Fatalf("%s: exit code %d\n%s", line, code, stderr)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "out-"+name, own, "a.png")); err != nil {
			t.Error(err)
		}
	}
}

func TestDegradeUsage(t *testing.T) {
	t.Setenv("CLUSIR_DATA", "")
	dir := evalData(t)
	writeFile(t, filepath.Join(dir, "photos", "bad.png"), "no picture")
	writeFile(t, filepath.Join(dir, "mine", "benchmark.yaml"), "mine: {}")
	if err := os.Symlink(filepath.Join(dir, "photos"), filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"degrade", exitUsage, "name what to degrade"},
		{"degrade --benchmark cbsd68 --data d", exitUsage, "--out"},
		{"degrade --benchmark cbsd68 --out o", exitUsage, "CLUSIR_DATA"},
		{"degrade --benchmark mine --benchmark-file {}/mine.yaml --out o", exitUsage, "CLUSIR_DATA"},
		{"degrade --benchmark cbsd68 --data . --out o", exitError, "FFDNet"},
		{"degrade --benchmark cbsd68 --kind rain --out o", exitUsage, "leave them out"},
		{"degrade a b --kind rain --out o", exitUsage, "one folder"},
		{"degrade a --benchmark cbsd68 --out o", exitUsage, "not both"},
		{"degrade a --out o", exitUsage, "--kind: noise, rain"},
		{"degrade /nowhere --kind rain --out o", exitError, "/nowhere"},
		{"degrade {}/mine.yaml --kind rain --out o", exitError, "is a file"},
		{"degrade {} --kind rian --out o", exitUsage, `did you mean "rain"?`},
		{"degrade {}/photos --kind rain --out {}/photos/../photos/rain", exitUsage, "whose pictures are the clean ones: name a folder outside"},
		{"degrade {}/photos --kind rain --out {}/link/x", exitUsage, "whose pictures are the clean ones"},
		{"degrade {}/link --kind rain --out {}/photos/x/y", exitUsage, "whose pictures are the clean ones"},
		{"degrade {} --kind noise --out o", exitUsage, "levels"},
		{"degrade {}/photos --kind rain --out {}/o --limit 0", exitUsage, "--limit 0"},
		{"degrade {}/photos --kind rain --out {}/o", exitError, "1 of 3 pictures could not be made"},
		{"degrade {}/photos --kind rain --out {}/o", exitError, "--overwrite"},
		{"degrade {}/photos --kind rain --out {}/mine", exitError, "benchmark.yaml exists: choose another name"},
	} {
		code, _, stderr := evaluate(t, dir, c.args)
		if code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: exit code %d, want %d; stderr %q, want %q in it", c.args, code, c.code, stderr, c.stderr)
		}
	}
}
