package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFigureUsage(t *testing.T) {
	dir := evalData(t)
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"figure pie --out {}", exitUsage, "choose among frequency, crops"},
		{"figure crops --benchmark mine", exitUsage, "--out"},
		{"figure crops --out {}", exitUsage, "--benchmark"},
		{"figure crops --out {} --samples 0 " + mine, exitUsage, "--samples 0"},
		{"figure", exitUsage, "name the figures"},
		{"figure prototypes --out {} --compare nano", exitUsage, "for the figure crops alone"},
		{"figure crops --out {} --json " + mine, exitUsage, "there is no flag"},
		{"figure crops --out {} --merge a", exitUsage, "there is no flag"},
		{"figure crops --out {} pie", exitUsage, `no figure "pie"`},
		{"figure crops --out {} --image c " + mine, exitError, `its first is "a"`},
		{"figure crops --out {}/photos/new " + mine, exitError, "would be among those of"},
		{"figure prototypes --out {}/mine.yaml", exitError, "mine.yaml"},
	} {
		if code, stdout, stderr := evaluate(t, dir, c.args); code != c.code || !strings.Contains(stderr, c.stderr) || stdout != "" {
			t.Errorf("%s: exit code %d, want %d; stderr %q, want %q in it; stdout %q", c.args, code, c.code, stderr, c.stderr, stdout)
		}
	}
}

func TestFigure(t *testing.T) {
	dir := evalData(t)
	code, stdout, stderr := evaluate(t, dir, "figure prototypes crops --image b --out {}/new/figures "+mine)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	files := strings.Fields(stdout)
	if len(files) != 4 {
		t.Errorf("files: %q", files)
	}
	for _, f := range files {
		if filepath.Dir(f) != filepath.Join(dir, "new", "figures") {
			t.Errorf("%s is elsewhere", f)
		}
		if info, err := os.Stat(f); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
	for _, again := range []string{"figure prototypes --out {}/new/figures", "figure crops --out {}/new/figures " + mine} {
		if code, _, stderr := evaluate(t, dir, again); code != exitError || !strings.Contains(stderr, "--overwrite") {
			t.Errorf("%s: exit code %d, %s", again, code, stderr)
		}
	}
	if code, stdout, stderr := evaluate(t, dir, "figure crops --compare nano --overwrite --out {}/new/figures "+mine); code != exitOK || stdout == "" {
		t.Errorf("of two networks: exit code %d, %s", code, stderr)
	}
}
