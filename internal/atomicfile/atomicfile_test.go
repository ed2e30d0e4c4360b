package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, want := range []string{"first", "second"} {
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, want)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	only(t, path)
}

func TestFailureKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := Write(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v must wrap the cause and name the file", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the old file became %q", got)
	}
	only(t, path)
}

// TestRefuses: only regular files are replaced, and an impossible name is an error
// before anything is written.
func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                                 "it is a folder",
		pipe:                                "it is a device or a pipe",
		"/dev/null":                         "it is a device or a pipe",
		filepath.Join(dir, "absent", "out"): "no such file or directory",
		filepath.Join(pipe, "out"):          "not a directory",
		filepath.Join(dir, strings.Repeat("x", 256)): "file name too long",
	} {
		err := Write(path, func(io.Writer) error { t.Errorf("%s is written", path); return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "cannot write "+path+": ") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), Prefix) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	only(t, pipe)
}

// TestLongestNames: names of 255 bytes work.
func TestLongestNames(t *testing.T) {
	for _, name := range []string{strings.Repeat("x", 251) + ".png", strings.Repeat("漢", 85)} {
		path := filepath.Join(t.TempDir(), name)
		if err := Write(path, write("it")); err != nil {
			t.Errorf("%d bytes: %v", len(name), err)
		}
		only(t, path)
	}
}

// TestModes: a new file obeys the umask, and a replaced one keeps its permissions.
func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	for _, c := range []struct {
		umask     int
		old, want os.FileMode // old 0: there is no file
	}{
		{0o022, 0, 0o644}, {0o002, 0, 0o664}, {0o077, 0, 0o600}, {0, 0, 0o666},
		{0o022, 0o600, 0o600}, {0o077, 0o644, 0o644}, {0o022, 0o666, 0o666}, {0, 0o440, 0o440},
	} {
		path := filepath.Join(t.TempDir(), "out")
		syscall.Umask(0)
		if c.old != 0 {
			if err := os.WriteFile(path, []byte("old"), c.old); err != nil {
				t.Fatal(err)
			}
		}
		syscall.Umask(c.umask)
		err := Write(path, func(w io.Writer) error {
			if during := modeOf(t, filepath.Join(filepath.Dir(path), temporaries(t, filepath.Dir(path))[0])); during&^c.want != 0 {
				t.Errorf("umask %03o, %03o before: %03o while it is written", c.umask, c.old, during)
			}
			return nil
		})
		if got := modeOf(t, path); err != nil || got != c.want {
			t.Errorf("umask %03o, %03o before: %03o, want %03o, %v", c.umask, c.old, got, c.want, err)
		}
	}
}

// TestLinks: a link's target is replaced, not the link.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, write("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "new" {
		t.Errorf("the file holds %q", got)
	}
	if to, err := os.Readlink(link); err != nil || to != file {
		t.Errorf("the link became %q, %v", to, err)
	}
	only(t, file)
}

// TestPanicLeavesNothing: a panic of the caller leaves no temporary file.
func TestPanicLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	func() {
		defer func() { _ = recover() }()
		_ = Write(path, func(io.Writer) error { panic("a bug") })
	}()
	only(t, path)
}

// only fails the test if the folder of path holds anything else.
func only(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// write returns a function that writes text.
func write(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// temporaries returns the names of the temporary files in a folder.
func temporaries(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if isTemporary(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestErrorOnOneLine: a name with a line break does not break the message.
func TestErrorOnOneLine(t *testing.T) {
	err := WriteData(filepath.Join(t.TempDir(), "absent", "new\nline"), nil)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `new\nline: `) {
		t.Errorf("%q", err)
	}
}
