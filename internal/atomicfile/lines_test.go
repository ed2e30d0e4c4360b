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

	"clusir/internal/userfile"
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

// TestLinesInAFolder: a folder in the place of a file is not to be removed or continued.
func TestLinesInAFolder(t *testing.T) {
	for _, resume := range []bool{false, true} {
		f := Format{Name: "list", Start: "{"}
		if _, err := f.Open(t.TempDir(), resume, "--resume", nil); !errors.Is(err, userfile.ErrFolder) || strings.Contains(err.Error(), "remove it") {
			t.Errorf("resume %v: %v", resume, err)
		}
	}
}

// TestLinesExist: only a file of lines is to be continued or removed; another is the user's.
func TestLinesExist(t *testing.T) {
	f := Format{Name: "list", Start: "{"}
	for text, want := range map[string]string{"": "continue it with --resume, or remove it", "{}\n": "or remove it", "photo": "is no list: choose another name"} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Open(path, false, "--resume", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
