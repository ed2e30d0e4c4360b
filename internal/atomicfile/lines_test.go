//go:build linux

package atomicfile

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLinesOnAFullDisk adds lines, in its own process, to a file that may not grow
// beyond the first: nothing of the second stays, and the error names the file.
func TestLinesOnAFullDisk(t *testing.T) {
	const variable = "CLUSIR_TEST_LINES"
	path := os.Getenv(variable)
	if path == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLinesOnAFullDisk$")
		cmd.Env = append(os.Environ(), variable+"="+filepath.Join(t.TempDir(), "lines"))
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	f, err := Format{}.Open(path, false, "", func(int, []byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	const line = "\"12345678\"\n"
	if err := f.Add("12345678"); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(len(line)) + 5, Max: uint64(len(line)) + 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := f.Add("12345678"); !errors.Is(err, syscall.EFBIG) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("beyond the limit: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != line {
		t.Errorf("it holds %q", got)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := f.Add("12345678"); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != line+line {
		t.Errorf("it holds %q", got)
	}
}

func TestBegins(t *testing.T) {
	for text, want := range map[string]bool{"": true, "a": true, "ab": true, "abc": true, "b": false, "ac": false} {
		if got := begins(strings.NewReader(text), "ab"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestIsOfAPipe: asking whether a pipe is of a format takes nothing out of it.
func TestIsOfAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("named pipes are needed: %v", err)
	}
	written := make(chan error)
	go func() { written <- os.WriteFile(path, []byte("{\"n\":1}\n"), 0o600) }()
	if numbers.Is(path) {
		t.Error("a pipe cannot be known to be of a format")
	}
	lines := 0
	err := numbers.Read(path, func(int, []byte) error {
		lines++
		return nil
	})
	if err := errors.Join(err, <-written); err != nil || lines != 1 {
		t.Errorf("%d lines, %v", lines, err)
	}
}
