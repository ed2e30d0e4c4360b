// Package atomicfile writes files that are either whole or absent.
//
// A file is written under a temporary name, [Prefix] and a random number, and renamed
// when it is complete. The writer holds a lock on it, which ends with the process: an
// unlocked temporary file is left over from a killed process, and the next process that
// writes into the folder removes it.
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
// renames it to path. If anything fails, such as on a full disk, an existing file at
// path is unchanged and the temporary file is removed.
//
// A new file has the permissions that the umask allows; an existing file keeps its
// permissions. If path is a link, its target is replaced. A folder, device or pipe is
// not replaced.
func Write(path string, write func(io.Writer) error) error {
	err := replace(path, write)
	if err == nil || errors.As(err, new(*fileError)) {
		return err // write failed on another file, which its error names
	}
	return &fileError{path, err}
}

// WriteData writes a file of the given content, as Write does.
func WriteData(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// MakeFolder makes the folder of a file to be written, if it does not exist.
func MakeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &fileError{path, fmt.Errorf("its folder cannot be made: %w", userfile.Reason(err))}
	}
	return nil
}

// Try returns an error if the folder of a file to be written, which it makes, takes no new
// files.
func Try(path string) error {
	if err := MakeFolder(path); err != nil {
		return err
	}
	f, err := Temporary(filepath.Dir(path))
	if err != nil {
		return &fileError{path, fmt.Errorf("its folder takes no new files: %w", userfile.Reason(err))}
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// TryFolder returns an error if a folder takes no new files; if it does not exist, the
// nearest one above it that does. It makes no folder.
func TryFolder(dir string) error {
	_, err := os.Stat(dir)
	for errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
		_, err = os.Stat(dir)
	}
	f, err := Temporary(dir)
	if err != nil {
		return fmt.Errorf("%s takes no new files: %w", userfile.OneLine(dir), userfile.Reason(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// fileError names the file that could not be written.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	return fmt.Sprintf("cannot write %s: %v", userfile.OneLine(e.path), e.err)
}

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
		old = nil // or a dangling link, which is replaced itself
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
		if !renamed { // also if write panics
			_ = os.Remove(f.Name())
		}
		_ = f.Close() // the contents have been flushed, or are not wanted
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

// create makes a temporary file with the permissions and, if possible, the owner of the
// file it replaces, if there is one.
func create(dir string, old fs.FileInfo) (*os.File, error) {
	if old == nil {
		return createLocked(dir, 0o666)
	}
	f, err := createLocked(dir, 0o600) // only the owner may read it until the permissions are set
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
	if err != nil {
		_ = w.f.Truncate(0) // on a full disk, other files may use the space
	}
	return n, userfile.Reason(err)
}
