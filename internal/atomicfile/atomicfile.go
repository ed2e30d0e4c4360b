// Package atomicfile writes files that are either whole or absent.
//
// A file is written under a temporary name, [Prefix] and a random number, and renamed
// when it is whole. Whoever writes holds a lock on it, which ends with the process:
// a temporary file without one is litter of a run that was killed, and the next
// process that writes into the folder removes it.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"clusir/internal/userfile"
)

// Write lets write fill a temporary file in path's folder, flushes it to the disk and
// renames it to path. If anything fails, a full disk included, whatever stood at path
// before is still there and the temporary file is gone.
//
// A new file has the permissions that the umask leaves, and one that is replaced keeps
// its own. Where path is a link, what it points to is replaced. A folder, a device or
// a pipe is not.
func Write(path string, write func(io.Writer) error) error {
	err := replace(path, write)
	if err == nil || errors.As(err, new(*fileError)) {
		return err // write wrote another file, whose name is the one to say
	}
	return &fileError{path, err}
}

// MakeFolder makes the folder of a file that is to be written, if it is not there.
func MakeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &fileError{path, fmt.Errorf("its folder cannot be made: %w", userfile.Reason(err))}
	}
	return nil
}

// fileError says which file could not be written.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string { return fmt.Sprintf("cannot write %s: %v", e.path, e.err) }
func (e *fileError) Unwrap() error { return e.err }

func replace(path string, write func(io.Writer) error) error {
	if err := CheckName(path); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	old, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil // or a link to nowhere, which is replaced itself
	case err != nil:
		return userfile.Reason(err)
	case old.IsDir():
		return errors.New("it is a folder: choose another name")
	case !old.Mode().IsRegular():
		return errors.New("it is a device or a pipe, which a file would replace: choose another name")
	}
	dir := filepath.Dir(path)
	tidyOnce(dir)
	f, err := create(dir, old)
	if err != nil {
		return userfile.Reason(err)
	}
	renamed := false
	defer func() {
		if !renamed { // in a panic of write, too
			_ = os.Remove(f.Name())
		}
		_ = f.Close() // what is written was flushed before, or is not wanted
	}()
	if err := write(writer{f}); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return userfile.Reason(err)
	}
	if err := rename(f.Name(), path); err != nil {
		return userfile.Reason(err)
	}
	renamed = true
	return syncDir(dir)
}

// create makes a temporary file with the permissions, and if possible the owner, of
// the file that it will replace, if there is one.
func create(dir string, old fs.FileInfo) (*os.File, error) {
	if old == nil {
		return createLocked(dir, 0o666)
	}
	f, err := createLocked(dir, 0o600) // nobody is to read it meanwhile who cannot read the old one
	if err != nil {
		return nil, err
	}
	keepOwner(f, old)
	if err := f.Chmod(old.Mode().Perm()); err != nil {
		_ = os.Remove(f.Name())
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// writer is a temporary file whose errors do not mention its name.
type writer struct{ f *os.File }

func (w writer) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	return n, userfile.Reason(err)
}
