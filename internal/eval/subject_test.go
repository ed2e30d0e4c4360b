package eval

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestParseRestored(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "lr=0.1,b")
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]Subject{
		"out/dncnn":         {{Model: "dncnn", Restored: "out/dncnn"}},
		"out/dncnn/":        {{Model: "dncnn", Restored: "out/dncnn/"}},
		"A=x,y":             {{Model: "A", Restored: "x"}, {Model: "y", Restored: "y"}},
		"A b=x":             {{Model: "A b", Restored: "x"}},
		odd:                 {{Model: "lr=0.1,b", Restored: odd}},
		"A=" + dir + ",B=x": {{Model: "A", Restored: dir}, {Model: "B", Restored: "x"}},
	} {
		got, err := ParseRestored(text)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %+v, %v", text, got, err)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %+v, want %+v", text, got[i], want[i])
			}
		}
	}
	for text, want := range map[string]string{
		"":            "write it as DIR",
		"A=x,":        "write it as DIR",
		"=x":          "write it as DIR",
		"A=":          "write it as DIR",
		"A=x,A=y":     "two are called A: distinguish them",
		"x/out,y/Out": "two are called Out: distinguish them",
		"a?b=x,A*b=y": "results of a?b and A*b would be in one file, A-b.jsonl",
	} {
		if all, err := ParseRestored(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", text, all, err)
		}
	}
	if s := parseSubject("A=" + dir); s != (Subject{Model: "A", Restored: dir}) {
		t.Errorf("a folder: %+v", s)
	}
	// A model of the binary comes before a folder of its name, as for --model.
	t.Chdir(t.TempDir())
	if err := os.Mkdir("nano", 0o755); err != nil {
		t.Fatal(err)
	}
	if s := parseSubject("./nano"); s != (Subject{Model: "nano", Restored: "./nano"}) {
		t.Errorf("a folder called nano: %+v", s)
	}
	if rows, err := ParseRows([]string{"ours=nano"}); err != nil || rows[0].Subject != (Subject{Model: "nano"}) {
		t.Errorf("a row of nano: %+v, %v", rows, err)
	}
	for _, text := range []string{"nano", "runs/A=b.safetensors", ""} {
		if s := parseSubject(text); s != (Subject{Model: text}) {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

// TestPipesAreReadOnce: pipes are taken for results without a look into them.
func TestPipesAreReadOnce(t *testing.T) {
	for _, name := range []string{"pipe", "a.jsonl"} {
		pipe := filepath.Join(t.TempDir(), name)
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Skipf("named pipes are needed: %v", err)
		}
		written := make(chan error)
		go func() { written <- os.WriteFile(pipe, []byte("text\n"), 0o600) }()
		sides, err := ParseSides([]string{pipe})
		rows, rowsErr := ParseRows([]string{"ours=" + pipe})
		if err := errors.Join(err, rowsErr); err != nil || sides[0].Measured() || rows[0].Measured() {
			t.Errorf("%s: %+v, %+v, %v", name, sides, rows, err)
		}
		if _, err := Merge(pipe); err == nil || !strings.Contains(err.Error(), "not a file of results") {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}
