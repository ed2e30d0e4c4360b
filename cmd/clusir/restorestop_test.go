package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clusir/internal/imageio"
)

// TestRestoreInterrupted sends SIGINT while a result is half written: the
// program ends with 130 and leaves no part of a file.
func TestRestoreInterrupted(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, out := t.TempDir(), t.TempDir()
	bin, in := filepath.Join(dir, "clusir"), filepath.Join(dir, "in.png")
	if err := os.Symlink(self, bin); err != nil {
		t.Skipf("links are needed: %v", err)
	}
	info := imageio.Info{Format: imageio.PNG, W: 1500, H: 1500, Depth: 8} // some 200 tiles: seconds
	save := func(w *imageio.Writer) error {
		return w.Rows(make([]float32, 3*info.W*info.H), nil)
	}
	if err := imageio.WriteFile(in, info, imageio.Options{}, save); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "restore", in, filepath.Join(out, "out.png"), "--tile", "128", "--threads", "1", "--device", "cpu")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if files, _ := os.ReadDir(out); len(files) > 0 {
			break // the temporary one
		}
		if time.Since(begin) > 2*time.Minute {
			_ = cmd.Process.Kill()
			t.Fatal("no file was begun within two minutes", &stderr)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it has an exit code
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(stderr.String(), "clusir: interrupted") {
		t.Errorf("exit code %d, want %d\n%s", code, exitInterrupted, &stderr)
	}
	if files, _ := os.ReadDir(out); len(files) > 0 {
		t.Errorf("left %v", files)
	}
}
