package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Temporary files are named Prefix, 16 hexadecimal digits and suffix, whatever their
// final name is, so that a final name may have any length.
const (
	Prefix = ".clusir-"
	suffix = ".tmp"
)

// Temporary makes a file in a folder for this process alone to read and write, after
// tidying the folder once. The caller removes the file, and may do so at once. If the
// process is killed before that, the next one removes it.
func Temporary(dir string) (*os.File, error) {
	tidyOnce(dir)
	return createLocked(dir, 0o600)
}

// createLocked makes a temporary file and locks it. In between, another process may
// take it for litter and remove it; then it makes another.
func createLocked(dir string, mode fs.FileMode) (*os.File, error) {
	for {
		name := filepath.Join(dir, fmt.Sprintf("%s%016x%s", Prefix, rand.Uint64(), suffix))
		f, err := open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Some file systems have no locks. There, nothing is removed.
		locked := lock(f, true) == nil
		if !locked || stands(f) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// tidied is the set of folders that this process has tidied.
var tidied sync.Map

func tidyOnce(dir string) {
	if _, done := tidied.LoadOrStore(dir, true); !done {
		tidy(dir)
	}
}

// tidy removes the temporary files of processes that have ended. It ignores errors:
// they are no reason not to write.
func tidy(dir string) {
	entries, _ := os.ReadDir(dir) // in case of an error, the entries that could be read
	for _, e := range entries {
		if e.Type().IsRegular() && isTemporary(e.Name()) {
			removeIfLitter(filepath.Join(dir, e.Name()))
		}
	}
}

func isTemporary(name string) bool {
	digits, ok := strings.CutPrefix(name, Prefix)
	digits, ok2 := strings.CutSuffix(digits, suffix)
	return ok && ok2 && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
}

// removeIfLitter removes a temporary file that nobody has locked. If the file was
// renamed to a result while this waited for the lock, it stays.
func removeIfLitter(path string) {
	f, err := open(path, os.O_RDONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lock(f, false) == nil && stands(f) {
		_ = os.Remove(path)
	}
}

// stands reports whether the file still exists under the name it was opened by.
func stands(f *os.File) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(opened, named)
}
