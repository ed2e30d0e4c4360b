// Package atomicfile writes files that are either whole or absent.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write lets write fill a temporary file beside path, flushes it to the disk
// and renames it to path. If anything fails, a full disk included, whatever
// stood at path before is still there and the temporary file is gone.
func Write(path string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	// The same folder, so that the rename cannot cross file systems.
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() {
		if cleanup := f.Cleanup(); err == nil {
			err = cleanup
		}
	}()
	if err := write(f); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return syncDir(dir)
}

// syncDir makes the rename itself survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ErrLocked is the error of [Lock] if another process has the file.
var ErrLocked = errors.New("another run is writing to it; wait for its end, or name another one")
