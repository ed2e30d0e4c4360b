package userfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestErrors: each error names the file and the reason, once, and no system call.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, reason string
		is           error
	}{
		{filepath.Join(dir, "absent"), "there is no such file", fs.ErrNotExist},
		{filepath.Join(dir, "absent", "file"), "there is no such file", fs.ErrNotExist},
		{filepath.Join(file, "below"), "not a directory", nil},
		{dir, "it is a folder, but a file is needed", ErrFolder},
		{"", "there is no such file", fs.ErrNotExist},
		{filepath.Join(dir, strings.Repeat("x", 256)), "file name too long", nil},
	} {
		_, err := Read(c.path)
		if err == nil || err.Error() != "cannot read "+c.path+": "+c.reason || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%q: %v, want %q", c.path, err, c.reason)
		}
	}
	for path, want := range map[string]string{
		dir:                          "<nil>",
		file:                         file + " is a file, but a folder of pictures is needed",
		filepath.Join(dir, "absent"): "there is no folder " + filepath.Join(dir, "absent") + ": name one of pictures",
		filepath.Join(file, "below"): "cannot read " + filepath.Join(file, "below") + ": not a directory",
		"~/absent":                   "there is no folder ~/absent: write what ~ stands for, which only a shell knows",
	} {
		if got := fmt.Sprint(Folder(path, "pictures")); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
	for _, overwrite := range []bool{false, true} {
		if err := MayWrite(dir, overwrite); err == nil || err.Error() != dir+" is a folder, but a file is needed: choose another name" {
			t.Error(err)
		}
	}
	if err := Reason(os.Rename(file, dir+"/absent/file")); err == nil || err.Error() != "no such file or directory" {
		t.Error(err)
	}
	if text, err := Read(file); string(text) != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestTooManyFiles: the message says which limit it is.
func TestTooManyFiles(t *testing.T) {
	err := Unreadable("a.png", &fs.PathError{Op: "open", Path: "a.png", Err: syscall.EMFILE})
	if !errors.Is(err, syscall.EMFILE) || !strings.HasSuffix(err.Error(), ": raise the limit on open files (ulimit -n)") {
		t.Error(err)
	}
}

// TestErrorsOnOneLine: a name with a line break does not break the message.
func TestErrorsOnOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new\nline")
	_, absent := Open(file)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Skip(err) // Windows has no such names
	}
	for _, err := range []error{absent, MayWrite(file, false), Folder(file, "pictures"), Folder(file+"s", "pictures")} {
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `new\nline`) {
			t.Errorf("%q", err)
		}
	}
}
