package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMain is also the writing process, for the tests that kill one.
func TestMain(m *testing.M) {
	if path := os.Getenv("ATOMICFILE_WRITE"); path != "" {
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, "half")
			fmt.Println("half")
			_, _ = os.Stdin.Read(make([]byte, 1)) // until it may continue, or is killed
			return errors.Join(err, write(" and half")(w))
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start starts a process that writes path, and returns once it has begun; closing end
// makes it continue.
func start(t *testing.T, path string) (cmd *exec.Cmd, end io.Closer) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ATOMICFILE_WRITE="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "half\n" {
		t.Fatal(line, err)
	}
	return cmd, in
}

// TestLitter: a process that writes into a folder removes the temporary file of a
// killed process, but not that of one still writing.
func TestLitter(t *testing.T) {
	dir := t.TempDir()
	killed, _ := start(t, filepath.Join(dir, "killed"))
	if err := errors.Join(killed.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	litter := temporaries(t, dir)
	if len(litter) != 1 {
		t.Fatalf("a killed process left %v", litter)
	}
	alive, end := start(t, filepath.Join(dir, "alive")) // tidies first
	if names := temporaries(t, dir); len(names) != 1 || names[0] == litter[0] {
		t.Errorf("%s, and after another process has begun %v", litter[0], names)
	}
	others := []string{".clusir", ".clusir-1.tmp", ".clusir-0123456789abcdeg.tmp", ".clusir-0123456789abcdef.tmp~", "clusir-0123456789abcdef.tmp", ".other-0123456789abcdef.tmp"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tidy(dir)
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if err := alive.Wait(); err != nil {
		t.Errorf("the process that was writing: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "alive")); string(got) != "half and half" {
		t.Errorf("it wrote %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := append([]string{"alive"}, others...)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// TestTidyingWhileOthersWrite: no file is lost if a folder is tidied while others write
// into it.
func TestTidyingWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	done := make(chan bool)
	var tidying, writing sync.WaitGroup
	tidying.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				tidy(dir)
			}
		}
	})
	for i := range 4 {
		writing.Go(func() {
			for k := range 50 {
				path := filepath.Join(dir, fmt.Sprint(i, "-", k%5))
				if err := Write(path, write(strings.Repeat("x", 100))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	tidying.Wait()
	if names := temporaries(t, dir); len(names) > 0 {
		t.Errorf("%v is left", names)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if got, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil || len(got) != 100 {
			t.Errorf("%s: %d bytes, %v", e.Name(), len(got), err)
		}
	}
	if len(entries) != 20 {
		t.Errorf("%d files, want 20", len(entries))
	}
}

// TestTemporary: a temporary file is locked while open, and making the first one in a
// folder removes those of ended processes.
func TestTemporary(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, Prefix+"0123456789abcdef"+suffix)
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Temporary(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tidy(dir)
	only(t, f.Name())
	got := make([]byte, 1)
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "x" {
		t.Errorf("it holds %q: %v", got, err)
	}
	if info, err := f.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
