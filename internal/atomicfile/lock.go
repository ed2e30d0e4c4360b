package atomicfile

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked is the error of [Lock] if another process has the file.
var ErrLocked = errors.New("another run is writing to it; wait for its end, or name another one")

// Lock takes the exclusive lock of an open file or folder, which no two
// processes have at a time: it ends when f is closed, or with the process. The
// error is [ErrLocked] if another has it. Windows has no locks of folders: there
// is nothing to wait for.
func Lock(f *os.File) error {
	switch err := lock(f, false); {
	case err == nil:
		return nil
	case errors.Is(err, errHeld):
		return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
	case errors.Is(err, errors.ErrUnsupported):
		return nil // a file system without locks: there is nothing to wait for
	default:
		return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
}
