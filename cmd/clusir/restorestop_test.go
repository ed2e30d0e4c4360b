package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clusir/internal/imageio"
)

// TestRestoreStopped sends signals while a result is half written: the program ends
// with 128 plus the signal's number and leaves no partial file; after a kill, the next
// run into the folder removes it.
func TestRestoreStopped(t *testing.T) {
	bin, in := program(t), largePicture(t)
	for _, c := range []struct {
		signal syscall.Signal
		says   string
	}{{syscall.SIGINT, "interrupted"}, {syscall.SIGTERM, "terminated"}, {syscall.SIGQUIT, "quit"}, {syscall.SIGHUP, "the terminal was closed"}} {
		out := t.TempDir()
		cmd, stderr := startRestore(t, bin, in, out)
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
		_ = cmd.Process.Signal(c.signal) // as timeout, and bash when its terminal is closed, send it twice
		_ = cmd.Wait()                   // has an exit code
		if code := cmd.ProcessState.ExitCode(); code != 128+int(c.signal) || !strings.Contains(stderr.String(), "clusir: "+c.says) {
			t.Errorf("%v: exit code %d\n%s", c.signal, code, stderr)
		}
		if files, _ := os.ReadDir(out); len(files) > 0 {
			t.Errorf("%v: left %v", c.signal, files)
		}
	}
	out := t.TempDir()
	cmd, _ := startRestore(t, bin, in, out)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if files, _ := os.ReadDir(out); len(files) != 1 {
		t.Fatalf("a killed run left %v", files)
	}
	if code := run([]string{"man", out}, io.Discard, io.Discard); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if files, _ := filepath.Glob(filepath.Join(out, ".*")); len(files) > 0 {
		t.Errorf("the next run left %v", files)
	}
}

// TestStoppedWaiting: a signal ends a command that waits for a pipe that nobody opens, or
// for a standard input that nobody writes to.
func TestStoppedWaiting(t *testing.T) {
	bin, pipe := program(t), filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skipf("named pipes are needed: %v", err)
	}
	for _, args := range [][]string{{"merge", pipe}, {"train", "--config", pipe, "--data", ".", "--check"}, {"restore", "-", filepath.Join(t.TempDir(), "out.png")}} {
		cmd := exec.Command(bin, args...)
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // it is waiting by then, or ends in another way
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // has an exit code
		late.Stop()
		if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) || stderr.String() != "clusir: terminated\n" {
			t.Errorf("%q: exit code %d\n%s", args, code, &stderr)
		}
	}
}

// TestNohup: closing the terminal does not end a program started with nohup.
func TestNohup(t *testing.T) {
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skipf("nohup is needed: %v", err)
	}
	out := t.TempDir()
	cmd, stderr := startRestore(t, nohup, program(t), largePicture(t), out)
	for range 3 {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // has an exit code
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// TestWritesThatKill: a pipe without a reader and a file longer than the user's limit
// are errors, and leave no partial file.
func TestWritesThatKill(t *testing.T) {
	bin, in, out := program(t), "../../testdata/images/chelsea-noisy.png", t.TempDir()
	compare := filepath.Join(out, "compare.png")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "restore", in, "-", "--compare", compare)
	cmd.Stdout = write
	text, _ := stderrOf(cmd) // has an exit code
	if code := cmd.ProcessState.ExitCode(); code != exitBrokenPipe || text != "" {
		t.Errorf("a broken pipe: exit code %d, %q", code, text)
	}
	cmd = exec.Command("sh", "-c", `ulimit -f 8; exec "$@"`, "sh", bin, "restore", in, filepath.Join(out, "out.png"), "--compare", compare)
	text, _ = stderrOf(cmd) // has an exit code
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(text, "file too large") {
		t.Errorf("a limit on files: exit code %d, %q", code, text)
	}
	cmd = exec.Command("sh", "-c", `ulimit -f 1; exec "$@"`, "sh", bin, "man", out)
	text, _ = stderrOf(cmd) // has an exit code
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(text, "file too large") {
		t.Errorf("manual pages: exit code %d, %q", code, text)
	}
	if files, _ := os.ReadDir(out); len(files) > 0 {
		t.Errorf("left %v", files)
	}
}

// TestUnreadReports: once nothing reads what restore prints, as behind head, it ends
// instead of restoring the other pictures.
func TestUnreadReports(t *testing.T) {
	in := t.TempDir()
	for _, name := range []string{"1.png", "2.png", "3.png"} {
		copyFile(t, "../../testdata/images/chelsea-noisy.png", filepath.Join(in, name))
	}
	for _, flag := range []string{"--json", "--explain"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "out")
		cmd := exec.Command(program(t), "restore", in, "-o", out, flag)
		cmd.Stdout = write
		text, _ := stderrOf(cmd) // has an exit code
		if code := cmd.ProcessState.ExitCode(); code != exitBrokenPipe || text != "" {
			t.Errorf("%s: exit code %d, %q", flag, code, text)
		}
		files, err := filepath.Glob(filepath.Join(out, "*.png"))
		if err != nil || slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f)[0] != '1' }) {
			t.Errorf("%s: %v, restored %v", flag, err, files)
		}
	}
}

func stderrOf(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	return stderr.String(), err
}

// program returns the path of this test's binary under the name that makes it run as
// clusir.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "clusir")
	if err := os.Symlink(self, bin); err != nil {
		t.Skipf("links are needed: %v", err)
	}
	return bin
}

// largePicture is a picture that takes seconds: some 200 tiles.
func largePicture(t *testing.T) string {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in.png")
	info := imageio.Info{Format: imageio.PNG, W: 1500, H: 1500, Depth: 8}
	save := func(w *imageio.Writer) error {
		return w.Rows(make([]float32, 3*info.W*info.H), nil)
	}
	if err := imageio.WriteFile(in, info, imageio.Options{}, save); err != nil {
		t.Fatal(err)
	}
	return in
}

// startRestore starts the program on a picture and returns once it has begun to write.
// args are the program, its flags, the picture and the result's folder.
func startRestore(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	n := len(args)
	in, out := args[n-2], args[n-1]
	cmd = exec.Command(args[0], append(args[1:n-2:n-2], "restore", in, filepath.Join(out, "out.png"), "--tile", "128", "--threads", "1", "--device", "cpu")...)
	stderr = &bytes.Buffer{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if files, _ := os.ReadDir(out); len(files) > 0 {
			return cmd, stderr // the temporary one
		}
		if time.Since(begin) > 2*time.Minute {
			_ = cmd.Process.Kill()
			t.Fatal("no file was begun within two minutes", stderr)
		}
	}
}
