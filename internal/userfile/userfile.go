// Package userfile reads the files that users name, with errors for users.
package userfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// Open opens a file. Its errors say which file and why; callers add what to name
// instead.
func Open(path string) (*os.File, error) {
	f, err := open(path)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.IsDir() {
			err = ErrFolder
		}
		if err == nil {
			return f, nil
		}
		_ = f.Close() // nothing was read
	}
	return nil, Unreadable(path, err)
}

// Waits counts what waits for another program to write to a pipe. Such a wait cannot be
// called off, so that only the end of the process ends it.
var Waits atomic.Int32

// open opens a file, which may be a pipe that nobody has opened for writing yet.
func open(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		Waits.Add(1)
		defer Waits.Add(-1)
	}
	return os.Open(path)
}

// Unreadable returns the error of a file that cannot be read because of err.
func Unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = absent{}
	}
	return fmt.Errorf("cannot read %s: %w", OneLine(path), Reason(err))
}

// ErrFolder is the reason why a folder cannot be read as a file.
var ErrFolder = errors.New("it is a folder, but a file is needed")

// Folder returns an error unless path is a folder. of says what the folder should
// contain.
func Folder(path, of string) error {
	info, err := os.Stat(path)
	path = OneLine(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, "~"):
		return fmt.Errorf("there is no folder %s: write what ~ stands for, which only a shell knows", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s: name one of %s", path, of)
	case err != nil:
		return fmt.Errorf("cannot read %s: %w", path, Reason(err))
	case !info.IsDir():
		return fmt.Errorf("%s is a file, but a folder of %s is needed", path, of)
	}
	return nil
}

// Within reports whether a path, which need not exist, is a folder or below it.
func Within(path, folder string) bool {
	path, _ = filepath.Abs(path)
	real, err := filepath.EvalSymlinks(path)
	for errors.Is(err, fs.ErrNotExist) { // it will be below its parent
		path = filepath.Dir(path)
		real, err = filepath.EvalSymlinks(path)
	}
	if folder, _ = filepath.Abs(folder); err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	rel, outside := filepath.Rel(folder, real)
	return err == nil && outside == nil && filepath.IsLocal(rel)
}

// Hidden reports whether a file or folder is none of those that a user means by naming
// their folder: its name begins with a dot, or the system keeps its own data there.
func Hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// MayWrite returns an error if a file exists and must not be replaced, or is a folder.
func MayWrite(path string, overwrite bool) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder, but a file is needed: choose another name", OneLine(path))
	}
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return fmt.Errorf("%s exists: choose another name, or replace it with --overwrite", OneLine(path))
	}
	return nil
}

// Read reads a whole file.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	return b, nil
}

// SHA256 returns the hash of a file's bytes in hexadecimal.
func SHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// absent replaces fs.ErrNotExist, whose text is "no such file or directory" or the
// like.
type absent struct{}

func (absent) Error() string { return "there is no such file" }

// Is makes it count as fs.ErrNotExist.
func (absent) Is(target error) bool { return target == fs.ErrNotExist }

// Reason returns a file system error without the operation and the path.
func Reason(err error) error {
	if errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("%w: raise the limit on open files (ulimit -n)", syscall.EMFILE)
	}
	if path := new(fs.PathError); errors.As(err, &path) {
		return path.Err
	}
	if link := new(os.LinkError); errors.As(err, &link) {
		return link.Err
	}
	return err
}
