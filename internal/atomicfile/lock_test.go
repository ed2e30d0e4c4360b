//go:build unix

package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestLock locks a file and a folder twice, as two processes would.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		open := func() *os.File {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			return f
		}
		first, second := open(), open()
		if err := Lock(first); err != nil {
			t.Fatal(err)
		}
		if err := Lock(second); !errors.Is(err, ErrLocked) {
			t.Errorf("%s is locked twice: %v", path, err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Lock(second); err != nil {
			t.Errorf("%s stays locked: %v", path, err)
		}
	}
}
